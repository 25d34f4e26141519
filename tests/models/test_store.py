"""Choosing, loading and checking models, with fakes for the adapters; and once with the real ones."""

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from biometric.entities import Detection, Frame, Image, Notice, NoticeCode, ThresholdSource
from biometric.entities.model_cards import IMAGENET, Card, CardFile, DefaultThreshold, Format, Role
from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt, WeightsMissing
from biometric.models.cards import read_manifest
from biometric.models.store import ModelStore
from biometric.models.weights import Weights, WeightStore
from biometric.settings import Settings
from tests.conftest import PROJECT
from tests.fresh_interpreter import packages_loaded_by

CONTENT = b"weights"


def card(name: str, role: Role, recommended: bool = True, **more: object) -> Card:
    file = CardFile(f"{name}.pt", len(CONTENT), "sha256", hashlib.sha256(CONTENT).hexdigest())
    form = IMAGENET if role is Role.EMBEDDER else None
    return Card(name, role, name.title(), Format.ULTRALYTICS, "", (file,), "MIT", "https://x.org", form,
                recommended=recommended, **more)  # type: ignore[arg-type]  # fmt: skip


CARDS = (
    card("eye", Role.DETECTOR),
    card("spare", Role.DETECTOR, recommended=False),
    card("mind", Role.EMBEDDER, verification=DefaultThreshold(0.5, "measured on x", 1e-3),
         identification=DefaultThreshold(0.6, "measured on y", 1e-4)),
)  # fmt: skip


class FakeDetector:
    name = "eye"
    device = "CPU · fake"

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        return [[] for _ in frames]


class FakeEmbedder:
    model_id = "mind"
    dimension = 2
    device = "CPU · fake"

    def embed(self, crops: Sequence[Image]) -> np.ndarray:
        return np.tile(np.array([[1, 0]], np.float32), (len(crops), 1))


class Loader:
    """Counts loads, and remembers what was asked."""

    def __init__(self, product: object, delay: float = 0.0) -> None:
        self.product, self.delay = product, delay
        self.people_shown: list[tuple[Weights, str, Path]] = []

    def __call__(self, weights: Weights, device: str, cache: Path) -> object:
        time.sleep(self.delay)
        self.people_shown.append((weights, device, cache))
        return self.product


class Bench:
    """A store over a folder of fake weights."""

    def __init__(
        self,
        folder: Path,
        *files: str,
        cards: Sequence[Card] = CARDS,
        cuda: int = 0,
        delay: float = 0.0,
        **settings: object,
    ) -> None:
        self.folder = folder / "models"
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            (self.folder / name).write_bytes(CONTENT)
        self.detectors = Loader(FakeDetector(), delay)
        self.embedders = Loader(FakeEmbedder(), delay)
        self.settings = Settings(cache=folder / "cache", **settings)  # type: ignore[arg-type]
        self.store = ModelStore(
            self.settings,
            WeightStore(cards, [self.folder], self.settings.offline),
            self.detectors,  # type: ignore[arg-type]
            self.embedders,  # type: ignore[arg-type]
            lambda: cuda,
        )


ALL = ("eye.pt", "mind.pt")


def test_importing_loads_no_library() -> None:
    heavy = ("torch", "cv2", "ultralytics", "openvino", "faiss", "gradio", "safetensors")
    assert packages_loaded_by("import biometric.models.store", heavy) == set()


def test_models_load_on_first_use_and_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL, delay=0.05)
    assert bench.detectors.people_shown == []
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(bench.store.detector())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.detectors.people_shown) == 1
    assert all(result is results[0] for result in results)
    assert len(results) == 4
    assert bench.store.embedder() is bench.store.embedder()
    weights, device, cache = bench.embedders.people_shown[0]
    assert (weights.card.id, weights.main, device, cache) == (
        "mind",
        bench.folder / "mind.pt",
        "cpu",
        tmp_path / "cache",
    )
    bench.store.close()
    bench.store.detector()
    assert len(bench.detectors.people_shown) == 2


def test_a_failed_load_is_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, offline=True)
    with pytest.raises(WeightsMissing, match=r"eye\.pt"):
        bench.store.detector()
    (bench.folder / "eye.pt").write_bytes(CONTENT)
    assert bench.store.detector().name == "eye"


def test_promise_16_changed_weights_are_not_loaded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL)
    (bench.folder / "mind.pt").write_bytes(b"weighTs")
    with pytest.raises(WeightsCorrupt, match=r"mind\.pt"):
        bench.store.embedder()
    assert bench.embedders.people_shown == []


