"""Comparisons of a case: every questioned person with every known one, and what a repetition changed. Numpy only."""

from collections.abc import Iterator, Mapping, Sequence

from biometric.domain import comparison
from biometric.entities import Template
from biometric.entities.cases import (
    CaseEnvironment,
    CaseInput,
    CaseManifest,
    CasePerson,
    CaseResults,
    CaseRole,
    CaseScore,
    NoRatio,
    ObservedInput,
    Repetition,
    Sameness,
)
from biometric.errors import CaseIncomplete, UnknownPerson
from biometric.errors.phrases import Phrase

TOLERANCE = 0.01
"""Most that two scores of the same comparison differ by between machines and still count as the same.

Processors and graphics cards add numbers in other orders, and some calculate with fewer digits: see docs/case.md, which
has what was measured.
"""
OVERLAP = 0.9
"""Least share that the frames of a person in a repetition have in common with those before, of all of both."""


def known_person(item: CaseInput, seen: ObservedInput) -> CasePerson | None:
    """Return who the known person of an input is; None where nobody can be compared.

    Raises:
        CaseIncomplete: several people can be compared, and nobody said which one is meant.
        UnknownPerson: the one who was chosen is not there.
    """
    if item.person is None:
        if len(seen.usable) > 1:
            raise CaseIncomplete(
                "Input {number} ({label}) shows {count} people. Say which one is {name}: add it again with --person N, "
                "of {people}; their pictures are in {folder}.",
                number=item.number,
                label=item.label,
                count=len(seen.usable),
                name=item.name,
                people=", ".join(str(person.person) for person in seen.usable),
                folder=f"people/{item.number:04d}",
            )
        return seen.usable[0] if seen.usable else None
    chosen = next((person for person in seen.people if person.person == item.person), None)
    if chosen is None:
        raise UnknownPerson(
            "There is no person {person} in input {number} ({label}).",
            person=item.person,
            number=item.number,
            label=item.label,
        )
    return None if chosen.vector is None else chosen


def compare(
    inputs: Sequence[CaseInput], seen: Mapping[int, ObservedInput], manifest: CaseManifest
) -> tuple[CaseScore, ...]:
    """Compare every questioned person who can be compared with every known one.

    Args:
        inputs: those in use.
        seen: what was seen in each, by its number.

    Raises:
        CaseIncomplete: nobody of either kind can be compared, or it is not said who a known person is.
    """
    known = [
        (item, person) for item in _of(inputs, CaseRole.KNOWN) if (person := known_person(item, seen[item.number]))
    ]
    questioned = [(item, person) for item in _of(inputs, CaseRole.QUESTIONED) for person in seen[item.number].usable]
    if not known or not questioned:
        raise CaseIncomplete(
            "Nobody can be compared: {questioned} questioned and {known} known people have a usable sample. Add other "
            "footage of them.",
            questioned=len(questioned),
            known=len(known),
        )
    return tuple(
        _score((item, person), (other, somebody), manifest) for item, person in questioned for other, somebody in known
    )


def _of(inputs: Sequence[CaseInput], role: CaseRole) -> Iterator[CaseInput]:
    return (item for item in inputs if item.role is role)


def _score(
    questioned: tuple[CaseInput, CasePerson], reference: tuple[CaseInput, CasePerson], manifest: CaseManifest
) -> CaseScore:
    (item, person), (other, known) = questioned, reference
    threshold, model_id = manifest.threshold, manifest.model("embedder").card
    score = comparison.score(_template(person, model_id), _template(known, model_id))
    likelihood = threshold.likelihood
    interval = None if likelihood is None else likelihood.interval(score)
    low, high = (None, None) if interval is None else interval
    return CaseScore(
        questioned=(item.number, person.person),
        known=(other.number, known.person),
        name=other.name,
        score=score,
        reaches=comparison.decide(score, threshold),
        ratio=None if likelihood is None else likelihood.ratio(score),
        low=low,
        high=high,
        limited=likelihood is not None and likelihood.is_limited(score),
        no_ratio=_no_ratio(manifest),
    )


def _no_ratio(manifest: CaseManifest) -> NoRatio | None:
    if manifest.threshold.likelihood is not None:
        return None
    return NoRatio.NO_CALIBRATION if manifest.calibration is None else NoRatio.TOO_FEW_PEOPLE


def _template(person: CasePerson, model_id: str) -> Template:
    if person.vector is None:
        raise ValueError(f"expected a template of person {person.person}, got none")
    return Template(person.vector, model_id, max(1, len(person.crops)))


