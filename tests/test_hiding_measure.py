"""Measuring what hiding leaves: rates, the table, the chart, and the default that follows."""

import json
from pathlib import Path

import numpy as np
import pytest

from biometric import cli
from biometric.cli import command_support
from biometric.domain.hiding_rates import detected_again, hiding_rates, is_chance, rank_one_hits
from biometric.entities.progress import finish
from biometric.entities.redaction import ALL_HIDINGS, SAFE_HIDING, Hiding, HidingMethod
from biometric.entities.redaction_measure import FEWEST_PEOPLE, MeasuredHiding, RedactionMeasure
from biometric.errors import TooFewPeople
from biometric.messages.redaction_sentences import measure_table
from biometric.results.redaction_defaults import FILE_NAME, read_default, save_default
from tests.painted_people import PaintedService, walking, write_people


def row(hiding: Hiding | None, chance: bool) -> MeasuredHiding:
    return MeasuredHiding(hiding, 0.5, 0.1, 0.2, 0.0, 0.0, chance)


def measure(people: int = 30, safe: tuple[str, ...] = ("blur 45", "box"), model: str = "fake-8") -> RedactionMeasure:
    rows = [row(None, False), *(row(hiding, str(hiding) in safe) for hiding in ALL_HIDINGS)]
    return RedactionMeasure(tuple(rows), people, 200, 0.5, model, "detector", "2026-01-01")


def test_each_detection_counts_once_and_must_overlap_half() -> None:
    boxes = [(0.0, 0.0, 10.0, 20.0), (0.0, 0.0, 10.0, 21.0), (50.0, 0.0, 60.0, 20.0)]
    assert detected_again(boxes, [(0.0, 0.0, 10.0, 20.0), (56.0, 0.0, 66.0, 20.0)]) == 1
    assert detected_again(boxes, boxes) == 3
    assert detected_again(boxes, []) == detected_again([], boxes) == 0


def test_equal_scores_count_as_guesses() -> None:
    assert rank_one_hits(np.eye(4, dtype=np.float32)) == 4
    assert rank_one_hits(np.ones((4, 4), np.float32)) == pytest.approx(1)
    assert rank_one_hits(np.eye(4, dtype=np.float32)[::-1]) == 0


def test_chance_is_what_guessing_reaches_in_one_of_twenty_tries() -> None:
    assert is_chance(0, 20)
    assert is_chance(3, 20)  # P(3 or more of 20 at 1/20) = 0.075
    assert not is_chance(4, 20)  # 0.016
    assert not is_chance(2.5 + 1, 30)


def test_both_ways_of_recognising_have_to_be_chance() -> None:
    people = np.eye(20, dtype=np.float32)
    mixed = np.roll(people, 1, axis=0)
    safe = hiding_rates(SAFE_HIDING, 0.0, mixed, people, people, 0.5)
    assert (safe.rank1, safe.match_rate, safe.chance) == (0.0, 0.0, True)
    assert safe.false_match_rate == pytest.approx(1 / 19)
    alike = hiding_rates(SAFE_HIDING, 0.0, mixed, people, mixed, 0.5)
    assert (alike.rank1, alike.rank1_alike, alike.chance) == (0.0, 1.0, False)


def test_the_weakest_safe_setting_is_one_above_which_all_of_its_method_are_safe() -> None:
    assert str(measure().weakest_safe) == "blur 45"
    assert str(measure(safe=("blur 5", "blur 25", "blur 45", "box")).weakest_safe) == "blur 25"
    assert str(measure(safe=("blur 5", "pixels 16", "pixels 32", "box")).weakest_safe) == "pixels 16"
    assert str(measure(safe=("box", "silhouette")).weakest_safe) == "box"
    assert measure(safe=()).weakest_safe is None
    assert measure(people=FEWEST_PEOPLE - 1).weakest_safe is None


