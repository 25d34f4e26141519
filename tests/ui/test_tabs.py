"""The tabs' handlers on a real service and drawn people, called as Gradio calls them; no browser, no server."""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from biometric.entities import ChangeKind
from biometric.ui import verification_tab
from biometric.ui.build import Interface
from biometric.ui.field_errors import Field
from biometric.ui.jobs import Job
from biometric.ui.page import Steps, Updates
from biometric.ui.session import FILES_JOB, Footage, Session
from tests.ui.scenery import make_service

Clips = dict[str, Path]
Meanwhile = Callable[[], object]

AS_BY_DEFAULT = (None, "", "", "", False)
"""The fields of the legal basis, as they are where the gallery has a default."""


class Desk:
    """Somebody at an open page."""

    def __init__(self, root: Path, **changes: Any) -> None:
        self.interface = Interface(make_service(root, **changes))
        self.page = self.interface.page
        self.service = self.page.service
        self.enrollment = self.interface.enrollment
        self.verification = self.interface.verification
        self.identification = self.interface.identification
        self.people = self.interface.people
        self.request: Any = SimpleNamespace(session_hash="page")
        self.session: Session = self.page.session(self.request)

    def component_id(self, component: Any) -> int:
        """The number by which the page's configuration calls a component."""
        blocks = self.interface.blocks.blocks
        return next(number for number, block in blocks.items() if block is component)

    def upload(self, clip: Path) -> Path:
        """Put a clip where uploads lie."""
        with self.page.uploads.arriving(clip.stat().st_size) as folder:
            (folder / "0").mkdir()
            shutil.copyfile(clip, folder / "0" / clip.name)
            [path] = self.page.uploads.arrived(folder)
        return path

    def open(self, tab: Any, clip: Path) -> Footage:
        said = run(tab.panel.on_clip_uploaded(str(self.upload(clip)), self.request))
        assert "sl-field-error" not in str(said), said
        return self.session.footage(tab.panel.tab)

    def footage(self, tab: Any) -> tuple[int, int, bool, str | None, bool]:
        footage = self.session.footage(tab.panel.tab)
        return footage.first, footage.last, footage.accept_damaged, footage.camera, footage.thorough

    def enroll_pressed(self, name: str) -> Steps:
        return self.enrollment.submit(self.request, name, *AS_BY_DEFAULT, *self.footage(self.enrollment))

    def enroll(self, name: str, clip: Path | None = None, meanwhile: Meanwhile | None = None) -> str:
        if clip is not None:
            self.open(self.enrollment, clip)
        steps = self.enroll_pressed(name)
        return str(run(steps, meanwhile)[self.enrollment.answer])

    def claim(self, name: str) -> Updates:
        identity = self.service.gallery().find(name)
        return self.verification.claim(act("claim", identity.id), self.request)

    def verify(self, meanwhile: Meanwhile | None = None) -> Updates:
        return run(self.verification.submit(*self.footage(self.verification), self.request), meanwhile)

    def identify(self, gallery: str = "", meanwhile: Meanwhile | None = None, query: str = "") -> Updates:
        """Return the answer, and what the job that writes the files shows afterwards, as the page would show them."""
        tab = self.identification
        updates = run(tab.submit(gallery, query, *self.footage(tab), self.request), meanwhile)
        return {**updates, **self.written()}

    def written(self) -> Updates:
        """Wait for the files of the last answer; return what their job showed."""
        job = self.session.jobs.latest(FILES_JOB)
        return {} if job is None else shown_by(job)

    def names(self) -> list[str]:
        return [identity.name for identity in self.page.identities()]


def shown_by(job: Job) -> Updates:
    """Return all that a job shows until its end, the last of each component."""

    async def follow() -> Updates:
        updates: Updates = {}
        async for update in job.follow():
            updates.update({part: value for part, value in update.items() if value != gr.skip()})
        return updates

    with ThreadPoolExecutor(1) as thread:  # an event loop of the browser's may run in this thread
        found = thread.submit(asyncio.run, follow()).result()
    return {part: value.get("value", value) for part, value in found.items()}


