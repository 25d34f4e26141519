"""`sightings list | search | show | remove` on the command line, and what keeping an answer keeps of them."""

import dataclasses
import json
import logging
from pathlib import Path

import pytest

from biometric.entities import AnswerKind, NewAnswer
from biometric.entities.audit import AuditAction, AuditQuery
from biometric.entities.progress import finish
from biometric.entities.sightings import Naming
from biometric.messages.sighting_sentences import describe_who
from biometric.retention_duty import delete_overdue
from tests.lawful import without_default
from tests.running import kept_answers_of_ada
from tests.running import run_command as run
from tests.test_service import ServiceSetup


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Ada is enrolled and identified in one clip, which is kept with both answers."""
    yield from kept_answers_of_ada(tmp_path, monkeypatch)


def test_keeping_answers_keeps_each_person_once(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(run(capsys, "sightings", "list", "--json")[1])
    assert shown["total"] == 1
    [sighting] = shown["sightings"]
    assert (sighting["identity"], sighting["named_by"], sighting["proposal"]) == ("Ada", "enrolled", False)
    assert (sighting["clip"], sighting["decision"], sighting["closest"]) == ("clip.mp4", "identified", "Ada")
    assert sighting["clip_id"] == setup.service.library.clips()[0][0].id
    assert sighting["score"] == pytest.approx(1.0)
    assert sighting["threshold"] == setup.service.threshold("identification").value
    assert sighting["picture"]["height"] > 0
    assert sighting["basis"] == "consent"
    status, out, _ = run(capsys, "sightings", "list")
    assert status == 0
    assert "Ada (enrolled from this)" in out
    assert out.endswith("1 sighting in all.\n")


def test_filters_choose(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    def total(*arguments: str) -> int:
        return int(json.loads(run(capsys, "sightings", "list", "--json", *arguments)[1])["total"])

    assert (total("--name", "ada"), total("--unknown"), total("--camera", ""), total("--camera", "door")) == (
        1,
        0,
        1,
        0,
    )
    assert total("--since", "2026-04-12 15:30") == 0  # its time is not known
    for wrong in (["--since", "noon"], ["--limit", "0"], ["--name", "Ada", "--unknown"], ["--name", "Nobody"]):
        status, out, err = run(capsys, "sightings", "list", *wrong)
        assert (status, out) == (2, "")
        assert len(err) > 20


def test_an_example_ranks_them(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "sightings", "search", "--picture", setup.clip, "--json")[1])
    assert (found["compared"], found["more"]) == (1, False)
    assert found["sightings"][0]["score"] == pytest.approx(1.0)
    assert found["threshold"] == setup.service.threshold("verification").value
    _, out, _ = run(capsys, "sightings", "search", "--picture", setup.clip, "--person", "1")
    assert "it is taken for the same person" in out
    own = found["sightings"][0]["sighting"]
    like = json.loads(run(capsys, "sightings", "search", "--like", own, "--json")[1])
    assert like["sightings"] == []  # it is not like itself
    status, _, err = run(capsys, "sightings", "search", "--like", "f" * 32)
    assert status == 2
    assert "There is no sighting" in err
    assert run(capsys, "sightings", "search", "--like", own, "--least", "7")[0] == 2
    [latest, *_], _ = setup.service.gallery().audit.records(AuditQuery(action=AuditAction.SIGHTINGS_SEARCHED))
    assert latest.details["sightings"] == 0


def test_who_is_enrolled_later_is_looked_for_in_older_clips(
    setup: ServiceSetup, capsys: pytest.CaptureFixture[str]
) -> None:
    service, gallery = setup.service, setup.service.gallery()
    gallery.erase(gallery.find("Ada").id)
    observed = finish(service.observe(setup.clip))
    older = dataclasses.replace(observed, video=dataclasses.replace(observed.video, digest="0" * 64))
    [kept] = service.sightings.keep(older, NewAnswer(AnswerKind.IDENTIFICATION, ()), "made")
    assert (kept.naming, kept.decision) == (Naming.NOBODY, None)
    service.enroll(observed, "Ada")
    found = json.loads(run(capsys, "sightings", "search", "--name", "Ada", "--json")[1])
    assert (found["clips"], found["compared"]) == (1, 1)
    assert [(item["sighting"], item["identity"]) for item in found["sightings"]] == [(kept.id, None)]  # not named
    _, out, _ = run(capsys, "sightings", "search", "--name", "Ada")
    assert "Ada may be in 1 older clip." in out
    assert "y chance" in out


def test_one_is_shown_and_deleted(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    [sighting] = json.loads(run(capsys, "sightings", "list", "--json")[1])["sightings"]
    _, out, _ = run(capsys, "sightings", "show", sighting["sighting"])
    assert "Time: unknown" in out
    assert "score 1.00" in out
    assert "Kept until" in out
    picture = Path(next(line for line in out.splitlines() if line.startswith("Picture: ")).removeprefix("Picture: "))
    assert picture.is_file()
    status, out, _ = run(capsys, "sightings", "remove", sighting["sighting"])
    assert (status, out) == (0, "1 sighting was deleted for good.\n")
    assert not picture.exists()
    assert run(capsys, "sightings", "show", sighting["sighting"])[0] == 2
    assert run(capsys, "sightings", "remove", sighting["sighting"])[0] == 2


def test_when_they_are_off_or_without_a_basis_nothing_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = ServiceSetup(tmp_path)
    observed = finish(made.service.observe(made.clip))
    enrolled = made.service.enroll(observed, "Ada")
    with without_default(), caplog.at_level(logging.WARNING):
        assert made.service.library.keep(observed, enrolled) is not None
    assert "no default legal basis" in caplog.text
    assert made.service.gallery().sightings.count() == 0
    desk = made.service.sightings
    desk.rules = dataclasses.replace(desk.rules, keep_sightings=False)
    made.service.library.keep(observed, enrolled)
    assert made.service.gallery().sightings.count() == 0
    desk.rules = dataclasses.replace(desk.rules, keep_sightings=True)
    made.service.library.keep(observed, enrolled)
    assert made.service.gallery().sightings.count() == 1
    made.service.close()


def test_the_last_sighting_answers_when_somebody_was_seen(setup: ServiceSetup) -> None:
    desk = setup.service.sightings
    last = desk.last_seen("ada")
    assert last is not None
    assert describe_who(last, setup.service.library.names()) == "Ada (enrolled from this)"
    assert desk.last_seen("Ada", camera="door") is None
    delete_overdue(setup.service)
    assert desk.last_seen("Ada") is not None
