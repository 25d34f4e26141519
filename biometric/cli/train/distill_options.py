"""Options of `train distill` whose defaults rest on others: network, initial weights and input."""

import argparse

_STUDENT = "resnet14_gdc"
_HEIGHT, _WIDTH = 256, 128


def resolve_options(options: argparse.Namespace) -> tuple[str, ...]:
    """Fill in --student, --from, --height, --width and --colours where they are not given.

    Returns:
        Beginnings of the names of parameters that know pictures already, so that they learn more slowly.

    Raises:
        InvalidSetting: the weights take colours in an unknown way.
        RunConflict: --from names a run that cannot be read.
    """
    from biometric.training.imagenet_weights import lite_number
    from biometric.training.initial_input import colours_of, input_of_weights

    known = None if options.begin is None else input_of_weights(options.begin)
    if options.student is None:
        options.student = (known.architecture if known else "") or _STUDENT
    lite = lite_number(options.student) is not None
    if options.begin is None:
        options.begin = "imagenet" if lite else "scratch"
    for name, default in (("height", _HEIGHT), ("width", _WIDTH)):
        if getattr(options, name) is None:
            setattr(options, name, getattr(known.form, name) if known else default)
    if options.colours is None:
        options.colours = colours_of(known.form) if known else "imagenet"
    return ("network.body.",) if lite and options.begin == "imagenet" else ()
