"""What the models say of themselves: what serves each role, and how trying a model went."""

from dataclasses import dataclass
from pathlib import Path

from biometric.entities.model_cards import CardFile
from biometric.entities.notices import Notice


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The model of one role, for the page, `models list` and `models check`; `problem` is an error's message.

    `files` are those of the card, with their checksums.
    """

    role: str
    card: str
    state: str
    device: str
    path: Path | None
    licence: str
    notice: Notice | None = None
    problem: str = ""
    files: tuple[CardFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """Outcome of trying a model: `problem` is a sentence for people, "" when it works.

    Attributes:
        milliseconds: for one picture, best of three after a first; None when it did not run.
    """

    role: str
    card: str
    device: str
    milliseconds: float | None
    problem: str = ""
