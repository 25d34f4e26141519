"""Checks a case against its record: every file, the chain of steps, its signature, and heads kept elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from biometric.cases.case_folder import INPUTS, LOG, PEOPLE, expected_files
from biometric.entities.audit import fingerprint
from biometric.entities.cases import CaseCheck
from biometric.errors.phrases import Phrase
from biometric.ports import OpenLog
from biometric.storage import describe_os_error, file_digest


def check_case(folder: Path, open_log: OpenLog, heads: Sequence[Path] = (), key: str = "") -> CaseCheck:
    """Return what differs from what was recorded; changes nothing.

    Args:
        heads: ends of the record that were kept elsewhere.
        key: fingerprint of the key that the case has to be signed with, as its examiner told it; "": any.

    Raises:
        NoCase: the folder holds none.
        CaseChanged: not even its record can be read.
        InvalidInput: a head is none.
    """
    log = open_log(folder / LOG)
    report = log.verify(heads)
    records, signed_by = log.records(), log.head().public_key
    problems = list(report.problems)
    if key and _digits(key) != _digits(fingerprint(signed_by)):
        problems.append(
            Phrase("The record is signed with another key ({fingerprint}).", fingerprint=fingerprint(signed_by))
        )
    expected = expected_files(records)
    for name, digest in expected.items():
        problem = _problem(folder, name, digest)
        if problem is not None:
            problems.append(problem)
    more = [Phrase("{name} is in the folder, but not in the record.", name=name) for name in _more(folder, expected)]
    notes = [*report.notes, *more]
    return CaseCheck(tuple(problems), tuple(notes), len(expected), len(records), signed_by, log.own_key() == signed_by)


def _problem(folder: Path, name: str, digest: str) -> Phrase | None:
    path = folder / name
    try:
        if path.is_symlink():
            return Phrase("{name} is a link to another place.", name=name)
        if file_digest(path) != digest:
            return Phrase("{name} was changed after it was recorded.", name=name)
    except OSError as error:
        return Phrase("{name} is missing or cannot be read: {reason}.", name=name, reason=describe_os_error(error))
    return None


def _more(folder: Path, expected: dict[str, str]) -> list[str]:
    """Files that the record does not know; the system's and our own temporary ones begin with a dot."""
    places = [folder, folder / INPUTS, *sorted((folder / PEOPLE).glob("*"))]
    found = [path for place in places if place.is_dir() for path in sorted(place.iterdir()) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in found if not path.name.startswith(".")]
    known = {*expected, LOG}
    return [name for name in names if name not in known]


def _digits(text: str) -> str:
    return "".join(text.split()).lower()
