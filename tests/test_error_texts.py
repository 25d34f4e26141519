"""Sentences of errors can be told in another language: their text is constant, and so are words among their values."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric import errors
from biometric.calibration.procedure import Targets
from biometric.domain.verdict_desk import read_word
from biometric.errors import BiometricError, InvalidInput
from biometric.gallery.calibration_keeping import _in_force_already
from biometric.messages import describe_error
from biometric.messages.calibration_sentences import one_in, sources_words
from biometric.messages.extraction import PACKAGE, UNTRANSLATED
from biometric.messages.translation import activate


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    activate("en")


def raised(file: Path) -> Iterator[ast.Call]:
    """The calls in a module that make one of our errors."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors.__all__:
            yield node


def test_no_error_is_raised_with_a_text_that_was_filled_in_before() -> None:
    skipped = tuple(PACKAGE / folder for folder in UNTRANSLATED)
    filled = [
        f"{file.relative_to(PACKAGE)}:{call.lineno}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if not any(file.is_relative_to(folder) for folder in skipped)
        for call in raised(file)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert filled == []


def message(words: object) -> str:
    try:
        words() if callable(words) else None
    except BiometricError as error:
        return describe_error(error)
    raise AssertionError("nothing was raised")


def test_errors_of_verdicts_and_calibrations_are_german_in_german() -> None:
    activate("de")
    assert message(lambda: read_word("")).endswith("nicht nichts.")
    assert "Das Ziel Falschübereinstimmungsrate (FMR) muss" in message(lambda: Targets(2.0))
    assert describe_error(_in_force_already(3)) == "Kalibrierung 3 ist bereits in Kraft. Nichts hat sich geändert."
    assert describe_error(_in_force_already(None)).startswith("Die Schwellen der Modellkarte sind bereits in Kraft.")
    with pytest.raises(InvalidInput, match=r"^The target false match rate must"):
        Targets(2.0)


def test_counts_are_written_as_the_language_does() -> None:
    assert (one_in(0.001), sources_words({"same time": 1474})) == ("1 in 1,000", "1,474 seen side by side")
    activate("de")
    assert (one_in(0.001), one_in(1 / 2.5)) == ("1 von 1.000", "1 von 2,5")
    assert sources_words({"same time": 1474, "from elsewhere": 2}) == "1.474 nebeneinander gesehen, 2 from elsewhere"
