"""The library of kept footage."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from biometric.entities import (
    AnswerKind,
    ClipSearch,
    KeptAnswer,
    KeptClip,
    KeptUsage,
    NewAnswer,
    NewFootage,
    ObservedClip,
    WantedObservation,
)
from biometric.entities.subject_parts import SubjectPart


class FootageLibrary(Protocol):
    """Keeps clips with their observations and answers (adapter: `footage_store/footage_library.py`).

    What is expired is in no answer of it. Any method may raise the `KeptFootageError` family; those that write,
    `StorageFull`. Then nothing has changed.
    """

    @property
    def folder(self) -> Path:
        """The library's folder; it need not exist."""

    @property
    def keeps_anything(self) -> bool:
        """Whether the settings let anything be kept; known without a look at the library."""

    def keep(self, footage: NewFootage, answer: NewAnswer, replaces: str | None = None) -> KeptAnswer | None:
        """Keep an answer with its observation and its clip; the same file is kept once, whatever its name.

        An answer whose id is kept already is not kept again: the kept one is returned.

        To make room, the clips whose latest answers are oldest are removed.

        Args:
            replaces: id of an answer that this one takes the place of, where it is there and of the same kind and
                observation: a decision with another threshold is no other event.

        Returns:
            The kept answer; None where nothing is kept, or this clip is larger than the whole library may be.
        """

    def clips(self, search: ClipSearch) -> tuple[list[KeptClip], int]:
        """The clips of a search with all their answers, and how many there are without its limit."""

    def clip(self, clip_id: str) -> KeptClip:
        """One clip. Raises `UnknownClip`."""

    def answers(
        self, kind: AnswerKind | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[KeptAnswer], int]:
        """The history of all clips, newest first, of one kind or all, and how many there are without the limit."""

    def observation(self, answer: KeptAnswer) -> ObservedClip:
        """The observation that an answer was decided on, with its crops in the library; nothing is decoded.

        Raises:
            UnknownClip: it is not there any more.
            KeptFootageCorrupt: it cannot be read.
        """

    def find_observation(self, wanted: WantedObservation) -> ObservedClip | None:
        """The observation of the same footage with the same models, with its crops in the library; None without."""

    def camera_of(self, digest: str) -> str | None:
        """The camera of the clip whose file has that digest, "" for the unknown one; None without the clip."""

    def set_camera(self, clip_id: str, camera: str) -> KeptClip:
        """Write down which camera a clip is from; "" for none. Raises `UnknownClip`, `InvalidCamera`."""

    def remove(self, clip_id: str) -> KeptClip:
        """Remove a clip with its observations and answers, at once and for good. Raises `UnknownClip`."""

    def forget_identity(self, identity_id: str) -> int:
        """Let kept answers no longer say who an identity is, because it is erased; returns how many people it was."""

    def forget_person(self, identity_id: str, crops: Mapping[str, Collection[str]]) -> int:
        """Let kept answers and observations hold nothing that was measured of an identity; the footage stays.

        Args:
            crops: names of its crops by the digest of the clip that they are from.

        Returns:
            How many observations lost somebody.
        """

    def held_of_person(self, identity_ids: Collection[str], crops: Mapping[str, Collection[str]]) -> SubjectPart:
        """What kept answers and observations hold of the person of these identities, for that person.

        Args:
            crops: names of their crops by the digest of the clip that they are from.
        """

    def answered_identities(self) -> set[str]:
        """The ids of all identities that kept answers are about."""

    def sweep(self) -> int:
        """Remove what is expired or beyond the size limit, and what killed processes left; returns how many clips."""

    def usage(self) -> KeptUsage:
        """How much is kept, and the limits."""

    def revision(self) -> str:
        """An opaque text that differs after any change, also by another process; cheap. "" without a library."""
