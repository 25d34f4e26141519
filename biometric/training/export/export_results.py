"""What every export shares: the request, the result, and the card as text."""

import re
from dataclasses import dataclass
from hashlib import sha256

from biometric.entities.model_cards import NOT_MEASURED, Card, CardFile, DefaultThreshold, Format, Role
from biometric.errors import InvalidSetting
from biometric.training.export.agreement import Agreement, BoxAgreement
from biometric.training.export.trained_runs import TrainedRun

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class ExportRequest:
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
class ExportResult:
    """The files and the card of an export.

    Attributes:
        card: the manifest's.
        files: content of each weight file, by name; the card's own first.
        agreements: how far each file agrees with the trained network.
        pictures: which pictures they were compared on, in words.
        notes: sentences for people, such as on devices that cannot use a file.
    """

    card: Card
    files: dict[str, bytes]
    agreements: tuple[Agreement | BoxAgreement, ...]
    pictures: str
    notes: tuple[str, ...] = ()


def describe_source(run: TrainedRun, request: ExportRequest) -> str:
    """Where the weights come from, for the manifest."""
    return f"trained with `python -m biometric train {run.kind}`: see {request.id}.md"


def run_notes(run: TrainedRun) -> list[str]:
    """Sentences for people about what kind of run it was, and whether it ended."""
    notes = []
    if not run.ended:
        notes.append("The run has not ended: this is what it had saved.")
    if run.kind == "pretrain":
        notes.append("The network is pre-trained only, not fine-tuned: it was not trained to compare people.")
    return notes


def describe_file(name: str, content: bytes) -> CardFile:
    """A weight file as its card lists it."""
    return CardFile(name, len(content), "sha256", sha256(content).hexdigest())


def card_lines(run: TrainedRun, result: ExportResult) -> list[str]:
    """The exported model's card as lines of Markdown: the run's card, then files, comparisons and thresholds."""
    card = result.card
    run_card = list(run.card[1:]) or ["", "Made by:", "", f"    {run.command}", "", "Nothing was measured yet."]
    while run_card and not run_card[-1].strip():
        run_card.pop()
    text = [f"# {card.title}", *run_card, "", "## Files", ""]
    files = (describe_file(name, content) for name, content in result.files.items())
    text += [f"- `{file.name}`: {file.size:,} bytes, SHA-256 `{file.checksum}`" for file in files]
    text += [f"- licence of the weights: {card.licence}", *(f"- {note}" for note in result.notes)]
    text += ["", f"Compared with the trained network on {result.pictures}:", ""]
    text += [f"- {agreement}" for agreement in result.agreements]
    if card.role is Role.EMBEDDER:
        text += ["", "## Default thresholds", ""]
        text += [
            f"- verification: {_describe_threshold(card.verification)}",
            f"- identification: {_describe_threshold(card.identification)}",
        ]
    return text


def _describe_threshold(threshold: DefaultThreshold) -> str:
    rate = "" if threshold.fmr is None else f" (false match rate {threshold.fmr:g})"
    return f"{threshold.value:g}{rate}: {threshold.evidence}"