def test_the_default_is_what_was_measured_with_the_embedder_in_use(tmp_path: Path) -> None:
    assert read_default(tmp_path, "fake-8") == (SAFE_HIDING, False)
    save_default(tmp_path / "data", measure())
    assert read_default(tmp_path / "data", "fake-8") == (Hiding(HidingMethod.BLUR, 45), True)
    assert read_default(tmp_path / "data", "another") == (SAFE_HIDING, False)
    for people, safe in ((5, ("box",)), (30, ())):
        save_default(tmp_path / "data", measure(people, safe))
        assert read_default(tmp_path / "data", "fake-8") == (SAFE_HIDING, False)
    for broken in (
        "",
        "[]",
        '{"model": "fake-8"}',
        '{"model": "fake-8", "weakest_safe": {"method": "fog", "strength": 1}}',
    ):
        (tmp_path / "data" / FILE_NAME).write_text(broken)
        assert read_default(tmp_path / "data", "fake-8") == (SAFE_HIDING, False)


def test_the_table_says_all_rates_and_the_default() -> None:
    text = measure_table(measure())
    assert len(text.splitlines()) == 1 + 13 + 2
    assert "Default from now on: blur 45" in text
    assert "Too few people to choose a default (3 of 20); it stays solid box." in measure_table(measure(3))
    assert "the default stays solid box" in measure_table(measure(30, ()))


PLACES = {"Ruby": walking(80, 20, 0), "Jade": walking(80, 140, 0), "Azur": walking(80, 250, 0)}


def test_a_clip_is_measured_and_nothing_of_it_stays_but_the_figures(tmp_path: Path) -> None:
    setup = PaintedService(tmp_path)
    measured = finish(setup.service.redactor.measure(write_people(tmp_path / "clip.mp4", PLACES)))
    by_name = {str(item.hiding): item for item in measured.rows}
    assert measured.people == 3
    original, box = by_name["None"], by_name["box"]
    assert (original.detection_rate, original.rank1, original.match_rate) == (1.0, 1.0, 1.0)
    assert (box.detection_rate, box.rank1, box.rank1_alike) == (0.0, pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert by_name["blur 25"].rank1 == 1.0  # a person of one colour stays that colour
    assert measured.weakest_safe is None
    assert setup.service.redactor.default_hiding() == (SAFE_HIDING, False)
    assert not list((tmp_path / "work").glob("*"))
    save_default(tmp_path / "data", measure())
    assert setup.service.redactor.default_hiding() == (Hiding(HidingMethod.BLUR, 45), True)
    setup.service.close()


def test_nobody_to_compare_is_said(tmp_path: Path) -> None:
    setup = PaintedService(tmp_path)
    with pytest.raises(TooFewPeople, match="two at least"):
        finish(setup.service.redactor.measure(write_people(tmp_path / "clip.mp4", {"Ruby": walking(40)})))
    assert not (tmp_path / "data" / FILE_NAME).exists()
    setup.service.close()


def test_the_command_prints_the_table_and_writes_the_chart(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    setup = PaintedService(tmp_path)
    monkeypatch.setattr(command_support, "build_service", lambda options: setup.service)
    clip = write_people(tmp_path / "clip.mp4", PLACES)
    assert cli.main(["redact", str(clip), "--measure"]) == 0
    said = capsys.readouterr().out
    assert "original" in said
    assert "3 people" in said
    [chart] = (tmp_path / "query").rglob("*.png")
    with Image.open(chart) as picture:
        colours = {colour for _, colour in picture.getcolors(100_000)}
        assert picture.size == (1360, 560)
    assert {(148, 163, 184), (15, 118, 110), (180, 83, 9)} <= colours
    target = tmp_path / "own.png"
    assert cli.main(["redact", str(clip), "--measure", "--json", "--output", str(target)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["people"], len(told["rows"]), told["weakest_safe"]) == (3, 13, None)
    assert target.exists()
    assert cli.main(["redact", str(clip), "--measure", "--output", "chart.jpg"]) == 2
    setup.service.close()
