"""Named endpoints of the library: what `python -m biometric library …` does, for programs."""

from typing import Any

from gradio import events

from biometric.entities import AnswerKind
from biometric.errors import InvalidInput
from biometric.results.library_json import kept_answer_json, kept_clip_json
from biometric.ui.browser_input import parse_int
from biometric.ui.endpoint_runs import run_endpoint
from biometric.ui.page import Page

MOST = 1000
"""Most clips or answers that one call gives."""


class LibraryEndpoints:
    """The endpoints of one running server."""

    def __init__(self, page: Page) -> None:
        self._keeper = page.service.library

    def library(self, text: str | None = None, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """List kept clips with their answers, the last answered first.

        Args:
            text: part of the name of a clip, of somebody found in it, or of its camera; all clips if left out.
            limit: most clips in the answer, at most 1000.
            offset: so many clips are passed over.
        """

        def run() -> dict[str, Any]:
            clips, total = self._keeper.clips(_text(text), limit=_limit(limit), offset=_offset(offset))
            names = self._keeper.names()
            return {"total": total, "clips": [kept_clip_json(clip, names) for clip in clips]}

        return run_endpoint(run)

    def library_show(self, clip: str) -> dict[str, Any]:
        """Show a kept clip with its answers.

        Args:
            clip: its id, as `library` gives it.
        """
        return run_endpoint(lambda: kept_clip_json(self._keeper.clip(_text(clip)), self._keeper.names()))

    def library_remove(self, clip: str) -> dict[str, Any]:
        """Remove a kept clip with its answers, at once and for good.

        Args:
            clip: its id, as `library` gives it.
        """

        def run() -> dict[str, Any]:
            removed = self._keeper.remove(_text(clip))
            return {"removed": removed.id, "name": removed.label}

        return run_endpoint(run)

    def library_history(self, kind: str | None = None, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """List who was enrolled, verified and identified in kept clips, newest first.

        Args:
            kind: enrollment, verification or identification; all if left out.
            limit: most answers, at most 1000.
            offset: so many answers are passed over.
        """

        def run() -> dict[str, Any]:
            answers, total = self._keeper.history(_kind(kind), _limit(limit), _offset(offset))
            names = self._keeper.names()
            return {"total": total, "answers": [kept_answer_json(answer, names) for answer in answers]}

        return run_endpoint(run)


def register_library(endpoints: LibraryEndpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    events.api(endpoints.library, api_name="library")
    events.api(endpoints.library_show, api_name="library_show")
    events.api(endpoints.library_remove, api_name="library_remove")
    events.api(endpoints.library_history, api_name="library_history")


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("The name or id must be text.")
    return value


def _kind(value: object) -> AnswerKind | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in set(AnswerKind):
        raise InvalidInput("The kind must be one of {kinds}.", kinds=", ".join(AnswerKind))
    return AnswerKind(value)


def _limit(value: object) -> int:
    number = parse_int(value, "limit")
    if not 1 <= number <= MOST:
        raise InvalidInput("limit must be from 1 to {most}.", most=MOST)
    return number


def _offset(value: object) -> int:
    number = parse_int(value, "offset")
    if number < 0:
        raise InvalidInput("offset must be 0 or more.")
    return number
