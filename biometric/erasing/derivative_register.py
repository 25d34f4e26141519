"""Writes down in a gallery's register what was written about its people."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from biometric.entities import Identification, Identity, ObservedClip, Verification
from biometric.entities.audit import AuditAction, AuditEvent
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.errors import BiometricError
from biometric.ports import Gallery
from biometric.results.answer_files import Outputs
from biometric.storage import file_digest

logger = logging.getLogger(__name__)


class DerivativeRegister:
    """The registers of the galleries of a service. An answer does not fail because it could not be written down.

    Args:
        gallery: the gallery in a folder, None for the configured one.
    """

    def __init__(self, gallery: Callable[[Path | None], Gallery]) -> None:
        self._gallery = gallery

    def results(
        self, observed: ObservedClip, answers: Sequence[Identification], outputs: Outputs, gallery: Path | None
    ) -> None:
        """Write down the files of an identification, crops among them."""
        folder = outputs.json.parent
        crops = {sample.crop.name for item in answers for sample in item.observation.kept if sample.crop is not None}
        files = [Path(path) for path in outputs.as_dict().values() if path is not None]
        files += [folder / name for name in crops]
        self._record(DerivativeKind.RESULTS, files, named_in(answers), observed.video.digest, gallery)

    def hidden_clip(
        self, path: Path, shown: Collection[str], clip_digest: str, gallery: Path | None, digest: str | None = None
    ) -> None:
        """Write down a clip in which people are hidden, and those whose ids are given are shown.

        Args:
            digest: the file's SHA-256 where it is known, so that the file need not be read again.
        """
        if shown:
            self._record(DerivativeKind.REDACTED, [path], shown, clip_digest, gallery, digest)

    def report(self, answer: Verification | Sequence[Identification], path: Path, gallery: Path | None) -> None:
        """Write down a report, and record that it was written."""
        try:
            people, details = tuple(sorted(named_in(answer))), {"file_sha256": file_digest(path)}
            self._gallery(gallery).audit.record(AuditEvent(AuditAction.REPORTED, people, details))
        except (BiometricError, OSError) as error:
            logger.warning("Not written down in the gallery's audit trail: %s", error)
        self._record(DerivativeKind.REPORT, [path], named_in(answer), "", gallery)

    def copies(
        self, observed: ObservedClip, answers: Sequence[Identification], files: Iterable[Path], gallery: Path | None
    ) -> None:
        """Write down copies of the files of an identification that a page offers."""
        self._record(DerivativeKind.RESULTS, files, named_in(answers), observed.video.digest, gallery)

    def _record(
        self,
        kind: DerivativeKind,
        paths: Iterable[Path],
        identity_ids: Collection[str],
        clip_digest: str,
        gallery: Path | None,
        digest: str | None = None,
    ) -> None:
        """Write files down, `digest` that of the only one where it is known."""
        try:
            files = digests_of(paths) if digest is None else {path.resolve(): digest for path in paths}
            self._gallery(gallery).record(NewDerivative(kind, files, frozenset(identity_ids), clip_digest))
        except (BiometricError, OSError) as error:
            logger.warning("Not written down in the gallery's register: %s", error)


def named_in(answer: Verification | Sequence[Identification]) -> set[str]:
    """Return the ids of all whom an answer names: decided, closest, or said to be or not to be."""
    if isinstance(answer, Verification):
        others = [] if answer.best_other is None else [answer.best_other.identity]
        return _ids([answer.identity, *others]) | {verdict.identity_id for verdict in answer.verdicts}
    named: set[str] = set()
    for item in answer:
        named |= _ids([candidate.identity for candidate in item.candidates])
        named |= _ids([] if item.identity is None else [item.identity])
        named |= {verdict.identity_id for verdict in item.verdicts}
    return named


def digests_of(paths: Iterable[Path]) -> Mapping[Path, str]:
    """Return the absolute paths of files with their SHA-256. Raises `OSError`."""
    return {path.resolve(): file_digest(path) for path in paths}


def _ids(people: Iterable[Identity]) -> set[str]:
    return {identity.id for identity in people}
