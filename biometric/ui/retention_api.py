"""Named endpoints for how long references last, and for legal holds."""

from typing import Any

from gradio import events

from biometric.entities import Retention
from biometric.errors import InvalidInput
from biometric.messages.life_cycle_sentences import describe_retention_change
from biometric.ports import Gallery
from biometric.results.answer_json import change_json
from biometric.results.life_cycle_json import lifetime_json, retention_json
from biometric.ui import api
from biometric.ui.call_values import read_name
from biometric.ui.endpoint_runs import run_endpoint


class RetentionEndpoints(api.Endpoints):
    """The endpoints for retention of one running server."""

    def retention(self, gallery: str | None = None) -> dict[str, Any]:
        """Tell how long references are matched with and kept, and of each person until when, and what holds it.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            opened = self._page.service.gallery(self._gallery(gallery))
            opened.mark_purges_shown()
            return _shown(opened)

        return run_endpoint(run)

    def set_retention(
        self,
        matching_days: float | None = None,
        keeping_days: float | None = None,
        name: str | None = None,
        as_gallery: bool = False,
        confirm: bool = False,
        gallery: str | None = None,
    ) -> dict[str, Any]:
        """Set how long references are matched with and kept; without `confirm`, only tell what that would change.

        Args:
            matching_days: days of matching after the enrollment; as they are if left out.
            keeping_days: days until deletion after the enrollment; as they are if left out.
            name: the person for whom alone that holds; everybody without days of their own if left out.
            as_gallery: with a name: what holds for everybody holds for this person again.
            confirm: set it. What is overdue by that is deleted a day later.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            opened = self._page.service.gallery(self._gallery(gallery))
            person = None if name is None or name == "" else opened.find(read_name(name)).id
            days = read_days(matching_days), read_days(keeping_days)
            wanted = None if as_gallery is True and person is not None else chosen_retention(opened, person, *days)
            if as_gallery is True and (person is None or days != (None, None)):
                raise InvalidInput("as_gallery needs a name and no days.")
            before, after = opened.lifetimes(), opened.preview_retention(wanted, person)
            if confirm is True:
                opened.set_retention(wanted, person)
            opened.mark_purges_shown()
            people = [lifetime_json(item) for item in after if item not in before]
            told = describe_retention_change(before, after)
            return {"set": confirm is True, "people": people, "text": told, **retention_json(opened.retention())}

        return run_endpoint(run)

    def hold(self, name: str, reason: str = "", gallery: str | None = None) -> dict[str, Any]:
        """Put a person under a legal hold: until it is released, nothing of this person is deleted.

        Args:
            name: the person.
            reason: why, such as a file number.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            opened = self._page.service.gallery(self._gallery(gallery))
            if not isinstance(reason, str):
                raise InvalidInput("The reason must be text.")
            return change_json(opened.hold(opened.find(read_name(name)).id, reason))

        return run_endpoint(run)

    def release(self, name: str, gallery: str | None = None) -> dict[str, Any]:
        """End a person's legal hold. What became overdue under it stays for one more day.

        Args:
            name: the person.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            opened = self._page.service.gallery(self._gallery(gallery))
            return change_json(opened.release(opened.find(read_name(name)).id))

        return run_endpoint(run)


def read_days(value: object) -> float | None:
    """Return days that somebody gave, None where none were. Raises `InvalidInput`: they are no number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("Days must be numbers.")
    return float(value)


def chosen_retention(gallery: Gallery, person: str | None, matching: float | None, keeping: float | None) -> Retention:
    """Return the days of everybody or of one person, with those that were given in place of what holds now.

    Raises:
        InvalidRetention: they cannot be used.
        InvalidInput: neither is given.
    """
    if matching is None and keeping is None:
        raise InvalidInput("Say for how many days references are matched with and kept.")
    former = next((item.retention for item in gallery.lifetimes() if item.identity_id == person), gallery.retention())
    return former.with_days(matching, keeping)


def _shown(gallery: Gallery) -> dict[str, Any]:
    people = [lifetime_json(item) for item in gallery.lifetimes()]
    return {**retention_json(gallery.retention()), "people": people}


def register(endpoints: RetentionEndpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    events.api(endpoints.retention, api_name="retention")
    events.api(endpoints.set_retention, api_name="set_retention")
    events.api(endpoints.hold, api_name="hold")
    events.api(endpoints.release, api_name="release")
