"""The judgement of a clip as JSON, text and files."""

import io
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from biometric.evaluation.mot.box_tracks import BoxTracks
from biometric.evaluation.mot.clip_judging import ClipJudged
from biometric.evaluation.result_files import as_csv

DIGITS = 6


def judged_json(judged: ClipJudged) -> dict[str, Any]:
    """Everything in JSON's types; identities of labels as in their file, found people by their numbers."""
    counts = judged.counts
    return {
        "frames": {
            "first": int(judged.frames[0]),
            "last": int(judged.frames[-1]),
            "judged": len(judged.frames),
        },
        "boxes": {"labelled": judged.labelled, "found": len(judged.found), "passed_over": judged.passed_over},
        "scores": {
            name: round(value, DIGITS) if isinstance(value, float) else value
            for name, value in asdict(judged.scores).items()
        },
        "people": {
            "true": len(counts.true),
            "found": len(counts.found),
            "missed": [person.identity for person in counts.missed],
            "counted_again": counts.counted_again,
            "double_counted": [_list(asdict(person), "found_as") for person in counts.double_counted],
            "joined": [_list(asdict(person), "shows") for person in counts.joined],
            "nobody": [person.identity for person in counts.nobody],
        },
    }


def judged_text(result: dict[str, Any]) -> list[str]:
    """Lines for people of what `judged_json` gives."""
    frames, boxes, scores, people = (result[name] for name in ("frames", "boxes", "scores", "people"))
    again, nobody = people["counted_again"], people["nobody"]
    lines = [
        f"Frames {frames['first']}–{frames['last']}, {frames['judged']:,} judged: {boxes['labelled']:,} labelled "
        f"boxes, {boxes['found']:,} found, {boxes['passed_over']:,} passed over.",
        f"IDF1 {scores['idf1']:.3f}, HOTA {scores['hota']:.3f} (detection {scores['deta']:.3f}, association "
        f"{scores['assa']:.3f}), MOTA {scores['mota']:.3f}.",
        f"Boxes: recall {scores['recall']:.3f}, precision {scores['precision']:.3f}; "
        f"{_counted(scores['switches'], 'identity switch', 'identity switches')}.",
        f"People: {people['found']} found, {people['true']} true: {len(people['missed'])} missed, {again} counted "
        f"again, {len(nobody)} nobody.",
    ]
    for person in people["double_counted"]:
        lines.append(f"  Counted more than once: {person['identity']}, as {_listed(person['found_as'])}.")
    for person in people["joined"]:
        lines.append(f"  Joined: found person {person['identity']} shows {_listed(person['shows'])}.")
    if people["missed"]:
        lines.append(f"  Missed: {_listed(people['missed'])}.")
    if nobody:
        lines.append(f"  Nobody: found {_counted(len(nobody), 'person', 'people', False)} {_listed(nobody)}.")
    return lines


def judged_files(judged: ClipJudged, first_frame: int) -> dict[str, bytes | str]:
    """Tables of both sides, and the found people in MOTChallenge's form, for other tools."""
    true = [{**asdict(person), "found_as": _joined(person.found_as)} for person in judged.counts.true]
    found = [{**asdict(person), "shows": _joined(person.shows)} for person in judged.counts.found]
    return {
        "true-people.csv": as_csv(true),
        "found-people.csv": as_csv(found),
        "found.txt": mot_text(judged.found, first_frame),
    }


def mot_text(tracks: BoxTracks, first_frame: int) -> str:
    """Boxes as MOTChallenge writes results: frame, id, x, y, w, h, 1 and three times -1."""
    text = io.StringIO()
    for frame, identity, (x1, y1, x2, y2) in zip(tracks.frames, tracks.ids, tracks.boxes, strict=True):
        text.write(f"{frame + first_frame},{identity},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,-1,-1,-1\n")
    return text.getvalue()


def _list(person: dict[str, Any], name: str) -> dict[str, Any]:
    return {**person, name: list(person[name])}


def _joined(identities: Iterable[int]) -> str:
    return " ".join(map(str, identities))


def _listed(identities: Iterable[int]) -> str:
    return ", ".join(map(str, identities))


def _counted(count: int, singular: str, plural: str, number: bool = True) -> str:
    word = singular if count == 1 else plural
    return f"{count} {word}" if number else word