def compare_repetition(
    former: tuple[Mapping[int, ObservedInput], CaseResults], again: tuple[Mapping[int, ObservedInput], CaseResults]
) -> Repetition:
    """Return how people and scores of a repetition differ from those of the case: every difference is named."""
    small: list[Phrase] = []
    large: list[Phrase] = []
    count = 0
    for number, seen in sorted(former[0].items()):
        more, same, different = _people_differences(seen, again[0][number])
        count += more
        small += same
        large += different
    ours, theirs = former[1].scores, again[1].scores
    largest = 0.0
    others = {(score.questioned, score.known): score for score in theirs}
    for score in ours:
        other = others.pop((score.questioned, score.known), None)
        words = {"pair": _pair(score)}
        if other is None:
            large.append(Phrase("{pair}: not compared in the repetition.", **words))
            continue
        count += 1
        gap = abs(score.score - other.score)
        largest = max(largest, gap)
        if score == other:
            continue
        text = Phrase("{pair}: score {former:.6f}, again {again:.6f}.", former=score.score, again=other.score, **words)
        is_same = gap <= TOLERANCE and score.reaches == other.reaches and (score.ratio is None) == (other.ratio is None)
        (small if is_same else large).append(text)
    large += [Phrase("{pair}: compared only in the repetition.", pair=_pair(score)) for score in others.values()]
    sameness = Sameness.DIFFERENT if large else Sameness.WITHIN_TOLERANCE if small else Sameness.IDENTICAL
    changes = environment_changes(former[1].environment, again[1].environment)
    return Repetition(sameness, count, largest, (*large, *small), changes, again[1].environment)


def _pair(score: CaseScore) -> Phrase:
    return Phrase(
        "Person {person} of input {input} with {name} (input {known})",
        person=score.questioned[1],
        input=score.questioned[0],
        name=score.name,
        known=score.known[0],
    )


def _people_differences(former: ObservedInput, again: ObservedInput) -> tuple[int, list[Phrase], list[Phrase]]:
    """Return how many numbers were compared, and the differences within the tolerance and beyond."""
    words = {"number": former.number}
    if len(former.people) != len(again.people):
        text = Phrase(
            "Input {number}: {former} people were seen, {again} in the repetition.",
            former=len(former.people),
            again=len(again.people),
            **words,
        )
        return 1, [], [text]
    small: list[Phrase] = []
    large: list[Phrase] = []
    for one, other in zip(former.people, again.people, strict=True):
        words = {"number": former.number, "person": one.person}
        if (one.first, one.last) != (other.first, other.last):
            text = Phrase(
                "Input {number}, person {person}: frames {first}–{last}, again {other_first}–{other_last}.",
                first=one.first,
                last=one.last,
                other_first=other.first,
                other_last=other.last,
                **words,
            )
            (small if _overlap(one, other) >= OVERLAP else large).append(text)
        if (one.vector is None) != (other.vector is None):
            large.append(Phrase("Input {number}, person {person}: usable only in one of both.", **words))
        elif one.vector is not None and other.vector is not None and one.vector.tobytes() != other.vector.tobytes():
            cosine = float(one.vector @ other.vector)
            text = Phrase(
                "Input {number}, person {person}: the template is not the same bit for bit (cosine {cosine:.6f}).",
                cosine=cosine,
                **words,
            )
            (small if cosine >= 1 - TOLERANCE else large).append(text)
    return 2 * len(former.people), small, large


def _overlap(one: CasePerson, other: CasePerson) -> float:
    shared = min(one.last, other.last) - max(one.first, other.first) + 1
    return max(0, shared) / (max(one.last, other.last) - min(one.first, other.first) + 1)


def environment_changes(former: CaseEnvironment, now: CaseEnvironment) -> tuple[Phrase, ...]:
    """Return where two environments differ."""
    pairs: list[tuple[str, str, str]] = [("Sightline", former.program, now.program)]
    pairs += [(name.capitalize(), getattr(former, name), getattr(now, name)) for name in _PLACES]
    for ours, theirs in ((former.devices, now.devices), (former.packages, now.packages)):
        pairs += [(name, ours.get(name, "–"), theirs.get(name, "–")) for name in sorted({*ours, *theirs})]
    return tuple(
        Phrase("{what}: {former}, now {now}", what=what, former=one, now=other)
        for what, one, other in pairs
        if one != other
    )


_PLACES = ("python", "system", "processor")
