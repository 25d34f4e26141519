"""What clicks on the People tab do, on a real gallery: no browser, no Gradio."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biometric.clips.crops import JpegCropStore
from biometric.domain import recognition
from biometric.entities import GalleryChange, Identity, Purpose, Retention, Threshold, ThresholdSource
from biometric.errors import InvalidInput, NameTaken, UnknownIdentity, UnknownReference
from biometric.gallery.repository import SQLiteGallery
from biometric.ui import people_actions
from biometric.ui.gallery_history import undo_line
from biometric.ui.people_desk import PeopleDesk
from biometric.ui.people_state import PEOPLE_AT_ONCE, PeopleState
from biometric.ui.picture_uris import Pictures
from tests.builders import axis, observed_clip, person
from tests.ui.test_templating import HOSTILE, Seen

SHOWN = HOSTILE.replace("\u202e", "")


def threshold(purpose: Purpose = "verification") -> Threshold:
    return Threshold(0.5, ThresholdSource.MODEL_CARD)


class Visit:
    """Somebody on the People tab."""

    def __init__(self, root: Path) -> None:
        self.gallery = SQLiteGallery(root / "gallery")
        self.folder = root / "crops"
        pictures = Pictures(JpegCropStore())
        self.desk = PeopleDesk(lambda: self.gallery, threshold, pictures, 7)
        self.state = PeopleState()

    def enroll(self, name: str, number: int, *, box: int = 1, first: int = 0, lean: float = 0.0) -> Identity:
        observed = observed_clip(self.folder, person(box, self.folder, axis(number, lean), first))
        options = {"add": True, "force": True}
        return recognition.enroll(self.gallery, observed, name, None, (), threshold, **options).identity

    def click(self, action: str, value: str = "") -> GalleryChange | None:
        return people_actions.act(self.desk, self.state, action, value)

    def search(self, text: str) -> str:
        self.state.query = text
        return self.shown()

    def shown(self) -> str:
        """What a reader sees."""
        return Seen(self.desk.html(self.state)).text

    def names(self) -> list[str]:
        return [identity.name for identity in self.gallery.identities()]

    def references(self, name: str) -> list[str]:
        return [reference.id for reference in self.gallery.references(self.gallery.find(name).id)]

    def samples(self, name: str) -> list[str]:
        return [
            f"{reference.id}/{crop.name}"
            for reference in self.gallery.references(self.gallery.find(name).id)
            for crop in reference.crops
        ]

    def undo_line(self) -> str:
        return Seen(undo_line(self.gallery.changes(), self.state.noted)).text

    def undo(self) -> None:
        self.click("undo", str(self.state.noted))

    def open(self, name: str) -> Identity:
        identity = self.gallery.find(name)
        self.click("open", identity.id)
        return identity


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    visit = Visit(tmp_path)
    yield visit
    visit.gallery.close()


# --- everybody --------------------------------------------------------------------------------------------------------


def test_everybody_is_shown_with_counts(visit: Visit) -> None:
    assert "Nobody is enrolled yet" in visit.shown()
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1)
    visit.enroll("Ben", 2)
    shown = visit.shown()
    assert "2 people" in shown
    assert "Ada" in shown
    assert "2 references" in shown


def test_a_search_holds_after_an_edit(visit: Visit) -> None:
    for number, name in enumerate(["Ada Lovelace", "Ben", "Ådam"]):
        visit.enroll(name, number)
    assert "Ben" not in visit.search("ada ")
    ada = visit.gallery.find("Ada Lovelace")
    visit.gallery.rename(ada.id, "Ada King")  # here or in another browser: the text is still in the field
    shown = visit.shown()
    assert "Ada King" in shown
    assert "Ben" not in shown
    assert "No name contains “nobody”" in visit.search("nobody")


def test_many_people_come_in_portions(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit.state, "shown", 2)
    for number in range(4):
        visit.enroll(f"Person {number}", number)
    shown = visit.shown()
    assert "Person 1" in shown
    assert "Person 2" not in shown
    assert "2 people more" in shown
    visit.click("more")
    assert "Person 3" in visit.shown()
    assert visit.state.focus == f"open:{visit.gallery.find('Person 2').id}"
    assert visit.state.shown == 2 + PEOPLE_AT_ONCE


@pytest.mark.parametrize("place", ["everybody", "person", "rename", "erase", "same person", "last word", "history"])
def test_a_hostile_name_is_shown_as_it_is(visit: Visit, place: str) -> None:
    ada, other = visit.enroll(SHOWN, 0), visit.enroll("Ben", 1)
    if place != "everybody":
        visit.click("open", ada.id)
    steps: dict[str, list[tuple[str, str]]] = {
        "rename": [("ask-name", "")],
        "erase": [("ask-erase", "")],
        "same person": [("open", other.id), ("same-person", "")],
        "last word": [("same-person", ""), ("face", other.id)],
        "history": [("remove", ada.id), ("history", "")],
    }
    for step in steps.get(place, []):
        visit.click(*step)
    seen = Seen(visit.desk.html(visit.state) + undo_line(visit.gallery.changes(), visit.state.noted))
    assert SHOWN in seen.text + "".join(value or "" for name, value in seen.attributes if name == "value")
    assert "onerror" not in dict(seen.attributes)
    assert "script" not in seen.tags


# --- one person -------------------------------------------------------------------------------------------------------


def test_a_page_shows_all_references_and_samples(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1, first=20)
    visit.open("Ada")
    shown = visit.shown()
    for words in ("2 references, 8 samples", "frames 0–3", "frames 20–23", "clip.mp4", "model fake-8", "frame 22"):
        assert words in shown
    assert shown.count("· cover") == 1


def test_older_references_unfold(visit: Visit) -> None:
    for number in range(7):
        visit.enroll("Ada", number % 3, first=10 * number)
    visit.open("Ada")
    oldest = visit.references("Ada")[0]
    assert visit.shown().count("Show pictures") == 1
    assert "frame 2\n" not in visit.shown()
    visit.click("unfold", oldest)
    assert "Show pictures" not in visit.shown()
    assert visit.state.focus == f"visit:{oldest}"


def test_renaming_and_its_undo(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ben", 1)
    visit.open("Ada")
    visit.click("ask-name")
    assert visit.state.focus == "new-name"
    with pytest.raises(NameTaken):
        visit.click("rename", " ben ")
    assert visit.state.question == "rename"  # the field stays
    visit.click("rename", " Ada  Lovelace ")
    assert visit.names() == ["Ada Lovelace", "Ben"]
    assert visit.state.question == ""
    assert "Undo" in visit.undo_line()
    assert "kept until" in visit.undo_line()
    visit.undo()
    assert visit.names() == ["Ada", "Ben"]
    assert "Redo" in visit.undo_line()


def test_a_cover_is_chosen(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.open("Ada")
    last = visit.samples("Ada")[-1]
    visit.click("picture", last)
    assert visit.state.sample == last
    visit.click("cover", last)
    cover = visit.gallery.find("Ada").thumbnail
    assert cover is not None
    assert f"{cover.parent.name}/{cover.name}" == last
    assert "the cover picture" in visit.shown()
    visit.click("picture", last)
    assert visit.state.sample is None


def test_a_picture_is_removed_and_comes_back(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.open("Ada")
    samples = visit.samples("Ada")
    visit.click("remove-picture", samples[1])
    assert visit.samples("Ada") == [samples[0], *samples[2:]]
    assert "3 samples" in visit.shown()
    visit.undo()
    assert visit.samples("Ada") == samples
    assert visit.state.place == "person"


def test_removing_the_last_reference_leads_to_everybody(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1)
    visit.open("Ada")
    first, second = visit.references("Ada")
    visit.click("remove-reference", first)
    assert visit.references("Ada") == [second]
    assert visit.state.place == "person"
    visit.click("remove-reference", second)
    assert visit.names() == []
    assert visit.state.place == "everybody"
    visit.undo()
    assert visit.references("Ada") == [second]


def test_a_person_goes_to_the_trash_and_comes_back(visit: Visit) -> None:
    visit.enroll("Ben", 0)
    visit.enroll("Ada", 1)
    ben = visit.open("Ben")
    visit.click("remove", ben.id)
    assert visit.names() == ["Ada"]
    assert visit.state.place == "everybody"
    line = visit.undo_line()
    assert "Ben" in line
    assert "Undo" in line
    visit.click("history")
    assert "Bring back" in visit.shown()
    visit.undo()
    assert visit.names() == ["Ada", "Ben"]
    assert "The trash is empty" in visit.shown()


def test_erasing_needs_the_question_and_cannot_be_undone(visit: Visit) -> None:
    ada, ben = visit.enroll("Ada", 0), visit.enroll("Ben", 1)
    visit.open("Ada")
    with pytest.raises(InvalidInput, match="Nothing was erased"):
        visit.click("erase", ada.id)
    visit.click("ask-erase")
    with pytest.raises(InvalidInput, match="moved on"):
        visit.click("erase", ben.id)
    visit.click("never-mind", "erase")
    with pytest.raises(InvalidInput, match="Nothing was erased"):
        visit.click("erase", ada.id)
    visit.click("ask-erase")
    visit.click("erase", ada.id)
    assert visit.names() == ["Ben"]
    assert "Undo" not in visit.undo_line()
    assert visit.gallery.trash() == []


def test_the_trash_is_emptied_after_the_question(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    ada = visit.open("Ada")
    visit.click("remove", ada.id)
    visit.click("history")
    with pytest.raises(InvalidInput, match="Nothing was deleted"):
        visit.click("empty-trash")
    visit.click("ask-empty")
    assert "1 reference and 4 samples are deleted at once" in visit.shown()
    visit.click("empty-trash")
    assert visit.gallery.trash() == []
    assert "Bring back" not in visit.shown()


# --- the same person, another person ----------------------------------------------------------------------------------


def test_faces_come_with_their_scores_the_most_alike_first(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Stranger", 1)
    visit.enroll("Twin", 0, lean=0.2)
    visit.open("Ada")
    visit.click("same-person")
    shown = visit.shown()
    assert shown.index("Twin") < shown.index("Stranger")
    assert "score 0.98" in shown
    assert "Looks alike" in shown
    assert "Looks like a different person" in shown
    assert "Twin" not in visit.search("strang")
    assert "No other name contains “ada”" in visit.search("ada")


def test_joining_two_who_look_alike(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    twin = visit.enroll("Twin", 0, first=50)
    visit.open("Ada")
    visit.click("same-person")
    with pytest.raises(InvalidInput, match="Choose the face first"):
        visit.click("keep-own-name", twin.id)
    visit.click("face", twin.id)
    shown = visit.shown()
    assert "Are Ada and Twin the same person?" in shown
    assert "Looks like a different person" not in shown
    assert "Seen together" not in shown
    visit.click("keep-own-name", twin.id)
    assert visit.names() == ["Ada"]
    assert len(visit.references("Ada")) == 2
    assert visit.state.place == "person"
    visit.undo()
    assert visit.names() == ["Ada", "Twin"]


def test_joining_may_keep_the_other_name(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    twin = visit.enroll("Twin", 0, first=50)
    visit.open("Ada")
    visit.click("same-person")
    visit.click("face", twin.id)
    visit.click("keep-other-name", twin.id)
    assert visit.names() == ["Twin"]
    assert visit.state.identity == twin.id


def test_strangers_seen_side_by_side_are_warned_about(visit: Visit) -> None:
    visit.enroll("Ada", 0, box=1)
    ben = visit.enroll("Ben", 1, box=2, first=2)
    visit.open("Ada")
    visit.click("same-person")
    visit.click("face", ben.id)
    shown = visit.shown()
    assert "Looks like a different person" in shown
    assert "Ada and Ben score 0.00, below the threshold of 0.50" in shown
    assert "Both are in frames 2–3 of clip.mp4" in shown
    assert "Join anyway, keep the name “Ada”" in shown
    visit.click("other-face")
    assert visit.state.other is None
    assert visit.names() == ["Ada", "Ben"]


def test_a_reference_moves_to_another_person_and_back(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1)
    ben = visit.enroll("Ben", 1, lean=0.1)
    visit.open("Ada")
    wrong = visit.references("Ada")[1]
    visit.click("move", wrong)
    shown = visit.shown()
    assert "Whose reference is this, if not Ada's?" in shown
    assert "Against Ada's other references they score 0.00" in shown
    visit.click("face", ben.id)
    assert "Move this reference from Ada to Ben?" in visit.shown()
    visit.click("move-to", ben.id)
    assert wrong in visit.references("Ben")
    assert visit.state.place == "person"
    assert visit.state.identity == visit.gallery.find("Ada").id
    visit.undo()
    assert wrong in visit.references("Ada")


def test_a_reference_moves_to_a_new_person(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1)
    visit.open("Ada")
    visit.click("move", visit.references("Ada")[1])
    with pytest.raises(NameTaken):
        visit.click("move-to-new", "ada")
    visit.click("move-to-new", "Ben")
    assert visit.names() == ["Ada", "Ben"]
    assert len(visit.references("Ben")) == 1


# --- meanwhile, elsewhere ---------------------------------------------------------------------------------------------


def test_somebody_removed_elsewhere_is_told(visit: Visit) -> None:
    ada = visit.enroll("Ada", 0)
    visit.open("Ada")
    visit.gallery.remove(ada.id)
    assert "no longer in the gallery" in visit.shown()
    with pytest.raises(UnknownIdentity):
        visit.click("same-person")
    visit.click("everybody")
    assert "Nobody is enrolled yet" in visit.shown()


def test_a_reference_removed_elsewhere_is_told(visit: Visit) -> None:
    visit.enroll("Ada", 0)
    visit.enroll("Ada", 1)
    visit.open("Ada")
    gone = visit.references("Ada")[0]
    visit.click("move", gone)
    visit.gallery.remove_reference(gone)
    assert "no longer in the gallery" in visit.shown()
    visit.click("person", visit.gallery.find("Ada").id)
    with pytest.raises(UnknownReference):
        visit.click("remove-reference", gone)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("sing", ""),
        ("undo", "x"),
        ("undo", "-1"),
        ("undo", ""),
        ("picture", "nothing"),
        ("cover", "../x"),
        ("move", ""),
    ],
)
def test_forged_clicks_change_nothing(visit: Visit, action: str, value: str) -> None:
    visit.enroll("Ada", 0)
    visit.open("Ada")
    before = len(visit.gallery.changes())
    with pytest.raises(InvalidInput):
        visit.click(action, value)
    assert len(visit.gallery.changes()) == before


def test_each_click_that_moves_the_keyboard_names_a_place_that_is_shown(visit: Visit) -> None:
    ada, ben = visit.enroll("Ada", 0), visit.enroll("Ben", 1)
    visit.enroll("Ada", 1)
    first = visit.references("Ada")[0]
    sample = visit.samples("Ada")[0]
    journey: list[tuple[str, Callable[[], str]]] = [
        ("open", lambda: ada.id),
        ("ask-name", str),
        ("never-mind", lambda: "rename"),
        ("ask-erase", str),
        ("never-mind", lambda: "erase"),
        ("picture", lambda: sample),
        ("cover", lambda: sample),
        ("rename", lambda: "Ada King"),
        ("move", lambda: first),
        ("face", lambda: ben.id),
        ("other-face", str),
        ("person", lambda: ada.id),
        ("same-person", str),
        ("face", lambda: ben.id),
        ("keep-own-name", lambda: ben.id),
        ("everybody", str),
        ("history", str),
        ("undo", lambda: str(visit.state.noted)),
        ("everybody", str),
    ]
    for action, value in journey:
        visit.click(action, value())
        focus = visit.state.focus
        keys = [found for name, found in Seen(visit.desk.html(visit.state)).attributes if name == "data-key"]
        assert not focus or focus in keys, (action, focus)


def test_the_tab_says_what_expires_and_is_deleted_when(visit: Visit) -> None:
    ada = visit.enroll("Ada", 0)
    told = "References are matched with for 7 days, deleted after 30 days. Next, 1 reference deleted on"
    assert told in visit.shown()
    visit.gallery.set_retention(Retention(1e-6, 2))
    visit.gallery.hold(ada.id, "court file 7")
    assert "legal hold · expired" in visit.shown()
    visit.click("open", ada.id)
    shown = visit.shown()
    assert "legal hold since" in shown
    assert "(court file 7)" in shown
    assert "Consent · Tests · responsible: Sightline (recorded on" in shown
