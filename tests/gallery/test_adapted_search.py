"""Searching with an adaptation to cameras: exact, kept with the calibration, and never mixed with other scores."""

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.comparison import unit
from biometric.entities import (
    UNADAPTED,
    AdaptationKind,
    AdaptationReport,
    Adapting,
    Calibration,
    LearntCameras,
    ScoreAdaptation,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.errors import CalibrationUnusable, GalleryCorrupt
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_migrations import calibration
from tests.made_galleries import DIMENSION, MODEL, reference, template


def learnt_cameras(seed: int = 0) -> LearntCameras:
    generator = np.random.default_rng(seed)
    means = 0.7 * unit(generator.normal(size=(3, DIMENSION)))
    return LearntCameras(("door", "yard"), np.array([5, 9]), means[:2], means[2])


def adapted(learnt: LearntCameras, value: float = 0.3) -> Calibration:
    plain = calibration(MODEL, 0.6)
    return dataclasses.replace(
        plain,
        verification=dataclasses.replace(plain.verification, value=value),
        report=AdaptationReport(learnt.mark, 2, 14),
        unadapted=UnadaptedThresholds(plain.verification, None, plain.likelihood),
    )


@pytest.fixture(params=[0, 100_000], ids=["compact", "exact"])
def gallery(tmp_path: Path, request: pytest.FixtureRequest) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery", compact_above=request.param)


@pytest.fixture
def filled(gallery: SQLiteGallery, clips: Path) -> SQLiteGallery:
    for number in range(12):
        seen_by = ("Door", "YARD", "elsewhere", "")[number % 4]
        gallery.enroll(f"P{number % 9}", dataclasses.replace(reference(clips, number), camera=seen_by))
    return gallery


def by_hand(gallery: SQLiteGallery, learnt: LearntCameras, seed: int, camera: str) -> dict[str, float]:
    """Best score of each identity: each vector less the mean of its camera, else that of all."""

    def centred(vector: np.ndarray, key: str) -> np.ndarray:
        mean = dict(zip(learnt.cameras, learnt.means, strict=True)).get(key.casefold(), learnt.everywhere)
        return (vector - mean) / np.linalg.norm(vector - mean)

    probe = centred(template(seed).vector, camera)
    return {
        person.name: max(
            float(centred(held.template.vector, held.camera) @ probe) for held in gallery.references(person.id)
        )
        for person in gallery.identities()
    }


@pytest.mark.parametrize("camera", ["door", "Yard", "somewhere", ""])
def test_scores_are_those_of_centred_templates(filled: SQLiteGallery, camera: str) -> None:
    learnt = learnt_cameras()
    filled.save_calibration(adapted(learnt), learnt)
    adapting = Adapting(learnt.mark, camera)
    expected = by_hand(filled, learnt, 77, camera)
    found = filled.search(template(77), 20, adapting)
    assert {item.identity.name: item.score for item in found} == pytest.approx(expected, abs=1e-5)
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    for item in found:
        scores = filled.scores(template(77), item.identity.id, adapting)
        assert scores[0] == (item.reference_id, pytest.approx(item.score, abs=1e-5))
    plain = filled.search(template(77), 20)
    assert {item.identity.name: item.score for item in plain} != pytest.approx(expected, abs=1e-2)


def test_the_index_follows_what_is_enrolled_and_removed(filled: SQLiteGallery, clips: Path) -> None:
    learnt = learnt_cameras()
    filled.save_calibration(adapted(learnt), learnt)
    adapting = Adapting(learnt.mark, "yard")
    filled.search(template(77), 20, adapting)
    filled.enroll("New", dataclasses.replace(reference(clips, 50), camera="door"))
    filled.remove(filled.find("P3").id)
    change = filled.set_camera(filled.references(filled.find("P4").id)[0].id, "YARD")
    found = {item.identity.name: item.score for item in filled.search(template(77), 20, adapting)}
    assert found == pytest.approx(by_hand(filled, learnt, 77, "yard"), abs=1e-5)
    assert "New" in found
    assert "P3" not in found
    filled.undo(change.id)
    found = {item.identity.name: item.score for item in filled.search(template(77), 20, adapting)}
    assert found == pytest.approx(by_hand(filled, learnt, 77, "yard"), abs=1e-5)


def test_the_index_follows_the_camera_of_a_reference(filled: SQLiteGallery) -> None:
    learnt = learnt_cameras()
    filled.save_calibration(adapted(learnt), learnt)
    adapting = Adapting(learnt.mark, "yard")
    before = filled.search(template(77), 20, adapting)
    [moved] = filled.references(filled.find("P4").id)
    filled.set_camera(moved.id, "yard" if moved.camera != "yard" else "door")
    found = {item.identity.name: item.score for item in filled.search(template(77), 20, adapting)}
    assert found == pytest.approx(by_hand(filled, learnt, 77, "yard"), abs=1e-5)
    assert found != {item.identity.name: item.score for item in before}


def test_what_is_in_use_stays_with_its_calibration(filled: SQLiteGallery) -> None:
    first, second = learnt_cameras(1), learnt_cameras(2)
    for learnt in (first, second):
        filled.save_calibration(adapted(learnt), learnt)
    again = SQLiteGallery(filled.folder)
    for learnt in (first, second):
        held = again.learnt(learnt.mark)
        assert held is not None
        assert (held.mark, held.cameras, held.counts.tolist()) == (learnt.mark, learnt.cameras, learnt.counts.tolist())
        assert (held.means == learnt.means).all()
    filled.use_calibration(1, MODEL)
    in_force = again.calibration(MODEL)
    assert in_force is not None
    assert in_force.adaptation == first.mark
    assert again.learnt(UNADAPTED) is None


def test_the_model_is_stored_beside_the_means(filled: SQLiteGallery) -> None:
    learnt = learnt_cameras()
    filled.save_calibration(adapted(learnt), learnt)
    with closing(sqlite3.connect(filled.folder / "gallery.sqlite3")) as connection:
        rows = connection.execute("SELECT camera, model_id, people, length(mean) FROM learnt_cameras").fetchall()
    assert sorted(rows) == [
        ("", MODEL, 0, 4 * DIMENSION),
        ("door", MODEL, 5, 4 * DIMENSION),
        ("yard", MODEL, 9, 4 * DIMENSION),
    ]


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM learnt_cameras",
        "DELETE FROM learnt_cameras WHERE camera = 'door'",
        "UPDATE learnt_cameras SET mean = zeroblob(4 * 8) WHERE camera = ''",
        "UPDATE learnt_cameras SET mean = zeroblob(3)",
    ],
)
def test_means_that_are_gone_or_damaged_are_no_other_scores(filled: SQLiteGallery, harm: str) -> None:
    learnt = learnt_cameras()
    filled.save_calibration(adapted(learnt), learnt)
    filled.save_calibration(calibration(MODEL, 0.5))
    with closing(sqlite3.connect(filled.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute(harm)
    again, adapting = SQLiteGallery(filled.folder), Adapting(learnt.mark, "door")
    for action in (
        lambda: again.search(template(1), 1, adapting),
        lambda: again.scores(template(1), again.find("P1").id, adapting),
        lambda: again.learnt(learnt.mark),
    ):
        with pytest.raises(GalleryCorrupt, match="learnt of the cameras"):
            action()
    with pytest.raises(CalibrationUnusable, match="cannot be read"):
        again.use_calibration(1, MODEL)
    assert again.search(template(1), 1), "scores as they are need no means"


def test_a_calibration_comes_with_what_its_scores_were_made_with(gallery: SQLiteGallery) -> None:
    learnt = learnt_cameras()
    with pytest.raises(ValueError, match="learnt from"):
        gallery.save_calibration(adapted(learnt))
    with pytest.raises(ValueError, match="learnt from"):
        gallery.save_calibration(adapted(learnt), learnt_cameras(5))
    assert gallery.calibrations() == []


def test_a_probe_that_centring_makes_vanish_is_compared_as_it_is(filled: SQLiteGallery) -> None:
    probe = template(77)
    learnt = dataclasses.replace(learnt_cameras(), everywhere=probe.vector * np.float32(0.9999))
    filled.save_calibration(adapted(learnt), learnt)
    found = filled.search(probe, 20, Adapting(learnt.mark, ""))
    assert all(np.isfinite(item.score) for item in found)
    assert len(found) == 9


@pytest.mark.parametrize(
    "changes",
    [
        {"cameras": ("yard", "door")},
        {"cameras": ("door", "door")},
        {"cameras": ("", "door")},
        {"counts": np.array([4, 9])},
        {"counts": np.array([5])},
        {"means": np.zeros((2, 3), np.float32)},
        {"means": np.full((2, DIMENSION), np.nan, np.float32)},
        {"everywhere": np.ones(DIMENSION, np.float32)},
    ],
)
def test_means_check_themselves(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(learnt_cameras(), **changes)


def test_marks_read_what_they_write() -> None:
    mark = learnt_cameras().mark
    assert (mark.kind, len(mark.id)) == (AdaptationKind.CENTRING, 16)
    for each in (mark, UNADAPTED):
        assert ScoreAdaptation.read(str(each)) == each
    assert UNADAPTED.as_dict() == {"kind": "none", "id": None}
    for text in ("centring", "none abc", "other abc"):
        with pytest.raises(ValueError, match=r"expected|valid"):
            ScoreAdaptation.read(text)
