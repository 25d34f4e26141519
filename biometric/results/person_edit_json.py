"""Who was joined and split by hand, as JSON-ready dictionaries: told beside an answer, and taken from callers.

    {"edit": "join", "people": [3, 7], "person": 3}
    {"edit": "split", "person": 4, "frame": 120, "other": 7}
    {"edit": "split_tracks", "person": 4, "others": [7, 8]}

What an answer tells can be given back. There `person` of a join, `other` of a split and `others` of a split into tracks
say who came of it; they may be left out when they are given. `"force": true` joins people although they look different.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

from biometric.domain.person_edits import JoinEdit, PersonEdit, SplitEdit, TracksEdit
from biometric.entities import Notice, NoticeCode
from biometric.errors import InvalidInput

MOST = 1000
"""Most edits of one call."""
_KEYS = {
    "join": {"edit", "people", "person", "force"},
    "split": {"edit", "person", "frame", "other"},
    "split_tracks": {"edit", "person", "others"},
}


def edits_json(warnings: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return the edits that warnings of an observation tell, in the order in which they were made."""
    edits: list[dict[str, Any]] = []
    for notice in warnings:
        if notice.code is NoticeCode.JOINED_BY_HAND:
            edits.append({"edit": "join", "people": _numbers(notice["people"]), "person": notice["person"]})
        elif notice.code is NoticeCode.SPLIT_BY_HAND:
            edits.append({"edit": "split", **{name: notice[name] for name in ("person", "frame", "other")}})
        elif notice.code is NoticeCode.TRACKS_SPLIT_BY_HAND:
            others = _numbers(notice["others"])
            edits.append({"edit": "split_tracks", "person": notice["person"], "others": others})
    return edits


def read_edits(value: object) -> tuple[PersonEdit, ...]:
    """Return the edits that a caller gave, none where that is None.

    Raises:
        InvalidInput: it is no list of edits.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST:
        raise InvalidInput("The edits must be a list of at most {most} entries.", most=MOST)
    return tuple(_read(item) for item in value)


def _read(item: object) -> PersonEdit:
    kind = item.get("edit") if isinstance(item, dict) else None
    if isinstance(item, dict) and isinstance(kind, str) and item.keys() <= _KEYS.get(kind, set()):
        people, force, person, frame = (item.get(key) for key in ("people", "force", "person", "frame"))
        if kind == "join":
            if isinstance(people, list) and all(map(_is_number, people)) and force in (None, False, True):
                return JoinEdit(frozenset(people), force is True)
        elif kind == "split_tracks" and _is_number(person):
            return TracksEdit(person)
        elif _is_number(person) and _is_number(frame):
            return SplitEdit(person, frame)
    raise InvalidInput(
        'An edit is {"edit": "join", "people": [3, 7]}, with "force": true where people look different, '
        '{"edit": "split", "person": 4, "frame": 120}, or {"edit": "split_tracks", "person": 4}.'
    )


def _numbers(text: object) -> list[int]:
    return [int(number) for number in str(text).split(",")]


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
