"""Named endpoints: the same service and the same JSON as the command line, for programs and, where switched on, MCP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import events

from biometric.entities import FrameRange, ObservedClip, clean_label
from biometric.entities.progress import finish
from biometric.errors import EmptyClip, InvalidInput, PathRefused
from biometric.results import answer_json as results
from biometric.results.person_edit_json import read_edits
from biometric.storage import resolve_inside
from biometric.ui.browser_input import parse_int
from biometric.ui.call_values import read_basis, read_camera, read_folder, read_name, read_person, read_threshold
from biometric.ui.callers import caller_waits, require_caller
from biometric.ui.endpoint_runs import run_endpoint
from biometric.ui.page import Page

MODEL_WORK = "model"
"""Concurrency id of all endpoints that run models; their models run in the page's line of turns, one at a time."""
CALLS_AT_ONCE = 4
"""Calls that are worked on at a time, so that one whose files are being written holds up no other."""


class Endpoints:
    """The endpoints of one running server.

    Args:
        page: the shared service and uploads; only uploaded files are accepted.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def enroll(
        self,
        clip: gr.FileData,
        name: str,
        from_frame: int | None = None,
        to_frame: int | None = None,
        person: int | None = None,
        gallery: str | None = None,
        accept_damaged: bool = False,
        add: bool = False,
        force: bool = False,
        edits: list[dict[str, Any]] | None = None,
        camera: str | None = None,
        thorough: bool = False,
        basis: str | None = None,
        purpose: str | None = None,
        responsible: str | None = None,
        basis_note: str | None = None,
    ) -> dict[str, Any]:
        """Enroll a person seen in a video or photograph under a name. Answers what was kept, and what not and why.

        Args:
            clip: the video or photograph.
            name: the person's name; one that exists is refused unless `add` is true.
            from_frame: first frame to use, counted from 0; the first of the clip if left out.
            to_frame: last frame to use, included; the last of the clip if left out.
            person: number of the person, from 1, when several people are in these frames.
            gallery: folder of the gallery, inside the configured one.
            accept_damaged: use a clip that cannot be read to its end.
            add: give an existing name another reference, because it is the same person.
            force: with `add`, do so although the person scores below the threshold and looks like somebody else.
            edits: who is joined or split first, in this order: {"edit": "join", "people": [3, 7]} or {"edit": "split",
                "person": 4, "frame": 120}, with numbers of a former answer.
            camera: name of the camera that the clip is from; what the file says if left out.
            thorough: look for people in each analysed frame, also where nothing changes.
            basis: legal basis: consent, contract, employment, legal-claim, research-protocol or other; the gallery's
                default if left out, as the three that follow.
            purpose: what the references are for.
            responsible: who answers for the enrollment.
            basis_note: anything else, such as where a signed consent is kept.
        """

        def run() -> dict[str, Any]:
            changes, folder = read_edits(edits), self._gallery(gallery)
            default = self._page.service.gallery(folder).default_basis()
            given = read_basis(default, basis, purpose, responsible, basis_note)
            with self._observed(
                clip, from_frame, to_frame, accept_damaged, camera=camera, thorough=thorough
            ) as observed:
                enrollment = self._page.service.enroll(
                    self._page.service.edits.apply(observed, changes, gallery=folder),
                    read_name(name),
                    read_person(person),
                    gallery=folder,
                    add=add is True,
                    force=force is True,
                    given=given,
                )
            return results.enrollment_json(enrollment, observed)

        return run_endpoint(run)

    def verify(
        self,
        clip: gr.FileData,
        name: str,
        from_frame: int | None = None,
        to_frame: int | None = None,
        person: int | None = None,
        threshold: float | None = None,
        gallery: str | None = None,
        accept_damaged: bool = False,
        edits: list[dict[str, Any]] | None = None,
        camera: str | None = None,
        thorough: bool = False,
    ) -> dict[str, Any]:
        """Decide whether the person in a video or photograph is who the name says: match, no match, no decision.

        Args:
            clip: the video or photograph.
            name: the name of the enrolled person.
            from_frame: first frame to use, counted from 0; the first of the clip if left out.
            to_frame: last frame to use, included; the last of the clip if left out.
            person: number of the person who makes the claim, from 1, when several people are in these frames.
            threshold: score from which on it is a match, from -1 to 1; the model card's if left out.
            gallery: folder of the gallery, inside the configured one.
            accept_damaged: use a clip that cannot be read to its end.
            edits: who is joined or split first, in this order, as `/enroll` takes them.
            camera: name of the camera that the clip is from; what the file says if left out.
            thorough: look for people in each analysed frame, also where nothing changes.
        """

        def run() -> dict[str, Any]:
            limit, folder, changes = read_threshold(threshold), self._gallery(gallery), read_edits(edits)
            with self._observed(
                clip, from_frame, to_frame, accept_damaged, camera=camera, thorough=thorough
            ) as observed:
                observed = self._page.service.edits.apply(observed, changes, gallery=folder)
                verification = self._page.service.verify(
                    observed, read_name(name), read_person(person), threshold=limit, gallery=folder
                )
            return results.verification_json(verification, observed)

        return run_endpoint(run)

    def identify(
        self,
        clip: gr.FileData,
        from_frame: int | None = None,
        to_frame: int | None = None,
        threshold: float | None = None,
        gallery: str | None = None,
        query: str | None = None,
        write_files: bool = False,
        accept_damaged: bool = False,
        edits: list[dict[str, Any]] | None = None,
        camera: str | None = None,
        thorough: bool = False,
    ) -> dict[str, Any]:
        """Identify everybody in a video or photograph: each person with decision, score, margin, closest candidates.

        Args:
            clip: the video or photograph.
            from_frame: first frame to use, counted from 0; the first of the clip if left out.
            to_frame: last frame to use, included; the last of the clip if left out.
            threshold: score from which on somebody is identified, from -1 to 1; the model card's if left out.
            gallery: folder of the gallery, inside the configured one.
            query: folder for what is written, inside the configured one.
            write_files: also write crops, annotated clip or photograph, CSV, JSON and timeline below the query folder.
            accept_damaged: use a clip that cannot be read to its end.
            edits: who is joined or split first, in this order, as `/enroll` takes them.
            camera: name of the camera that the clip is from; what the file says if left out.
            thorough: look for people in each analysed frame, also where nothing changes.
        """

        def run() -> dict[str, Any]:
            folder = resolve_inside(self._page.service.settings.query, read_folder(query))
            limit, where, service = read_threshold(threshold), self._gallery(gallery), self._page.service
            files: dict[str, str | None] | None = None
            changes = read_edits(edits)
            target = folder if write_files is True else None
            with self._observed(clip, from_frame, to_frame, accept_damaged, target, camera, thorough) as observed:
                observed = service.edits.apply(observed, changes, gallery=where)
                identifications = service.identify(observed, threshold=limit, gallery=where)
                if write_files is True:
                    written = finish(service.write_outputs(observed, identifications, folder, where), require_caller)
                    files = written.file_names()
            return results.identification_json(identifications, files, observed)

        return run_endpoint(run)

    def identities(self, gallery: str | None = None) -> list[dict[str, Any]]:
        """List everybody enrolled, by name, with counts and dates.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> list[dict[str, Any]]:
            listed = self._page.service.gallery(self._gallery(gallery)).identities()
            return [results.identity_json(identity) for identity in listed]

        return run_endpoint(run)

    def set_camera(self, reference: str, camera: str, gallery: str | None = None) -> dict[str, Any]:
        """Say which camera a reference was seen by, and nothing else of it.

        Args:
            reference: its id, as `/enroll` gives it.
            camera: name of the camera; "" for the unknown one.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            named = read_camera(camera) or ""
            if not isinstance(reference, str):
                raise InvalidInput("The reference must be text.")
            return results.change_json(self._page.service.gallery(self._gallery(gallery)).set_camera(reference, named))

        return run_endpoint(run)

    def _gallery(self, text: str | None) -> Path | None:
        if text is None or text == "":
            return None
        if not isinstance(text, str):
            raise PathRefused("The gallery must be a path.")
        return resolve_inside(self._page.service.settings.gallery, text)

    @contextmanager
    def _observed(
        self,
        clip: Any,
        first: Any,
        last: Any,
        accept: Any,
        target: Path | None = None,
        camera: object = None,
        thorough: object = False,
    ) -> Iterator[ObservedClip]:
        """Observe an uploaded clip, which is the call's own until the context ends, and goes then.

        Args:
            target: folder that files will be written below; refused before the analysis if it cannot take them.
        """
        upload, label = self._clip(clip)
        named = read_camera(camera)
        service = self._page.service
        with self._page.uploads.borrowed(upload) as path:
            frames = self._frames(path, first, last)
            if target is not None:
                service.check_outputs(path, frames, target, label=label)
            with self._page.model_turns.turn(lambda: not caller_waits()):  # given back before files are written
                require_caller()
                said = {"accept_damaged": accept is True, "thorough": thorough is True}
                work = service.observe(path, frames, label=label, camera=named, **said)
                observed = finish(work, require_caller)
            require_caller()  # nothing is stored for nobody
            yield observed

    def _frames(self, path: Path, first: Any, last: Any) -> FrameRange | None:
        """Return the range that a caller gave, None where none was."""
        if first is None and last is None:
            return None
        end = self._page.service.probe(path).frame_count - 1 if last is None else parse_int(last, "to_frame")
        return FrameRange.inclusive(0 if first is None else parse_int(first, "from_frame"), end)

    def _clip(self, clip: Any) -> tuple[Path, str]:
        """Return path and name of an uploaded clip; a path that Gradio did not give for an upload is refused."""
        data = clip if isinstance(clip, dict) else getattr(clip, "model_dump", dict)()
        text = data.get("path")
        if not isinstance(text, str) or not text:
            raise EmptyClip("There is no clip. Upload a video or photograph.")
        try:
            path = Path(text).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            path = Path("/")
        if not self._page.uploads.is_upload(path):
            raise PathRefused("The clip must be an uploaded file. Upload it with the same client, then pass it on.")
        label = data.get("orig_name")
        name = Path(label).name if isinstance(label, str) else ""
        return path, clean_label(name or path.name)


def register(endpoints: Endpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    events.api(endpoints.enroll, api_name="enroll", concurrency_id=MODEL_WORK, concurrency_limit=CALLS_AT_ONCE)
    events.api(endpoints.verify, api_name="verify", concurrency_id=MODEL_WORK, concurrency_limit=CALLS_AT_ONCE)
    events.api(endpoints.identify, api_name="identify", concurrency_id=MODEL_WORK, concurrency_limit=CALLS_AT_ONCE)
    events.api(endpoints.identities, api_name="identities")
    events.api(endpoints.set_camera, api_name="set_camera")
