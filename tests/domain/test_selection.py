"""Which samples are refused and why, and how the others are spread over time."""

import dataclasses

import numpy as np
import pytest

from biometric.domain.selection import Pick, RefusedSamples, Rules, choose, covered, crop, quality, refusal
from biometric.entities import Detection, Notice, NoticeCode
from biometric.messages import describe

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
        assert words in describe(reason)


def test_somebody_in_front_hides_and_somebody_behind_does_not() -> None:
    person = detection((100, 100, 200, 300))
    in_front, behind = detection((100, 150, 200, 400)), detection((100, 50, 200, 250))
    assert covered(person, [in_front]) == pytest.approx(0.75)
    assert covered(person, [behind]) == 0.0
    assert covered(person, [detection((100, 150, 200, 400), confidence=0.2)]) == 0.0, "a doubtful box hides nobody"
    assert refusal(person, [in_front], 640, 480, RULES) == Notice(NoticeCode.COVERED, share=0.75)


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


def pick(frame: int, rating: float = 0.9, sharpness: float = 100.0) -> Pick:
    return Pick(detection(frame=frame), IMAGE, rating, sharpness)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 24])
def test_samples_are_spread_over_the_picks(count: int) -> None:
    kept, refused = choose([pick(frame, 0.5 + 0.01 * (frame % 7)) for frame in range(count)], RULES)
    frames = [item.frame for item in kept]
    assert refused == []
    assert len(kept) == min(count, RULES.samples)
    assert frames == sorted(frames)
    if count == 24:
        assert all(any(first <= frame < first + 8 for frame in frames) for first in (0, 8, 16))


def test_blurred_samples_are_refused_against_the_persons_own_sharpness() -> None:
    kept, refused = choose([pick(frame, sharpness=value) for frame, value in enumerate([100, 110, 5, 90, 120])], RULES)
    assert [item.frame for item in kept] == [0, 1, 3, 4]
    assert [(item.detection.frame_index, item.reason) for item in refused] == [(2, Notice(NoticeCode.BLURRED))]


def test_only_the_first_refused_samples_keep_their_pictures() -> None:
    refused = RefusedSamples()
    for frame in range(50):
        refused.add(detection(frame=frame), IMAGE, 0.1, Notice(NoticeCode.BLURRED))
    assert len(refused.items) == 50
    assert [item.detection.frame_index for item in refused.items if item.image is not None] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [200, 5_000, 144_000])
def test_of_many_refused_samples_some_are_kept_that_are_spread_over_time(count: int) -> None:
    refused = RefusedSamples()
    same = detection()
    for frame in range(count):
        cut = IMAGE if refused.shows_next else None
        refused.add(dataclasses.replace(same, frame_index=frame), cut, 0.1, Notice(NoticeCode.BLURRED))
    frames = [item.detection.frame_index for item in refused.items]
    assert 64 <= len(frames) <= 6 + 128
    assert frames == sorted(set(frames))
    assert max(np.diff([*frames, count])) <= count / 60
