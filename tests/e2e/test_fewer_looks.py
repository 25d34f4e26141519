"""Looking only where something happens finds the same people as looking at each frame, and decides the same."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quiet_hour import measure
from biometric.bootstrap import make_demo
from biometric.entities import Decision, Observation, ObservedClip

pytestmark = pytest.mark.real

SAME = 0.9
"""Comparison score from which two templates of one track, made of other samples, are the same person's."""


def overlap(one: Observation, other: Observation) -> float:
    """Share of the frames of either in which both are seen in the same place."""
    boxes = {item.frame_index: np.array(item.box) for item in one.tracklet.detections}
    others = {item.frame_index: np.array(item.box) for item in other.tracklet.detections}
    both = [frame for frame in boxes.keys() & others.keys() if iou(boxes[frame], others[frame]) > 0.4]
    return len(both) / len(boxes.keys() | others.keys())


def iou(one: np.ndarray, other: np.ndarray) -> float:
    corner, end = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(end - corner, 0)))
    return shared / (float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared)


def partners(thorough: ObservedClip, sparse: ObservedClip) -> list[tuple[Observation, Observation | None]]:
    """Each person of the thorough way with the one of the other who is seen in the same places."""
    pairs = []
    for person in thorough.observations:
        best = max(sparse.observations, key=lambda other: overlap(person, other), default=None)
        pairs.append((person, best if best is not None and overlap(person, best) > 0.5 else None))
    return pairs


def same_people(thorough: ObservedClip, sparse: ObservedClip) -> float:
    """Share of the people with a template who are the same person, of the same template, in both."""
    same = 0
    usable = [pair for pair in partners(thorough, sparse) if pair[0].template is not None]
    for person, other in usable:
        if other is not None and other.template is not None and person.template is not None:
            same += float(person.template.vector @ other.template.vector) >= SAME
    return same / len(usable)


def decisions(service, clip: ObservedClip, gallery: Path) -> list[tuple[str, str]]:
    found = service.identify(clip, gallery=gallery)
    return sorted((str(item.decision), "" if item.identity is None else item.identity.name) for item in found)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        pytest.param("one-by-one.mp4", (40, 240), id="someone comes, stands, leaves, and the next one comes"),
        pytest.param("one-by-one.mp4", None, marks=pytest.mark.slow, id="one by one"),
    ],
)
def test_people_who_come_one_by_one_are_the_same(service, observe, shared: Path, tmp_path: Path, name, frames) -> None:
    clip = shared / "clips" / name
    first, last = frames or (None, None)
    thorough = observe(clip, first, last, thorough=True)
    sparse = observe(clip, first, last)
    assert sparse.looks is not None
    assert sparse.looks.looked <= 0.6 * sparse.looks.analysed == 0.6 * thorough.analysed_frames
    assert len(sparse.observations) == len(thorough.observations)
    assert same_people(thorough, sparse) == 1.0
    for person, other in partners(thorough, sparse):
        assert other is not None
        assert abs(person.tracklet.first_frame - other.tracklet.first_frame) <= 2
        assert abs(person.tracklet.last_frame - other.tracklet.last_frame) <= 2
    service.enroll(observe(clip, 63, 130, thorough=True), "A", gallery=tmp_path / "g")
    answers = decisions(service, sparse, tmp_path / "g")
    assert answers == decisions(service, thorough, tmp_path / "g")
    assert (str(Decision.IDENTIFIED), "A") in answers


@pytest.mark.slow
def test_a_crowd_is_the_same(service, observe, shared: Path, tmp_path: Path) -> None:
    clip = shared / "clips" / "street.mp4"
    thorough, sparse = observe(clip, thorough=True), observe(clip)
    assert same_people(thorough, sparse) >= 0.95
    for person in thorough.usable[:6]:
        service.enroll(thorough, f"P{person.person}", person.person, gallery=tmp_path / "g", force=True, add=True)
    both = [decisions(service, clip, tmp_path / "g") for clip in (thorough, sparse)]
    assert both[0] == both[1]


def test_demo_clips_are_the_same(service, observe, tmp_path: Path) -> None:
    demo = {clip.path.stem: clip.path for clip in make_demo(tmp_path / "demo")}
    service.enroll(observe(demo["visit-1-beige-coat"]), "Beige Coat", gallery=tmp_path / "g")
    clip = demo["visit-2-everybody"]
    thorough, sparse = observe(clip, thorough=True), observe(clip)
    assert len(sparse.observations) == len(thorough.observations)
    assert same_people(thorough, sparse) == 1.0
    answers = decisions(service, sparse, tmp_path / "g")
    assert answers == decisions(service, thorough, tmp_path / "g")
    assert (str(Decision.IDENTIFIED), "Beige Coat") in answers


@pytest.mark.slow
def test_nobody_is_lost_in_some_quiet_minutes(tmp_path: Path) -> None:
    recall = measure(tmp_path, 3)
    assert recall.found >= 2
    assert recall.lost == ()
