"""Network, weights and input of `train distill`, where they are not all said."""

import argparse
from pathlib import Path

import pytest
import safetensors.torch

from biometric.cli.train.distill_options import resolve_options
from biometric.errors import InvalidSetting
from biometric.training.export.export_results import ExportRequest
from biometric.training.export.exporting import export
from biometric.training.export.trained_runs import input_of, read_run
from tests.training import made_runs

NOTHING = {"student": None, "begin": None, "height": None, "width": None, "colours": None}


def resolved(**given: object) -> tuple[object, ...]:
    options = argparse.Namespace(**{**NOTHING, **given})
    pretrained = resolve_options(options)
    return (options.student, options.begin, options.height, options.width, options.colours, bool(pretrained))


def test_where_nothing_is_said() -> None:
    assert resolved() == ("resnet14_gdc", "scratch", 256, 128, "imagenet", False)
    assert resolved(student="lite1") == ("lite1", "imagenet", 256, 128, "imagenet", True)
    assert resolved(student="lite1", begin="scratch")[1:] == ("scratch", 256, 128, "imagenet", False)


def test_a_card_says_its_network_and_its_input() -> None:
    assert resolved(begin="starter-embedder-2") == ("resnet18_gdc", "starter-embedder-2", 192, 96, "raw", False)
    assert resolved(begin="starter-embedder-2", height=256, colours="imagenet")[2:5] == (256, 96, "imagenet")


def test_a_run_and_a_file_say_it_too(tmp_path: Path) -> None:
    run = made_runs.run(tmp_path / "run", settings={"colours": "raw"})
    expected = (made_runs.ARCHITECTURE, str(run), 64, 32, "raw", False)
    assert resolved(begin=str(run)) == expected
    exported = export(read_run(run), ExportRequest("raw", "Raw", "ours"), tmp_path / "out")
    assert exported.card.input == input_of(read_run(run))
    assert exported.card.input.colour == "BGR"
    file = str(tmp_path / "out" / "raw.safetensors")
    assert resolved(begin=file) == (expected[0], file, *expected[2:])


def test_a_file_that_says_nothing_leaves_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    safetensors.torch.save_file(made_runs.network().state_dict(), path)
    assert resolved(begin=str(path), student="osnet_x0_25_gdc")[2:5] == (256, 128, "imagenet")
    assert resolved(begin="absent.safetensors")[0] == "resnet14_gdc"  # refused when it is loaded


def test_colours_that_training_does_not_know_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    metadata = {"architecture": "osnet_x0_25_gdc", "scale": "0.5"}
    safetensors.torch.save_file(made_runs.network().state_dict(), path, metadata)
    with pytest.raises(InvalidSetting, match="Name it with --colours: imagenet or raw"):
        resolved(begin=str(path))
    assert resolved(begin=str(path), colours="raw")[4] == "raw"
