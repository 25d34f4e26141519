"""Gradio components made for this page: clickable HTML, and footage players."""

from abc import ABCMeta
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from biometric.messages.translation import gettext as _
from biometric.settings import Settings
from biometric.ui.text_format import escape

ASSETS = Path(__file__).parent / "assets"


@cache
def asset(name: str) -> str:
    """Return the text of a file of `assets`."""
    return (ASSETS / name).read_text(encoding="utf-8")


# Gradio's own slider raises on a number outside its range, before any handler of ours: the page then shows one number
# and the server holds another. This one hands on what was sent; handlers check it. It is made without Gradio's
# metaclass, which would write a stub file beside this module.
Slider: Any = ABCMeta.__new__(
    type(gr.Slider),
    "Slider",
    (gr.Slider,),
    {"__module__": __name__, "is_template": True, "preprocess": lambda self, payload: payload},
)


def area(
    value: str = "",
    *,
    elem_id: str | None = None,
    css: str = "",
    visible: bool = True,
    scripts: Sequence[str] = ("area.js",),
) -> gr.HTML:
    """Return a place for HTML whose `data-action` elements send the component's `act` event (action, value)."""
    return gr.HTML(
        value,
        js_on_load="\n".join(f"{{\n{asset(script)}}}" for script in scripts),  # each with names of its own
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["sl-area", *css.split()],
        visible=visible,
    )


def field_note_area(tab: str, field: str) -> gr.HTML:
    """Return the `area` beside a field of a tab, for what is wrong with it."""
    return area(elem_id=f"{tab}-{field}-note", css="sl-note")


def answer_area(value: str, *, elem_id: str) -> gr.HTML:
    """Return the `area` of a tab's answer, which comes into view when it was asked for."""
    return area(value, elem_id=elem_id, css="sl-answer", scripts=("area.js", "answer.js"))


def on_act(component: gr.HTML, handler: Callable[..., Any], inputs: Any = None, **options: Any) -> Any:
    """Listen to the `act` event of an `area`.

    Each click counts, in its order: by Gradio's default (`trigger_mode="once"`) one that comes while an earlier one is
    answered is lost. Pass that for a button that shall act once, however often it is pressed.
    """
    return component.act(handler, inputs, **{"trigger_mode": "multiple", "concurrency_limit": 1, **options})


def webcam(label: str) -> gr.Video:
    """Return a recorder whose picture is not mirrored (a mirrored person is another template) and without sound.

    Sound is switched off where the browser records; `include_audio=False` would make Gradio start FFmpeg instead.
    """
    constraints = {"video": {"width": {"ideal": 1280}, "height": {"ideal": 720}}, "audio": False}
    options = gr.WebcamOptions(mirror=False, constraints=constraints)
    return gr.Video(label=label, sources=["webcam"], webcam_options=options, include_audio=True, height=240)


def file_url(path: Path) -> str:
    """Return the address, relative to the page, of a file in the private folder."""
    return "gradio_api/file=" + quote(str(path), safe="/")


def player(path: Path, label: str, size: tuple[int, int] | None = None) -> str:
    """Return a video player for a file in the private folder.

    Args:
        path: the file.
        label: what screen readers say.
        size: width and height in pixels, where known: the page keeps the place, so that nothing moves when the
            browser has read the file.
    """
    place = "" if size is None else f' width="{size[0]}" height="{size[1]}"'
    return (
        f'<video class="sl-player" controls muted playsinline preload="metadata" aria-label="{escape(label)}"{place} '
        f'src="{escape(file_url(path))}"></video>'
    )


def thorough_choice(elem_id: str, *, visible: bool) -> gr.Checkbox:
    """Build the tick by which frames are looked at that would be skipped otherwise."""
    return gr.Checkbox(
        label=_("Look at every frame"),
        info=_("Slower. Otherwise people are not looked for while nothing changes or they walk on as before."),
        visible=visible,
        elem_id=elem_id,
    )


def skips_frames(settings: Settings) -> bool:
    """Return whether frames are skipped by the settings, so that `thorough_choice` is to be offered."""
    return settings.analysis_fps > 0 and not settings.thorough


def camera_choice(info: str, elem_id: str, *, visible: bool = True) -> gr.Dropdown:
    """Build the field in which a camera is typed or chosen."""
    return gr.Dropdown(
        label=_("Camera"),
        info=info,
        choices=[],
        value=None,
        allow_custom_value=True,
        visible=visible,
        elem_id=elem_id,
    )