@pytest.mark.parametrize(
    ("asked", "cuda", "expected"),
    [("auto", 0, "cpu"), ("auto", 2, "cuda"), ("cpu", 2, "cpu"), ("cuda", 1, "cuda"), ("cuda:1", 2, "cuda:1")],
)
def test_the_device_is_chosen(tmp_path: Path, asked: str, cuda: int, expected: str) -> None:
    bench = Bench(tmp_path, *ALL, cuda=cuda, device=asked)
    bench.store.embedder()
    assert bench.embedders.people_shown[0][1] == expected


@pytest.mark.parametrize(
    ("asked", "cuda", "words"),
    [("cuda", 0, "no CUDA device"), ("cuda:1", 1, "one CUDA device"), ("cuda:x", 3, "3 CUDA")],
)
def test_a_gpu_that_is_not_there_is_an_error(tmp_path: Path, asked: str, cuda: int, words: str) -> None:
    bench = Bench(tmp_path, *ALL, cuda=cuda, device=asked)
    with pytest.raises(InvalidSetting, match=words):
        bench.store.detector()
    assert [status.state for status in bench.store.status()] == ["error", "error"]


def test_the_page_can_say_what_is_there_without_loading(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "spare.pt", offline=True)
    detector, embedder = bench.store.status()
    assert (detector.role, detector.card, detector.state) == ("detector", "spare", "ready")
    assert detector.notice.code is NoticeCode.REPLACEMENT_WEIGHTS
    assert (embedder.card, embedder.state, embedder.path) == ("mind", "missing", None)
    assert bench.store.notices() == (detector.notice,)
    assert bench.detectors.people_shown == []
    bench.store.detector()
    assert bench.store.status()[0].state == "loaded"
    assert bench.store.status()[0].device == "CPU · fake"
    assert Bench(tmp_path).store.status()[1].state == "to be fetched"


def test_a_wrong_name_is_told_by_status_and_raised_on_use(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL, embedder="nobody")
    assert bench.store.status()[1].state == "error"
    assert "nobody" in bench.store.status()[1].problem
    assert bench.store.notices() == ()
    with pytest.raises(InvalidSetting, match="nobody"):
        bench.store.embedder()


def test_promise_27_a_threshold_says_where_it_comes_from(tmp_path: Path) -> None:
    store = Bench(tmp_path, *ALL).store
    verification, identification = store.threshold("verification"), store.threshold("identification")
    assert (verification.value, verification.source, verification.rate) == (0.5, ThresholdSource.MODEL_CARD, 1e-3)
    assert verification.evidence == (Notice(NoticeCode.CARD_EVIDENCE, text="measured on x"),)
    assert identification.value == 0.6
    set_ = Bench(tmp_path, *ALL, verification_threshold=0.0).store
    assert set_.card_threshold("verification").source is ThresholdSource.MODEL_CARD
    assert set_.card_threshold("verification").value > 0
    assert set_.threshold("verification").value == 0.0
    assert set_.threshold("verification").source is ThresholdSource.SETTING
    assert set_.threshold("verification").rate is None
    setting = Notice(NoticeCode.SETTING_NAMED, setting="SIGHTLINE_VERIFICATION_THRESHOLD")
    assert set_.threshold("verification").evidence == (setting,)
    assert set_.threshold("identification").source is ThresholdSource.MODEL_CARD
    with pytest.raises(ValueError, match="verification or identification"):
        store.threshold("anything")


def test_fetching_names_a_role_or_both(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL)
    assert list(bench.store.fetch("embedder")) == []
    assert list(bench.store.fetch()) == []
    with pytest.raises(InvalidSetting, match="detector, embedder"):
        list(bench.store.fetch("cook"))


def test_fetching_gets_the_recommended_card_though_another_could_serve(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"eye\.pt"):
        list(Bench(tmp_path, "spare.pt", offline=True).store.fetch("detector"))


def test_checking_reports_and_does_not_raise(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL)
    detector, embedder = bench.store.check()
    assert (detector.role, detector.card, detector.device, detector.problem) == ("detector", "eye", "CPU · fake", "")
    assert embedder.milliseconds is not None
    (bench.folder / "eye.pt").write_bytes(b"weighTs")
    broken, fine = bench.store.check()
    assert "does not match" in broken.problem
    assert broken.milliseconds is None
    assert fine.problem == ""


def test_an_embedder_that_gives_no_vector_is_reported(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *ALL)

    class Broken(FakeEmbedder):
        def embed(self, crops: Sequence[Image]) -> np.ndarray:
            raise UnsupportedModel("no usable vector")

    bench.embedders.product = Broken()
    assert bench.store.check()[1].problem == "no usable vector"


