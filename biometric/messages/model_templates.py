"""What is said of models and of what they run on; a part of `templates.TEMPLATES`."""

from collections.abc import Mapping
from typing import Final

from biometric.entities.notices import NoticeCode

MODEL_TEMPLATES: Final[Mapping[NoticeCode, str]] = {
    NoticeCode.STARTER_WEIGHTS: (
        "{Role} uses starter weights, less accurate: `python -m biometric models fetch` gets the recommended ones."
    ),
    NoticeCode.ALL_STARTER_WEIGHTS: (
        "Detector and embedder use starter weights, less accurate: `python -m biometric models fetch` gets the "
        "recommended ones."
    ),
    NoticeCode.STARTER_WEIGHTS_NAMED: (
        "{setting} names starter weights, which are less accurate than the recommended ones. Leave it unset to use "
        "those."
    ),
    NoticeCode.STARTER_WITHOUT_TORCH: (
        "{Role} uses starter weights, less accurate: the recommended {recommended} needs torch, which is not "
        'installed. Install it with pip install "sightline[torch]" (in a copy of the sources: make run), or name an '
        "OpenVINO export with {setting}."
    ),
    NoticeCode.SUPERSEDED_WEIGHTS: (
        "{setting} names {title}, whose file is not on this machine: {successor} took its place and serves. A gallery "
        "made with {title} cannot be used with it."
    ),
    NoticeCode.REPLACEMENT_WEIGHTS: (
        "{title} serves as {role_name}, because the recommended {recommended} is not on this machine. Fetch it with: "
        "python -m biometric models fetch {role}"
    ),
    NoticeCode.BETTER_WEIGHTS_PRESENT: "{title} can serve as {role_name} now: start Sightline again to use it.",
    NoticeCode.INPUT_FORMAT_ASSUMED: (
        "{file} has no description; {format} are assumed. Put {description} beside it to say otherwise."
    ),
    NoticeCode.DETECTOR_ON_CPU: "The detector {detector} runs on the CPU: its file is an export that CUDA cannot run.",
    NoticeCode.DEVICE_FAILED: (
        "The graphics card ({device}) stopped working, so the processor goes on, more slowly. The log says what was "
        "wrong; start Sightline again to use the card."
    ),
}
"""By code; the names in braces are those of the notice's values."""
