"""Named endpoints for verdicts: say whether an answer is right, list what was said, take it back."""

from typing import Any

import gradio as gr
from gradio import events

from biometric.domain.person_choice import one_person
from biometric.domain.verdict_desk import read_word
from biometric.errors import InvalidInput
from biometric.errors.phrases import Phrase
from biometric.messages.translation import gettext as _
from biometric.results import answer_json as results
from biometric.results.person_edit_json import read_edits
from biometric.ui import api
from biometric.ui.browser_input import parse_int
from biometric.ui.call_values import read_name, read_person, read_threshold
from biometric.ui.endpoint_runs import run_endpoint
from biometric.ui.page import Page


class VerdictEndpoints(api.Endpoints):
    """The endpoints for verdicts of one running server.

    Args:
        page: the shared service and uploads; only uploaded files are accepted.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._verdicts = page.service.verdicts

    def record_verdict(
        self,
        clip: gr.FileData,
        verdict: str,
        name: str | None = None,
        from_frame: int | None = None,
        to_frame: int | None = None,
        person: int | None = None,
        claim: bool = False,
        threshold: float | None = None,
        gallery: str | None = None,
        accept_damaged: bool = False,
        edits: list[dict[str, Any]] | None = None,
        thorough: bool = False,
    ) -> dict[str, Any]:
        """Say whether the person in a video or photograph is the identity that was answered; later answers follow it.

        Args:
            clip: the video or photograph.
            verdict: "confirmed", "wrong" (from now on this person is not answered to be that identity) or "undecided".
            name: the identity; the answered one, else the closest one, if left out.
            from_frame: first frame to use, counted from 0; the first of the clip if left out.
            to_frame: last frame to use, included; the last of the clip if left out.
            person: number of the person, from 1, when several people are in these frames.
            claim: judge a verification of `name` instead of an identification.
            threshold: score from which on it is a match, from -1 to 1; the default if left out.
            gallery: folder of the gallery, inside the configured one.
            accept_damaged: use a clip that cannot be read to its end.
            edits: who is joined or split first, in this order, as `/enroll` takes them.
            thorough: look for people in each analysed frame, as the answer that is judged did.
        """

        def run() -> dict[str, Any]:
            word, service = read_word(verdict), self._page.service
            limit, folder = read_threshold(threshold), self._gallery(gallery)
            changes = read_edits(edits)
            identity = None if name is None or name == "" else read_name(name)
            if claim is True and identity is None:
                raise InvalidInput("Say which claim is judged: give its name.")
            with self._observed(clip, from_frame, to_frame, accept_damaged, thorough=thorough) as observed:
                observed = service.edits.apply(observed, changes, gallery=folder)
                number = one_person(observed, read_person(person), Phrase("judge")).person
                if claim is True:
                    answer = service.verify(observed, str(identity), number, threshold=limit, gallery=folder)
                    recorded = self._verdicts.record(observed, answer, word, identity, gallery=folder)
                else:
                    answers = service.identify(observed, threshold=limit, gallery=folder)
                    [found] = [item for item in answers if item.observation.person == number]
                    recorded = self._verdicts.record(observed, found, word, identity, gallery=folder)
            return results.recorded_verdict_json(recorded)

        return run_endpoint(run)

    def verdicts(self, gallery: str | None = None) -> list[dict[str, Any]]:
        """List what was said of answers about people who are enrolled, the latest first.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """
        return run_endpoint(
            lambda: [results.verdict_json(item) for item in self._verdicts.listed(self._gallery(gallery))]
        )

    def remove_verdict(self, verdict: int, gallery: str | None = None) -> dict[str, Any]:
        """Take back what was said of an answer.

        Args:
            verdict: number of the verdict (`id` of `/verdicts`).
            gallery: folder of the gallery, inside the configured one.
        """
        return run_endpoint(
            lambda: results.change_json(
                self._verdicts.withdraw(parse_int(verdict, _("The number of the verdict")), self._gallery(gallery))
            )
        )


def register(endpoints: VerdictEndpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    options = {"concurrency_id": api.MODEL_WORK, "concurrency_limit": api.CALLS_AT_ONCE}
    events.api(endpoints.record_verdict, api_name="record_verdict", **options)
    events.api(endpoints.verdicts, api_name="verdicts")
    events.api(endpoints.remove_verdict, api_name="remove_verdict")
