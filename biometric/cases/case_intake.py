"""Takes footage into a case, as a read-only copy that is compared with the original byte for byte."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biometric.cases.case_folder import INPUTS, READ_ONLY, CaseFolder, unwritable
from biometric.entities import FrameRange, VideoInfo, clean_label, clean_name
from biometric.entities.audit import AuditValue
from biometric.entities.cases import CaseInput, CaseRole, CaseStep
from biometric.entities.names import clean_text
from biometric.errors import DamagedClip, FootageChanged, InvalidFrameRange, InvalidInput
from biometric.storage import atomic_path, file_digest

TEXT_LIMIT = 500
_ENDING = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewInput:
    """What is to be added; attributes as of `CaseInput`."""

    path: Path
    role: CaseRole
    name: str = ""
    person: int | None = None
    first: int | None = None
    last: int | None = None
    accept_damaged: bool = False


def add_input(case: CaseFolder, new: NewInput, probe: Callable[[Path], VideoInfo]) -> CaseInput:
    """Copy a file into the case and record it; a file that is there already only gets another choice of person.

    Killed in between, at most a copy is left that the record does not know; the next call writes over it.

    Args:
        probe: describes a clip; its digest is the SHA-256 of the file.

    Raises:
        InvalidInput, InvalidName: a known input has no name, a questioned one has; the file is here otherwise.
        ClipError: it cannot be read, or is damaged and that was not accepted.
        FootageChanged: it changed while it was copied.
        CaseError, StorageFull: it cannot be recorded or written.
    """
    name = clean_name(new.name) if new.role is CaseRole.KNOWN else ""
    if new.role is CaseRole.QUESTIONED and (new.name or new.person is not None):
        raise InvalidInput("Questioned footage has neither a name nor a chosen person: everybody in it is compared.")
    video = probe(new.path)
    _check(new, video)
    with case.working():
        inputs = case.inputs()
        former = next((item for item in inputs if item.digest == video.digest and not item.withdrawn), None)
        if former is not None:
            return _choose_person(case, former, new, name)
        number = len(inputs) + 1
        item = CaseInput(
            number=number,
            file=f"{number:04d}{_ending(new.path)}",
            label=clean_label(new.path.name),
            role=new.role,
            name=name,
            digest=video.digest,
            size=_copied(case, new.path, f"{number:04d}{_ending(new.path)}", video.digest),
            person=new.person,
            first=new.first,
            last=new.last,
            accept_damaged=new.accept_damaged,
        )
        names = ("number", "file", "label", "name", "digest", "size", "person", "first", "last", "accept_damaged")
        details: dict[str, AuditValue] = {field: getattr(item, field) for field in names}
        case.record(CaseStep.INPUT_ADDED, {**details, "role": item.role.value})
    return item


def withdraw_input(case: CaseFolder, number: int, reason: str) -> CaseInput:
    """Stop using an input; its file stays, and the report says why. Raises `InvalidInput`, `CaseError`."""
    text = clean_text(reason, TEXT_LIMIT)
    if not text:
        raise InvalidInput("Say in a few words why the input is not used any more: --reason TEXT.")
    with case.working():
        item = next((item for item in case.inputs_in_use() if item.number == number), None)
        if item is None:
            raise InvalidInput("The case has no input {number} in use.", number=number)
        case.record(CaseStep.INPUT_WITHDRAWN, {"number": number, "reason": text})
    return item


def _check(new: NewInput, video: VideoInfo) -> None:
    if video.damage is not None and not new.accept_damaged:
        raise DamagedClip(
            "Nothing was added, because this clip is damaged. Add another copy of it, or say that this one may be used "
            "although it is damaged (--accept-damaged); the report will say so.",
            video.frame_count,
            video.claimed_frames,
            video.damage,
        )
    if new.person is not None and new.person < 1:
        raise InvalidInput("People are numbered from 1, got {person}.", person=new.person)
    first, last = new.first or 0, video.frame_count - 1 if new.last is None else new.last
    frames = FrameRange.inclusive(first, last)
    if frames.last >= video.frame_count and video.frame_count_source == "decoded":
        raise InvalidFrameRange("The clip has frames 0–{last}.", last=video.frame_count - 1)


def _choose_person(case: CaseFolder, former: CaseInput, new: NewInput, name: str) -> CaseInput:
    same = (former.role, former.name, former.first, former.last) == (new.role, name, new.first, new.last)
    if not same or new.person is None or new.person == former.person:
        raise InvalidInput(
            "This file is in the case already, as input {number} ({role}, {name}). To use it otherwise, withdraw that "
            "one first (case withdraw).",
            number=former.number,
            role=former.role.value,
            name=former.name or former.label,
        )
    case.record(CaseStep.PERSON_CHOSEN, {"number": former.number, "person": new.person})
    return next(item for item in case.inputs() if item.number == former.number)


def _copied(case: CaseFolder, source: Path, file: str, digest: str) -> int:
    """Copy a file and return its size; the copy is read back."""
    target = case.folder / INPUTS / file
    try:
        with atomic_path(target, READ_ONLY) as partial:
            shutil.copyfile(source, partial)
            if file_digest(partial) != digest:
                raise FootageChanged("{name} changed while it was copied. Nothing was added.", name=source.name)
        return target.stat().st_size
    except OSError as error:
        raise unwritable(target, error) from error


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    return ending if _ENDING.fullmatch(ending) else ""
