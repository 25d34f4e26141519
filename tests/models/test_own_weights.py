"""Files without a card: their id is their digest, and their input is described or its assumption said."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from biometric.entities import NoticeCode
from biometric.entities.model_cards import IMAGENET, RAW_BGR, Format, Role
from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt
from biometric.models.own_weights import own_card, safetensors_metadata

METADATA = {
    "architecture": "osnet_x0_25",
    "height": "192",
    "width": "96",
    "colour": "BGR",
    "mean": "[0.1, 0.2, 0.3]",
    "dimension": "512",
    "verification": '{"value": 0.42, "fmr": 0.001, "evidence": "own measurement"}',
    "format": "pt",
}


def tensors(path: Path, metadata: dict[str, str] | None) -> Path:
    safetensors.numpy.save_file({"x": np.zeros(2, np.float32)}, path, metadata)
    return path


def test_metadata_describes_a_safetensors(tmp_path: Path) -> None:
    path = tensors(tmp_path / "mine.safetensors", METADATA)
    card, paths = own_card(Role.EMBEDDER, path)
    assert paths == (path,)
    assert card.id == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    assert (card.format, card.architecture, card.dimension) == (Format.SAFETENSORS, "osnet_x0_25", 512)
    assert card.input is not None
    assert (card.input.height, card.input.width, card.input.colour) == (192, 96, "BGR")
    assert card.input.mean == (0.1, 0.2, 0.3)
    assert card.input.std == IMAGENET.std
    assert (card.verification.value, card.verification.fmr) == (0.42, 1e-3)
    assert "not measured" in card.identification.evidence


def test_a_table_beside_the_file_wins(tmp_path: Path) -> None:
    path = tensors(tmp_path / "mine.safetensors", METADATA)
    (tmp_path / "mine.toml").write_text('architecture = "resnet50_bnneck"\ntitle = "Ours"\nscale = 1\n')
    card, _ = own_card(Role.EMBEDDER, path)
    assert (card.architecture, card.title) == ("resnet50_bnneck", "Ours")
    assert card.input is not None
    assert (card.input.height, card.input.scale) == (256, 1.0)


def test_a_safetensors_without_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"mine\.toml"):
        own_card(Role.EMBEDDER, tensors(tmp_path / "mine.safetensors", None))


@pytest.mark.parametrize("text", ["surprise = 1", "height = 'tall'", "colour = 'GRB'", "not toml at all"])
def test_a_mistake_in_the_table_is_named(tmp_path: Path, text: str) -> None:
    path = tensors(tmp_path / "mine.safetensors", METADATA)
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InvalidSetting, match=r"mine\.toml"):
        own_card(Role.EMBEDDER, path)


@pytest.mark.parametrize(("suffix", "form"), [(".onnx", IMAGENET), (".xml", RAW_BGR)])
def test_assumptions_are_said(tmp_path: Path, suffix: str, form: object) -> None:
    (tmp_path / f"mine{suffix}").write_bytes(b"x")
    (tmp_path / "mine.bin").write_bytes(b"y")
    card, paths = own_card(Role.EMBEDDER, tmp_path / f"mine{suffix}")
    assert card.input == form
    assert (card.notice.code, card.notice["description"]) == (NoticeCode.INPUT_FORMAT_ASSUMED, "mine.toml")
    assert len(paths) == (2 if suffix == ".xml" else 1)
    (tmp_path / "mine.bin").write_bytes(b"z")
    changed = own_card(Role.EMBEDDER, tmp_path / f"mine{suffix}")[0].id != card.id
    assert changed == (suffix == ".xml")


def test_a_detector_may_be_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"x")
    assert own_card(Role.DETECTOR, tmp_path / "a.pt")[1] == (tmp_path / "a.pt",)
    folder = tmp_path / "b_openvino_model"
    folder.mkdir()
    with pytest.raises(UnsupportedModel, match="empty"):
        own_card(Role.DETECTOR, folder)
    (folder / "metadata.yaml").write_bytes(b"x")
    with pytest.raises(UnsupportedModel, match="not an export of ultralytics"):
        own_card(Role.DETECTOR, folder)
    (folder / "b.xml").write_bytes(b"x")
    with pytest.raises(WeightsCorrupt, match=r"Put b\.bin beside it"):
        own_card(Role.DETECTOR, folder)
    (folder / "b.bin").write_bytes(b"x")
    files = (folder / "b.xml", folder / "b.bin", folder / "metadata.yaml")
    assert own_card(Role.DETECTOR, folder)[1] == files
    assert own_card(Role.DETECTOR, folder / "b.xml")[1] == files
    assert own_card(Role.DETECTOR, folder.rename(tmp_path / "other"))[1][0].name == "b.xml"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.safetensors", "can only be an embedder"),
        ("a.bin", r"belongs to the \.xml"),
        ("a.txt", r"is not a detector\. Name a detection model"),
        ("a", "is not a detector"),
        ("a.mp4", "is not a detector"),
        ("a.yaml", "is not a detector"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"hello"])
def test_a_file_that_can_be_no_detector_is_refused_by_its_name(
    tmp_path: Path, name: str, words: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedModel, match=words):
        own_card(Role.DETECTOR, tmp_path / name)


def test_an_embedder_in_openvino_without_its_weights_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"x")
    with pytest.raises(WeightsCorrupt, match=r"Put a\.bin beside it"):
        own_card(Role.EMBEDDER, tmp_path / "a.xml")


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 8 + b"{}", b"\x02\0\0\0\0\0\0\0[]", b"\x04\0\0\0\0\0\0\0{{{{"]
)
def test_a_damaged_header_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"mine\.safetensors"):
        safetensors_metadata(path)