STARTERS = (
    card("small-eye", Role.DETECTOR, recommended=False, starter=True),
    card("small-mind", Role.EMBEDDER, recommended=False, starter=True,
         verification=DefaultThreshold(0.7, "measured on z")),
)  # fmt: skip
STARTER_FILES = ("small-eye.pt", "small-mind.pt")


def with_starters(folder: Path, *files: str, **settings: object) -> Bench:
    """A bench whose cards have starters; the recommended ones have no download address, so that fetching fails."""
    return Bench(folder, *STARTER_FILES, *files, cards=(*STARTERS, *CARDS), **settings)  # type: ignore[arg-type]


def test_id_and_thresholds_are_those_of_the_embedder_that_serves(tmp_path: Path) -> None:
    store = with_starters(tmp_path).store
    assert (store.embedder_id(), store.threshold("verification").value) == ("mind", 0.5)
    assert [status.state for status in store.status()] == ["to be fetched", "to be fetched"]
    assert store.notices() == ()
    store.embedder()
    assert (store.embedder_id(), store.threshold("verification").value, store.min_track_similarity()) == (
        "small-mind",
        0.7,
        0.7,
    )
    assert [(status.card, status.state) for status in store.status()] == [
        ("eye", "to be fetched"),
        ("small-mind", "loaded"),
    ]
    assert store.status()[1].notice == Notice(NoticeCode.STARTER_WEIGHTS, role="embedder")
    store.detector()
    assert store.notices() == (Notice(NoticeCode.ALL_STARTER_WEIGHTS),)


def test_settling_decides_without_loading(tmp_path: Path) -> None:
    bench = with_starters(tmp_path)
    bench.store.resolve_embedder()
    assert (bench.store.embedder_id(), bench.embedders.people_shown) == ("small-mind", [])
    bench.store.embedder()
    assert bench.embedders.people_shown[0][0].card.id == "small-mind"
    for files in ([], ["mind.pt"]):  # nothing to decide: the error of absent weights is for their first use
        plain = Bench(tmp_path / "plain", *files)
        plain.store.resolve_embedder()
        assert plain.store.embedder_id() == "mind"


def test_a_running_process_does_not_change_its_embedder(tmp_path: Path) -> None:
    bench = with_starters(tmp_path)
    bench.store.resolve_embedder()
    (bench.folder / "mind.pt").write_bytes(CONTENT)
    bench.store.embedder()
    assert bench.embedders.people_shown[0][0].card.id == "small-mind"
    assert (bench.store.embedder_id(), bench.store.threshold("verification").value) == ("small-mind", 0.7)
    assert bench.store.notices() == (Notice(NoticeCode.BETTER_WEIGHTS_PRESENT, role="embedder", title="Mind"),)
    assert list(bench.store.fetch("embedder")) == []
    assert bench.store.embedder_id() == "small-mind"
    bench.store.close()
    assert bench.store.embedder_id() == "mind"
    assert bench.store.threshold("verification").value == 0.5


def test_offline_starters_are_known_from_the_start(tmp_path: Path) -> None:
    store = with_starters(tmp_path, offline=True).store
    assert (store.embedder_id(), store.threshold("verification").value) == ("small-mind", 0.7)
    assert [status.state for status in store.status()] == ["ready", "ready"]
    assert store.notices() == (Notice(NoticeCode.ALL_STARTER_WEIGHTS),)
    with pytest.raises(WeightsMissing, match=r"eye\.pt"):
        list(store.fetch())


def test_a_named_card_is_not_replaced_by_a_starter(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"mind\.pt"):
        with_starters(tmp_path, embedder="mind").store.embedder()
    named = with_starters(tmp_path, embedder="small-mind")
    named.store.resolve_embedder()
    assert named.store.status()[1].notice.code is NoticeCode.STARTER_WEIGHTS_NAMED
    assert list(named.store.fetch("embedder")) == []


def test_a_starter_that_does_not_load_is_tried_again(tmp_path: Path) -> None:
    bench = with_starters(tmp_path, device="cuda")
    with pytest.raises(InvalidSetting, match="no CUDA"):
        bench.store.embedder()
    assert bench.store.embedder_id() == "mind"


