"""Which samples are refused and why, and how the others are spread over time."""

import numpy as np
import pytest

from biometric.domain.selection import Candidates, Rules, covered, crop, quality, refusal
from biometric.entities import Detection

RULES = Rules()
IMAGE = np.zeros((10, 5, 3), np.uint8)


def detection(box: tuple[float, float, float, float] = (100, 100, 200, 350), confidence: float = 0.9, frame: int = 0):
    return Detection(frame, box, confidence)


@pytest.mark.parametrize(
    ("box", "confidence", "words"),
    [
        ((100, 100, 200, 350), 0.9, None),
        ((100, 100, 120, 160), 0.9, "too small"),
        ((100, 100, 200, 350), 0.3, "not sure"),
        ((0, 100, 100, 350), 0.9, "left edge"),
        ((540, 100, 640, 350), 0.9, "right edge"),
        ((100, 0, 200, 250), 0.9, "top edge"),
        ((100, 230, 200, 480), 0.9, None),
        ((100, 100, 400, 300), 0.9, "part of a person"),
        ((100, 20, 130, 400), 0.9, "part of a person"),
    ],
)
def test_each_refusal_has_its_reason(box, confidence: float, words: str | None) -> None:
    reason = refusal(detection(box, confidence), [], 640, 480, RULES)
    if words is None:
        assert reason is None
    else:
        assert reason is not None
        assert words in reason


def test_somebody_in_front_hides_and_somebody_behind_does_not() -> None:
    person = detection((100, 100, 200, 300))
    in_front, behind = detection((100, 150, 200, 400)), detection((100, 50, 200, 250))
    assert covered(person, [in_front]) == pytest.approx(0.75)
    assert covered(person, [behind]) == 0.0
    assert covered(person, [detection((100, 150, 200, 400), confidence=0.2)]) == 0.0, "a doubtful box hides nobody"
    assert "hidden" in (refusal(person, [in_front], 640, 480, RULES) or "")


def test_quality_prefers_large_sure_and_unhidden_people_with_feet() -> None:
    best = quality(detection(), [], 480)
    assert best > quality(detection(confidence=0.6), [], 480)
    assert best > quality(detection((100, 100, 150, 220)), [], 480)
    assert best > quality(detection(), [detection((150, 200, 300, 400))], 480)
    assert best > quality(detection((100, 230, 200, 480)), [], 480)
    assert 0.0 <= best <= 1.0


def test_crops_are_independent_copies_of_at_least_a_pixel() -> None:
    frame = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    cut = crop(frame, (1.0, 1.0, 1.2, 1.2))
    assert cut.shape == (1, 1, 3)
    cut[:] = 255
    assert frame[1, 1, 0] != 255


@pytest.mark.parametrize("length", [1, 5, 16, 17, 100, 5000])
def test_memory_is_bounded_and_picks_are_spread_over_the_whole_track(length: int) -> None:
    candidates = Candidates(RULES)
    for frame in range(length):
        candidates.offer(detection(frame=frame), IMAGE, 0.5 + 0.001 * (frame % 7), 100.0)
        assert len(candidates.best) <= 2 * RULES.samples
    picks, refused = candidates.chosen()
    frames = [pick.detection.frame_index for pick in picks]
    assert refused == []
    assert len(picks) == min(length, RULES.samples)
    assert frames == sorted(frames)
    if length >= 100:
        assert frames[-1] - frames[0] > length // 3


def test_the_better_of_two_samples_in_a_bin_stays() -> None:
    candidates = Candidates(RULES, bin_frames=10)
    assert candidates.wants(detection(frame=1), 0.2)
    candidates.offer(detection(frame=1), IMAGE, 0.2, 1.0)
    candidates.offer(detection(frame=2), IMAGE, 0.9, 1.0)
    candidates.offer(detection(frame=3), IMAGE, 0.5, 1.0)
    assert not candidates.wants(detection(frame=4), 0.5)
    assert [pick.detection.frame_index for pick in candidates.chosen()[0]] == [2]


def test_blurred_samples_are_refused_against_the_tracks_own_sharpness() -> None:
    candidates = Candidates(RULES)
    for frame, sharpness in enumerate([100, 110, 5, 90, 120]):
        candidates.offer(detection(frame=frame), IMAGE, 0.9, sharpness)
    picks, refused = candidates.chosen()
    assert [pick.detection.frame_index for pick in picks] == [0, 1, 3, 4]
    assert [(item.detection.frame_index, item.reason) for item in refused] == [(2, "blurred")]


def test_only_the_first_refused_samples_keep_their_pictures() -> None:
    candidates = Candidates(RULES)
    for frame in range(50):
        candidates.refuse(detection(frame=frame), IMAGE, 0.1, "too small")
    _, refused = candidates.chosen()
    assert len(refused) == 50
    assert sum(item.image is not None for item in refused) == 6
    assert Candidates(RULES).chosen() == ([], [])
