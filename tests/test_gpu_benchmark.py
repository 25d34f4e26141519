"""`make bench-gpu` says where there is no card, and all its steps run on torch's CPU device."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from biometric.entities import Detection
from biometric.models import embedding_torch


def test_without_a_card_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == gpu.NO_DEVICE == 3
    assert capsys.readouterr().out.startswith("There is no NVIDIA card")


def test_agreement_counts_the_boxes_that_were_found() -> None:
    box = Detection(0, (0, 0, 100, 200), 0.9)
    moved, elsewhere = Detection(0, (1, 1, 101, 201), 0.8), Detection(0, (50, 0, 150, 200), 0.8)
    assert gpu.agreement([[box], [box], [box], []], [[elsewhere, moved], [elsewhere], [], [box]]) == (1, 3)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch warns of deprecated functions that ultralytics uses
def test_all_steps_run_on_the_processor(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "SHARED", shared)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several that wait for each other take minutes on a busy machine
    monkeypatch.setattr(embedding_torch, "CARD_PRECISION", embedding_torch.CARD_PRECISION)  # put back afterwards
    try:
        assert gpu.main(["--device", "cpu", "--quick", "--json", str(tmp_path / "gpu.json")]) == 0
    finally:
        torch.set_num_threads(threads)
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == report
    rates = {row["what"]: row["rate"] for row in report["rows"]}
    assert {"embedder 0286, crops to vectors", "embedder starter, bare network", "street.mp4, as usual"} <= rates.keys()
    measured = [row for row in report["rows"] if row["share"] is not None]
    assert len(measured) >= 6
    assert all(row["rate"] > 0 for row in measured)
