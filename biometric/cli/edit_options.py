"""The options that join and split the people of a clip, before a command answers about them."""

import argparse
import re
from collections.abc import Callable
from typing import Any

from biometric.domain.person_edits import JoinEdit, PersonEdit, SplitEdit, TracksEdit
from biometric.entities import ObservedClip
from biometric.service import Sightline

_PERSON = re.compile(r"[0-9]{1,9}")
_PEOPLE = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})+")
_PLACE = re.compile(r"([0-9]{1,9})@([0-9]{1,9})")


def add_edit_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; what they say is `options.edits`, in the order in which they were written."""
    options: dict[str, Any] = {"dest": "edits", "action": "append", "default": None}
    parser.add_argument(
        "--join",
        type=_join(forced=False),
        metavar="N,M",
        help="people of these numbers are one person; refused where they look different",
        **options,
    )
    parser.add_argument(
        "--join-anyway",
        type=_join(forced=True),
        metavar="N,M",
        help="the same, although they look like different people",
        **options,
    )
    parser.add_argument(
        "--split",
        type=_split,
        metavar="N@F",
        help="person N is two people: from frame F on it is somebody else, of the lowest number that is free",
        **options,
    )
    parser.add_argument(
        "--split-tracks",
        type=_split_tracks,
        metavar="N",
        help="each track of person N is somebody of their own, also where two are seen in the same frames",
        **options,
    )


def edited(service: Sightline, observed: ObservedClip, options: argparse.Namespace) -> ObservedClip:
    """Return the observation after the edits of a command.

    Raises:
        InvalidInput: one of them cannot be made.
    """
    return service.edits.apply(observed, options.edits or ())


def _join(*, forced: bool) -> Callable[[str], PersonEdit]:
    def read(text: str) -> PersonEdit:
        people = frozenset(map(int, text.split(","))) if _PEOPLE.fullmatch(text) else frozenset()
        if len(people) < 2:
            raise argparse.ArgumentTypeError(
                f"people to join are written 3,7: numbers of two or more, not {text[:40]!r}"
            )
        return JoinEdit(people, forced)

    return read


def _split(text: str) -> PersonEdit:
    place = _PLACE.fullmatch(text)
    if place is None:
        raise argparse.ArgumentTypeError(f"a split is written 4@120: a person's number and a frame, not {text[:40]!r}")
    return SplitEdit(int(place[1]), int(place[2]))


def _split_tracks(text: str) -> PersonEdit:
    if _PERSON.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"who is split into tracks is written as a person's number, not {text[:40]!r}")
    return TracksEdit(int(text))
