"""Exports of embedders: what the app then computes is what was trained, or nothing is written."""

import hashlib
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from biometric.cli import main
from biometric.entities.model_cards import IMAGENET, NOT_MEASURED, Format, Role
from biometric.errors import InvalidSetting, OutputsDiffer, RunConflict, UnsupportedModel, WeightsCorrupt
from biometric.models.cards import read_manifest
from biometric.models.embedding_openvino import OpenVINOEmbedder
from biometric.models.embedding_torch import TorchEmbedder
from biometric.models.own_weights import own_card, safetensors_metadata
from biometric.models.store import ModelStore
from biometric.settings import Settings
from biometric.training.distillation import embed_with_network
from biometric.training.export import export_embedder
from biometric.training.export.export_results import ExportRequest, ExportResult
from biometric.training.export.exporting import export
from biometric.training.export.trained_runs import drawn_pictures, input_of, read_run, trained_network, trial_pictures
from tests.conftest import PROJECT
from tests.training.made_people import tree
from tests.training.made_runs import ARCHITECTURE, CARD, network, run

PICTURES = drawn_pictures(5, 90, 40)


def wanted(**changes: object) -> ExportRequest:
    return ExportRequest(**{"id": "small", "title": "Small", "licence": "our own", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_the_app_embeds_as_the_trained_network_does(tmp_path: Path, suffix: str) -> None:
    folder = run(tmp_path / "run")
    words = ["train", "export", "--run", str(folder), "--id", "small", "--format", suffix[1:], "--title", "Ours"]
    words += [
        "--threshold-verification",
        "0.61",
        "--fmr-verification",
        "1e-3",
        "--evidence-verification",
        "12 “people”",
    ]
    assert main(words) == 0
    file = folder / "export" / f"small{suffix}"
    settings = Settings.from_environment(
        {"SIGHTLINE_EMBEDDER": str(file), "SIGHTLINE_DEVICE": "cpu", "SIGHTLINE_CACHE": str(tmp_path / "cache")}
    )
    store = ModelStore(settings)
    found = store.embedder().embed(PICTURES)
    form = input_of(read_run(folder))
    assert (form.height, form.width) == (64, 32)
    expected = embed_with_network(network(), PICTURES, form)
    assert found.shape == (5, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert (found * expected).sum(axis=1).min() > 0.9999
    assert (found * embed_with_network(network(seed=2), PICTURES, form)).sum(axis=1).max() < 0.99
    threshold = store.threshold("verification")
    assert (threshold.value, threshold.rate) == (0.61, 1e-3)
    assert [notice["text"] for notice in threshold.evidence] == ["12 “people”"]
    assert [notice.code for notice in store.threshold("identification").evidence] == ["card_not_measured"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExportResult]:
    """Where a run was exported to in both formats, and what was made."""
    folder = tmp_path_factory.mktemp("both")
    return folder / "out", export(read_run(run(folder / "run")), wanted(starter=True), folder / "out")


def test_the_files_say_what_they_are_without_the_table(both: tuple[Path, ExportResult], tmp_path: Path) -> None:
    out, made = both
    for name in made.files:
        shutil.copy(out / name, tmp_path)
    card, _ = own_card(Role.EMBEDDER, tmp_path / "small.safetensors")
    assert (card.architecture, card.title, card.licence, card.dimension) == (ARCHITECTURE, "Small", "our own", 256)
    assert card.input == made.card.input
    model = onnx.load(tmp_path / "small.onnx")
    told = {each.key: each.value for each in model.metadata_props}
    inside = safetensors_metadata(tmp_path / "small.safetensors")
    assert {
        name: value if isinstance(inside[name], str) else json.loads(value) for name, value in told.items()
    } == inside
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "count"


def test_the_entry_and_the_card_tell_checksums_sizes_and_differences(both: tuple[Path, ExportResult]) -> None:
    out, made = both
    assert {path.name for path in out.iterdir()} == {
        "small.safetensors", "small.xml", "small.bin", "small.onnx", "small.toml", "small.md", "manifest-entry.toml",
    }  # fmt: skip
    content = (out / "small.safetensors").read_bytes()
    entry = tomllib.loads((out / "manifest-entry.toml").read_text())["card"]
    assert [each["id"] for each in entry] == ["small"]
    assert entry[0]["files"] == [
        {"name": "small.safetensors", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    ]
    assert [file["name"] for file in entry[0]["graph"]] == ["small.xml", "small.bin"]
    for file in entry[0]["graph"]:
        assert file["sha256"] == hashlib.sha256((out / file["name"]).read_bytes()).hexdigest()
    assert (out / "small.bin").stat().st_size < len(content) / 100
    assert entry[0]["starter"] is True
    text = (out / "small.md").read_text()
    assert text.startswith("# Small\n\nData: drawn crops.")
    assert CARD[-2] in text
    for name in ("small.safetensors", "small.onnx"):
        data = (out / name).read_bytes()
        assert f"- `{name}`: {len(data):,} bytes, SHA-256 `{hashlib.sha256(data).hexdigest()}`" in text
    assert text.count("lowest cosine") == len(made.agreements) == 6
    assert "verification: 0.8: not measured" in text


def test_half_numbers_halve_the_files_and_still_agree(both: tuple[Path, ExportResult], tmp_path: Path) -> None:
    trained, full = read_run(run(tmp_path / "run")), both[1]
    half = export(trained, wanted(half=True), tmp_path / "out")
    for name in ("small.safetensors", "small.onnx"):
        assert len(half.files[name]) < 0.75 * len(full.files[name])
    expected = embed_with_network(network(), PICTURES, input_of(trained))
    found = OpenVINOEmbedder(tmp_path / "out" / "small.onnx", input_of(trained), "small", exact=True).embed(PICTURES)
    assert (found * expected).sum(axis=1).min() > 0.999
    assert 1e-6 < np.abs(found - expected).max() < 1e-2
    assert any("float16" in note for note in half.notes)
    assert not any("float16" in note for note in full.notes)


def test_the_same_run_gives_the_same_bytes(both: tuple[Path, ExportResult], tmp_path: Path) -> None:
    again = export(read_run(run(tmp_path / "run")), wanted(starter=True), tmp_path / "out")
    assert again.files == both[1].files
    assert again.card == both[1].card
    length = int.from_bytes(again.files["small.safetensors"][:8], "little")
    assert length % 8 == 0


def test_a_file_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = export_embedder.to_onnx
    monkeypatch.setattr(export_embedder, "to_onnx", lambda trained, *more: right(network(seed=3), *more))
    with pytest.raises(OutputsDiffer, match=r"small\.onnx by OpenVINO in full precision: lowest cosine"):
        export(read_run(run(tmp_path / "run")), wanted(), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_numbers_beyond_half_precision_are_noticed(tmp_path: Path) -> None:
    large = network()
    with torch.no_grad():
        large.conv1.conv.weight.mul_(1e6)
    folder = run(tmp_path / "run", modules={"network": large})
    with pytest.raises(OutputsDiffer, match="without --half"):
        export(read_run(folder), wanted(half=True), tmp_path / "out")
    export(read_run(folder), wanted(formats=(Format.SAFETENSORS,)), tmp_path / "out")


def test_a_network_of_timm_is_exported_as_onnx_only(tmp_path: Path) -> None:
    name = "timm:mobilenetv3_small_050"
    folder = run(tmp_path / "run", "finetune", {"architecture": name}, {"average": network(name)})
    with pytest.raises(UnsupportedModel, match="--format onnx"):
        export(read_run(folder), wanted(formats=(Format.SAFETENSORS,)), tmp_path / "out")
    made = export(read_run(folder), wanted(), tmp_path / "out")
    assert list(made.files) == ["small.onnx"]
    assert made.card.format is Format.ONNX
    assert own_card(Role.EMBEDDER, tmp_path / "out" / "small.onnx")[0].dimension == 1024
    # What GPUs cannot use is said.
    assert [note for note in made.notes if "NVIDIA" in note and "HSwish" in note]
    assert "HSwish" in (tmp_path / "out" / "small.md").read_text()


def test_pictures_are_the_runs_own_where_they_are_left(tmp_path: Path) -> None:
    drawn, words = trial_pictures(read_run(run(tmp_path / "drawn", settings={"held_back": str(tmp_path / "gone")})))
    assert len(drawn) == 12
    assert "drawn" in words
    tree(tmp_path / "people", people=4, each=4)
    labelled = {"dataset": "tree", "folder": str(tmp_path / "people"), "protocol": None}
    for kind, settings in (
        ("finetune", labelled),
        ("pretrain", {"crops": [str(tmp_path / "people")]}),
        ("distill", {"held_back": str(tmp_path / "people")}),
    ):
        pictures, words = trial_pictures(read_run(run(tmp_path / kind, kind, settings)))
        assert words == "24 pictures of the run's data"
        assert all(picture.shape == (64, 32, 3) for picture in pictures)


def test_what_a_run_did_not_do_is_said(tmp_path: Path) -> None:
    made = export(read_run(run(tmp_path / "pre", "pretrain")), wanted(formats=(Format.SAFETENSORS,)), tmp_path / "a")
    assert any("not fine-tuned" in note for note in made.notes)
    unended = read_run(run(tmp_path / "cut", ended=False))
    export(unended, wanted(formats=(Format.SAFETENSORS,)), tmp_path / "b")
    text = (tmp_path / "b" / "small.md").read_text()
    assert "has not ended" in text
    assert "Nothing was measured yet" in text


def test_runs_that_cannot_be_exported_are_told(tmp_path: Path) -> None:
    with pytest.raises(RunConflict, match="does not hold a run"):
        read_run(tmp_path)
    with pytest.raises(InvalidSetting, match="kind crops, which cannot be exported"):
        read_run(run(tmp_path / "crops", "crops"))
    begun = run(tmp_path / "begun")
    (begun / "checkpoint.pt").unlink()
    with pytest.raises(RunConflict, match="nothing was saved"):
        read_run(begun)
    with pytest.raises(RunConflict, match=r"no yolo/weights/best\.pt yet"):
        read_run(run(tmp_path / "detector", "detector"))
    damaged = run(tmp_path / "damaged")
    (damaged / "checkpoint.pt").write_bytes((damaged / "checkpoint.pt").read_bytes()[:50_000])
    with pytest.raises(RunConflict, match="cannot be used"):
        export(read_run(damaged), wanted(), tmp_path / "out")
    (damaged / "config.json").write_text("{")
    with pytest.raises(RunConflict, match="cannot be read"):
        read_run(damaged)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    for name, expected in (("osnet_x0_25", WeightsCorrupt), ("timm:resnet10t", WeightsCorrupt)):
        folder = run(tmp_path / name.replace(":", "-"), settings={"student": name})
        with pytest.raises(expected, match="do not fit"):
            trained_network(read_run(folder))
    nothing = run(tmp_path / "nothing", modules={"head": torch.nn.Linear(2, 2)})
    with pytest.raises(UnsupportedModel, match="does not hold an embedder's network"):
        trained_network(read_run(nothing))


def test_the_size_of_crops_must_be_known(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", settings={"height": "tall"})
    with pytest.raises(RunConflict, match="which size of crops"):
        input_of(read_run(folder))


@pytest.mark.parametrize(
    "changes", [{"id": "../small"}, {"id": "Small"}, {"id": ""}, {"title": " "}, {"licence": ""}], ids=str
)
def test_names_that_cannot_be_used_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match=r"--id|--title"):
        wanted(**changes)


@pytest.mark.parametrize(
    "more",
    [
        ["--threshold-verification", "0.5"],
        ["--evidence-identification", "a sentence"],
        ["--threshold-verification", "1.5", "--evidence-verification", "a sentence"],
        ["--replace"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(tmp_path / "run")
    assert main(["train", "export", "--run", str(folder), "--id", "small", *more]) == 2
    assert "--" in capsys.readouterr().err
    assert not (folder / "export").exists()


def test_an_installed_export_serves_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from biometric.models.weights import WeightStore

    models = tmp_path / "project" / "models"
    models.mkdir(parents=True)
    (models / "manifest.toml").write_text((PROJECT / "models" / "manifest.toml").read_text())
    folder = run(tmp_path / "run")
    words = ["train", "export", "--run", str(folder), "--id", "trial", "--install", "--models", str(models), "--json"]
    words += ["--format", "safetensors"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["manifest"] == str(models / "manifest.toml")
    assert [set(agreement) for agreement in told["agreements"]] == [{"what", "cosine", "difference"}] * 3
    visible = {path.name for path in models.iterdir() if not path.name.startswith(".")}
    assert visible == {"manifest.toml", "trial.safetensors", "trial.xml", "trial.bin", "trial.md"}

    store = WeightStore(read_manifest(models / "manifest.toml"), [models], offline=True)
    weights = store.choose(Role.EMBEDDER, "trial")
    store.verify(weights)
    assert weights.card.input is not None
    served = TorchEmbedder.from_safetensors(weights.main, weights.card.architecture, weights.card.input, "trial")
    expected = embed_with_network(network(), PICTURES, input_of(read_run(folder)))
    np.testing.assert_allclose(served.embed(PICTURES), expected, atol=1e-5)
    assert weights.card.verification == NOT_MEASURED
    assert weights.card.input.mean == IMAGENET.mean

    assert main(words) == 2  # the name is taken
    assert "Choose another --id" in capsys.readouterr().err
    assert main([*words, "--replace", "--title", "Anew"]) == 0
    assert [card.title for card in read_manifest(models / "manifest.toml") if card.id == "trial"] == ["Anew"]


def test_a_run_made_before_its_architecture_was_renamed_can_be_read(tmp_path: Path) -> None:
    trained = read_run(run(tmp_path / "run", settings={"student": "osnet_x0_25_placed"}))
    assert trained.architecture == "osnet_x0_25_gdc"
    assert trained_network(trained).feature_dim == 256
