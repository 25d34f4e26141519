"""Named endpoints for sightings: what `python -m biometric sightings …` does, for programs and tools."""

from typing import Any

from gradio import events

from biometric.entities.sighting_queries import MOST, SightingFilter
from biometric.errors import InvalidInput
from biometric.messages.sighting_sentences import (
    describe_camera,
    describe_certainty,
    describe_comparing,
    describe_time_source,
    describe_when,
    describe_who,
)
from biometric.messages.translation import gettext as _
from biometric.results.answer_json import threshold_json
from biometric.results.sighting_json import hits_json, sighting_json
from biometric.ui.browser_input import parse_int
from biometric.ui.call_values import read_camera, read_name, read_threshold
from biometric.ui.endpoint_runs import run_endpoint
from biometric.ui.page import Page


class SightingEndpoints:
    """The endpoints for sightings of one running server."""

    def __init__(self, page: Page) -> None:
        self._service = page.service

    def sightings(
        self,
        name: str | None = None,
        unknown: bool = False,
        camera: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 24,
        offset: int = 0,
    ) -> dict[str, Any]:
        """List who was seen where and when in kept footage, the latest first.

        Args:
            name: only of this person; of everybody if left out.
            unknown: only of nobody enrolled.
            camera: only of this camera, "" for the unknown one; of all if left out.
            since: only from then on, such as "2026-04-12 15:30".
            until: only before then.
            limit: most sightings in the answer, at most 1000.
            offset: so many sightings are passed over.
        """

        def run() -> dict[str, Any]:
            wanted = self._filter(name, unknown is True, camera, since, until, limit, offset)
            found, total = self._service.sightings.find(wanted)
            names = self._service.library.names()
            return {"total": total, "sightings": [sighting_json(item, names) for item in found]}

        return run_endpoint(run)

    def similar_sightings(
        self,
        sighting: str,
        camera: str | None = None,
        since: str | None = None,
        until: str | None = None,
        least: float | None = None,
        limit: int = 24,
        offset: int = 0,
    ) -> dict[str, Any]:
        """Rank the sightings of all cameras and times by how much they look like one of them.

        Args:
            sighting: id of the example, as `sightings` gives it.
            camera: only of this camera, "" for the unknown one; of all if left out.
            since: only from then on, such as "2026-04-12 15:30".
            until: only before then.
            least: leave out lower scores, from -1 to 1; all if left out.
            limit: most sightings in the answer, at most 1000.
            offset: so many sightings are passed over.
        """

        def run() -> dict[str, Any]:
            desk, names = self._service.sightings, self._service.library.names()
            wanted = self._filter(None, False, camera, since, until, limit, offset)
            lowest = read_threshold(least)
            found = desk.like(_text(sighting), wanted, -1.0 if lowest is None else lowest)
            threshold = desk.threshold()
            text, hits = describe_comparing(threshold, found.compared), hits_json(found.hits, names)
            counts = {"compared": found.compared, "more": found.has_more}
            return {"text": text, **counts, **threshold_json(threshold), "sightings": hits}

        return run_endpoint(run)

    def last_seen(self, name: str, camera: str | None = None) -> dict[str, Any]:
        """Say when and where somebody enrolled was last seen in kept footage, and how sure that is.

        Args:
            name: the name of the enrolled person.
            camera: at this camera, "" for the unknown one; anywhere if left out.
        """

        def run() -> dict[str, Any]:
            found = self._service.sightings.last_seen(read_name(name), read_camera(camera))
            if found is None:
                return {
                    "text": _("There is no sighting of {name} there.").format(name=read_name(name)),
                    "sighting": None,
                }
            names = self._service.library.names()
            text = _("{who}, {when} ({source}), {camera}, {clip}.").format(
                who=describe_who(found, names),
                when=describe_when(found),
                source=describe_time_source(found),
                camera=describe_camera(found.camera),
                clip=found.clip_name,
            )
            sure = describe_certainty(found)
            if sure:
                text = f"{text} {_('How sure: {certainty}.').format(certainty=sure)}"
            return {"text": text, "sighting": sighting_json(found, names)}

        return run_endpoint(run)

    def sightings_remove(self, sighting: str) -> dict[str, Any]:
        """Delete a sighting with its picture, at once and for good.

        Args:
            sighting: its id, as `sightings` gives it.
        """
        return run_endpoint(lambda: {"removed": self._service.sightings.remove([_text(sighting)])})

    def _filter(
        self,
        name: object,
        unknown: bool,
        camera: object,
        since: object,
        until: object,
        limit: object,
        offset: object,
    ) -> SightingFilter:
        identity = None if name is None or name == "" else self._service.gallery().find(read_name(name)).id
        if unknown and identity is not None:
            raise InvalidInput("A name and unknown people exclude each other. Leave one out.")
        most, first = parse_int(limit, "limit"), parse_int(offset, "offset")
        if not 1 <= most <= MOST:
            raise InvalidInput("limit must be from 1 to {most}.", most=MOST)
        if first < 0:
            raise InvalidInput("offset must be 0 or more.")
        moment = self._service.sightings.moment
        return SightingFilter(
            identity_id=identity,
            unnamed=unknown,
            camera=read_camera(camera),
            since=None if since is None or since == "" else moment(_text(since)),
            until=None if until is None or until == "" else moment(_text(until)),
            limit=most,
            offset=first,
        )


def register_sightings(endpoints: SightingEndpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    events.api(endpoints.sightings, api_name="sightings")
    events.api(endpoints.similar_sightings, api_name="similar_sightings")
    events.api(endpoints.last_seen, api_name="last_seen")
    events.api(endpoints.sightings_remove, api_name="sightings_remove")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("An id, a name or a time must be text.")
    return value
