"""A label that is too long for a picture or a timeline is cut in the name; its score stays."""

from typing import Any

import numpy as np
import pytest

from biometric.entities.drawing import Mark
from biometric.results import annotation
from biometric.results.annotation import LABEL_SHARE, PillowAnnotator
from biometric.results.label_fonts import text_length

WIDTH = 640


def drawn_label(monkeypatch: pytest.MonkeyPatch, label: str) -> tuple[str, int]:
    """Return the one label that is drawn on a frame, and its size in pixels."""
    drawn: list[tuple[str, int]] = []

    def draw_text(pen: Any, place: tuple[float, float], text: str, size: int, colour: tuple[int, int, int]) -> None:
        drawn.append((text, size))

    monkeypatch.setattr(annotation, "draw_text", draw_text)
    mark = Mark((500.0, 100.0, 630.0, 400.0), label, True, label)
    PillowAnnotator().draw(np.zeros((480, WIDTH, 3), np.uint8), [mark])
    [shown] = drawn
    return shown


@pytest.mark.parametrize("name", ["W" * 100, "Ada " * 25 + "Lovelace", "i" * 100])
def test_a_long_name_keeps_its_score(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    label, size = drawn_label(monkeypatch, f"{name} 0.91")
    assert label.endswith("… 0.91")
    assert name.startswith(label.removesuffix("… 0.91"))
    assert len(label) > len("… 0.91")
    assert text_length(label, size) <= WIDTH * LABEL_SHARE


def test_a_label_that_fits_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn_label(monkeypatch, "Ada Lovelace 0.91")[0] == "Ada Lovelace 0.91"


def test_a_long_label_of_one_word_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    label, size = drawn_label(monkeypatch, "W" * 100)
    assert label.endswith("…")
    assert text_length(label, size) <= WIDTH * LABEL_SHARE
