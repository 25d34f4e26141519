"""Cards for files that no manifest lists: a detector or embedder that the user names by its path.

An embedder's input cannot be guessed from its weights. It is described by a table beside the file
(`name.onnx` → `name.toml`), by the metadata inside a `.safetensors`, or else by the custom of its format, of which a
notice then informs.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from biometric.entities import Notice, NoticeCode
from biometric.entities.model_cards import IMAGENET, RAW_BGR, Card, CardFile, Format, Role
from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt
from biometric.errors.phrases import Phrase
from biometric.models.cards import complete_card

_EMBEDDER_FORMATS = {".xml": Format.OPENVINO, ".onnx": Format.ONNX, ".safetensors": Format.SAFETENSORS}
_DETECTOR_FILES = {".pt", ".torchscript", ".onnx", ".xml", ".engine", ".mlmodel", ".pb", ".tflite", ".mnn", ".pte"}
_DETECTOR_FOLDERS = (".mlpackage", ".aimodel", "_model")
"""How the names of ultralytics' exports end; the last stands for `_openvino_model`, `_saved_model` and others."""
_USUAL_INPUT = {Format.OPENVINO: RAW_BGR, Format.ONNX: IMAGENET}
"""Open Model Zoo's files take pixels as they are, torchreid's exports take them normalised."""
_HEADER_LIMIT = 100_000_000
"""Largest header of a .safetensors in bytes, the format's own limit."""


def own_card(role: Role, path: Path) -> tuple[Card, tuple[Path, ...]]:
    """Describe a file (or a folder, for detectors) that has no card; return it with the paths of its files.

    The card's id is "sha256:" and the first 16 digits of the digest over all its files, so that templates of two
    files are never compared unless the files are the same.

    Raises:
        UnsupportedModel: not a format for this role, or an embedder that nothing describes.
        InvalidSetting: the table beside the file has a mistake.
        WeightsCorrupt: the file cannot be read.
    """
    if role is Role.DETECTOR:
        paths = _detector_files(path)
        form = Format.ULTRALYTICS
    else:
        form = _embedder_format(path)
        paths = (path, _weights_beside(path)) if form is Format.OPENVINO else (path,)
    try:
        digests = [digest(file, "sha256") for file in paths]
        sizes = [file.stat().st_size for file in paths]
    except OSError as error:
        raise WeightsCorrupt(
            "The weights {path} cannot be read: {reason}.", path=path, reason=error.strerror
        ) from error
    identity = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    files = tuple(
        CardFile(file.name, max(1, size), "sha256", checksum)
        for file, size, checksum in zip(paths, sizes, digests, strict=True)
    )
    card = Card(
        id=f"sha256:{identity[:16]}",
        role=role,
        title=path.name,
        format=form,
        architecture="",
        files=files,
        licence="unknown (your own file)",
        source=str(path),
        input=IMAGENET if role is Role.EMBEDDER else None,
    )
    return (card if role is Role.DETECTOR else _described(card, path)), paths


def _detector_files(path: Path) -> tuple[Path, ...]:
    if path.is_dir():
        paths = sorted(file for file in path.rglob("*") if file.is_file())
        if not paths:
            raise UnsupportedModel(
                "The folder {path} holds no detector: it is empty. Name an exported YOLO model.", path=path
            )
        graphs = sorted(path.glob("*.xml"))
        if graphs:
            _weights_beside(graphs[0])
            paths.sort(key=lambda file: file != graphs[0])  # the file that is opened comes first
        elif path.name.endswith("_openvino_model") or not path.name.endswith(_DETECTOR_FOLDERS):
            raise UnsupportedModel(
                "The folder {path} holds no detector: it is not an export of ultralytics. {advice}",
                path=path,
                advice=_NAME_A_DETECTOR,
            )
        return tuple(paths)
    if path.suffix.lower() not in _DETECTOR_FILES:
        hint = {
            ".safetensors": Phrase("A .safetensors file can only be an embedder. "),
            ".bin": Phrase("It belongs to the .xml of the same name. "),
        }.get(path.suffix.lower(), "")
        raise UnsupportedModel(
            "{path} is not a detector. {hint}{advice}", path=path, hint=hint, advice=_NAME_A_DETECTOR
        )
    if path.suffix.lower() == ".xml":
        classes = path.parent / "metadata.yaml"
        return (path, _weights_beside(path), *([classes] if classes.is_file() else []))
    return (path,)


