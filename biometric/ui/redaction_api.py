"""The named endpoint that hides people in footage: what `python -m biometric redact` does, for programs."""

from typing import Any

import gradio as gr
from gradio import events

from biometric.entities.progress import finish
from biometric.entities.redaction import DEFAULT_MARGIN, Hiding, RedactionChoice, RedactionOptions
from biometric.errors import InvalidInput
from biometric.results.redaction_json import redaction_json
from biometric.ui import api
from biometric.ui.browser_input import parse_int
from biometric.ui.call_values import read_camera, read_threshold
from biometric.ui.callers import caller_waits, require_caller
from biometric.ui.endpoint_runs import run_endpoint


class RedactionEndpoints(api.Endpoints):
    """The endpoint for redaction of one running server; only uploaded files are accepted."""

    def redact(
        self,
        clip: gr.FileData,
        from_frame: int | None = None,
        to_frame: int | None = None,
        keep: list[str] | None = None,
        hide: list[str] | None = None,
        hide_unknown: bool = False,
        method: str | None = None,
        strength: int | None = None,
        margin: float = DEFAULT_MARGIN,
        keep_sound: bool = False,
        allow_remaining: bool = False,
        threshold: float | None = None,
        gallery: str | None = None,
        accept_damaged: bool = False,
        camera: str | None = None,
    ) -> dict[str, Any]:
        """Write a clip or photograph in which everybody is hidden, or whom you say, into the clip's query folder.

        Args:
            clip: the video or photograph.
            from_frame: first frame to write, counted from 0; the first of the clip if left out.
            to_frame: last frame to write, included; the last of the clip if left out.
            keep: names of those who are shown; everybody else is hidden.
            hide: names of those who are hidden, with whoever may be one of them.
            hide_unknown: everybody who is not enrolled is hidden.
            method: blur, pixels, box or silhouette; what was measured, else box, if left out.
            strength: of blur 3, 5, 15, 25 or 45, of pixels 2, 4, 8, 16 or 32; the strongest if left out.
            margin: what is hidden around people, as a share of their height.
            keep_sound: copy the sound; voices identify people, too.
            allow_remaining: keep the result although somebody is seen in it who should be hidden.
            threshold: score from which on somebody is sure to be who they seem; the model card's if left out.
            gallery: folder of the gallery, inside the configured one.
            accept_damaged: use a clip that cannot be read to its end.
            camera: name of the camera that the clip is from; what the file says if left out.
        """

        def run() -> dict[str, Any]:
            choice = _choice(keep, hide, hide_unknown is True)
            options = _options(method, strength, margin, keep_sound is True, allow_remaining is True)
            limit, folder, named = read_threshold(threshold), self._gallery(gallery), read_camera(camera)
            upload, label = self._clip(clip)
            service = self._page.service
            with (
                self._page.uploads.borrowed(upload) as path,
                self._page.model_turns.turn(lambda: not caller_waits()),
            ):
                require_caller()
                work = service.redactor.redact(
                    path,
                    None,
                    choice,
                    options,
                    self._frames(path, from_frame, to_frame),
                    label=label,
                    accept_damaged=accept_damaged is True,
                    camera=named,
                    threshold=limit,
                    gallery=folder,
                )
                redaction = finish(work, require_caller)
                return {**redaction_json(redaction), "file": redaction.path.name}  # not where the server keeps it

        return run_endpoint(run)


def register(endpoints: RedactionEndpoints) -> None:
    """Attach the endpoint to the page under construction, with its documentation."""
    options = {"concurrency_id": api.MODEL_WORK, "concurrency_limit": api.CALLS_AT_ONCE}
    events.api(endpoints.redact, api_name="redact", **options)


def _choice(keep: object, hide: object, hide_unknown: bool) -> RedactionChoice:
    lists = [names for names in ([] if value is None else value for value in (keep, hide)) if isinstance(names, list)]
    if len(lists) < 2:
        raise InvalidInput("Names are given as a list, also a single one.")
    return RedactionChoice.chosen(lists[0], lists[1], hide_unknown)


def _options(method: object, strength: object, margin: object, *ticks: bool) -> RedactionOptions:
    if not (method is None or isinstance(method, str)):
        raise InvalidInput("The method must be text.")
    if isinstance(margin, bool) or not isinstance(margin, int | float):
        raise InvalidInput("The margin must be a number from 0 to 2.")
    number = None if strength is None else parse_int(strength, "strength")
    return RedactionOptions(Hiding.asked(method, number), float(margin), *ticks)
