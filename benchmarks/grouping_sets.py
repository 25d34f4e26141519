"""Sightings whose people are known, on which ways of grouping are compared.

- "clips": `street.mp4` in stretches of some seconds, each taken for a clip of its own, with the hand-made labels in
  `tests/evaluation/truth`, and the three people of `one-by-one.mp4`, each stay in stretches. Real people, tracks and
  embeddings, but one camera and seconds between the stretches: kinder than footage of weeks.
- "made": one crop of each scene of the shared folder's crops is a person, seen 1 to 30 times; each sighting degrades it
  anew (light, white balance, bad boxes, and one of blur, few pixels, compression, hidden parts). Strangers and the
  embedder are real, the changes of one person are made. People who stand in two scenes count as wrong joins, so
  precision is rather higher than it says.
"""

import csv
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging import ONE_BY_ONE, SHARED, STAYS, STREET, Bench, observe
from biometric.bootstrap import build
from biometric.clips.crops import decode_image
from biometric.domain.comparison import pool
from biometric.domain.grouping import ALONE, GroupableSightings
from biometric.entities import Image, ObservedClip
from biometric.evaluation.degradations import degradation
from biometric.evaluation.mot.box_tracks import BoxTracks
from biometric.evaluation.mot.people_counts import count_people
from biometric.evaluation.mot.truth_files import read_truth
from biometric.ports import Embedder
from biometric.service import Sightline

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "evaluation" / "truth" / "street.csv"
CROPS = SHARED / "data" / "crops"
STRANGERS = ("cap", "hwy", "rail")
"""Sets of crops whose scenes show different people."""
STREET_PARTS = ((0, 77), (78, 155), (156, 233), (234, 312))
"""Every third frame is labelled and analysed, from the first on."""
STAY_PARTS = 4
LIGHT, CAST = 0.35, 0.08
"""A sighting is up to 1.4 times as light or as dark, and each channel up to 8 % off."""
SAMPLES = 3
"""Crops of a made sighting."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSightings:
    """Sightings to group and the (N,) number of the person whom each shows."""

    name: str
    sightings: GroupableSightings
    people: NDArray[np.int64]


def clip_set(embedder: str, device: str) -> LabelledSightings:
    """Observe the real clips in stretches."""
    vectors, clips, frames, people = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        service = build(Bench(Path(folder), device).settings(embedder=embedder))
        try:
            for clip, (observed, labelled) in enumerate(_stretches(service)):
                for one in observed.usable:
                    if one.person in labelled and one.template is not None:
                        vectors.append(one.template.vector)
                        clips.append(clip)
                        frames.append(np.array([found.frame_index for found in one.tracklet.detections], np.int32))
                        people.append(labelled[one.person])
        finally:
            service.close()
    return _labelled("clips", vectors, clips, frames, people)


def _stretches(service: Sightline) -> Iterator[tuple[ObservedClip, dict[int, int]]]:
    """Yield each stretch with the true person, by number, of those found."""
    for part in STREET_PARTS:
        observed = observe(service, STREET, *part)
        truth = read_truth(TRUTH, observed.video)
        yield observed, _who_is_who(observed, truth.people)
    for person, (first, last) in enumerate(STAYS.values()):
        edges = np.linspace(first, last + 1, STAY_PARTS + 1).astype(int).tolist()
        for start, end in itertools.pairwise(edges):
            observed = observe(service, ONE_BY_ONE, start, end - 1)
            yield observed, {one.person: 1000 + person for one in observed.usable}


def _who_is_who(observed: ObservedClip, truth: BoxTracks) -> dict[int, int]:
    found = BoxTracks.of_detections((one.person, one.tracklet.detections) for one in observed.observations)
    frames = np.unique(truth.frames)
    frames = frames[np.isin(frames, found.frames)]
    return {person.identity: person.shows[0] for person in count_people(truth, found, frames).found if person.shows}


def made_set(embedder: Embedder, most_people: int, seed: int) -> LabelledSightings:
    """Make sightings of strangers."""
    rng = np.random.default_rng(seed)
    crops = _one_of_each_scene(rng)[:most_people]
    counts = np.minimum(rng.geometric(0.2, len(crops)), 30)
    people = rng.permutation(np.repeat(np.arange(len(crops)), counts))
    vectors = []
    for number, person in enumerate(people.tolist()):
        samples = embedder.embed(_seen(crops[person], rng, number))
        vectors.append(pool(list(samples), embedder.model_id).vector)
    clips, frames = _in_clips(people, rng)
    return _labelled("made", vectors, clips, frames, people.tolist())


def _one_of_each_scene(rng: np.random.Generator) -> list[Image]:
    scenes: dict[str, list[str]] = {}
    with (CROPS / "sources.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["set"] in STRANGERS:
                scenes.setdefault(row["scene"], []).append(row["crop"])
    files = [scenes[scene][int(rng.integers(len(scenes[scene])))] for scene in sorted(scenes)]
    images = [decode_image((CROPS / files[place]).read_bytes()) for place in rng.permutation(len(files))]
    return [image for image in images if image is not None]


def _seen(crop: Image, rng: np.random.Generator, number: int) -> list[Image]:
    """Crops of one sighting: one light, white balance and resolution, each with a bad box of its own."""
    seed = int(rng.integers(1 << 30))
    worse = str(rng.choice(["blur", "width-32", "jpeg-20", "block", "lower-body", ""]))
    light = np.exp(rng.uniform(-LIGHT, LIGHT)) * rng.uniform(1 - CAST, 1 + CAST, 3)
    changed = np.clip(np.rint(crop * light), 0, 255).astype(np.uint8)
    changed = degradation(worse).apply(changed, seed, number) if worse else changed
    return [degradation("misaligned").apply(changed, seed + part, number) for part in range(1, SAMPLES + 1)]


def _in_clips(people: NDArray[np.int64], rng: np.random.Generator) -> tuple[list[int], list[NDArray[np.int32]]]:
    """Put sightings, in order, into clips of up to six, nobody twice in one; some are seen at once."""
    clips, frames, inside = [], [], set[int]()
    clip, room = 0, int(rng.integers(1, 7))
    for person in people.tolist():
        if person in inside or len(inside) >= room:
            clip, room, inside = clip + 1, int(rng.integers(1, 7)), set()
        start = int(rng.integers(0, 200))
        clips.append(clip)
        frames.append(np.arange(start, start + 100, 3, dtype=np.int32) // 3 * 3)
        inside.add(person)
    return clips, frames


def _labelled(
    name: str,
    vectors: Sequence[NDArray[np.float32]],
    clips: Sequence[int],
    frames: Sequence[NDArray[np.int32]],
    people: Sequence[int],
) -> LabelledSightings:
    groups = np.full(len(vectors), ALONE)
    sightings = GroupableSightings(np.stack(vectors), pairs_at_once(clips, frames), groups)
    return LabelledSightings(name, sightings, np.unique(people, return_inverse=True)[1])


def pairs_at_once(clips: Sequence[int], frames: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """Return (P, 2) pairs of sightings that share a frame of a clip."""
    rows: dict[int, list[int]] = {}
    for row, clip in enumerate(clips):
        rows.setdefault(clip, []).append(row)
    pairs = [
        (first, second)
        for inside in rows.values()
        for first, second in itertools.combinations(inside, 2)
        if len(np.intersect1d(frames[first], frames[second]))
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)
