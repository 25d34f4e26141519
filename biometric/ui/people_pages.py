"""Everybody enrolled, and one person with their references, as HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from biometric.entities import NAME_LIMIT, BiometricReference, Identity, PersonLifetime, comparable_text
from biometric.messages.translation import gettext as _
from biometric.ui import problems
from biometric.ui.people_lifetimes import reference_line, tile_note
from biometric.ui.people_state import PeopleState
from biometric.ui.picture_uris import Pictures
from biometric.ui.templating import render
from biometric.ui.text_format import long_day, short_day

VISITS_UNFOLDED = 6
"""The latest references show their pictures; those of older ones appear at a press."""


@dataclass(frozen=True, slots=True)
class PersonTile:
    """One tile of everybody."""

    id: str
    name: str
    cover: str
    references: int
    last: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PersonHead:
    """Name, cover and counts of the person whose page is open."""

    id: str
    name: str
    cover: str
    references: int
    samples: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """One sample of a reference; `key` is "reference id/crop name"."""

    key: str
    uri: str
    frame: int
    cover: bool
    chosen: bool
    large: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One reference with its pictures; `title` tells it from others for screen readers."""

    id: str
    day: str
    clip: str
    camera: str
    title: str
    first: int
    last: int
    samples: int
    model: str
    lasting: str
    folded: bool
    pictures: tuple[SamplePicture, ...]
    chosen: SamplePicture | None


def matching(identities: Iterable[Identity], query: str) -> list[Identity]:
    """Return the identities whose name contains `query`, compared as names are."""
    wanted = comparable_text(query)
    return [identity for identity in identities if wanted in comparable_text(identity.name)]


def everybody(
    identities: Sequence[Identity],
    state: PeopleState,
    pictures: Pictures,
    lifetimes: Sequence[PersonLifetime] = (),
    retention: str = "",
) -> str:
    """Return all identities as tiles, those whose name contains the search text.

    Args:
        lifetimes, retention: until when their references are kept; how long that is, in a line.
    """
    lasting = {item.identity_id: item for item in lifetimes}
    found = matching(identities, state.query)
    tiles = [
        PersonTile(
            identity.id,
            identity.name,
            pictures.crop(identity.thumbnail, 200),
            identity.reference_count,
            short_day(identity.updated_at),
            tile_note(lasting.get(identity.id)),
        )
        for identity in found[: state.shown]
    ]
    return render(
        "people.html",
        tiles=tiles,
        total=len(identities),
        found=len(found),
        more=len(found) - len(tiles),
        query=state.query.strip(),
        retention=retention,
    )


def person(
    identity: Identity,
    references: Sequence[BiometricReference],
    state: PeopleState,
    pictures: Pictures,
    erasing: Sequence[str] = (),
    lasting: str = "",
) -> str:
    """Return the page of one person: what can be done, and the references, the latest first.

    Args:
        erasing: what erasing will do, in sentences, where that is asked.
        lasting: until when the references are kept.
    """
    head = PersonHead(
        identity.id,
        identity.name,
        pictures.crop(identity.thumbnail, 320),
        identity.reference_count,
        identity.sample_count,
        long_day(identity.created_at),
        long_day(identity.updated_at),
    )
    latest = sorted(references, key=lambda reference: reference.created_at, reverse=True)
    visits = [
        _visit(reference, identity.thumbnail, position >= VISITS_UNFOLDED, state, pictures)
        for position, reference in enumerate(latest)
    ]
    return render(
        "person.html",
        person=head,
        visits=visits,
        question=state.question,
        erasing=erasing,
        lasting=lasting,
        **refused_name(state, "#people-new-name"),
        name_limit=NAME_LIMIT,
    )


def refused_name(state: PeopleState, field: str) -> dict[str, str]:
    """Return what was typed into the field of a name and refused, and the words at the field; `field` is a selector."""
    if state.refused is None:
        return {"typed": "", "refusal": ""}
    words = problems.field_problem(state.refused.error, field, "people-name-words")
    return {"typed": state.refused.text[:NAME_LIMIT], "refusal": Markup(words)}  # noqa: S704 - made of escaped words


def sample_key(reference: BiometricReference, crop: Path) -> str:
    """Return what tells a sample from all others of the gallery: "reference id/crop name"."""
    return f"{reference.id}/{crop.name}"


def _visit(
    reference: BiometricReference, cover: Path | None, old: bool, state: PeopleState, pictures: Pictures
) -> Visit:
    folded = old and reference.id not in state.unfolded
    shots = () if folded else tuple(_sample(reference, crop, cover, state, pictures) for crop in reference.crops)
    day = long_day(reference.created_at)
    return Visit(
        id=reference.id,
        day=day,
        clip=reference.clip_name,
        camera=reference.camera,
        title=_("{day}, {clip}, frames {first}–{last}").format(
            day=day, clip=reference.clip_name, first=reference.first_frame, last=reference.last_frame
        ),
        first=reference.first_frame,
        last=reference.last_frame,
        samples=len(reference.crops),
        model=reference.template.model_id,
        lasting=reference_line(reference),
        folded=folded,
        pictures=shots,
        chosen=next((shot for shot in shots if shot.chosen), None),
    )


def _sample(
    reference: BiometricReference, crop: Path, cover: Path | None, state: PeopleState, pictures: Pictures
) -> SamplePicture:
    key = sample_key(reference, crop)
    chosen = key == state.sample
    return SamplePicture(
        key=key,
        uri=pictures.crop(crop, 140),
        frame=int(crop.stem.partition("_")[0]),
        cover=crop == cover,
        chosen=chosen,
        large=pictures.crop(crop, 320) if chosen else "",
    )
