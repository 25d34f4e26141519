"""An observation as one file, so that it is opened again without decoding and without a model.

The file is NumPy's `.npz` without pickles: one array of JSON text and columns of numbers. It holds everything of an
`ObservedClip` but where files lie and how long the work took; crops are files beside it.
"""

import hashlib
import io
import json
import zipfile
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities import (
    DetectionList,
    FrameRange,
    FrameTimes,
    LinkedTrack,
    LinkKind,
    LookCounts,
    Notice,
    NoticeCode,
    Observation,
    ObservedClip,
    PerhapsSame,
    Sample,
    Template,
    Tracklet,
    VideoInfo,
)
from biometric.entities.enrolled import CROP_NAME
from biometric.errors import KeptFootageCorrupt
from biometric.storage import write_atomically

OBSERVATION_NAME = "observation.npz"
_FORMAT = 1
_FACTS = tuple(field.name for field in fields(VideoInfo) if field.name not in {"times", "damage"})
Arrays = dict[str, NDArray[Any]]


def crop_sources(observed: ObservedClip) -> dict[str, Path]:
    """Return the crops that are on disk, by the name under which they are kept."""
    crops = [sample.crop for person in observed.observations for sample in person.samples if sample.crop is not None]
    return {crop.name: crop for crop in crops if CROP_NAME.fullmatch(crop.name) is not None and crop.is_file()}


def pack(observed: ObservedClip) -> Arrays:
    """Return an observation as arrays, for `write`."""
    packing = _Packing()
    people = [packing.person(observation) for observation in observed.observations]
    video = observed.video
    meta = {
        "format": _FORMAT,
        "label": observed.label,
        "video": {name: getattr(video, name) for name in _FACTS},
        "damage": None if video.damage is None else video.damage.as_dict(),
        "times_end": video.times.end,
        "times_exact": video.times.exact_count,
        "frames": [observed.frames.start, observed.frames.stop, observed.frames.step, observed.frames.spacing],
        "model_id": observed.model_id,
        "analysed_frames": observed.analysed_frames,
        "warnings": [notice.as_dict() for notice in observed.warnings],
        "damage_accepted": observed.damage_accepted,
        "looks": None if observed.looks is None else asdict(observed.looks),
        "people": people,
    }
    text = json.dumps(meta, sort_keys=True, allow_nan=False).encode()
    return {"meta": np.frombuffer(text, np.uint8), "times": video.times.seconds, **packing.arrays()}


def fingerprint(arrays: Arrays) -> str:
    """Return what two observations share only if they are the same, but for the clip's label."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        if name == "meta":
            meta = json.loads(array.tobytes())
            meta.pop("label")
            digest.update(json.dumps(meta, sort_keys=True).encode())
        else:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write(arrays: Arrays, path: Path) -> None:
    """Write packed arrays. Raises `OSError`."""
    with path.open("xb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    path.chmod(0o600)


def rewrite(arrays: Arrays, path: Path) -> None:
    """Write packed arrays in place of a file that is there, at once. Raises `OSError`."""
    data = io.BytesIO()
    np.savez_compressed(data, allow_pickle=False, **arrays)
    write_atomically(path, data.getvalue())


def read(path: Path, clip: Path, label: str) -> ObservedClip:
    """Read an observation whose crops lie beside the file.

    Raises:
        KeptFootageCorrupt: it is missing, damaged or of another format.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _unpack(arrays, clip, label, path.parent)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        EOFError,
        RecursionError,
        zipfile.BadZipFile,
    ) as error:
        raise KeptFootageCorrupt(
            "What was seen in {label} cannot be read from the library any more. Open the clip and look again.",
            label=label,
        ) from error


