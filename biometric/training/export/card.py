"""The card of exported weights: the run's own, and what exporting adds."""

from biometric.models.cards import DefaultThreshold, Role
from biometric.training.export.exported import Exported, described
from biometric.training.export.trained import TrainedRun


def lines(run: TrainedRun, made: Exported) -> list[str]:
    """Lines of Markdown: what the run's card says, then files, comparisons and thresholds."""
    card = made.card
    own = list(run.card[1:]) or ["", "Made by:", "", f"    {run.command}", "", "Nothing was measured yet."]
    while own and not own[-1].strip():
        own.pop()
    text = [f"# {card.title}", *own, "", "## Files", ""]
    files = (described(name, content) for name, content in made.files.items())
    text += [f"- `{file.name}`: {file.size:,} bytes, SHA-256 `{file.checksum}`" for file in files]
    text += [f"- licence of the weights: {card.licence}", *(f"- {note}" for note in made.notes)]
    text += ["", f"Compared with the trained network on {made.pictures}:", ""]
    text += [f"- {each}" for each in made.agreements]
    if card.role is Role.EMBEDDER:
        text += ["", "## Default thresholds", ""]
        text += [f"- verification: {_words(card.verification)}", f"- identification: {_words(card.identification)}"]
    return text


def _words(threshold: DefaultThreshold) -> str:
    rate = "" if threshold.fmr is None else f" (false match rate {threshold.fmr:g})"
    return f"{threshold.value:g}{rate}: {threshold.evidence}"
