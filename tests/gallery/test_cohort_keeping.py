"""A cohort in the gallery: exact normalised search, an expiry that holds, deletion for good."""

import dataclasses
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.comparison import unit
from biometric.domain.stranger_scores import describe_by_strangers, normalised
from biometric.entities import (
    AdaptationKind,
    AdaptationReport,
    Adapting,
    Calibration,
    ChangeKind,
    Retention,
    ScoreAdaptation,
    StrangerCohort,
    Template,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.errors import CalibrationUnusable, CohortGone, GalleryCorrupt, InvalidInput, UndoRefused
from biometric.gallery import index
from biometric.gallery.index import FaissIndex, NumpyIndex
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_migrations import calibration
from tests.made_galleries import DIMENSION, MODEL, reference, template
from tests.made_galleries import unit as direction

START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gallery(tmp_path: Path, clock: Clock, clips: Path) -> SQLiteGallery:
    made = SQLiteGallery(tmp_path / "gallery", clock=clock)
    made.set_retention(Retention(365, 365))
    for number in range(12):
        made.enroll(f"P{number % 9}", reference(clips, number))
    return made


def strangers(seed: int = 0, days: float = 30, count: int = 40) -> StrangerCohort:
    generator = np.random.default_rng(900 + seed)
    vectors = unit(generator.normal(size=(count, DIMENSION)))
    cameras = ("door",) * (count // 2) + ("yard",) * (count - count // 2)
    return StrangerCohort(cameras, vectors, 0.9, (START + timedelta(days=days)).isoformat())


def calibrated(cohort: StrangerCohort, value: float = 0.3) -> Calibration:
    plain = calibration(MODEL, 0.6)
    return dataclasses.replace(
        plain,
        verification=dataclasses.replace(plain.verification, value=value),
        report=AdaptationReport(cohort.mark, 2, 40, expires=cohort.expires),
        unadapted=UnadaptedThresholds(plain.verification, None, plain.likelihood),
    )


def keep(gallery: SQLiteGallery, cohort: StrangerCohort) -> Adapting:
    gallery.save_calibration(calibrated(cohort), cohort)
    return Adapting(cohort.mark, "door")


def by_hand(gallery: SQLiteGallery, cohort: StrangerCohort, probe: np.ndarray) -> dict[str, float]:
    """The best normalised score of each identity, one reference at a time."""
    own = describe_by_strangers(cohort, probe[np.newaxis])

    def score(vector: np.ndarray) -> float:
        cosine = np.array([[vector @ probe]], np.float32)
        return float(normalised(cosine, own, describe_by_strangers(cohort, vector[np.newaxis]))[0, 0])

    return {
        person.name: max(score(held.template.vector) for held in gallery.references(person.id))
        for person in gallery.identities()
    }


@pytest.mark.parametrize("kind", [FaissIndex, NumpyIndex])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_search_is_exact(gallery: SQLiteGallery, monkeypatch: pytest.MonkeyPatch, kind: type, count: int) -> None:
    monkeypatch.setattr(index, "HAVE_FAISS", kind is FaissIndex)
    cohort = strangers()
    adapting = keep(gallery, cohort)
    for seed in range(70, 75):
        expected = by_hand(gallery, cohort, direction(seed))
        best = sorted(expected.values(), reverse=True)[:count]
        found = gallery.search(template(seed), count, adapting)
        assert [item.score for item in found] == pytest.approx(best, abs=1e-5)
        for item in found:
            assert item.score == pytest.approx(expected[item.identity.name], abs=1e-5)
            scores = gallery.scores(template(seed), item.identity.id, adapting)
            assert scores[0] == (item.reference_id, pytest.approx(item.score, abs=1e-5))


def test_a_large_gallery_is_normalised_exactly_too(gallery: SQLiteGallery) -> None:
    cohort = strangers()
    keep(gallery, cohort)
    large = SQLiteGallery(gallery.folder, clock=lambda: START, compact_above=3)
    adapting = Adapting(cohort.mark, "door")
    assert large.search(template(70), 3), "the other index keeps rounded vectors"
    list(large.load_search(adapting))
    found = {item.identity.name: item.score for item in large.search(template(70), 20, adapting)}
    assert found == pytest.approx(by_hand(gallery, cohort, direction(70)), abs=1e-5)


def test_who_has_the_best_cosine_need_not_have_the_best_score(gallery: SQLiteGallery, clips: Path) -> None:
    """Somebody who looks like everybody is behind somebody who looks like nobody, however long the list."""
    common, own, other = np.eye(DIMENSION, dtype=np.float32)[:3]
    noise = np.random.default_rng(1).normal(size=(40, DIMENSION)) * 0.15
    cohort = StrangerCohort(("door",) * 40, unit(common + noise), 1.0, (START + timedelta(days=1)).isoformat())
    probe = Template(own, MODEL, 2)
    alike, rare = unit(np.stack([0.8 * own + common, 0.6 * own + 0.8 * other]))
    for name, vector in (("Alike", alike), ("Rare", rare)):
        held = reference(clips, 90)
        gallery.enroll(name, dataclasses.replace(held, template=dataclasses.replace(held.template, vector=vector)))
    adapting = keep(gallery, cohort)
    cosines = {item.identity.name: item.score for item in gallery.search(probe, 20)}
    scores = {item.identity.name: item.score for item in gallery.search(probe, 20, adapting)}
    assert cosines["Alike"] > cosines["Rare"]
    assert scores["Alike"] < scores["Rare"]
    [first] = gallery.search(probe, 1, adapting)
    assert first.score == max(scores.values())


def test_the_index_follows_what_is_enrolled_and_removed(gallery: SQLiteGallery, clips: Path) -> None:
    cohort = strangers()
    adapting = keep(gallery, cohort)
    gallery.search(template(77), 20, adapting)
    gallery.enroll("New", reference(clips, 50))
    removed = gallery.remove(gallery.find("P3").id)
    found = {item.identity.name: item.score for item in gallery.search(template(77), 20, adapting)}
    assert found == pytest.approx(by_hand(gallery, cohort, direction(77)), abs=1e-5)
    assert "New" in found
    assert "P3" not in found
    gallery.undo(removed.id)
    found = {item.identity.name: item.score for item in gallery.search(template(77), 20, adapting)}
    assert found == pytest.approx(by_hand(gallery, cohort, direction(77)), abs=1e-5)


def test_a_cohort_is_kept_as_it_is(gallery: SQLiteGallery) -> None:
    cohort = strangers()
    keep(gallery, cohort)
    held = SQLiteGallery(gallery.folder, clock=lambda: START).learnt(cohort.mark)
    assert isinstance(held, StrangerCohort)
    assert (held.mark, held.cameras, held.same_person) == (cohort.mark, cohort.cameras, cohort.same_person)
    assert (held.vectors == cohort.vectors).all()
    [kept] = gallery.cohorts()
    assert (kept.adaptation, kept.model_id, kept.people) == (cohort.mark, MODEL, {"door": 20, "yard": 20})
    assert kept.expires == "2026-03-31T00:00:00.000+00:00"
    assert kept.templates == 40


def rows(gallery: SQLiteGallery) -> tuple[int, int]:
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        tables = ("cohorts", "cohort_templates")
        return tuple(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def test_an_expired_cohort_is_in_no_answer_and_its_rows_go(gallery: SQLiteGallery, clock: Clock) -> None:
    adapting = keep(gallery, strangers(days=10))
    marker = strangers(days=10).vectors[0].astype("<f4").tobytes()
    assert marker in (gallery.folder / "gallery.sqlite3").read_bytes()
    clock.now += timedelta(days=10) - timedelta(seconds=1)
    assert gallery.search(template(1), 1, adapting)
    assert gallery.is_kept(adapting.adaptation)
    revision = gallery.revision()
    clock.now += timedelta(seconds=1)
    for action in (
        lambda: gallery.search(template(1), 1, adapting),
        lambda: gallery.scores(template(1), gallery.find("P1").id, adapting),
        lambda: gallery.learnt(adapting.adaptation),
    ):
        with pytest.raises(CohortGone, match="no longer kept"):
            action()
    assert not gallery.is_kept(adapting.adaptation)
    assert gallery.cohorts() == []
    assert rows(gallery) == (0, 0)
    assert gallery.revision() != revision, "a page that shows it asks again"
    assert marker not in (gallery.folder / "gallery.sqlite3").read_bytes()
    assert gallery.search(template(1), 1), "scores as they are need no cohort"


def test_an_expired_cohort_that_cannot_be_deleted_now_is_in_no_answer_either(
    gallery: SQLiteGallery, clock: Clock
) -> None:
    adapting = keep(gallery, strangers(days=1))
    gallery.search(template(1), 1, adapting)
    clock.now += timedelta(days=2)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CohortGone):
            gallery.search(template(1), 1, adapting)
        assert gallery.cohorts() == []
        assert not gallery.is_kept(adapting.adaptation)
        assert rows(gallery) == (1, 40)
    gallery.size()
    assert rows(gallery) == (0, 0)


def test_deleting_is_at_once_for_good_and_in_the_history(gallery: SQLiteGallery) -> None:
    adapting = keep(gallery, strangers())
    keep(gallery, strangers(1))
    change = gallery.delete_cohorts()
    assert (change.kind, change.can_be_undone) == (ChangeKind.COHORT_DELETED, False)
    assert rows(gallery) == (0, 0)
    with pytest.raises(CohortGone):
        gallery.search(template(1), 1, adapting)
    with pytest.raises(UndoRefused):
        gallery.undo(change.id)
    with pytest.raises(InvalidInput, match="No cohort of strangers is kept"):
        gallery.delete_cohorts()
    assert gallery.calibration(MODEL) is not None, "its thresholds for scores as they are remain"


def test_nothing_is_deleted_where_there_is_no_gallery(tmp_path: Path) -> None:
    absent = SQLiteGallery(tmp_path / "absent")
    with pytest.raises(InvalidInput, match="No cohort"):
        absent.delete_cohorts()
    assert absent.cohorts() == []
    assert not absent.is_kept(strangers().mark)
    assert not absent.folder.exists()


def test_undoing_a_calibration_leaves_its_cohort_until_it_expires(gallery: SQLiteGallery, clock: Clock) -> None:
    first, second = strangers(1, days=5), strangers(2, days=90)
    for cohort in (first, second):
        keep(gallery, cohort)
    gallery.undo()
    in_force = gallery.calibration(MODEL)
    assert in_force is not None
    assert in_force.adaptation == first.mark
    assert gallery.is_kept(second.mark), "undoing the undoing needs it"
    clock.now += timedelta(days=6)
    assert not gallery.is_kept(first.mark)
    assert gallery.is_kept(second.mark)
    gallery.use_calibration(2, MODEL)
    gallery.use_calibration(1, MODEL)  # decides by its thresholds for scores as they are
    assert gallery.calibration(MODEL) == in_force


def test_the_same_cohort_is_kept_as_long_as_was_said_last(gallery: SQLiteGallery) -> None:
    keep(gallery, strangers(days=90))
    keep(gallery, strangers(days=7))
    [kept] = gallery.cohorts()
    assert kept.expires.startswith("2026-03-08")
    assert rows(gallery) == (1, 40)


@pytest.mark.parametrize("way", ["enrolled", "trashed"])
def test_erasing_somebody_deletes_a_cohort_that_may_hold_them(gallery: SQLiteGallery, way: str) -> None:
    theirs = gallery.references(gallery.find("P5").id)[0].template.vector
    cohort, other = strangers(), strangers(3)
    cohort = dataclasses.replace(cohort, vectors=np.concatenate([cohort.vectors[:-1], theirs[np.newaxis]]))
    adapting = keep(gallery, cohort)
    keep(gallery, other)
    gallery.erase(gallery.find("P4").id)
    assert gallery.is_kept(cohort.mark), "nobody else is in it"
    identity = gallery.find("P5").id
    if way == "trashed":
        gallery.remove(identity)
        assert gallery.is_kept(cohort.mark), "that can still be undone"
    gallery.erase(identity)
    assert not gallery.is_kept(cohort.mark)
    assert gallery.is_kept(other.mark)
    assert theirs.astype("<f4").tobytes() not in (gallery.folder / "gallery.sqlite3").read_bytes()
    with pytest.raises(CohortGone):
        gallery.search(template(1), 1, adapting)


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM cohort_templates",
        "DELETE FROM cohort_templates WHERE number = 3",
        "UPDATE cohort_templates SET vector = zeroblob(64) WHERE number = 3",
        "UPDATE cohort_templates SET vector = zeroblob(3)",
        "UPDATE cohort_templates SET camera = 'else' WHERE number = 3",
        "UPDATE cohorts SET same_person = 0.8",
        "UPDATE cohorts SET same_person = 'x'",
    ],
)
def test_a_damaged_cohort_makes_no_other_scores(gallery: SQLiteGallery, harm: str) -> None:
    adapting = keep(gallery, strangers())
    gallery.save_calibration(calibration(MODEL, 0.5))
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute(harm)
    again = SQLiteGallery(gallery.folder, clock=lambda: START)
    for action in (
        lambda: again.search(template(1), 1, adapting),
        lambda: again.scores(template(1), again.find("P1").id, adapting),
    ):
        with pytest.raises(GalleryCorrupt, match="cohort"):
            action()
    with pytest.raises(CalibrationUnusable, match="cannot be read"):
        again.use_calibration(1, MODEL)


def test_a_cohort_that_was_never_here_makes_no_scores(gallery: SQLiteGallery) -> None:
    elsewhere = Adapting(ScoreAdaptation(AdaptationKind.NORMALISATION, "0" * 16))
    with pytest.raises(CohortGone):
        gallery.search(template(1), 1, elsewhere)


def test_a_calibration_comes_with_its_cohort(gallery: SQLiteGallery) -> None:
    with pytest.raises(ValueError, match="learnt from"):
        gallery.save_calibration(calibrated(strangers()))
    with pytest.raises(ValueError, match="learnt from"):
        gallery.save_calibration(calibrated(strangers()), strangers(5))
    assert rows(gallery) == (0, 0)


def test_an_export_holds_no_cohort(gallery: SQLiteGallery, tmp_path: Path) -> None:
    cohort = strangers()
    keep(gallery, cohort)
    archive = gallery.export(tmp_path / "export.zip")
    assert cohort.vectors[0].astype("<f4").tobytes() not in archive.read_bytes()
    other = SQLiteGallery(tmp_path / "other", clock=lambda: START)
    other.import_(archive)
    assert (other.cohorts(), other.calibration(MODEL)) == ([], None)
