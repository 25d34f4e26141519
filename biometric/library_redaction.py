"""The part of the library's `RecognitionService` that hides people in footage."""

from collections.abc import Callable, Sequence
from pathlib import Path

from biometric.entities import FrameRange, Progress
from biometric.entities.progress import finish
from biometric.entities.redaction import (
    DEFAULT_MARGIN,
    Hiding,
    Redaction,
    RedactionChoice,
    RedactionOptions,
)
from biometric.entities.redaction_measure import RedactionMeasure
from biometric.service import Sightline

Report = Callable[[Progress], object]
"""Called with each step of a long call."""


class RedactionCalls:
    """Writes clips and photographs in which people are hidden, and measures what hiding leaves."""

    def _opened(self) -> Sightline:
        """Return the service behind. Raises `ValueError`: it was closed."""
        raise NotImplementedError

    def redact(
        self,
        clip: str | Path,
        destination: str | Path | None = None,
        frames: FrameRange | None = None,
        *,
        keep: Sequence[str] = (),
        hide: Sequence[str] = (),
        hide_unknown: bool = False,
        method: str | None = None,
        strength: int | None = None,
        margin: float = DEFAULT_MARGIN,
        keep_sound: bool = False,
        allow_remaining: bool = False,
        accept_damaged: bool = False,
        threshold: float | None = None,
        progress: Report | None = None,
    ) -> Redaction:
        """Write footage in which everybody is hidden, or whom you say; whoever is not surely to be shown is hidden.

        The result is looked at again. It has the same frames at the same times, and no metadata of the file.

        Args:
            destination: an MP4 (of a photograph a JPEG), replaced where it exists; None: one in the query folder.
            keep: names of those who are shown; everybody else is hidden.
            hide: names of those who are hidden, with whoever may be one of them.
            hide_unknown: everybody who is not enrolled is hidden.
            method: "blur", "pixels", "box" or "silhouette"; None: what was measured, else the box.
            strength: of blur 3, 5, 15, 25 or 45, of pixels 2, 4, 8, 16 or 32; None: the strongest.
            margin: what is hidden around people, as a share of their height.
            keep_sound: the sound is copied; voices identify people, too.
            allow_remaining: keep the result although somebody is seen in it who should be hidden.
            threshold: in [-1, 1], from which somebody is sure to be who they seem; None: the default, which is also the
                highest for people to hide.

        Raises:
            PeopleRemain: somebody who should be hidden is seen in the result, which was removed.
            SoundNotKept: the sound is to be kept and cannot be.
            InvalidInput: more than one of `keep`, `hide` and `hide_unknown`, an unknown name, method or strength.
            ClipError, InvalidFrameRange, EmptyGallery, ModelError, StorageFull: it cannot be done.

        Example:
            >>> import biometric
            >>> with biometric.open_service() as service:
            ...     hidden = service.redact("demo/visit-2-everybody.mp4", "hidden.mp4")
            >>> str(hidden.hiding), hidden.remaining
            ('box', ())
        """
        options = RedactionOptions(Hiding.asked(method, strength), margin, keep_sound, allow_remaining)
        work = self._opened().redactor.redact(
            Path(clip),
            None if destination is None else Path(destination),
            RedactionChoice.chosen(keep, hide, hide_unknown),
            options,
            frames,
            accept_damaged=accept_damaged,
            threshold=threshold,
        )
        return finish(work, progress)

    def measure_redaction(
        self,
        clip: str | Path,
        frames: FrameRange | None = None,
        *,
        margin: float = DEFAULT_MARGIN,
        accept_damaged: bool = False,
        progress: Report | None = None,
    ) -> RedactionMeasure:
        """Measure what each method and strength leaves of the people of a clip; it decides the default method.

        Raises:
            TooFewPeople: fewer than two people can be compared.
            ClipError, InvalidFrameRange, ModelError, StorageFull: it cannot be done.
        """
        work = self._opened().redactor.measure(Path(clip), frames, margin=margin, accept_damaged=accept_damaged)
        return finish(work, progress)