_NAME_A_DETECTOR = Phrase(
    "Name a detection model of ultralytics: a .pt, an .onnx, or an OpenVINO export (its folder, or the .xml in it)."
)


def _weights_beside(graph: Path) -> Path:
    """Return the `.bin` of an OpenVINO `.xml`. Raises `WeightsCorrupt` where it is not there."""
    weights = graph.with_suffix(".bin")
    if not weights.is_file():
        raise WeightsCorrupt(
            "{graph} is one of two files of an OpenVINO model. Put {weights} beside it, in {parent}.",
            graph=graph.name,
            weights=weights.name,
            parent=graph.parent,
        )
    return weights


def _embedder_format(path: Path) -> Format:
    form = _EMBEDDER_FORMATS.get(path.suffix.lower())
    if form is None or not path.is_file():
        raise UnsupportedModel(
            "{path} is not an embedder. Name an OpenVINO .xml (with its .bin beside it), an .onnx or a .safetensors.",
            path=path,
        )
    return form


def _described(card: Card, path: Path) -> Card:
    """Complete an embedder's card from the table beside it, its metadata, or its format's custom."""
    beside = path.with_suffix(".toml")
    values: Mapping[str, object]
    if beside.is_file():
        where = beside.name
        try:
            values = tomllib.loads(beside.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidSetting(
                "The description {beside} cannot be read: {error}.", beside=beside, error=error
            ) from error
    elif card.format is Format.SAFETENSORS:
        where, values = Phrase("the metadata of {file}", file=path.name), safetensors_metadata(path)
        if "architecture" not in values:
            raise UnsupportedModel(
                "{file} does not say which network it belongs to. Put {description} beside it with at least "
                'architecture = "osnet_x1_0" (see models/README.md).',
                file=path.name,
                description=beside.name,
            )
    else:
        notice = Notice(
            NoticeCode.INPUT_FORMAT_ASSUMED, file=path.name, format=str(card.format), description=beside.name
        )
        return replace(card, input=_USUAL_INPUT[card.format], notice=notice)
    return complete_card(card, where, values, _USUAL_INPUT.get(card.format, IMAGENET))


def safetensors_metadata(path: Path) -> dict[str, object]:
    """Read the text metadata in the header of a `.safetensors`; numbers and lists are parsed from their JSON.

    Layout: 8 bytes little-endian header length, then JSON whose "__metadata__" maps text to text
    (https://huggingface.co/docs/safetensors). Keys of other tools ("format", …) are left out.

    Raises:
        WeightsCorrupt: the header is not one.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= _HEADER_LIMIT:
                raise ValueError(f"a header of {length} bytes")
            metadata = json.loads(stream.read(length)).get("__metadata__", {})
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsCorrupt(
            "{file} is not a .safetensors file: {error}. Fetch or export it again.", file=path.name, error=error
        ) from error
    return {key: _parsed(key, value) for key, value in metadata.items() if key in _METADATA}


_TEXTS = {"architecture", "title", "licence", "colour"}
_METADATA = _TEXTS | {"height", "width", "scale", "mean", "std", "dimension", "verification", "identification"}


def _parsed(key: str, value: str) -> object:
    if key in _TEXTS:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def digest(path: Path, algorithm: str) -> str:
    """Return the hexadecimal checksum of a file; computed once for each state (size, time) of the file."""
    state = path.stat()
    return _digest(path, algorithm, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=256)
def _digest(path: Path, algorithm: str, _size: int, _time: int, _inode: int) -> str:
    return fresh_digest(path, algorithm)


def fresh_digest(path: Path, algorithm: str) -> str:
    """Return the hexadecimal checksum of a file, reading it now."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()
