"""Who was joined and split by hand, as JSON-ready dictionaries: told beside an answer, and taken from callers.

    {"edit": "join", "people": [3, 7], "person": 3}
    {"edit": "split", "person": 4, "frame": 120, "other": 7}

What an answer tells can be given back. There `person` of a join and `other` of a split say who came of it; both may be
left out when they are given. `"force": true` joins people although they look different.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

from biometric.domain.person_edits import JoinEdit, PersonEdit, SplitEdit
from biometric.entities import Notice, NoticeCode
from biometric.errors import InvalidInput

MOST = 1000
"""Most edits of one call."""
_KEYS = {"join": {"edit", "people", "person", "force"}, "split": {"edit", "person", "frame", "other"}}


def edits_json(warnings: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return the edits that warnings of an observation tell, in the order in which they were made."""
    edits: list[dict[str, Any]] = []
    for notice in warnings:
        if notice.code is NoticeCode.JOINED_BY_HAND:
            people = [int(number) for number in str(notice["people"]).split(",")]
            edits.append({"edit": "join", "people": people, "person": notice["person"]})
        elif notice.code is NoticeCode.SPLIT_BY_HAND:
            edits.append({"edit": "split", **{name: notice[name] for name in ("person", "frame", "other")}})
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
        elif _is_number(person) and _is_number(frame):
            return SplitEdit(person, frame)
    raise InvalidInput(
        'An edit is {"edit": "join", "people": [3, 7]}, with "force": true where people look different, or '
        '{"edit": "split", "person": 4, "frame": 120}.'
    )


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
