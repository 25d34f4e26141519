"""The state that the server keeps of each workspace: its footage, observations and answers. The browser has none of it.

Sessions live in memory, are bounded in number (`session_store`), and take their files with them when they end.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from biometric.domain.person_edits import PersonEdit, apply_edits, kept_crop_names
from biometric.entities import Identification, ObservedClip, Threshold, VideoInfo
from biometric.errors import FootageChanged, InvalidInput
from biometric.messages.translation import N_
from biometric.storage import remove_quietly
from biometric.ui.batch_queue import BatchQueue
from biometric.ui.calibration_state import CalibrationState
from biometric.ui.edit_state import EditState
from biometric.ui.grid_state import GridState
from biometric.ui.library_state import LibraryState
from biometric.ui.people_state import PeopleState
from biometric.ui.screen import Screen
from biometric.ui.workspace_jobs import Jobs

if TYPE_CHECKING:
    from biometric.ui.addition_question import Addition
    from biometric.ui.answer_keeping import KeptNote

TABS = ("enrollment", "verification", "identification")

FILES_JOB, HIDING_JOB = "identification-files", "identification-hidden"
"""Names of the jobs that write the files of an identification, and the clip with strangers hidden."""
MODELS_JOB = "models"
"""Name of the job that gets better models."""
BATCH_JOB = "library-batch"
"""Name of the job that works on a clip of the queue of several."""

CHANGED = N_("The frames were changed while they were read. Nothing was stored; press the button again.")
REPLACED = N_("The footage was replaced while it was read. Nothing was stored.")


@dataclass(slots=True)
class Footage:
    """One tab's clip, the chosen frames, and the observation of them.

    An observation is attached to, and given out for, exactly the clip, frames and acceptance of damage that it was made
    from; changing one of them drops it, so that callers need not check.

    Attributes:
        clip: the uploaded file, which is what is analysed, or None before an upload.
        label: its name for people (not escaped).
        player: a file that browsers play: the clip itself or its proxy, or None while there is none.
        first, last: chosen frames, 0-based, inclusive; `range_note` says that typed ones were changed.
        accept_damaged, thorough: the person said that a damaged clip may be used, that every frame is looked at.
        camera: which one the clip is from, as somebody named it; None: as the library or the file says.
        person, picked: the chosen person's number, or None; whether a click chose it, not being the most prominent.
        dropped: crop names of samples that the person took out.
        people_shown: the contact sheet has been shown, so that the next press of Enroll acts on the choice.
        gallery: gallery folder that the chosen person came from and goes to, or None for the configured one.
        addition: the reference that waits for an answer, because somebody has its name already, or None.
        ends_later: the pictures of the range's ends are made after the answer is shown: that takes decoding.
        edits: what was joined and split by hand, in that order; made again where the same frames are read again.
        editing: what is selected on the contact sheet, before it becomes an edit.
        replaced: another clip has taken this one's place in its tab; work for it is to stop.
    """

    clip: Path | None = None
    label: str = ""
    info: VideoInfo | None = None
    player: Path | None = None
    first: int = 0
    last: int = 0
    accept_damaged: bool = False
    thorough: bool = False
    camera: str | None = None
    person: int | None = None
    picked: bool = False
    dropped: set[str] = field(default_factory=set)
    people_shown: bool = False
    gallery: Path | None = None
    ends_later: bool = False
    range_note: str = ""
    replaced: bool = False
    addition: "Addition | None" = None
    edits: tuple[PersonEdit, ...] = ()
    editing: EditState = field(default_factory=EditState)
    _as_read: ObservedClip | None = None
    _observed: ObservedClip | None = None

    @property
    def observed(self) -> ObservedClip | None:
        """People of exactly this clip, range and acceptance of damage, or None."""
        return self._observed if self._observed is not None and self._fits(self._observed) else None

    @property
    def readable(self) -> ObservedClip | None:
        """`observed` while its crops are on disk, which the service keeps for the latest observations only."""
        observed = self.observed
        return observed if observed is not None and observed.folder.is_dir() else None

    @property
    def frames_to_read(self) -> int:
        """How many frames are to be read for an answer; 1 where they were read, 0 without a clip."""
        if self.info is None:
            return 0
        return 1 if self.readable is not None else self.last - self.first + 1

    def _fits(self, observed: ObservedClip) -> bool:
        if self.replaced or self.info is None or (self.thorough and observed.looks is not None):
            return False
        seen = observed.video.digest, observed.frames.first, observed.frames.last, observed.damage_accepted
        return seen == (self.info.digest, self.first, self.last, self.accept_damaged)

    def choose_frames(self, first: int, last: int) -> bool:
        """Take another range and drop the observation of the former one; True when it is another."""
        if (first, last) == (self.first, self.last):
            return False
        self.first, self.last = first, last
        self.forget()
        return True

    def accept(self, damaged: bool, thorough: bool = False) -> None:
        """Set whether a damaged clip may be used and every frame is looked at; a change drops the observation."""
        if (damaged, thorough) != (self.accept_damaged, self.thorough):
            self.accept_damaged, self.thorough = damaged, thorough
            self.forget()

    def forget(self) -> None:
        """Drop the observation and every choice that belongs to it (the service may remember the observation)."""
        self._as_read = self._observed = None
        self.edits = ()
        self.gallery = None
        self._choose_anew(None)

    def observe(self, observed: ObservedClip) -> ObservedClip:
        """Keep an observation and return it; the most prominent usable person is chosen.

        Choices stay where the same people were only read again, because their crops had been cleared away.

        Raises:
            FootageChanged: it is not of this clip and these frames, because they were changed while it was made.
        """
        self.check_wanted()
        if not self._fits(observed):
            raise FootageChanged(CHANGED)
        try:
            edited = apply_edits(observed, self.edits)
        except InvalidInput:  # other weights see other people
            self.edits, edited = (), observed
        self._as_read = observed
        return self._take(edited)

    def edit(self, edits: Sequence[PersonEdit]) -> ObservedClip:
        """Join and split the people as they were read in this way, in place of former edits; return what that gives.

        Raises:
            FootageChanged: there is no observation.
            InvalidInput: an edit cannot be made; nothing has changed.
        """
        if self._as_read is None or self.observed is None:
            raise FootageChanged(CHANGED)
        edited = apply_edits(self._as_read, edits)
        self.edits = tuple(edits)
        return self._take(edited)

    def _take(self, observed: ObservedClip) -> ObservedClip:
        former, self._observed = self._observed, observed
        if former is None or kept_crop_names(former) != kept_crop_names(observed):
            best = observed.most_prominent
            self._choose_anew(None if best is None else best.person)
        return observed

    def _choose_anew(self, person: int | None) -> None:
        self.person, self.picked = person, False
        self.dropped, self.people_shown, self.addition = set(), False, None
        self.editing.begin_anew()

    def check_wanted(self) -> None:
        """Raise `FootageChanged` when another clip has taken this one's place, so that work for it stops."""
        if self.replaced:
            raise FootageChanged(REPLACED)

    def copy(self) -> "Footage":
        """Return a copy for another tab: the clip and its observation, without choices about samples."""
        copied = replace(self, editing=EditState(), gallery=None, replaced=False)
        copied._choose_anew(self.person)
        return copied


