"""`identify` over several clips and folders: an answer for each, and one table over all."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from biometric.cli import streams
from biometric.cli.command_support import DONE, WRONG, run, show
from biometric.entities import Identification, NewAnswer, ObservedClip
from biometric.errors import BiometricError, InvalidInput
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.results.answer_json import identification_json
from biometric.results.occurrences import AnsweredClip, PersonOccurrences, occurrences_json, occurrences_table
from biometric.service import Sightline
from biometric.storage.footage_folders import folder_camera, list_clips

MOST_CLIPS = 100_000
"""Most clips of a folder."""


def named_clips(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the clips that arguments name, each once: files as they are, folders by what lies in them.

    Returns:
        The camera that the clip's folder tells, by path; "" for files.

    Raises:
        InvalidInput: a folder holds no clip, or cannot be read.
    """
    clips: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            clips.update({clip: folder_camera(path, clip) for clip in list_clips(path, MOST_CLIPS).clips})
        else:
            clips.setdefault(path, "")
    return clips


def are_several(paths: Sequence[Path]) -> bool:
    """Whether a table is wanted: more than one clip, or a folder, was named."""
    return len(paths) > 1 or paths[0].is_dir()


def identify_several(
    service: Sightline, options: argparse.Namespace, say_answer: Callable[[ObservedClip, Sequence[Identification]], str]
) -> int:
    """Identify the people of each clip, then print one table; a clip that fails does not end it.

    Args:
        say_answer: returns the answer about a clip in words.

    Returns:
        The exit status: 2 where a clip could not be answered.

    Raises:
        InvalidInput: options for one clip were given.
        BiometricError: an option, or the gallery, cannot be used.
    """
    if options.report is not None or any((options.first is not None, options.last is not None, options.edits)):
        raise InvalidInput(
            "--from, --to, --report, --join, --join-anyway, --split and --split-tracks are for one clip. Leave them "
            "out, or name one clip."
        )
    results: list[dict[str, Any]] = []
    answered: list[AnsweredClip] = []
    failed = 0
    for clip, folder in named_clips(options.clips).items():
        label = str(clip)
        camera = folder if folder and options.folders_are_cameras else options.camera
        options.when_interrupted = ngettext(
            "{n:,} clip was answered", "{n:,} clips were answered", len(answered)
        ).format(n=len(answered))
        try:
            observed, answer = _observe_and_identify(service, options, clip, camera)
            if not options.json:
                streams.answer(f"{label}\n{say_answer(observed, answer)}")
                streams.finish_output()
            files = None
            if not options.no_files:
                files = run(service.write_outputs(observed, answer, options.output)).as_dict()
        except BiometricError as error:
            failed += 1
            results.append({"clip": label, "error": describe_error(error)})
            streams.say(f"{label}: {describe_error(error)}")
            continue
        results.append({"clip": label, **identification_json(answer, files, observed)})
        people = NewAnswer.of_identifications(answer).people
        answered.append(AnsweredClip(str(clip), label, observed.video.recorded_at, people))
    rows = occurrences_table(answered, service.library.names())
    table = "\n".join(["", *(row_text(row) for row in rows)]) if rows else ""
    show(options, {"clips": results, "people": [occurrences_json(row) for row in rows]}, table)
    return WRONG if failed else DONE


def row_text(row: PersonOccurrences) -> str:
    """Return "Ada: 4 clips, first 09:12, last 17:40"."""
    clips = ngettext("{count} clip", "{count} clips", row.clip_count).format(count=row.clip_count)
    if row.identity_id is None:
        name = _("Unknown ({number})").format(number=len(row.occurrences))
    else:
        name = row.name or _("erased")
    text = _("{name}: {clips}, first {first}, last {last}")
    return text.format(name=name, clips=clips, first=row.first_words(), last=row.last_words())


def _observe_and_identify(
    service: Sightline, options: argparse.Namespace, clip: Path, camera: str | None
) -> tuple[ObservedClip, tuple[Identification, ...]]:
    if not options.no_files:
        service.check_outputs(clip, None, options.output)
    observed = run(service.observe(clip, None, accept_damaged=True, camera=camera))
    return observed, service.identify(observed, threshold=options.threshold)
