"""Collects the texts of the package for its catalogues: `python -m biometric.messages.extraction`, or `make messages`.

It is for people who translate; the program itself never imports it (docs/translating.md).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from biometric import errors
from biometric.messages import templates
from biometric.messages.translation import DOMAIN, LOCALE

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

PACKAGE: Final = Path(__file__).parents[1]

UNTRANSLATED: Final = (
    "cli/train",
    "cli/evaluate.py",
    "cli/evaluate_detector.py",
    "cli/evaluate_clip.py",
    "evaluation",
    "training",
)
"""Folders and modules whose texts stay English: offline work, which is never told on the page."""

_FUNCTIONS: Final = {
    "Phrase": ("text",),
    "Progress": ("text",),
    "refusal": ("text",),  # the kind of error that a function is to raise
    "_": ("text",),
    "N_": ("text",),
    "NN_": ("text", "plural"),
    "ngettext": ("text", "plural"),
    "pgettext": ("context", "text"),
}
"""What marks a text, and what its first arguments are; errors are raised with a text, too."""
_VALUE_ALONE: Final = re.compile(r"\{\w+\}")
"""There is nothing to translate in it."""


def extract() -> "Catalog":
    """Return a catalogue of all texts that are wrapped, and of the sentences that our errors are raised with."""
    from babel.messages.catalog import Catalog

    catalogue = Catalog(project="Sightline", charset="utf-8")
    skipped = tuple(PACKAGE / folder for folder in UNTRANSLATED)
    for file in sorted(PACKAGE.rglob("*.py")):
        if not any(file.is_relative_to(folder) for folder in skipped):
            for line, names in _texts_of_module(ast.parse(file.read_text("utf-8"))):
                _add(catalogue, file, line, **names)
    tables = Path(templates.__file__)
    for table in (templates.TEMPLATES, templates.REFUSAL_NAMES, templates.CHANGES, templates.CHANGES_BY_ONE_NAME):
        for text in table.values():
            _add(catalogue, tables, 0, text)
    for text in (*templates.SOURCES.values(), *(words for _, words in templates.STRENGTHS)):
        _add(catalogue, tables, 0, text)
    for value, words in templates.WORDS.items():
        for text in words.values():
            _add(catalogue, tables, 0, text, context=value)
    for file in sorted(PACKAGE.glob("**/templates/**/*.html")):
        for line, names in _texts_of_template(file):
            _add(catalogue, file, line, **names)
    return catalogue


def _add(
    catalogue: "Catalog", file: Path, line: int, text: str, plural: str | None = None, context: str | None = None
) -> None:
    if _VALUE_ALONE.fullmatch(text):
        return
    location = (file.relative_to(PACKAGE.parent).as_posix(), line)
    catalogue.add(text if plural is None else (text, plural), None, [location], context=context)


def _texts_of_module(tree: ast.AST) -> Iterator[tuple[int, dict[str, str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            expected = _FUNCTIONS.get(node.func.id, ("text",) if node.func.id in errors.__all__ else ())
            for arguments in _alternatives(node.args[: len(expected)]):
                texts = [value for value in arguments if value]
                if expected and len(texts) == len(expected):
                    yield node.lineno, dict(zip(expected, texts, strict=True))


def _alternatives(arguments: list[ast.expr]) -> Iterator[list[str]]:
    """The texts that are given; of `"one" if … else "other"` in the first place, each."""
    if arguments and isinstance(first := arguments[0], ast.IfExp):
        yield from _alternatives([first.body, *arguments[1:]])
        yield from _alternatives([first.orelse, *arguments[1:]])
    else:
        yield [item.value for item in arguments if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _texts_of_template(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    from jinja2.ext import babel_extract

    with file.open("rb") as stream:
        for line, function, texts, _comments in babel_extract(stream, list(_FUNCTIONS), (), {"silent": "false"}):
            given = (texts,) if isinstance(texts, str) else texts or ()
            expected = _FUNCTIONS[function]
            found = {name: str(text) for name, text in zip(expected, given, strict=False) if text}
            if "text" in found:  # a variable is given elsewhere
                yield line, found


def update(file: Path, language: str) -> "Catalog":
    """Return the catalogue of a file with the texts of today: new ones are empty, texts no longer used are left out."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    if file.exists():
        with file.open("rb") as stream:
            catalogue = read_po(stream, locale=language)
    else:
        catalogue = Catalog(language, project="Sightline", charset="utf-8", fuzzy=False)
    # A near text is not a translation: what changed is translated anew.
    catalogue.update(extract(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def write(file: Path, catalogue: "Catalog") -> None:
    """Write a catalogue in the order of its texts, so that two people's additions seldom meet."""
    from babel.messages.pofile import write_po

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        write_po(stream, catalogue, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)


def main() -> None:
    """Bring every catalogue up to date and say what is missing in it."""
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        file = folder / "LC_MESSAGES" / f"{DOMAIN}.po"
        catalogue = update(file, folder.name)
        write(file, catalogue)
        missing = sum(not message.string or not all(_forms(message.string)) for message in catalogue if message.id)
        print(f"{folder.name}: {len(catalogue)} texts, {missing} of them not translated")


def _forms(string: "str | tuple[str, ...] | list[str]") -> "tuple[str, ...]":
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    main()
