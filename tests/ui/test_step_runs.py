"""What a handler sends at its end: an error and the end of the job come together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.errors import StorageFull
from biometric.ui.field_errors import Field
from biometric.ui.page import Updates
from biometric.ui.step_runs import guarded
from tests.ui.scenery import write_people
from tests.ui.test_tabs import Desk, desk

__all__ = ["desk"]


def fails(error: Exception) -> Iterator[Updates]:
    yield {"status": "working"}
    raise error


@pytest.mark.parametrize("error", [StorageFull("The disk is full."), ValueError("a fault of ours")])
def test_an_error_comes_with_the_end_of_the_job(error: Exception) -> None:
    steps = list(guarded(fails(error), "banner", lambda: {"status": "", "field": "usable"}, lambda: {"answer": ""}))
    assert steps[0] == {"status": "working"}
    assert [set(step) for step in steps[1:]] == [{"banner", "answer", "status", "field"}]
    assert [set(step) for step in list(guarded(fails(error), "banner"))[1:]] == [{"banner"}]


def test_a_job_that_succeeds_ends_once() -> None:
    steps: list[Updates] = [{"answer": "yes"}]
    assert list(guarded(iter(steps), "banner", lambda: {"status": ""})) == [{"answer": "yes"}, {"status": ""}]
    assert list(guarded(iter(steps), "banner")) == [{"answer": "yes"}]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    whole = write_people(folder / "whole.avi", [30], 60, codec="mpeg4").read_bytes()
    (folder / "damaged.avi").write_bytes(whole[: len(whole) * 6 // 10])
    return folder / "damaged.avi"


def test_a_field_can_take_the_keyboard_when_its_error_is_told(desk: Desk, damaged: Path) -> None:
    """A disabled field cannot; while the clip is looked at, all fields are."""
    desk.open(desk.enrollment, damaged)
    panel = desk.enrollment.panel
    note, states = panel.places.note(Field.CLIP), dict[Any, bool]()
    seen: list[bool] = []
    for update in desk.enroll_pressed("Ada"):
        for component, value in update.items():
            if isinstance(value, dict) and "interactive" in value:
                states[component] = value["interactive"]
        if "This clip is damaged" in str(update.get(note)):
            seen.append(states[panel.accept])
            assert update[panel.status] == ""
    assert seen == [True]
