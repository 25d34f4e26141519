"""One track while it is followed, and the people found in it once it has ended."""

import dataclasses
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain import comparison, continuity, selection
from biometric.domain.moment_choice import EmbeddedSoFar, MomentStretch
from biometric.domain.selection import Pick, Refused
from biometric.entities import REFUSALS, Detection, DetectionList, Frame, Notice, NoticeCode
from biometric.ports import SharpnessOf


@dataclass(frozen=True, slots=True, eq=False)
class TrackedPerson:
    """One person of an ended track.

    Attributes:
        looks: how many of the detections the detector made; the others are carried over from those.
        kept: samples with embeddings.
        refused: some of those that failed a rule or do not look like the others.
        refusals: how many did in all, by reason.
    """

    track_id: int
    detections: DetectionList
    looks: int
    kept: list[Pick]
    refused: list[Refused]
    refusals: Counter[NoticeCode]


_NOT_REFUSED = len(REFUSALS)
"""Stands for a detection that no rule refused where others have their reason's number in `REFUSALS`."""

_UNLIKE = Notice(NoticeCode.UNLIKE_OTHER_SAMPLES)


class FollowedTrack:
    """Collects one track's samples in bounded memory, but for about 60 bytes a detection.

    Args:
        min_similarity: comparison score that two segments of one person's track at least have.
    """

    def __init__(self, track_id: int, rules: selection.Rules, min_similarity: float, sharpness: SharpnessOf) -> None:
        self.track_id = track_id
        self._rules, self._min_similarity, self._sharpness = rules, min_similarity, sharpness
        self._whole_rules = dataclasses.replace(rules, border=selection.NO_BORDER)
        self._detections = DetectionList()
        self._colour_changes = array("f")
        self._refusal_numbers = array("B")
        self._looked = array("B")
        self._refused = selection.RefusedSamples()
        self._history = continuity.AppearanceHistory(min_similarity, rules.samples)
        self._so_far = EmbeddedSoFar(rules.samples)
        self._stretch = MomentStretch(min_similarity, self._so_far)
        self._previous_grid: NDArray[np.float32] | None = None
        self._best: Pick | None = None
        self._moment_start = 0.0
        self._usable_moments = 0

    def take(
        self, frame: Frame, detection: Detection, others: Sequence[Detection], looked: bool = True
    ) -> MomentStretch | None:
        """Take the track's next detection; return the stretch of moments that it completed, to be embedded.

        Args:
            others: detections of the same frame.
            looked: the detector saw the frame; a detection that is carried over gives no sample.
        """
        new_moment = self._add_detection(frame, detection)
        self._looked.append(looked)
        if not looked:
            self._refusal_numbers.append(_NOT_REFUSED)
            return self._end_moment() if new_moment else None
        height, width = frame.image.shape[:2]
        rating = selection.quality(detection, others, height)
        reason = selection.refusal(detection, others, width, height, self._rules)
        self._refusal_numbers.append(_NOT_REFUSED if reason is None else REFUSALS.index(reason.code))
        if reason is not None:
            cut = selection.crop(frame.image, detection.box) if self._refused.shows_next else None
            self._refused.add(detection, cut, rating, reason)
            # Somebody cut off by the edge gives no sample, but the box shows whether it is still the same person.
            if selection.refusal(detection, others, width, height, self._whole_rules) is not None:
                return self._end_moment() if new_moment else None
        usable = reason is None
        ended = None
        # The first usable samples are all embedded: somebody seen briefly has few.
        moment_is_over = frame.seconds - self._moment_start >= continuity.MOMENT_SECONDS - 1e-3
        if new_moment or moment_is_over or (usable and self._usable_moments < self._rules.samples):
            ended = self._end_moment()
            self._moment_start = frame.seconds
        if self._best is None or (usable, rating) > (self._best.usable, self._best.quality):
            self._best = Pick(detection, selection.crop(frame.image, detection.box), rating, 0.0, usable=usable)
        return ended

    def end(self) -> MomentStretch | None:
        """End the track; return the stretch of moments that was not complete, to be embedded, if there is one."""
        stretch = self._end_moment()
        if stretch is None and len(self._stretch):
            stretch = self._next_stretch()
        return stretch

    def add(self, stretch: MomentStretch) -> None:
        """Take a stretch back with its embeddings; in the order in which they were returned."""
        for pick in stretch.close():
            self._history.add(pick)

    def people(self) -> list[TrackedPerson]:
        """Return the people of the track, in order of appearance; no detection belongs to two people."""
        segments = self._history.segments()
        if not segments:
            return [
                TrackedPerson(
                    self.track_id,
                    self._detections,
                    sum(self._looked),
                    [],
                    self._refused.items,
                    self._count_refusals(),
                )
            ]
        owners = np.array(continuity.assign_frames(self._detections.frames, self._colour_changes, segments))
        # What resembles nobody leaves the track: its boxes are nobody's, its samples are refused beside the person
        # whose track it interrupts.
        hosts = _hosts(segments)
        host_of_detection = np.array(hosts)[owners]
        return [
            self._person(
                segment,
                [other for other, host in zip(segments, hosts, strict=True) if host == index and other is not segment],
                owners == index,
                host_of_detection == index,
            )
            for index, segment in enumerate(segments)
            if segment.is_person
        ]

    def _person(
        self,
        segment: continuity.TrackSegment,
        interruptions: Sequence[continuity.TrackSegment],
        owned: NDArray[np.bool_],
        hosted: NDArray[np.bool_],
    ) -> TrackedPerson:
        """Describe one person.

        Args:
            interruptions: segments that resemble nobody and interrupt this person's.
            owned: (N,) which of the track's detections are the person's.
            hosted: (N,) the same, with those of the interruptions.
        """
        picks = self._history.picks
        unlike = [pick for pick in picks if any(other.holds(pick.frame) for other in interruptions)]
        kept, blurred = selection.choose([pick for pick in picks if segment.holds(pick.frame)], self._rules)
        rows = [pick.row for pick in kept if pick.row is not None]
        outliers = set(comparison.outliers(np.stack(rows), self._min_similarity) if rows else [])
        unlike += [pick for number, pick in enumerate(kept) if number in outliers]
        kept = [pick for number, pick in enumerate(kept) if number not in outliers]
        refused = blurred + [Refused(pick.detection, _UNLIKE, pick.quality, pick.image) for pick in unlike]
        refusals = self._count_refusals(hosted) + Counter(item.reason.code for item in refused)
        frames = self._detections.frames
        refused += [item for item in self._refused.items if hosted[bisect_left(frames, item.detection.frame_index)]]
        looks = int(np.array(self._looked)[owned].sum())
        return TrackedPerson(self.track_id, self._detections.where(owned), looks, kept, refused, refusals)

    def _count_refusals(self, chosen: NDArray[np.bool_] | None = None) -> Counter[NoticeCode]:
        """Count the samples that the rules refused, by reason; of the chosen detections, (N,), or of all."""
        reasons = np.array(self._refusal_numbers)
        counts = np.bincount(reasons if chosen is None else reasons[chosen], minlength=len(REFUSALS))
        return Counter({code: int(count) for code, count in zip(REFUSALS, counts, strict=False) if count})

    def _end_moment(self) -> MomentStretch | None:
        """Add the sample of the current moment to its stretch, if there is one; return the stretch once it is full."""
        best, self._best = self._best, None
        if best is None:
            return None
        self._usable_moments += best.usable
        self._stretch.append(dataclasses.replace(best, sharpness=self._sharpness(best.image)))
        return self._next_stretch() if self._stretch.is_full else None

    def _next_stretch(self) -> MomentStretch:
        full, self._stretch = self._stretch, MomentStretch(self._min_similarity, self._so_far)
        return full

    def _add_detection(self, frame: Frame, detection: Detection) -> bool:
        """Add the detection and how much its colours changed; return whether the change is sudden."""
        grid = continuity.colour_grid(selection.view(frame.image, detection.box))
        change = 0.0 if self._previous_grid is None else continuity.colour_change(self._previous_grid, grid)
        if self._detections and continuity.jumps(self._detections[-1], detection):
            change += 255.0
        self._previous_grid = grid
        self._detections.append(detection)
        self._colour_changes.append(change)
        return change >= continuity.SUDDEN_CHANGE


def _hosts(segments: Sequence[continuity.TrackSegment]) -> list[int]:
    """Return for each segment its own index where it is a person, else that of the last person before it."""
    people = [index for index, segment in enumerate(segments) if segment.is_person]
    hosts = []
    for index, segment in enumerate(segments):
        before = [person for person in people if segments[person].runs[0] < segment.runs[0]]
        hosts.append(index if segment.is_person else (before or people[:1])[-1])
    return hosts
