"""Hiding people in footage: what is chosen, what is hidden where, and what came of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from biometric.entities.footage import Box, FrameRange
from biometric.entities.notices import Notice
from biometric.errors import InvalidInput
from biometric.errors.phrases import Phrase


class HidingMethod(StrEnum):
    """How a region is hidden. The values stand in commands, calls and JSON files.

    BLUR and PIXELS keep a coarse picture of the person. BOX and SILHOUETTE keep none: one colour, the second with
    rounded corners and a sign of a person on it, the same for everybody.
    """

    BLUR = "blur"
    PIXELS = "pixels"
    BOX = "box"
    SILHOUETTE = "silhouette"


REFERENCE_HEIGHT: Final = 256
"""A strength is in pixels of a person of this height: the height at which embedders see people. Somebody half as tall
is blurred by half as many pixels, so that as little is left of people near the camera as of those far away."""

STRENGTHS: Final[dict[HidingMethod, tuple[int, ...]]] = {
    HidingMethod.BLUR: (3, 5, 15, 25, 45),
    HidingMethod.PIXELS: (2, 4, 8, 16, 32),
    HidingMethod.BOX: (),
    HidingMethod.SILHOUETTE: (),
}
"""Strengths of each method, weakest first: standard deviation of the blur, side of a block. Those of the study of faces
that `redact --measure` repeats for people; no others are taken, so that what is used can be measured."""

DEFAULT_MARGIN: Final = 0.1
MOST_MARGIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Hiding:
    """A method with its strength, in pixels of a person `REFERENCE_HEIGHT` pixels tall; None where it has none.

    Raises:
        InvalidInput: the method has no such strength.

    Example:
        >>> from biometric.entities.redaction import Hiding, HidingMethod
        >>> str(Hiding(HidingMethod.BLUR, 25)), str(Hiding(HidingMethod.BOX))
        ('blur 25', 'box')
    """

    method: HidingMethod
    strength: int | None = None

    def __post_init__(self) -> None:
        possible = STRENGTHS[self.method]
        if self.strength is None and not possible:
            return
        if not possible:
            raise InvalidInput("The method {method} has no strength. Leave it out.", method=self.method.value)
        if self.strength not in possible:
            raise InvalidInput(
                "The method {method} has the strengths {strengths}, got {strength}. Choose one of them.",
                method=self.method.value,
                strengths=", ".join(map(str, possible)),
                strength=Phrase("none") if self.strength is None else self.strength,
            )

    @classmethod
    def chosen(cls, method: str, strength: int | None = None) -> "Hiding":
        """Return what names and numbers of people say; without a strength the strongest.

        Raises:
            InvalidInput: there is no such method, or it has no such strength.
        """
        try:
            kind = HidingMethod(method)
        except ValueError:
            raise InvalidInput(
                "There is no method {method!r}. Choose one of {methods}.",
                method=method,
                methods=", ".join(HidingMethod),
            ) from None
        possible = STRENGTHS[kind]
        return cls(kind, possible[-1] if strength is None and possible else strength)

    @classmethod
    def asked(cls, method: str | None, strength: int | None = None) -> "Hiding | None":
        """Return the same, None where no method is named.

        Raises:
            InvalidInput: as `chosen`, or a strength without a method.
        """
        if method is None and strength is not None:
            raise InvalidInput("A strength is one of a method. Say which method it is for.")
        return None if method is None else cls.chosen(method, strength)

    def __str__(self) -> str:
        return self.method.value if self.strength is None else f"{self.method.value} {self.strength}"


SAFE_HIDING: Final = Hiding(HidingMethod.BOX)
"""What hides where nothing was measured: of a box of one colour nothing can be brought back."""

ALL_HIDINGS: Final = tuple(
    Hiding(method, strength) for method, strengths in STRENGTHS.items() for strength in strengths or (None,)
)


class WhoIsHidden(StrEnum):
    """Whom a redaction hides. The values stand in JSON files and calls."""

    EVERYBODY = "everybody"
    UNKNOWN = "everybody not enrolled"
    ALL_BUT = "everybody but"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class RedactionChoice:
    """Whom to hide: `names` with ALL_BUT and ONLY, as people wrote them.

    Raises:
        InvalidInput: names are missing, or given where they mean nothing.
    """

    who: WhoIsHidden = WhoIsHidden.EVERYBODY
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = self.who in (WhoIsHidden.ALL_BUT, WhoIsHidden.ONLY)
        if named and not self.names:
            raise InvalidInput("Nobody is named. Say who is kept or hidden, or leave the choice out.")
        if self.names and not named:
            raise InvalidInput("Names are only for everybody but those, or only those. Leave the names out.")

    @classmethod
    def chosen(
        cls, keep: Sequence[str] = (), hide: Sequence[str] = (), hide_unknown: bool = False
    ) -> "RedactionChoice":
        """Return what callers say: who is kept, who is hidden, or everybody not enrolled; everybody without a word.

        Raises:
            InvalidInput: more than one of them, or names that are no list of texts.
        """
        if isinstance(keep, str) or isinstance(hide, str) or not all(isinstance(name, str) for name in (*keep, *hide)):
            raise InvalidInput("Names are given as a list, also a single one.")
        if bool(keep) + bool(hide) + hide_unknown > 1:
            raise InvalidInput("Choose one: who is kept, who is hidden, or everybody who is not enrolled.")
        if keep:
            return cls(WhoIsHidden.ALL_BUT, tuple(keep))
        if hide:
            return cls(WhoIsHidden.ONLY, tuple(hide))
        return cls(WhoIsHidden.UNKNOWN if hide_unknown else WhoIsHidden.EVERYBODY)

    @property
    def needs_gallery(self) -> bool:
        """Whether people have to be identified."""
        return self.who is not WhoIsHidden.EVERYBODY


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """How to redact.

    Attributes:
        hiding: None: what was measured on this computer's footage, else `SAFE_HIDING`.
        margin: what is hidden around a person's box at each side, as a share of its height (across: of its width, but
            at least of a third of its height), from 0 to `MOST_MARGIN`.
        keep_sound: the sound is copied; else there is none, because voices identify people, too.
        allow_remaining: the clip is kept also where somebody is seen in it who should be hidden.

    Raises:
        InvalidInput: the margin is out of range.
    """

    hiding: Hiding | None = None
    margin: float = DEFAULT_MARGIN
    keep_sound: bool = False
    allow_remaining: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and 0 <= self.margin <= MOST_MARGIN):
            raise InvalidInput("The margin must be a number from 0 to 2, got {margin}.", margin=self.margin)


@dataclass(frozen=True, slots=True)
class HiddenRegion:
    """Pixels of one frame that are hidden: columns x1 … x2 - 1, rows y1 … y2 - 1.

    Attributes:
        person_height: height of the person's box in pixels, which strengths are scaled by.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    person_height: float

    def __post_init__(self) -> None:
        if not (0 <= self.x1 < self.x2 and 0 <= self.y1 < self.y2):
            raise ValueError(f"expected a region with 0 <= x1 < x2, 0 <= y1 < y2, got {self}")

    @property
    def box(self) -> Box:
        """The region as a box."""
        return (self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True, slots=True)
class RemainingPerson:
    """Somebody whom the second pass sees in the written clip, outside what is hidden and not among those shown.

    Attributes:
        frame_index: of the clip that was redacted.
    """

    frame_index: int
    seconds: float
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Redaction:
    """A written clip in which people are hidden.

    Attributes:
        path: the clip; of a photograph a photograph.
        frames: what of the footage it shows.
        measured: whether `hiding` was chosen by a measurement on this computer's footage.
        hidden_regions: how many regions are hidden, summed over frames.
        shown: names of the people who are shown, of those in sight, as enrolled.
        unsure: how many people are hidden because it is not sure who they are.
        added: regions that only the second pass found; they are hidden as well.
        remaining: who is still seen; empty unless that was allowed.
    """

    path: Path
    frames: FrameRange
    hiding: Hiding
    measured: bool
    choice: RedactionChoice
    margin: float
    sound_kept: bool
    hidden_regions: int
    shown: tuple[str, ...] = ()
    unsure: int = 0
    added: int = 0
    remaining: tuple[RemainingPerson, ...] = ()
    warnings: tuple[Notice, ...] = ()
