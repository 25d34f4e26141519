"""The folder of a case: what lies where, and what its record says. The record decides; files are checked against it.

| file | what it is |
|---|---|
| `manifest.json` | what was fixed when the case was opened |
| `log.jsonl` | the signed record of every step |
| `inputs/` | copies of the footage, read-only |
| `people/0001/` | who was seen in an input, with their pictures |
| `results-001.json` | the comparisons; later ones have the next number |
| `report-001.html`, `report-001.pdf` | the report |

Nothing that was recorded is written again. So a file that differs from its record was changed, and what a killed
process left is only not recorded: the next call writes over it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from biometric.cases.case_documents import document, manifest_values, read_document, read_manifest
from biometric.entities.audit import AuditEvent, AuditHead, AuditRecord, AuditValue
from biometric.entities.cases import CaseInput, CaseManifest, CaseRole, CaseStep
from biometric.errors import BiometricError, CaseChanged, CaseExists, CaseIncomplete, StorageFull
from biometric.ports import OpenLog, SignedLog
from biometric.storage import atomic_folder, describe_os_error, file_digest, file_lock, write_atomically

MANIFEST, LOG = "manifest.json", "log.jsonl"
INPUTS, PEOPLE = "inputs", "people"
READ_ONLY = 0o400
_FILE = re.compile(r"[0-9]{4,}(\.[a-z0-9]{1,8})?", re.ASCII)
"""Names of inputs in the case."""
_PATIENCE = 5.0


class CaseFolder:
    """An open case. Raises `NoCase`, `CaseChanged` where the folder holds none, or one whose manifest was changed."""

    def __init__(self, folder: Path, open_log: OpenLog) -> None:
        self.folder = folder
        self.log: SignedLog = open_log(folder / LOG)
        self.manifest = self._read_manifest()

    @classmethod
    def create(cls, folder: Path, manifest: CaseManifest, open_log: OpenLog) -> "CaseFolder":
        """Make a case in a folder that is empty or not there; all of it appears at once.

        Raises:
            CaseExists: the folder is not empty.
            StorageFull: it cannot be written.
        """
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise CaseExists(
                "{folder} is there already and not empty. Choose another folder for the case.", folder=folder
            )
        text = document(manifest_values(manifest))
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with atomic_folder(folder, replace=True) as partial:
                write_atomically(partial / MANIFEST, text, READ_ONLY)
                for name in (INPUTS, PEOPLE):
                    (partial / name).mkdir(mode=0o700)
                details: dict[str, AuditValue] = {
                    "manifest": file_digest(partial / MANIFEST),
                    "case": manifest.number,
                    "examiner": manifest.examiner,
                }
                open_log(partial / LOG).begin(manifest.case_id, AuditEvent(CaseStep.OPENED, details=details))
        except OSError as error:
            raise unwritable(folder, error) from error
        return cls(folder, open_log)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep other commands from changing the case inside the block. Raises `StorageFull`: it cannot be written."""
        lock = self.folder / ".case.lock"
        try:
            with file_lock(lock, _PATIENCE, keep=False):
                yield
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def record(self, step: CaseStep, details: Mapping[str, AuditValue]) -> AuditHead:
        """Add a step to the record."""
        return self.log.append(AuditEvent(step, details=details))

    def records(self, step: CaseStep | None = None) -> list[AuditRecord]:
        """Return the records, or those of one step, the earliest first."""
        return [record for record in self.log.records() if step is None or record.action == step]

    def inputs(self) -> list[CaseInput]:
        """Return all inputs, withdrawn ones too, as the record has them. Raises `CaseChanged`."""
        found: dict[int, CaseInput] = {}
        try:
            for record in self.records():
                details: Mapping[str, Any] = record.details
                if record.action == CaseStep.INPUT_ADDED:
                    values = {**details, "role": CaseRole(details["role"]), "added_at": record.time}
                    if not _FILE.fullmatch(details["file"]):
                        raise ValueError("expected the name of an input")
                    found[details["number"]] = CaseInput(**values)
                elif record.action == CaseStep.PERSON_CHOSEN:
                    found[details["number"]] = replace(found[details["number"]], person=details["person"])
                elif record.action == CaseStep.INPUT_WITHDRAWN:
                    found[details["number"]] = replace(found[details["number"]], withdrawn=details["reason"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._changed(LOG) from error
        return [found[number] for number in sorted(found)]

    def inputs_in_use(self) -> list[CaseInput]:
        """Return the inputs that were not withdrawn."""
        return [item for item in self.inputs() if not item.withdrawn]

    def input_path(self, item: CaseInput) -> Path:
        """Return where an input lies."""
        return self.folder / INPUTS / item.file

    def people_folder(self, number: int) -> Path:
        """Return where is what was seen in an input."""
        return self.folder / PEOPLE / f"{number:04d}"

    def read(self, name: str) -> dict[str, Any]:
        """Return the values of a file of the case, which has to be what the record says.

        Raises `CaseChanged`: it is missing, was changed, or is not in the record.
        """
        wanted = expected_files(self.records()).get(name)
        try:
            if wanted is None or file_digest(self.folder / name) != wanted:
                raise self._changed(name)
            return read_document((self.folder / name).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise self._changed(name) from error

    def results_name(self) -> str:
        """Return the name of the latest results. Raises `CaseIncomplete`: nothing was compared yet."""
        done = len(self.records(CaseStep.COMPARED))
        if not done:
            raise CaseIncomplete(
                "Nothing was compared in this case yet. Add inputs (case add), then compare them (case compare)."
            )
        return f"results-{done:03d}.json"

    def next_name(self, step: CaseStep, form: str) -> str:
        """Return the name of the next file of a step: `form` has the place of its number, such as "{:03d}.json"."""
        return form.format(len(self.records(step)) + 1)

    def write(self, name: str, text: str) -> str:
        """Write a file of the case, read-only, and return its SHA-256. Raises `StorageFull`."""
        path = self.folder / name
        try:
            write_atomically(path, text, READ_ONLY)
            return file_digest(path)
        except OSError as error:
            raise unwritable(path, error) from error

    def require_input(self, item: CaseInput) -> None:
        """Raise `CaseChanged` unless an input is there as it was added."""
        path = self.input_path(item)
        try:
            if path.is_symlink() or file_digest(path) != item.digest:
                raise self._changed(f"{INPUTS}/{item.file}")
        except OSError as error:
            raise CaseChanged(
                "Input {number} ({label}) is missing or cannot be read: {reason}. Put the file back as {path}; its "
                "SHA-256 is {digest}.",
                number=item.number,
                label=item.label,
                reason=describe_os_error(error),
                path=path,
                digest=item.digest,
            ) from error

    def _read_manifest(self) -> CaseManifest:
        try:
            return read_manifest(self.read(MANIFEST))
        except (KeyError, TypeError, ValueError) as error:
            raise self._changed(MANIFEST) from error

    def _changed(self, name: str) -> CaseChanged:
        return CaseChanged(
            "{name} of the case in {folder} was changed after it was recorded, or is missing. Nothing was done; put "
            "the recorded file back from a copy. case verify lists all that differs.",
            name=name,
            folder=self.folder,
        )


def expected_files(records: Iterable[AuditRecord]) -> dict[str, str]:
    """Return the SHA-256 that records give each file, by path below the folder; a later one counts."""
    expected: dict[str, str] = {}
    for record in records:
        details = record.details
        if record.action == CaseStep.OPENED:
            expected[MANIFEST] = str(details.get("manifest"))
        elif record.action == CaseStep.INPUT_ADDED:
            expected[f"{INPUTS}/{details.get('file')}"] = str(details.get("digest"))
        elif isinstance(files := details.get("files"), dict):
            expected |= {name: str(digest) for name, digest in files.items()}
    return expected


def unwritable(path: Path, error: OSError) -> BiometricError:
    """Return the error that says why something of a case cannot be written."""
    return StorageFull("{path} could not be written: {reason}.", path=path, reason=describe_os_error(error))
