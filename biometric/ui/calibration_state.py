"""What a workspace knows on the Calibration tab: the listed clips with what was read of them, and what they support."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biometric.domain.stranger_scores import PEOPLE_NEEDED
from biometric.entities import Progress, camera_key
from biometric.entities.calibration_footage import DEFAULT_FMR, ClipSummary, FootageEvidence
from biometric.errors import ClipError, InvalidInput
from biometric.storage import remove_quietly
from biometric.ui.calibration_cautions import BelowQuestion


@dataclass(slots=True, eq=False)
class ListedClip:
    """A clip to calibrate on.

    Attributes:
        path: the uploaded file, in a folder of its own.
        label: its name for people (not escaped).
        summary: what was read of it, None before.
        problem: why it cannot be used, as a sentence, or "".
        camera: by which it was recorded, None: what the file says.
    """

    path: Path
    label: str
    summary: ClipSummary | None = None
    problem: str = ""
    camera: str | None = None


@dataclass(slots=True, eq=False)
class CalibrationState:
    """Where a workspace is on the Calibration tab.

    Attributes:
        clips: by a number that is never given twice, in the order in which they came.
        evidence: what exactly the clips that were read support with the gallery, None until everybody was compared.
        target: the false match rate that is asked for.
        question: "card" while the page asks whether to go back to the model card, "cohort" while it asks whether to
            delete the templates of strangers, else "".
        keep_days: for how many days templates of strangers may be kept, None: not at all.
        below: what the page asks before thresholds below the model card's are used, or None.
        all_shown: the whole history is shown.
        noted: number of the change that the page offers to undo, or None.
        clicks, focus: as of `PeopleState`.
    """

    clips: dict[int, ListedClip] = field(default_factory=dict)
    evidence: FootageEvidence | None = None
    target: float = DEFAULT_FMR
    question: str = ""
    keep_days: int | None = None
    below: BelowQuestion | None = None
    all_shown: bool = False
    noted: int | None = None
    clicks: int = 0
    focus: str = ""
    _last: int = 0
    _used_of: object = None
    _used: dict[int, int] = field(default_factory=dict)

    def add(self, path: Path, label: str, camera: str | None = None) -> None:
        """List another clip; everybody is to be compared anew."""
        self._last += 1
        self.clips[self._last] = ListedClip(path, label, camera=camera)
        self.evidence = self.below = None

    def take_out(self, number: int) -> None:
        """Remove a clip with its file. Raises `InvalidInput`: it is not listed any more."""
        if number not in self.clips:
            raise InvalidInput("This clip is not in the list any more.")
        self.evidence = self.below = None
        remove_quietly(self.clips.pop(number).path.parent)

    def unread(self, model_id: str) -> list[ListedClip]:
        """Return the clips that are to be read, because they were not yet, or with another model."""
        return [
            clip
            for clip in list(self.clips.values())
            if not clip.problem and (clip.summary is None or clip.summary.model_id != model_id)
        ]

    def lists(self, clip: ListedClip) -> bool:
        """Whether a clip was not taken out meanwhile."""
        return clip in list(self.clips.values())

    def suggest_cameras(self, known: Sequence[str]) -> list[str]:
        """Return the cameras to suggest: those known of the gallery, then others of the clips that are listed."""
        suggested: dict[str, str] = {}
        for name in [*known, *sorted({clip.camera for clip in list(self.clips.values()) if clip.camera})]:
            suggested.setdefault(camera_key(name), name)
        return list(suggested.values())

    def note_used(self, one_in: int, calibration: int) -> None:
        """Note the number of the calibration that a rate of the present evidence became."""
        if self._used_of != self._listed_evidence:
            self._used_of, self._used = self._listed_evidence, {}
        self._used[one_in] = calibration

    def is_used(self, one_in: int, in_force: int | None) -> bool:
        """Whether the calibration in force, by its number, is what a rate of the present evidence became."""
        return in_force is not None and self._used_of == self._listed_evidence and self._used.get(one_in) == in_force

    @property
    def _listed_evidence(self) -> tuple[object, ...]:
        """What was compared, and what may be kept of it: other clips may give the same numbers."""
        return (*self.clips, self.evidence, self.keep_days)

    @property
    def may_have_cohort(self) -> bool:
        """Whether some camera may have seen enough people for a cohort; a calibration finds out."""
        seen: Counter[str] = Counter()
        for summary in {summary.digest: summary for summary in self.summaries}.values():
            seen[camera_key(summary.camera)] += len(summary.tracks)
        return max(seen.values(), default=0) >= PEOPLE_NEEDED

    @property
    def summaries(self) -> list[ClipSummary]:
        """What was read, in the order of the list."""
        return [clip.summary for clip in list(self.clips.values()) if clip.summary is not None]

    @property
    def waiting(self) -> int:
        """Number of clips that nobody has read yet."""
        return sum(clip.summary is None and not clip.problem for clip in list(self.clips.values()))

    def while_listed(self, clip: ListedClip, work: Generator[Progress, None, Any]) -> Generator[Progress, None, Any]:
        """Run work for a clip; it ends without a result when the clip is taken out meanwhile."""
        try:
            while self.lists(clip):
                try:
                    yield next(work)
                except StopIteration as finished:
                    return finished.value
                except ClipError:
                    if self.lists(clip):
                        raise
            return None
        finally:
            work.close()