class _Packing:
    """Collects the columns of all people."""

    def __init__(self) -> None:
        self._detections = DetectionList()
        self._embeddings: list[NDArray[np.float32]] = []
        self._templates: list[NDArray[np.float32]] = []

    def person(self, observation: Observation) -> dict[str, Any]:
        """Take one person in; return what is JSON of it."""
        first = len(self._detections)
        for detection in observation.tracklet.detections:
            self._detections.append(detection)
        template = observation.template
        if template is not None:
            self._templates.append(template.vector)
        return {
            "person": observation.person,
            "track": observation.tracklet.track_id,
            "detections": [first, len(self._detections)],
            "template": None if template is None else [len(self._templates) - 1, template.sample_count],
            "refusals": sorted((str(code), count) for code, count in observation.refusals.items()),
            "samples": [self._sample(sample) for sample in observation.samples],
            "linked": [[str(part.kind), part.score, self.person(part.observation)] for part in observation.linked],
            "perhaps": [[other.person, other.score] for other in observation.perhaps],
        }

    def _sample(self, sample: Sample) -> dict[str, Any]:
        self._detections.append(sample.detection)
        if sample.embedding is not None:
            self._embeddings.append(sample.embedding)
        return {
            "detection": len(self._detections) - 1,
            "quality": sample.quality,
            "refusal": None if sample.refusal is None else sample.refusal.as_dict(),
            "crop": None if sample.crop is None else sample.crop.name,
            "embedding": None if sample.embedding is None else len(self._embeddings) - 1,
        }

    def arrays(self) -> Arrays:
        """Return the columns."""
        frames, boxes, numbers = self._detections.columns
        return {
            "frames": frames,
            "boxes": boxes,
            "numbers": numbers,
            "embeddings": _rows(self._embeddings),
            "templates": _rows(self._templates),
        }


def _rows(vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(vectors).astype(np.float32) if vectors else np.zeros((0, 0), np.float32)


def _unpack(arrays: Arrays, clip: Path, label: str, folder: Path) -> ObservedClip:
    meta = json.loads(arrays["meta"].tobytes())
    if meta["format"] != _FORMAT:
        raise ValueError(f"expected format {_FORMAT}, got {meta['format']}")
    times = FrameTimes(arrays["times"], meta["times_end"], meta["times_exact"])
    damage = None if meta["damage"] is None else Notice.from_dict(meta["damage"])
    facts = {name: value for name, value in meta["video"].items() if name in _FACTS}
    video = VideoInfo(**facts, damage=damage, times=times)
    return ObservedClip(
        path=clip,
        label=label,
        video=video,
        frames=FrameRange(*meta["frames"]),
        observations=tuple(_person(person, arrays, meta["model_id"], folder) for person in meta["people"]),
        model_id=meta["model_id"],
        folder=folder,
        analysed_frames=meta["analysed_frames"],
        warnings=tuple(Notice.from_dict(notice) for notice in meta["warnings"]),
        damage_accepted=meta["damage_accepted"],
        looks=None if (looks := meta.get("looks")) is None else LookCounts(**looks),
    )


def _person(stored: dict[str, Any], arrays: Arrays, model_id: str, folder: Path) -> Observation:
    detections = _detections(arrays, *stored["detections"])
    template = None
    if stored["template"] is not None:
        row, count = stored["template"]
        template = Template(arrays["templates"][row], model_id, count)
    samples = tuple(_sample(sample, arrays, folder) for sample in stored["samples"])
    refusals = Counter({NoticeCode(code): count for code, count in stored["refusals"]})
    linked = tuple(
        LinkedTrack(_person(part, arrays, model_id, folder), LinkKind(kind), score)
        for kind, score, part in stored.get("linked", ())  # observations kept before tracks were linked have none
    )
    perhaps = tuple(PerhapsSame(*other) for other in stored.get("perhaps", ()))
    tracklet = Tracklet(stored["track"], detections)
    return Observation(stored["person"], tracklet, samples, template, refusals, linked, perhaps)


def _sample(stored: dict[str, Any], arrays: Arrays, folder: Path) -> Sample:
    row, name = stored["detection"], stored["crop"]
    if name is not None and CROP_NAME.fullmatch(name) is None:
        raise ValueError(f"expected a crop named NumFrame_BB.jpg, got {name!r}")
    return Sample(
        _detections(arrays, row, row + 1)[0],
        stored["quality"],
        None if stored["refusal"] is None else Notice.from_dict(stored["refusal"]),
        None if name is None else folder / name,
        None if stored["embedding"] is None else arrays["embeddings"][stored["embedding"]],
    )


def _detections(arrays: Arrays, first: int, stop: int) -> DetectionList:
    return DetectionList.from_columns(*(arrays[name][first:stop] for name in ("frames", "boxes", "numbers")))
