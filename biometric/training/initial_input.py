"""What weights that a training begins with say of themselves: their network, and how it is given crops."""

from dataclasses import dataclass, replace
from pathlib import Path

from biometric.entities.model_cards import InputFormat, Role
from biometric.errors import InvalidSetting, UnsupportedModel
from biometric.models.own_weights import own_card
from biometric.training.export.trained_runs import COLOURS, input_of, read_run
from biometric.training.networks import embedder_card


@dataclass(frozen=True, slots=True)
class KnownInput:
    """An architecture's name ("" where it is not said) and how it is given crops."""

    architecture: str
    form: InputFormat


def input_of_weights(source: str) -> KnownInput | None:
    """Return what a card, a run, or a `.safetensors` says of itself; None where it says nothing.

    Raises:
        InvalidSetting: the description beside a file has a mistake.
        RunConflict: a run that cannot be read.
    """
    if source in ("scratch", "imagenet"):
        return None
    path = Path(source).expanduser()
    if path.is_dir():
        run = read_run(path)
        return KnownInput(run.architecture, input_of(run))
    if path.suffix == ".safetensors" and path.is_file():
        try:
            card, _ = own_card(Role.EMBEDDER, path)
        except UnsupportedModel:
            return None
        return None if card.input is None else KnownInput(card.architecture, card.input)
    known = embedder_card(source)
    return None if known is None or known.input is None else KnownInput(known.architecture, known.input)


def colours_of(form: InputFormat) -> str:
    """Return the name in `COLOURS` of how pixels are prepared. Raises `InvalidSetting` for another way."""
    for name, colours in COLOURS.items():
        if replace(colours, height=form.height, width=form.width) == form:
            return name
    raise InvalidSetting(
        "The weights of --from take colours prepared in a way that training does not know. Name it with --colours: "
        f"{' or '.join(COLOURS)}."
    )


def input_with(colours: str, height: int, width: int) -> InputFormat:
    """Return the input of a network. Raises `InvalidSetting` where the size is not one."""
    try:
        return replace(COLOURS[colours], height=height, width=width)
    except ValueError as error:
        raise InvalidSetting("--height and --width must be 1 or more.") from error
