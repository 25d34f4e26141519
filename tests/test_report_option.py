"""`verify` and `identify` with `--report`, over fakes: written after the answer, refused before the analysis."""

import json
from pathlib import Path

import pytest

from tests.cli_with_fakes import run as run_command


@pytest.fixture(autouse=True)
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(tmp_path, ["enroll", "clip.mp4", "Ada"]) == 0


@pytest.mark.parametrize(
    ("command", "title"),
    [(["verify", "clip.mp4", "Ada"], "Verification report"), (["identify", "clip.mp4"], "Identification report")],
)
def test_a_report_is_written_and_named_behind_the_answer(
    tmp_path: Path, capsys, command: list[str], title: str
) -> None:
    capsys.readouterr()
    assert run_command(tmp_path, [*command, "--report", "out.html"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "report: out.html"
    html = (tmp_path / "out.html").read_text("utf-8")
    assert title in html
    assert "Ada" in html


def test_json_stays_json(tmp_path: Path, capsys) -> None:
    capsys.readouterr()
    assert run_command(tmp_path, ["verify", "clip.mp4", "Ada", "--json", "--report", "out.html"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "match"
    assert (tmp_path / "out.html").exists()


@pytest.mark.parametrize("command", [["verify", "clip.mp4", "Ada"], ["identify", "clip.mp4"]])
@pytest.mark.parametrize("target", ["out.txt", "missing/out.pdf", "."])
def test_a_bad_target_is_refused_before_anything_is_read(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch, command: list[str], target: str
) -> None:
    from biometric.pipeline import observing

    def observed(*_: object) -> None:
        raise AssertionError("the footage was analysed")

    monkeypatch.setattr(observing, "observe", observed)
    capsys.readouterr()
    assert run_command(tmp_path, [*command, "--report", target]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "report" in captured.err
    assert not (tmp_path / "query").exists()