def test_checking_loads_starters_too(tmp_path: Path) -> None:
    bench = with_starters(tmp_path, *ALL)
    assert [outcome.card for outcome in bench.store.check()] == ["eye", "mind", "small-eye", "small-mind"]
    assert bench.store.embedder_id() == "mind"
    (bench.folder / "small-mind.pt").write_bytes(b"weighTs")
    assert [bool(outcome.problem) for outcome in bench.store.check()] == [False, False, False, True]
    alone = with_starters(tmp_path / "alone")
    assert [outcome.card for outcome in alone.store.check()] == ["small-eye", "small-mind"]


def test_a_starter_of_the_manifest_is_loaded_and_embeds(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    from biometric.models.architectures import build_architecture

    torch.manual_seed(0)
    path = tmp_path / "models" / "starter-embedder.safetensors"
    path.parent.mkdir()
    safetensors.torch.save_file(build_architecture("osnet_x0_25").state_dict(), path)
    size, checksum = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    text = (PROJECT / "models" / "manifest.toml").read_text("utf-8")
    text = "[[card]]".join(part for part in text.split("[[card]]") if "starter-embedder" not in part)
    (path.parent / "manifest.toml").write_text(
        text
        + f'''
[[card]]
id = "starter-embedder"
role = "embedder"
title = "Starter"
format = "safetensors"
architecture = "osnet_x0_25"
licence = "AGPL-3.0"
source = "made for this test"
starter = true
dimension = 512
files = [
    {{ name = "{path.name}", size = {size}, sha256 = "{checksum}" }},
]
[card.input]
height = 128
width = 64
[card.verification]
value = 0.66
evidence = "made up"
''',
        "utf-8",
    )
    settings = Settings(cache=tmp_path, offline=True, device="cpu")
    store = ModelStore(settings, WeightStore(read_manifest(path.parent / "manifest.toml"), [path.parent], offline=True))
    assert (store.status()[1].state, store.status()[1].device) == ("ready", "CPU · OpenVINO")
    assert store.embedder().embed([np.full((50, 20, 3), 90, np.uint8)]).shape == (1, 512)
    assert (store.embedder().model_id, store.threshold("verification").value) == ("starter-embedder", 0.66)


@pytest.mark.real
def test_real_models_are_checked(shared: Path, tmp_path: Path) -> None:
    store = ModelStore(Settings(models=shared / "models", cache=tmp_path, offline=True, device="cpu"))
    assert {status.device for status in store.status()} == {"CPU · OpenVINO"}
    for outcome in store.check()[: len(Role)]:
        assert outcome.problem == ""
        assert outcome.device.rpartition(" · ")[0] == "CPU · OpenVINO" or outcome.device == "CPU · OpenVINO"
        assert outcome.milliseconds is not None
    assert store.embedder().model_id == "omz-0286"
    assert store.embedder().dimension == 256
    assert store.threshold("verification").value == 0.514


@pytest.mark.real
@pytest.mark.parametrize("name", ["osnet-x0.25-msmt17", "omz-0267-onnx", "person-reidentification-retail-0286.xml"])
def test_every_shared_embedder_can_be_named(shared: Path, tmp_path: Path, name: str) -> None:
    settings = Settings(models=shared / "models", cache=tmp_path, offline=True, device="cpu", embedder=name)
    embedder = ModelStore(settings).embedder()
    assert embedder.embed([np.full((50, 20, 3), 90, np.uint8)]).shape == (1, embedder.dimension)


@pytest.mark.real
def test_an_onnx_file_is_converted_once_for_cuda(shared: Path, tmp_path: Path) -> None:
    from biometric.models.embedding_torch import TorchEmbedder
    from biometric.models.loading import as_ir

    store = WeightStore.of_settings(Settings(models=shared / "models", offline=True))
    weights = store.choose(Role.EMBEDDER, "osnet-x0.25-msmt17")
    path = as_ir(weights, tmp_path)
    made = path.stat().st_mtime_ns
    assert as_ir(weights, tmp_path).stat().st_mtime_ns == made
    assert TorchEmbedder.from_ir(path, IMAGENET, weights.card.id, "cpu", 512).dimension == 512


def test_weights_of_ones_own_are_named_by_their_digest(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    from biometric.models.architectures import build_architecture

    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(build_architecture("osnet_x0_25").state_dict(), path, {"architecture": "osnet_x0_25"})
    settings = Settings(cache=tmp_path, offline=True, device="cpu", embedder=str(path))
    store = ModelStore(settings)
    assert store.status()[1].device == "CPU · OpenVINO"
    embedder = store.embedder()
    assert embedder.model_id == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    assert (embedder.dimension, embedder.device) == (512, "CPU · OpenVINO")
    assert store.threshold("verification").evidence == (Notice(NoticeCode.CARD_NOT_MEASURED),)
