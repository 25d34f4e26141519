"""How strongly crops are changed at random: the one definition that both implementations read.

`augmentation` changes one crop at a time on the CPU, in worker processes; `device_augmentation` changes a batch at once
on the device of the training. Both draw from the same distributions, in the order of the attributes below.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly crops are changed at random; every probability is in [0, 1], every draw is uniform over its range.

    Attributes:
        crop: largest share of either side that is cut off.
        aspect: largest factor by which width over height changes (its logarithm is drawn), in either direction; 1 for
            none.
        flip: probability of a mirror image.
        turn: largest angle in degrees, in either direction, about the middle; the edge is repeated outside.
        turned: probability of a turn.
        shrink: probability of reducing to a random size down to `smallest` (height, width) and back.
        blur: probability of a Gaussian blur.
        blur_sigma: its standard deviation in pixels, of a crop in its final size.
        colour: largest relative change of brightness, contrast and saturation, and a quarter of it of each channel.
        gamma: largest exponent of the brightness (its logarithm is drawn), in either direction; 1 for none.
        grey: probability of grey.
        noisy: probability of Gaussian noise, for each pixel and channel.
        noise: its standard deviation, of 0…255.
        erase: probability that a random rectangle is filled with noise (arXiv 1708.04896).
        cover: probability that it is filled with what another crop shows there, as somebody who stands in front.
        rectangle: share of the area of that rectangle.
        rectangle_ratio: largest height over width of it, and of width over height; the logarithm is drawn.
    """

    crop: float = 0.12
    aspect: float = 1.35
    flip: float = 0.5
    turn: float = 0.0
    turned: float = 0.0
    shrink: float = 0.4
    smallest: tuple[int, int] = (96, 48)
    blur: float = 0.2
    blur_sigma: tuple[float, float] = (0.3, 2.0)
    colour: float = 0.3
    gamma: float = 1.0
    grey: float = 0.05
    noisy: float = 0.0
    noise: tuple[float, float] = (0.0, 6.0)
    erase: float = 0.3
    cover: float = 0.0
    rectangle: tuple[float, float] = (0.02, 0.25)
    rectangle_ratio: float = 3.3


STRONG = Augmentation()
"""For training on few crops, and for footage of any kind."""

MILD = Augmentation(crop=0.06, aspect=1.0, shrink=0.0, blur=0.0, colour=0.15, grey=0.0, erase=0.5)
"""For fine-tuning on data sets whose crops are cut well: what "bag of tricks" (arXiv 1903.07071) uses."""

LIVE = Augmentation(
    crop=0.28,
    aspect=1.6,
    turn=3.5,
    turned=0.4,
    shrink=0.45,
    smallest=(40, 20),
    blur=0.15,
    blur_sigma=(0.4, 2.4),
    colour=0.35,
    gamma=1.28,
    noisy=0.3,
    erase=0.15,
    cover=0.15,
    rectangle=(0.02, 0.3),
)
"""For a teacher that sees the same picture: a change cannot make its answer wrong, so that variety counts most."""

NONE = Augmentation(crop=0, aspect=1, flip=0, shrink=0, blur=0, colour=0, grey=0, erase=0)
