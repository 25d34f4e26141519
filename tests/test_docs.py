"""The documents: promises and tests agree, and what they name exists. `make check` builds the site from them."""

import re

import pytest

from tests.conftest import PROJECT

CITED = re.compile(r"def test_promise_(\d+)_")


def _kept_and_not() -> tuple[set[int], set[int]]:
    """Numbers of the promises that `docs/trust.md` calls kept, and of those that it calls not kept yet."""
    kept, not_kept = (PROJECT / "docs" / "trust.md").read_text("utf-8").split("## Not kept yet")
    numbers = [{int(number) for number in re.findall(r"^\| (\d+) \|", half, re.M)} for half in (kept, not_kept)]
    return numbers[0], numbers[1]


def test_every_promise_that_tests_cite_is_written_down_and_the_other_way_round() -> None:
    kept, not_kept = _kept_and_not()
    texts = [path.read_text("utf-8") for path in (PROJECT / "tests").rglob("test_*.py")]
    cited = {int(number) for text in texts for number in CITED.findall(text)}
    assert kept | not_kept == set(range(1, 30))
    assert not kept & not_kept
    assert cited - kept == set(), "tests of promises that the document does not call kept"
    assert kept - cited == set(), "promises called kept that no test cites"


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "README.md", "docs/architecture.md"])
def test_paths_that_documents_name_exist(name: str) -> None:
    text = (PROJECT / name).read_text("utf-8")
    named = re.findall(r"`((?:tests|docs|biometric|benchmarks|examples|models)/[\w./-]+)`", text)
    made_later = {"models/starter-detector.pt"}
    missing = [path for path in named if not (PROJECT / path).exists() and path not in made_later]
    rooms = [room for room in re.findall(r"^\| `([\w/]+/)`", text, re.M) if not (PROJECT / "biometric" / room).is_dir()]
    assert not missing
    assert not rooms


def test_every_room_is_on_the_map() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    rooms = [path.parent.name for path in (PROJECT / "biometric").glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/" not in text] == []
