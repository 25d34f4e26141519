"""What `import biometric` offers: the service with plain calls, for other programs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from biometric.entities import (
    BiometricReference,
    Enrollment,
    FrameRange,
    GalleryChange,
    GivenBasis,
    Identification,
    Identity,
    ObservedClip,
    RecordedVerdict,
    Verdict,
    Verification,
)
from biometric.entities.enrollment_basis import complete_basis
from biometric.entities.progress import finish
from biometric.library_calibration import CalibrationCalls, Report
from biometric.library_edits import ObservationEdits
from biometric.library_redaction import RedactionCalls
from biometric.retention_duty import delete_overdue
from biometric.service import Sightline
from biometric.settings import Settings


def open_service(settings: Settings | None = None) -> "RecognitionService":
    """Open the service; use it in a `with` statement, or close it. Cheap: models load when they are first needed.

    Args:
        settings: None: those of the environment (`Settings.from_environment()`).

    Raises:
        InvalidSetting: a setting cannot be used.
        StorageFull: the folder for temporary files or the cache cannot be written.

    Example:
        >>> import biometric
        >>> with biometric.open_service() as service:
        ...     observed = service.observe("demo/visit-1-beige-coat.mp4")
        ...     enrollment = service.enroll(observed, "Grace Hopper", basis="consent", purpose="door of the studio")
        >>> enrollment.identity.name
        'Grace Hopper'
    """
    from biometric.bootstrap import build_releasable

    service, release = build_releasable(Settings.from_environment() if settings is None else settings)
    delete_overdue(service)
    return RecognitionService(service, release)


class RecognitionService(ObservationEdits, RedactionCalls, CalibrationCalls):
    """Observe clips; enroll, verify and identify the people in them. Made by `open_service`.

    Observing is slow and happens once a clip and range; the other calls are arithmetic on the result, which is kept
    until the service is closed. Calls may come from several threads.

    Raises:
        ValueError: a call after `close`.

    Example:
        >>> import biometric
        >>> with biometric.open_service() as service:
        ...     observed = service.observe("demo/visit-2-everybody.mp4")
        ...     people = service.identify(observed)
        >>> len(people) == len(observed.observations)
        True
    """

    def __init__(self, service: Sightline, release: Callable[[], None]) -> None:
        self._service: Sightline | None = service
        self._release = release

    @property
    def settings(self) -> Settings:
        """What the service was opened with."""
        return self._opened().settings

    def observe(
        self,
        clip: str | Path,
        frames: FrameRange | None = None,
        *,
        progress: Report | None = None,
        accept_damaged: bool = False,
        camera: str | None = None,
        thorough: bool = False,
    ) -> ObservedClip:
        """Find and describe the people in a clip, a range of it or a photograph; a repeated call is answered at once.

        Args:
            clip: the path of the video or photograph.
            frames: None: the whole clip.
            progress: called with each step; an exception of it ends the work and leaves nothing behind.
            accept_damaged: use a clip that cannot be read to its claimed end, as far as it can be read.
            camera: its name, "" for the unknown one; None: as the library or the file says.
            thorough: the detector looks at each analysed frame, also where nothing changes.

        Raises:
            InvalidCamera: its name has over 100 characters or control characters.
            ClipError: the clip cannot be read over the range.
            InvalidFrameRange: the range is outside the clip.
            ModelError: weights are missing or do not fit.
        """
        service, damaged = self._opened(), accept_damaged
        work = service.observe(Path(clip), frames, accept_damaged=damaged, camera=camera, thorough=thorough)
        return finish(work, progress)

    def enroll(
        self,
        observed: ObservedClip,
        name: str,
        person: int | None = None,
        *,
        add: bool = False,
        force: bool = False,
        basis: str = "",
        purpose: str = "",
        responsible: str = "",
        basis_note: str = "",
    ) -> Enrollment:
        """Store one observed person under a name; an existing name gets another reference only where you say so.

        Args:
            person: number of the person, from 1; None where only one is in range.
            add: an existing name gets another reference; a new name is enrolled as without.
            force: with `add`, also where the reference looks like a different person.
            basis: legal basis: "consent", "contract", "employment", "legal-claim", "research-protocol" or "other".
            purpose, responsible, basis_note: what for, who answers for it, and anything else; what is left out is as
                the gallery's default, see `set_basis`.

        Raises:
            BasisMissing: neither basis and purpose nor the gallery's default say on what the enrollment rests.
            IdentityExists: somebody has the name, and `add` was not said.
            LooksDifferent: the score against their references is below the verification threshold, and `force` was
                not said.
            InvalidName: the name cannot be used.
            ObservationError: nobody, several people, or no usable sample.
            GalleryError, ModelMismatch: the gallery cannot take it.
        """
        service = self._opened()
        said = complete_basis(service.gallery().default_basis(), basis, purpose, responsible, basis_note)
        return service.enroll(observed, name, person, add=add, force=force, given=GivenBasis(said))

    def set_basis(self, basis: str, purpose: str, responsible: str = "", note: str = "") -> None:
        """Say once for the gallery on what basis people are enrolled. Raises `InvalidBasis`: it cannot be used."""
        self._opened().gallery().set_default_basis(complete_basis(None, basis, purpose, responsible, note))

    def verify(
        self, observed: ObservedClip, name: str, person: int | None = None, *, threshold: float | None = None
    ) -> Verification:
        """Decide whether one observed person is who they claim to be; 1:1.

        Args:
            name: the claimed identity.
            person: number of the person, from 1; None where only one is in range.
            threshold: in [-1, 1]; None: the default, see `threshold`.

        Raises:
            UnknownIdentity: nobody of that name is enrolled.
            ObservationError: nobody, several people, or no usable sample.
            InvalidThreshold: not a number in [-1, 1].
        """
        return self._opened().verify(observed, name, person, threshold=threshold)

    def identify(self, observed: ObservedClip, *, threshold: float | None = None) -> tuple[Identification, ...]:
        """Decide for each observed person who they are, in the order of `observed.observations`; 1:N.

        Args:
            threshold: in [-1, 1]; None: the default, see `threshold`.

        Raises:
            EmptyGallery: nobody is enrolled.
            InvalidThreshold: not a number in [-1, 1].
        """
        return self._opened().identify(observed, threshold=threshold)

    def record_verdict(
        self,
        observed: ObservedClip,
        answer: Verification | Identification,
        word: Literal["confirmed", "wrong", "undecided"],
        name: str | None = None,
    ) -> RecordedVerdict:
        """Say whether the person of an answer is the identity; a later call about the same two replaces it.

        "wrong" holds for later answers, too: the person is not answered to be that identity again. `undo` takes its
        `change` back.

        Args:
            name: the identity; None: the one that the answer names, else the closest one.

        Raises:
            InvalidInput: there is no such word, or the person was compared with nobody.
            UnknownIdentity: nobody of that name is enrolled.
        """
        return self._opened().verdicts.record(observed, answer, word, name)

    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said of answers about people who are enrolled, the latest first."""
        return tuple(self._opened().verdicts.listed())

    def remove_verdict(self, verdict: Verdict) -> GalleryChange:
        """Take back what was said. Raises `UnknownVerdict`: it was replaced or taken back already."""
        return self._opened().verdicts.withdraw(verdict.id)

    def write_results(
        self,
        observed: ObservedClip,
        identifications: Sequence[Identification],
        folder: str | Path | None = None,
        *,
        progress: Report | None = None,
    ) -> dict[str, Path]:
        """Write annotated clip, CSV, JSON, timeline and crops; return their paths by kind.

        Without `folder` they go into the query folder. Raises `StorageFull`: it cannot be written.
        """
        target = None if folder is None else Path(folder)
        written = finish(self._opened().write_outputs(observed, identifications, target), progress).as_dict()
        return {kind: Path(path) for kind, path in written.items() if path is not None}

    def identities(self) -> tuple[Identity, ...]:
        """Everybody enrolled, by name. Raises `GalleryError`."""
        return tuple(self._opened().gallery().identities())

    def references(self, identity: Identity) -> tuple[BiometricReference, ...]:
        """The biometric references of somebody enrolled, oldest first. Raises `UnknownIdentity`."""
        return tuple(self._opened().gallery().references(identity.id))

    def set_camera(self, reference: BiometricReference, camera: str) -> GalleryChange:
        """Say which camera a reference was seen by, "" for the unknown one; `undo` takes it back.

        Raises:
            UnknownReference: it was removed meanwhile.
            InvalidCamera: the name has over 100 characters or control characters.
            InvalidInput: the reference has that camera already.
        """
        return self._opened().gallery().set_camera(reference.id, camera)

    def remove(self, identity: Identity) -> GalleryChange:
        """Put somebody enrolled with all references into the trash; `undo` brings them back for some days.

        Raises:
            UnknownIdentity: they are not enrolled any more.
        """
        return self._opened().gallery().remove(identity.id)

    def erase(self, identity: Identity) -> None:
        """Delete somebody with all references, crops and what is in the trash of them, at once and for good.

        Raises:
            UnknownIdentity: they are neither enrolled nor in the trash.
        """
        self._opened().eraser.erase(identity.id)

    def undo(self, change: GalleryChange | None = None) -> GalleryChange:
        """Take a change of the gallery back, such as an enrollment or a removal; None: the latest.

        Raises:
            UndoRefused: it cannot be taken back (any more), or a later one of the same people has to be first.
            NameTaken: somebody else has the name that would come back.
        """
        return self._opened().gallery().undo(None if change is None else change.id)

    def changes(self, limit: int = 100) -> tuple[GalleryChange, ...]:
        """The gallery's history, newest first, each with whether it can still be undone."""
        return tuple(self._opened().gallery().changes(limit))

    def close(self) -> None:
        """Release models and galleries, and remove temporary files; a second call does nothing."""
        service, self._service = self._service, None
        if service is not None:
            service.close()
            self._release()

    def __enter__(self) -> Self:
        self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> Sightline:
        if self._service is None:
            raise ValueError("The service is closed. Open another one with biometric.open_service().")
        return self._service
