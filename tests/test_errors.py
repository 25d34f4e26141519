"""The tree drawn in `errors` is the tree of the classes."""

import inspect
import re

import pytest

from biometric import errors
from biometric.errors import BiometricError, DamagedClip, SeveralPeople, root_error


def classes() -> dict[str, type[BiometricError]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: each for name, each in found if issubclass(each, BiometricError)}


def drawn() -> dict[str, str]:
    """Each error's parent as drawn, read from the indentation."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (root_error.__doc__ or "").splitlines():
        node = re.fullmatch(r"([│ ]*)[├└]── (\w+)\s+\S.*|([│ ]*)[├└]── (\w+)", line)
        if node is not None:
            depth = 1 + len(node[1] or node[3] or "") // 4
            above[depth:] = [node[2] or node[4]]
            parents[above[depth]] = above[depth - 1]
        elif line == "BiometricError":
            above = [line]
    return parents


def test_the_drawing_equals_the_classes() -> None:
    actual = {name: each.__mro__[1].__name__ for name, each in classes().items() if each is not BiometricError}
    assert drawn() == actual
    assert len(actual) > 25


@pytest.mark.parametrize("error", classes().values(), ids=classes().keys())
def test_every_error_is_described_and_carries_its_message(error: type[BiometricError]) -> None:
    assert error.__doc__
    raised = SeveralPeople("Two people.", [1, 2]) if error is SeveralPeople else error("Something. Do this.")
    assert str(raised) in {"Something. Do this.", "Two people."}


def test_errors_carry_what_their_callers_need() -> None:
    assert SeveralPeople("Choose one.", [1, 3]).people == (1, 3)
    damage = DamagedClip("Cut short.", readable=78, claimed=200)
    assert (damage.readable, damage.claimed) == (78, 200)
    assert (DamagedClip("Cannot be opened.").readable, DamagedClip("Cannot be opened.").claimed) == (0, None)
