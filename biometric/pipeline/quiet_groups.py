"""Chooses which groups of frames are decoded: all but those in which every signal says that nothing happens.

The signals, cheapest first: the sizes of the packets between two key frames, which need no decoding; the two key
frames; and of groups that are decoded after all the frames that are analysed. Everything is decided from the clip, and
nothing from what the detector finds in it, so that the same clip always gives the same answer.
"""

import numpy as np
from numpy.typing import NDArray

from biometric.domain.packet_sizes import PacketSizes
from biometric.domain.picture_change import MOVED_CELLS, SceneMemory, is_solid
from biometric.domain.swaying import SwayingCells
from biometric.entities import Frame
from biometric.entities.frame_groups import FrameGroup
from biometric.pipeline.small_pictures import SmallPictures

LEARNT_FROM_KEYS, LEARNT_FROM_FRAMES = 0.5, 0.15
"""Share by which a changed cell becomes restless, from one key frame to the next and from one analysed frame to the
next. Nobody says whether leaves or people move there; who passes where somebody passed is told by packets, too."""

MOST_RESTLESS = 40.0
"""Grey levels of restlessness that are learnt at most."""

LEAST_SECONDS = 120.0
"""Of a shorter range everything is decoded: what is usual has to be learnt first."""

CHANGED_CELLS = 6
"""Cells, each with another one beside it, from which a picture has changed. Somebody far away covers forty; compressed
noise makes one or two."""

CLEAR_CELLS = 40
"""Changed cells, apart from what sways, that packets must tell, too: about somebody of a sixth of the height."""

SETTLING_GROUPS = 15
"""Groups in a row, with larger packets than before and nobody clearly in the pictures, after which that is usual."""

MISSED = 2
"""So many times, and no more often than they did, packets may have told nothing of what pictures show clearly; then
they are not believed any more."""


class QuietGroups:
    """Chooses the groups of one clip, which come in order (`ports.GroupChoice`).

    Args:
        most_seconds: groups that last longer are decoded, because people are looked for this often everywhere.

    Attributes:
        passed_over: how many analysed frames were not decoded.
        reason: why groups are no longer, or never were, passed over; "" while they are.
    """

    def __init__(self, pictures: SmallPictures, most_seconds: float) -> None:
        self._pictures, self._most_seconds = pictures, most_seconds
        self._scene, self._swaying, self._sizes = SceneMemory(), SwayingCells(), PacketSizes()
        self._key: NDArray[np.float32] | None = None
        self._before: NDArray[np.float32] | None = None
        self._sways = np.zeros((1, 1), np.bool_)
        self._group: FrameGroup | None = None
        self._told = self._changed = False
        self._clear = self._missed = self._clearly_told = self._larger = 0
        self.passed_over = 0
        self.reason = ""

    def needs(self, group: FrameGroup, first: Frame, following: Frame | None) -> bool:
        """Return whether a group has to be decoded.

        Args:
            first: the group's first analysed frame.
            following: that of the next group; None: there is none.
        """
        self._finish()
        start = self._pictures.cells(first.image) if self._key is None else self._key
        self._key = None if following is None else self._pictures.cells(following.image)
        changed, clear = (True, True) if self._key is None else self._compare(self._key)
        if self._key is not None:
            self._swaying.learn(self._key, start)
            self._sways = self._swaying.cells(self._key.shape)
            self._learn(self._key, start, LEARNT_FROM_KEYS, group.length)
        unusual = self._sizes.unusual(group)
        # Who passes makes packets larger. Pictures alone count where somebody is clear in them, or packets missed that.
        shown = clear or (changed and self._missed > self._clearly_told)
        if not shown and not unusual and group.length <= self._most_seconds and not self.reason:
            self._sizes.learn(group)
            return False
        self._group, self._told, self._changed, self._clear = group, unusual, clear, 0
        self._before = start
        return True

    def take(self, frame: Frame) -> None:
        """Take an analysed frame of a group that had to be decoded."""
        cells = self._pictures.cells(frame.image)
        changes = self._scene.changes(cells)
        if changes.shape == self._sways.shape:
            changes &= ~self._sways
        self._changed = self._changed or is_solid(changes)
        self._clear = max(self._clear, int(changes.sum()))
        if self._before is not None:
            self._learn(cells, self._before, LEARNT_FROM_FRAMES, 0.1)
        self._before = cells

    def skip(self, count: int) -> None:
        """Take note that so many analysed frames were not decoded."""
        self.passed_over += count

    def give_up(self, reason: str) -> None:
        """Take note that the clip cannot be read in groups; the rest of it is decoded."""
        self.reason = reason

    def _finish(self) -> None:
        """Learn from the group that was decoded."""
        group, self._group = self._group, None
        if group is None:
            return
        unclear = self._clear < CLEAR_CELLS
        self._larger = self._larger + 1 if self._told and unclear else 0
        if not self._told or not self._changed or not self._sizes.knows_enough or self._larger >= SETTLING_GROUPS:
            self._sizes.learn(group)
        if not unclear:
            self._missed += not self._told
            self._clearly_told += self._told
            if self._missed >= max(MISSED, self._clearly_told):
                self.reason = "sizes"

    def _compare(self, cells: NDArray[np.float32]) -> tuple[bool, bool]:
        """Return whether a key frame differs from the latest one that did, and whether clearly, where nothing sways."""
        changes = self._scene.changes(cells)
        changed = int(changes.sum()) >= CHANGED_CELLS
        if changed:
            self._scene.look(cells)
        sways = self._swaying.cells(cells.shape)
        # Where much of the picture sways, as when the camera moves, nothing is clear.
        return changed, is_solid(changes & ~sways) if sways.mean() < MOVED_CELLS else changed

    def _learn(self, cells: NDArray[np.float32], before: NDArray[np.float32], share: float, seconds: float) -> None:
        if cells.shape == self._sways.shape:  # apart from what sways, who passes must still be seen where somebody did
            self._scene.learn(cells, before, ~self._sways, seconds, share, MOST_RESTLESS)
