"""The button below an identification that writes the clip with strangers hidden."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from biometric.clips.footage_reading import FootageReader
from biometric.ui.session import HIDING_JOB
from tests.ui.test_tabs import Clips, Desk, desk, run  # noqa: F401 - fixtures


@pytest.fixture
def answered(desk: Desk, clips: Clips) -> Desk:  # noqa: F811
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    said = desk.identify()
    assert said[desk.identification.writing.hiding.parts[0]]["visible"]
    return desk


def shown(desk: Desk, updates: Any) -> str:  # noqa: F811
    return str(updates[desk.identification.writing.hiding.parts[1]])


def test_the_clip_is_offered_with_what_was_done(answered: Desk) -> None:
    hiding = answered.identification.writing.hiding
    updates = run(hiding.write(answered.request))
    told = shown(answered, updates)
    assert "Everybody who is not enrolled is hidden" in told
    assert "Shown: Ada." in told
    assert "Looking again found nobody outside what is hidden." in told
    [address] = re.findall('href="[^"]*file=([^"]+)"', told)
    file = Path(unquote(address))
    assert file.is_relative_to(answered.session.folder)
    assert FootageReader().probe(file).frame_count == answered.session.footage("identification").observed.frames.stop
    assert updates[hiding.parts[0]]["visible"]
    assert not updates[answered.identification.panel.cancel]["interactive"]


def test_without_an_answer_it_is_not_offered_and_says_so(desk: Desk) -> None:  # noqa: F811
    hiding = desk.identification.writing.hiding
    assert not hiding.parts[0].visible
    assert "Press Identify" in shown(desk, run(hiding.write(desk.request)))


def test_cancel_gives_it_up(answered: Desk) -> None:
    hiding = answered.identification.writing.hiding
    steps = hiding.write(answered.request)
    for _ in range(3):
        next(steps)
    job = answered.page.new_job(
        answered.session, lambda: steps, lambda place: {}, lambda said: {}, turns=answered.page.model_turns
    )
    answered.session.jobs.begin(HIDING_JOB, job)
    updates = answered.identification.on_cancel(answered.request)
    assert updates[hiding.parts[0]]["visible"]
    assert answered.session.jobs.get(HIDING_JOB) is None
    answered.session.jobs.join(10)
    assert not list(answered.session.folder.rglob("strangers-hidden*"))
