"""What every export shares: what was asked, what was made."""

import re
from dataclasses import dataclass
from hashlib import sha256

from biometric.errors import InvalidSetting
from biometric.models.cards import NOT_MEASURED, Card, CardFile, DefaultThreshold, Format
from biometric.training.export.agreement import Agreement, BoxAgreement
from biometric.training.export.trained import TrainedRun

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a run is to be exported.

    Attributes:
        id: of the card, and the files' names: lower-case letters, digits, dots, dashes, underscores.
        title: for people.
        licence: of the weights.
        formats: of embedders: `Format.SAFETENSORS`, `Format.ONNX`; the first one is the card's. () for what fits.
        half: store float16 numbers; detectors are always stored so.
        verification, identification: default thresholds.
        starter: the card's mark.
    """

    id: str
    title: str
    licence: str
    formats: tuple[Format, ...] = ()
    half: bool = False
    verification: DefaultThreshold = NOT_MEASURED
    identification: DefaultThreshold = NOT_MEASURED
    starter: bool = False

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise InvalidSetting(
                f"--id must be lower-case letters, digits, dots, dashes and underscores, up to 63, got {self.id!r}."
            )
        if not self.title.strip() or not self.licence.strip():
            raise InvalidSetting("--title and --licence must not be empty.")


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """What an export made.

    Attributes:
        card: the manifest's.
        files: content of each weight file, by name; the card's own first.
        agreements: how far each file gives what was trained.
        pictures: words on those that were compared.
        notes: sentences for people, such as on devices that cannot use a file.
    """

    card: Card
    files: dict[str, bytes]
    agreements: tuple[Agreement | BoxAgreement, ...]
    pictures: str
    notes: tuple[str, ...] = ()


def source(run: TrainedRun, wanted: Wanted) -> str:
    """Where the weights come from, for the manifest."""
    return f"trained with `python -m biometric train {run.kind}`: see {wanted.id}.md"


def notes_on(run: TrainedRun) -> list[str]:
    """Sentences for people about what kind of run it was, and whether it ended."""
    notes = []
    if not run.ended:
        notes.append("The run has not ended: this is its state after its last whole epoch.")
    if run.kind == "pretrain":
        notes.append("The network is pre-trained only, not fine-tuned: it was never told who is the same person.")
    return notes


def described(name: str, content: bytes) -> CardFile:
    """A weight file as its card names it."""
    return CardFile(name, len(content), "sha256", sha256(content).hexdigest())
