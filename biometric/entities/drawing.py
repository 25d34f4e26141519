"""What is drawn for people: marks on a frame and the bars of a timeline."""

from dataclasses import dataclass

from biometric.entities.footage import Box


@dataclass(frozen=True, slots=True)
class Mark:
    """A box to draw on a frame: `label` beside it; `known` chooses the look (never by colour alone).

    `plain_label` is drawn instead where no font has the label's characters.
    """

    box: Box
    label: str
    known: bool
    plain_label: str = "name in another script"


@dataclass(frozen=True, slots=True)
class Bar:
    """One person of a timeline picture: `stretches` from and to, in seconds of the clip; `plain_label` as of `Mark`."""

    label: str
    stretches: tuple[tuple[float, float], ...]
    known: bool
    plain_label: str = "name in another script"