def act(action: str, value: object) -> Any:
    return SimpleNamespace(_data={"action": action, "value": str(value)})


def run(steps: Steps, meanwhile: Meanwhile | None = None) -> Updates:
    """Return all updates of a handler, the last of each component; `meanwhile` happens once the clip is being read."""
    updates: Updates = {}
    for update in steps:
        updates.update(update)
        if meanwhile is not None and "Loading models" in str(update):
            meanwhile, happen = None, meanwhile
            happen()
    assert meanwhile is None, "the clip was not read"
    return updates


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = sit_down(tmp_path, monkeypatch)
    yield desk
    desk.service.close()


def sit_down(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Desk:
    """Return somebody at a page whose data are below a folder, with `changes` as of `make_service`."""
    uploads = folder / "uploads"
    uploads.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))

    async def open_page() -> Desk:
        return Desk(folder / "data", **changes)

    # Gradio opens an event loop where none runs and never closes it; and one of the browser's may run in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, open_page()).result()


@contextmanager
def desk_with_two_enrolled(folder: Path, clips: Clips, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Give somebody at a page where Ada and Ben are enrolled; their files are written before the service closes."""
    desk = sit_down(folder, monkeypatch)
    desk.enroll("Ada", clips["one"])
    desk.enroll("Ben", clips["other"])
    yield desk
    desk.written()
    desk.service.close()


# --- an answer is about the frames and the clip that the page shows ---------------------------------------------------


def test_frames_moved_while_they_are_read_give_no_verdict(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["again"])
    desk.claim("Ada")
    panel = desk.verification.panel
    said = desk.verify(lambda: panel.on_frames_moved(5, 20, desk.request))[desk.verification.answer]
    assert "The footage was changed" in said
    assert "Match" not in said
    assert desk.session.footage("verification").observed is None
    assert not desk.session.answered
    assert "Match: this is Ada" in desk.verify()[desk.verification.answer]
    observed = desk.session.footage("verification").observed
    assert observed is not None
    assert (observed.frames.first, observed.frames.last) == (5, 20)


def test_frames_moved_while_they_are_read_enroll_nobody(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["one"])
    said = desk.enroll("Ada", meanwhile=lambda: desk.enrollment.panel.on_frames_moved(20, 35, desk.request))
    assert "frames were changed" in said
    assert desk.names() == []
    assert "kept from frames 2" in desk.enroll("Ada")  # 20 or later, not the former 0


def test_frames_moved_while_they_are_read_identify_nobody(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    said = desk.identify(meanwhile=lambda: desk.identification.panel.on_frames_moved(0, 9, desk.request))
    assert "frames were changed" in said[desk.identification.answer]
    assert desk.session.identifications == ()


def test_a_clip_replaced_while_it_is_read_enrolls_nobody(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["one"])
    said = desk.enroll("Ada", meanwhile=lambda: desk.open(desk.enrollment, clips["other"]))
    assert "The footage was replaced while it was read. Nothing was stored." in said
    assert desk.names() == []
    assert desk.session.footage("enrollment").label == "other.mp4"
    desk.open(desk.enrollment, clips["again"])
    said = desk.enroll("Ada", meanwhile=lambda: desk.enrollment.panel.on_another_clip(desk.request))
    assert "replaced" in said
    assert desk.names() == []


def test_clip_and_frames_rest_while_a_job_runs(desk: Desk) -> None:
    for tab in (desk.enrollment, desk.verification, desk.identification):
        panel = tab.panel
        for component in (panel.first, panel.last, panel.accept, panel.another, panel.submit):
            assert panel.busy()[component]["interactive"] is False
            assert panel.idle()[component]["interactive"] is True
    dependencies = desk.interface.blocks.config["dependencies"]
    cancelled = {one["targets"][0] for one in dependencies if one["cancels"]}
    for tab in (desk.enrollment, desk.verification, desk.identification):
        assert (desk.component_id(tab.panel.another), "click") in cancelled
        assert (desk.component_id(tab.panel.drop), "upload") in cancelled

    def first(trigger: tuple[int, str], key: str) -> int:
        return next(one["id"] for one in dependencies if trigger in one["targets"] and one[key])

    for tab in (desk.enrollment, desk.verification, desk.identification):
        upload = (desk.component_id(tab.panel.drop), "upload")
        assert first(upload, "cancels") < first(upload, "backend_fn")  # else it hits a job started meanwhile


def test_numbers_outside_the_clip_are_sent_back_as_its_ends(desk: Desk, clips: Clips) -> None:
    footage = desk.open(desk.verification, clips["one"])
    panel = desk.verification.panel
    updates = panel.on_frames_moved(99999, 99999, desk.request)
    assert (updates[panel.first]["value"], updates[panel.last]["value"]) == (39, 39)
    assert (footage.first, footage.last) == (39, 39)
    assert panel.first not in panel.on_frames_moved(3, 20, desk.request)
    payload = panel.first.preprocess(99999)  # Gradio's own slider raises here, before any handler
    assert payload == 99999


def test_a_moved_handle_changes_the_range_and_takes_the_answer_away(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["again"])
    desk.claim("Ada")
    desk.verify()
    panel, footage = desk.verification.panel, desk.session.footage("verification")
    updates = panel.on_handle_moved(act("step", "first:0:0"), desk.request)  # where it is already
    assert desk.session.answered
    updates = panel.on_handle_moved(act("move", "first:1.25"), desk.request)
    assert (footage.first, footage.last) == (12, 29)
    assert (updates[panel.first]["value"], updates[panel.last]["value"]) == (12, 29)
    assert "frames 12–29 · 0:01.2–0:02.9 · 18 frames" in updates[panel.ends]
    assert 'aria-valuenow="12"' in updates[panel.timeline]
    assert "Verify a claim" in updates[desk.verification.answer]
    assert not desk.session.answered
    panel.on_handle_moved(act("here", "last:0.5"), desk.request)
    assert (footage.first, footage.last) == (0, 5)
    assert "could not be understood" in panel.on_handle_moved(act("move", "first:x"), desk.request)[panel.ends]
    assert (footage.first, footage.last) == (0, 5)


def test_reversed_frames_take_the_answer_away(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["again"])
    desk.claim("Ada")
    desk.verify()
    panel = desk.verification.panel
    updates = panel.on_frames_moved(25, 10, desk.request)
    assert "From frame 25 comes after To frame 10" in updates[panel.places.note(Field.RANGE)]
    assert "Verify a claim" in updates[desk.verification.answer]
    assert not desk.session.answered
    assert desk.session.footage("verification").observed is None


def test_people_whose_crops_were_cleared_away_are_read_again(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["three"])
    assert "3 people can be enrolled" in desk.enroll("Blue")
    desk.enrollment.chose("Blue", act("person", 3), desk.request)
    observed = desk.session.footage("enrollment").observed
    assert observed is not None
    shutil.rmtree(observed.folder)
    assert "Blue is enrolled" in desk.enroll("Blue")  # the person stays chosen
    reference = desk.page.references()(desk.page.identities()[0].id)[0]
    assert all(crop.is_file() for crop in reference.crops)
    assert reference.first_frame >= 13  # the third person comes in late


# --- the threshold shown is the one that decides ----------------------------------------------------------------------


def test_a_threshold_outside_the_slider_becomes_its_end_and_is_sent_back(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["again"])
    desk.claim("Ada")
    desk.verify()
    box = desk.verification.box
    assert box.slider.preprocess(7) == 7
    updates = box.on_slider_moved(7, desk.request)
    assert updates[box.slider]["value"] == 1.0
    assert desk.session.thresholds["verification"].value == 1.0
    assert "Threshold 1.00, set by you" in updates[box.note]
    assert re.search(r"threshold 1\.0+ \(set by you\)", updates[desk.verification.answer])
    assert box.slider not in box.on_slider_moved(0.6, desk.request)
    assert "must be a number" in str(box.on_slider_moved("seven", desk.request))
    assert desk.session.thresholds["verification"].value == 0.6


def test_a_threshold_is_told_although_the_answer_fails(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    desk.identify()
    desk.service.gallery().remove(desk.page.identities()[0].id)  # in another window
    box = desk.identification.box
    updates = box.on_slider_moved(0.5, desk.request)
    assert "Threshold 0.50, set by you" in updates[box.note]
    assert "Nobody is enrolled yet" in updates[desk.identification.answer]
    assert updates[desk.identification.contact_sheet] == ""


def test_the_header_says_that_a_threshold_was_set_by_the_person(desk: Desk) -> None:
    about = desk.interface.header.about
    desk.page.warm()
    assert "set by you" not in desk.interface.on_threshold_changed(desk.request)[about]
    desk.verification.box.on_slider_moved(0.4, desk.request)
    said = desk.interface.on_threshold_changed(desk.request)[about]
    assert "Threshold 0.40, set by you." in said
    assert "Threshold 0.572, from the model card" in said


def test_nothing_is_said_of_models_and_thresholds_until_the_models_are_loaded(desk: Desk) -> None:
    header = desk.interface.header
    said = header.render(desk.session)
    assert "loading models" in said[header.state]
    assert "Loading models" in said[header.about]
    for words in ("coats", "Threshold", "0 people"):
        assert words not in said[header.about]
    desk.page.warm()
    said = header.render(desk.session)
    assert said[header.state] == ""
    for words in ("coats-16", "Threshold 0.514", "0 people", "CPU · test", "Version", "Compares clothing and build"):
        assert words in said[header.about]


def test_a_gallery_of_another_model_is_told_on_top_once_the_models_are_known(
    desk: Desk, clips: Clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.enroll("Ada", clips["one"])
    header = desk.interface.header.notices
    monkeypatch.setattr(desk.service.models, "embedder_id", lambda: "starter-embedder")
    assert "of the model coats-16" not in desk.interface.on_threshold_changed(desk.request)[header]
    desk.page.warm()
    said = desk.interface.on_threshold_changed(desk.request)[header]
    assert "templates of the model coats-16, not of starter-embedder" in said
    assert "SIGHTLINE_EMBEDDER" in said
    monkeypatch.undo()
    assert "of the model coats-16" not in desk.interface.on_threshold_changed(desk.request)[header]


# --- Verification -----------------------------------------------------------------------------------------------------


def test_with_several_people_nobody_makes_the_claim_until_somebody_is_chosen(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["three"])
    desk.claim("Ada")
    for _ in range(2):
        updates = desk.verify()
        assert "3 people are in these frames" in updates[desk.verification.answer]
        assert 'aria-checked="true"' not in updates[desk.verification.contact_sheet]
    updates = desk.verification.chose(act("person", 1), desk.request)
    assert "Match: this is Ada" in updates[desk.verification.answer]
    assert updates[desk.verification.contact_sheet].count('aria-checked="true"') == 1
    assert "Match: this is Ada" in desk.verify()[desk.verification.answer]


def test_a_search_keeps_the_claim_in_sight(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.enroll("Ben", clips["other"])
    desk.claim("Ada")
    html = desk.verification.searched("ben", desk.request)[desk.verification.claims]
    assert re.search(r'aria-checked="true"[^>]*data-action="claim".*?>Ada</span>', html)
    assert ">Ben</span>" in html


def test_a_search_holds_after_a_claim_and_after_a_change_of_the_gallery(
    desk: Desk, clips: Clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification_tab, "SEARCH_FROM", 2)
    for name, clip in (("Ada", "one"), ("Ben", "other"), ("Bea", "avi")):
        desk.enroll(name, clips[clip])
    tab = desk.verification
    tab.searched("be", desk.request)
    desk.claim("Ben")
    for html in (tab.render_claims(desk.session)[tab.claims], tab.on_tab_opened(desk.session)[tab.claims]):
        assert ">Bea</span>" in html
        assert ">Ada</span>" not in html
    monkeypatch.setattr(verification_tab, "SEARCH_FROM", 3)  # the search box is gone, and its text with it
    assert ">Ada</span>" in tab.render_claims(desk.session)[tab.claims]


def test_a_failed_verification_takes_the_former_verdict_away(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["three"])
    desk.claim("Ada")
    desk.verify()
    desk.verification.chose(act("person", 1), desk.request)
    desk.session.claimed = None
    updates = desk.verify()
    assert "Choose who the person claims to be" in updates[desk.verification.claim_note]
    assert updates[desk.verification.contact_sheet] == ""


# --- Identification ---------------------------------------------------------------------------------------------------


def test_a_failed_identification_takes_the_former_answer_away(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    assert "1 of 1 person identified" in desk.identify()[desk.identification.answer]
    assert desk.session.gallery is None
    updates = desk.identify("other")
    assert "Nobody is enrolled" in updates[desk.identification.answer]
    for component in desk.identification.panel.answers[1:]:
        assert "Ada" not in str(updates[component])
        assert "href" not in str(updates[component])
    assert desk.session.identifications == ()
    assert desk.session.gallery is None
    assert "1 of 1 person identified" in desk.identify()[desk.identification.answer]


def test_a_query_folder_that_takes_no_files_does_not_cost_the_answer(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    query = desk.service.settings.query
    query.mkdir(parents=True, exist_ok=True)
    (query / "file").touch()
    updates = desk.identify(query="file")
    assert "1 of 1 person identified" in updates[desk.identification.answer]
    assert "cannot be written" in updates[desk.identification.writing.status]
    assert updates[desk.identification.writing.files] == ""


def test_an_unknown_person_is_enrolled_where_they_were_looked_for(desk: Desk, clips: Clips) -> None:
    other = desk.service.settings.gallery / "other"
    desk.open(desk.identification, clips["three"])
    observed = run(desk.identification.panel.observe(desk.session, desk.session.footage("identification")))
    assert observed
    seen = desk.session.footage("identification").observed
    assert seen is not None
    desk.service.enroll(seen, "Ada", 1, gallery=other)
    desk.identify("other")
    updates = desk.identification.on_grid_clicked(act("enroll", 2), desk.request)
    assert "goes into the gallery “other”" in updates[desk.enrollment.answer]
    said = desk.enroll("Ben")
    assert "Stored in the gallery “other”" in said
    assert "Ben is enrolled" in said
    assert desk.names() == []
    assert [one.name for one in desk.service.gallery(other).identities()] == ["Ada", "Ben"]
    desk.enrollment.panel.on_frames_moved(0, 12, desk.request)  # other frames are a new enrollment, in the usual place
    assert desk.session.footage("enrollment").gallery is None


# --- the gallery ------------------------------------------------------------------------------------------------------


def test_answers_follow_the_gallery(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ben", clips["other"])
    desk.enroll("Ada", clips["one"])
    desk.claim("Ada")
    for tab in (desk.verification, desk.identification):
        desk.open(tab, clips["again"])
    desk.verify()
    desk.identify()
    gallery = desk.service.gallery()
    gallery.rename(gallery.find("Ada").id, "Countess")
    updates = desk.interface.sync.on_changed(desk.request)
    assert "Match: this is Countess" in updates[desk.verification.answer]
    assert "Countess" in updates[desk.identification.contact_sheet]
    assert "before this change" in updates[desk.identification.writing.status]
    assert "The gallery was changed" in updates[desk.enrollment.answer]
    gallery.remove(gallery.find("Countess").id)
    updates = desk.interface.sync.on_changed(desk.request)
    assert "Countess" not in str([value for key, value in updates.items()])
    assert "The gallery was changed" in updates[desk.verification.answer]
    assert "0 of 1 person identified" in updates[desk.identification.answer]
    assert desk.enrollment.answer not in updates


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_a_clip_that_two_people_upload_serves_both_and_goes_with_the_last(desk: Desk, clips: Clips) -> None:
    waiting = desk.upload(clips["one"])  # of a call that waits in the queue
    footage = desk.open(desk.enrollment, clips["one"])
    assert waiting.is_file()
    with desk.page.uploads.borrowed(waiting) as own:
        assert not waiting.exists()
        assert own.read_bytes() == clips["one"].read_bytes()
    assert not own.exists()
    assert footage.clip is not None
    assert footage.clip.is_file()
    assert not list(desk.page.uploads.root.glob("call-*"))


# --- a slip does not spoil an identity -------------------------------------------------------------------------------


def references(desk: Desk) -> dict[str, int]:
    return {identity.name: identity.reference_count for identity in desk.page.identities()}


def say(desk: Desk, action: str) -> Updates:
    """Press a button of the question."""
    return desk.enrollment.answered(act(action, ""), desk.request)


def test_the_next_clip_is_not_enrolled_under_the_name_of_the_last_one(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    assert desk.enrollment.name_after_change("Ada", desk.request) == ""
    assert desk.enrollment.name_after_change("Ben", desk.request) != ""
    said = desk.enroll("Ada", clips["other"])  # somebody types it again all the same
    assert "Looks like a different person" in said
    assert said.count("data:image/jpeg") == 2
    assert re.search(r"<strong>score 0\.\d+</strong>", said)
    assert "threshold 0.514 (model card)" in said
    assert re.search(r'data-action="add"[^>]* disabled', said)
    assert "is enrolled" not in re.sub("is enrolled already", "", said)
    assert references(desk) == {"Ada": 1}


def test_below_the_threshold_a_tick_comes_before_the_button(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    cover = desk.page.identities()[0].thumbnail
    desk.enroll("Ada", clips["other"])
    assert (
        "Looks like a different person" in say(desk, "add")[desk.enrollment.answer]
    )  # a button that rests, pressed by a script
    assert references(desk) == {"Ada": 1}
    said = say(desk, "same")[desk.enrollment.answer]
    assert 'aria-checked="true"' in said
    assert not re.search(r'data-action="add"[^>]* disabled', said)
    assert re.search(r'data-action="add"[^>]* disabled', say(desk, "same")[desk.enrollment.answer])
    say(desk, "same")
    said = say(desk, "add")[desk.enrollment.answer]
    assert "Ada has another reference" in said
    assert "Looks like a different person" in said
    assert references(desk) == {"Ada": 2}
    assert desk.page.identities()[0].thumbnail == cover


def test_adding_to_an_existing_name_asks_with_both_pictures(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    said = desk.enroll("ada", clips["again"])
    assert "Ada is enrolled already" in said
    assert "Add to Ada</button>" in said
    assert said.count("data:image/jpeg") == 2
    assert "score 1.00" in said
    assert references(desk) == {"Ada": 1}
    assert "Ada has another reference" in say(desk, "add")[desk.enrollment.answer]
    assert references(desk) == {"Ada": 2}
    assert "Already enrolled" in desk.enroll("Ada")
    assert "changed" in say(desk, "add")[desk.enrollment.answer]  # the question was answered
    assert references(desk) == {"Ada": 2}


def test_another_name_is_asked_for(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.enroll("Ada", clips["other"])
    updates = say(desk, "other_name")
    assert updates[desk.enrollment.name] == ""
    assert "Enroll a person" in updates[desk.enrollment.answer]
    assert "Ben is enrolled" in desk.enroll("Ben")
    assert references(desk) == {"Ada": 1, "Ben": 1}


@pytest.mark.parametrize("change", ["clip", "another", "frames", "person", "sample"])
def test_an_answer_to_a_question_about_something_else_stores_nothing(desk: Desk, clips: Clips, change: str) -> None:
    desk.enroll("Ada", clips["one"])
    desk.enroll("Ada", clips["three"])
    assert "enrolled already" in desk.enroll("Ada")
    if change == "clip":
        desk.open(desk.enrollment, clips["other"])
    elif change == "another":
        desk.enrollment.panel.on_another_clip(desk.request)
    elif change == "frames":
        desk.enrollment.panel.on_frames_moved(3, 30, desk.request)
    else:
        observed = desk.session.footage("enrollment").observed
        assert observed is not None
        value = 2 if change == "person" else observed.observations[0].kept[0].detection.crop_name
        updates = desk.enrollment.chose("Ada", act(change, value), desk.request)
        assert "enrolled already" not in updates[desk.enrollment.answer]
    assert "was changed" in say(desk, "add")[desk.enrollment.answer]
    assert references(desk) == {"Ada": 1}


def test_a_chosen_person_takes_the_used_name_away(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["three"])
    desk.enroll("Ada")
    assert desk.enrollment.name not in desk.enrollment.chose("Ada", act("person", 3), desk.request)
    assert "Ada is enrolled" in desk.enroll("Ada")
    assert "3 people can be enrolled" in desk.enroll("Ben")  # the next one of these frames is asked about anew
    assert desk.enrollment.name not in desk.enrollment.chose("Ben", act("person", 1), desk.request)
    assert desk.enrollment.chose("Ada", act("person", 2), desk.request)[desk.enrollment.name] == ""
    assert "Ben is enrolled" in desk.enroll("Ben")


def test_a_person_handed_over_comes_without_a_name(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["three"])
    desk.identify()
    updates = desk.identification.on_grid_clicked(act("enroll", 2), desk.request)
    assert updates[desk.enrollment.name] == ""


def test_a_missing_name_is_told_at_its_field(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["one"])
    updates = run(desk.enroll_pressed(" "))
    assert "<strong>Name missing.</strong>" in updates[desk.enrollment.name_note]
    assert "sl-bad" not in str(updates.get(desk.enrollment.answer))
    assert run(desk.enroll_pressed("Ada"))[desk.enrollment.name_note] == ""


def press(desk: Desk, word: str) -> Updates:
    """Press the button of the line under the enrollment."""
    line = desk.enrollment.undo.render(desk.session)[desk.enrollment.undo.line]
    (number,) = re.findall(rf'data-action="undo" data-value="(\d+)"[^>]*>{word}<', line)
    return desk.enrollment.undone(act("undo", number), desk.request)


def test_an_enrollment_can_be_undone_from_a_line_that_stays(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.enrollment, clips["again"])
    desk.enroll("Ada")
    say(desk, "add")
    assert references(desk) == {"Ada": 2}
    desk.open(desk.enrollment, clips["other"])  # the line stays
    updates = press(desk, "Undo")
    assert references(desk) == {"Ada": 1}
    assert "Redo" in updates[desk.enrollment.undo.line]
    press(desk, "Redo")
    assert references(desk) == {"Ada": 2}
    press(desk, "Undo")
    assert "enrolled already" in desk.enroll("Ada", clips["again"])  # nothing says that it is enrolled just now


@pytest.mark.parametrize("value", ["", "-1", "9999", "x", "1e9", "0"])
def test_only_the_change_of_the_line_is_undone(desk: Desk, clips: Clips, value: str) -> None:
    assert "nothing to undo" in str(desk.enrollment.undone(act("undo", "1"), desk.request))
    desk.enroll("Ben", clips["other"])
    first = desk.session.noted_changes["enrollment"]
    desk.enroll("Ada", clips["one"])
    for number in (value, str(first[0]) if first else ""):
        assert "sl-bad" in desk.enrollment.undone(act("undo", number), desk.request)[desk.enrollment.answer]
    assert references(desk) == {"Ada": 1, "Ben": 1}


def test_an_enrollment_into_another_gallery_is_undone_there(desk: Desk, clips: Clips) -> None:
    other = desk.service.settings.gallery / "other"
    desk.open(desk.enrollment, clips["one"])
    desk.session.footage("enrollment").gallery = other
    desk.enroll("Ada")
    assert [identity.name for identity in desk.service.gallery(other).identities()] == ["Ada"]
    press(desk, "Undo")
    assert desk.service.gallery(other).is_empty()


def test_nothing_is_said_of_a_gallery_that_was_not_read(desk: Desk) -> None:
    built = [desk.verification.claims, desk.interface.people.main]
    assert all("sl-coming" in part.value and "Nobody" not in part.value for part in built)


# --- the camera -------------------------------------------------------------------------------------------------------


def test_a_camera_goes_with_the_footage_and_is_stored(desk: Desk, clips: Clips) -> None:
    panel = desk.enrollment.panel
    desk.open(desk.enrollment, clips["one"])
    assert panel.on_camera_named("  Back   door ", desk.request) == {panel.places.note(Field.CAMERA): ""}
    desk.enroll("Ada")
    gallery = desk.service.gallery()
    assert gallery.cameras() == ["Back door"]
    updates = panel.render(desk.open(desk.enrollment, clips["again"]))
    assert (updates[panel.camera]["value"], updates[panel.camera]["choices"]) == ("Back door", ["Back door"])
    carried = desk.verification.panel.carry_footage(desk.session)
    assert carried[desk.verification.panel.camera]["value"] == "Back door"


def test_another_camera_reads_no_frame_again(desk: Desk, clips: Clips) -> None:
    desk.enroll("Ada", clips["one"])
    desk.open(desk.verification, clips["again"])
    desk.claim("Ada")
    desk.verify()
    footage = desk.session.footage("verification")
    first = footage.observed
    footage.camera = "Yard"
    desk.verify()
    assert first is not None
    assert footage.observed is not None
    assert (first.camera, footage.observed.camera) == ("", "Yard")
    assert footage.observed.folder == first.folder, "its crops are the ones that were cut before"
    footage.camera = None
    desk.verify()
    assert not footage.observed.camera_given


def test_a_camera_that_cannot_be_used_is_told_at_its_field(desk: Desk, clips: Clips) -> None:
    panel = desk.enrollment.panel
    note = panel.places.note(Field.CAMERA)
    desk.open(desk.enrollment, clips["one"])
    for camera in ("x" * 101, "a\x07b"):
        assert "This camera cannot be used" in panel.on_camera_named(camera, desk.request)[note]
        updates = run(desk.enrollment.submit(desk.request, "Ada", *AS_BY_DEFAULT, 0, 39, False, camera, False))
        assert "This camera cannot be used" in updates[note]
    assert desk.service.gallery().is_empty()


def test_enrolling_again_with_another_camera_names_the_camera_of_the_reference(desk: Desk, clips: Clips) -> None:
    footage = desk.open(desk.enrollment, clips["one"])
    footage.camera = "Hall"
    desk.enroll("Ada")
    gallery = desk.service.gallery()
    assert "Already enrolled" in desk.enroll("Ada")
    footage.camera = "Yard"
    said = desk.enroll("Ada")
    assert "Camera changed" in said
    assert "The camera of the reference is Yard now; it was Hall." in said
    [reference] = gallery.references(gallery.find("Ada").id)
    assert reference.camera == "Yard"
    change = gallery.changes()[0]
    assert change.kind is ChangeKind.CAMERA_NAMED
    desk.enrollment.undone(act("undo", str(change.id)), desk.request)
    assert gallery.cameras() == ["Hall"]
    assert "Camera changed" in desk.enroll("Ada"), "the field still says Yard"
    assert gallery.reference_count() == 1
    gallery.remove(gallery.find("Ada").id)
    assert "is enrolled" in desk.enroll("Ada")