@dataclass(slots=True)
class Session:
    """The workspace of one browser tab.

    Attributes:
        folder: private files of this page (clips, proxies, downloads), made on first use.
        latest: the tab whose footage was changed last.
        thresholds: what the person set on the sliders, by purpose; absent means the default.
        claimed, claim_search: id of the identity claimed in Verification, or None; the text that names there contain.
        answered: Verification has answered for the footage, so that another claim or person re-decides at once.
        gallery: gallery folder chosen in Identification, or None for the configured one.
        identifications: the last answer of Identification.
        grid: how Identification lists the people of its answer, and what waits there.
        enrolled: what the last enrollment was made from, its identity and reference: a second press does nothing.
        enrollment_shown: the answer of Enrollment names people of the gallery.
        enrollment_names: who those are, names by identity id.
        noted_changes: by tab, number of the change that it offers to undo, and the folder of its gallery.
        written_at: threshold with which the files of the last identification were written, or None.
        query: folder that the last identification's files are written below, or None.
        kept: what each tab has answered last that is kept in the library, by tab.
        people, library: where the workspace is on the tabs of these names.
        calibration: its clips and choices on the Calibration tab.
        tab, screen: the tab that is open, and what the page shows.
        jobs, batch: its running work, and its queue of several clips.
    """

    folder: Path
    _tabs: dict[str, Footage] = field(default_factory=lambda: {tab: Footage() for tab in TABS})
    latest: str | None = None
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    claimed: str | None = None
    claim_search: str = ""
    answered: bool = False
    gallery: Path | None = None
    identifications: tuple[Identification, ...] = ()
    grid: GridState = field(default_factory=GridState)
    enrolled: tuple[tuple[object, ...], str, str] | None = None
    enrollment_shown: bool = False
    enrollment_names: dict[str, str] = field(default_factory=dict)
    noted_changes: dict[str, tuple[int, Path | None]] = field(default_factory=dict)
    written_at: Threshold | None = None
    query: Path | None = None
    kept: "dict[str, KeptNote]" = field(default_factory=dict)
    library: LibraryState = field(default_factory=LibraryState)
    people: PeopleState = field(default_factory=PeopleState)
    calibration: CalibrationState = field(default_factory=CalibrationState)
    tab: str = TABS[0]
    screen: Screen = field(default_factory=Screen)
    jobs: Jobs = field(default_factory=Jobs)
    batch: BatchQueue = field(default_factory=BatchQueue)

    def footage(self, tab: str) -> Footage:
        """Return a tab's footage.

        Raises:
            InvalidInput: there is no such tab.
        """
        if tab not in self._tabs:
            raise InvalidInput("There is no such tab.")
        return self._tabs[tab]

    @property
    def tabs(self) -> Mapping[str, Footage]:
        """Footage by tab, to look at; `put` changes it."""
        return MappingProxyType(self._tabs)

    def put(self, tab: str, footage: Footage) -> Footage:
        """Give a tab other footage and return the former, which takes work for it and the tab's answer along."""
        former = self.footage(tab)
        former.replaced = True
        self._tabs[tab] = footage
        self.forget_answer(tab)
        return former

    def forget_answer(self, tab: str) -> None:
        """Forget what a tab answered, because its clip or frames are no longer those."""
        if tab == "enrollment":  # what it noted stays
            self.enrollment_shown = False
            return
        self.noted_changes.pop(tab, None)
        if tab == "verification":
            self.answered = False
        else:
            self.identifications, self.grid, self.written_at = (), GridState(order=self.grid.order), None
            self.jobs.drop(FILES_JOB)
            self.jobs.drop(HIDING_JOB)

    def carry(self, tab: str) -> bool:
        """Give a tab without footage the latest of another tab; True when it received some."""
        if self.footage(tab).clip is not None or self.latest is None or self.latest == tab:
            return False
        source = self._tabs[self.latest]
        if source.clip is None:
            return False
        self.put(tab, source.copy())
        return True

    def new_folder(self, kind: str) -> Path:
        """Make a folder of an unguessable name within the session's."""
        folder = self.folder / f"{kind}-{secrets.token_urlsafe(12)}"
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def close(self) -> None:
        """Stop its work and remove its files."""
        self.batch.close()
        self.jobs.cancel_all()
        remove_quietly(self.folder)
