"""Sentences of errors can be told in another language: their text is constant, and so are words among their values."""

import ast
import re
from collections.abc import Iterable, Iterator
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


WORDS = re.compile(r"[a-z]{2,} .*[a-z]{2,}")
"""English words in a text, not a name or code alone."""


def english(value: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The English texts that a value of an error may be, which nobody can translate.

    Args:
        assigned: what names stand for in the same function or module.
    """
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield from [value.value] if WORDS.search(value.value) else []
    elif isinstance(value, ast.JoinedStr):
        written = "".join(str(part.value) for part in value.values if isinstance(part, ast.Constant))
        yield from [written] if WORDS.search(written) else []
    elif isinstance(value, ast.IfExp | ast.BoolOp):
        for branch in (value.body, value.orelse) if isinstance(value, ast.IfExp) else value.values:
            yield from english(branch, assigned)
    elif isinstance(value, ast.Name):
        for given in assigned.get(value.id, ()):
            yield from english(given, {})


def assignments(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What simple names are set to in these statements."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(node.value)
    return found


def told_values(call: ast.Call) -> list[ast.expr]:
    """What an error or a part of a sentence is filled with, or is told with as it is."""
    first = [item for item in call.args[:1] if isinstance(item, ast.Name)]  # a text that stands elsewhere
    return [*first, *(keyword.value for keyword in call.keywords)]


def untranslatable(file: Path) -> Iterator[str]:
    """English texts in what errors, phrases and the API's own errors of a module say, with the line."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in [tree, *functions]:
        inside = list(ast.walk(scope)) if scope is not tree else [*tree.body, *raised(file)]
        names = assignments([*tree.body, *inside])
        for node in inside:
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            values = told_values(node) if name in {*errors.__all__, "Phrase", "missing", "pixels_exceeded"} else []
            values += node.args[1:] if name in {"missing", "pixels_exceeded"} else []
            values += node.args if name in {"Error", "URLError", "FileNotFoundError", "TimeoutError"} else []
            for text in {found for value in values for found in english(value, names)}:
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}: {text}"


def test_the_search_for_english_values_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "made.py").write_text(
        "GONE = 'it is not here'\n"
        "def one(key):\n"
        "    what = f'the key {key} must be' if key else 'it must be'\n"
        "    raise InvalidInput('{what} a number.', what=what)\n"
        "def two():\n    raise UnknownClip(GONE)\n"
        "def three():\n    raise gr.Error('Something went wrong.')\n"
        "def four(key):\n    raise InvalidInput('{what}.', what=Phrase('the key {key} is odd', key='from_frame'))\n"
    )
    found = {line.partition(": ")[2] for line in untranslatable(tmp_path / "made.py")}
    assert found == {"the key  must be", "it must be", "it is not here", "Something went wrong."}


def test_no_value_of_an_error_is_an_english_text_that_cannot_be_translated() -> None:
    skipped = tuple(PACKAGE / folder for folder in UNTRANSLATED)
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if not any(file.is_relative_to(one) for one in skipped)]
    assert [line for file in files for line in untranslatable(file)] == []


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
