"""Which file serves a role, and that no byte of it goes unchecked."""

import hashlib
import io
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biometric.entities import Notice, NoticeCode
from biometric.entities.model_cards import IMAGENET, Card, CardFile, Format, Role
from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt, WeightsMissing
from biometric.models import weights
from biometric.models.cards import read_manifest
from biometric.models.weights import Weights, WeightStore
from tests.conftest import PROJECT

MANIFEST = PROJECT / "models" / "manifest.toml"


def file(name: str, content: bytes, url: str = "") -> CardFile:
    return CardFile(name, len(content), "sha256", hashlib.sha256(content).hexdigest(), url)


BEST, OTHER = b"best weights", b"other weights!"
CARDS = (
    Card("best", Role.DETECTOR, "Best", Format.ULTRALYTICS, "", (file("best.pt", BEST, "https://x.org/best.pt"),),
         "MIT", "https://x.org", recommended=True),
    Card("other", Role.DETECTOR, "Other", Format.ULTRALYTICS, "",
         (file("other_openvino_model/o.xml", OTHER), file("other_openvino_model/o.bin", BEST)), "MIT", "x"),
    Card("fp16", Role.EMBEDDER, "FP16", Format.OPENVINO, "", (file("e.xml", b"16"), file("e.bin", b"1616")), "MIT", "x",
         IMAGENET, 4, recommended=True),
    Card("fp32", Role.EMBEDDER, "FP32", Format.OPENVINO, "",
         (file("FP32/e.xml", b"0032"), file("FP32/e.bin", b"003232")), "MIT", "x", IMAGENET, 4),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def finish(generator: Generator[Any, None, Weights]) -> Weights:
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def test_the_recommended_card_wins_when_its_files_are_there(folder: Path, tmp_path: Path) -> None:
    put(folder, "other_openvino_model/o.xml", OTHER)
    put(folder, "other_openvino_model/o.bin", BEST)
    extra = put(tmp_path / "extra", "deep/er/best.pt", BEST)
    chosen = WeightStore(CARDS, [folder, tmp_path / "extra"]).choose(Role.DETECTOR)
    assert (chosen.card.id, chosen.main, chosen.notice) == ("best", extra, None)


def test_another_card_serves_with_a_notice(folder: Path) -> None:
    xml = put(folder, "other_openvino_model/o.xml", OTHER)
    assert not WeightStore(CARDS, [folder]).choose(Role.DETECTOR).present  # half of its files is not enough
    put(folder, "other_openvino_model/o.bin", BEST)
    chosen = WeightStore(CARDS, [folder]).choose(Role.DETECTOR)
    assert (chosen.card.id, chosen.main) == ("other", xml)
    assert chosen.notice == Notice(
        NoticeCode.REPLACEMENT_WEIGHTS, role="detector", title=chosen.card.title, recommended="Best"
    )


def test_nothing_there_means_the_recommended_card_is_to_be_fetched(folder: Path) -> None:
    chosen = WeightStore(CARDS, [folder]).choose(Role.DETECTOR)
    assert (chosen.card.id, chosen.present) == ("best", False)


def test_offline_and_absent_names_file_source_and_folder(folder: Path) -> None:
    store = WeightStore(CARDS, [folder], offline=True)
    with pytest.raises(WeightsMissing) as caught:
        finish(store.obtain(store.choose(Role.DETECTOR)))
    for part in ("best.pt", "https://x.org/best.pt", str(folder)):
        assert part in str(caught.value)


def test_the_settings_name_a_card_a_file_name_or_a_path(folder: Path, tmp_path: Path) -> None:
    put(folder, "best.pt", BEST)
    store = WeightStore(CARDS, [folder])
    own = put(tmp_path, "mine.pt", b"my own")
    assert store.choose(Role.DETECTOR, "other").card.id == "other"
    assert store.choose(Role.DETECTOR, "best.pt").main == folder / "best.pt"
    assert store.choose(Role.DETECTOR, str(own)).main == own
    digest = hashlib.sha256(b"my own").hexdigest()
    assert store.choose(Role.DETECTOR, str(own)).card.id == f"sha256:{digest[:16]}"
    (folder / "best.pt").unlink()
    assert store.choose(Role.DETECTOR, "best.pt").card.id == "best"
    assert not store.choose(Role.DETECTOR, "best.pt").present
    with pytest.raises(InvalidSetting, match=r"SIGHTLINE_DETECTOR names nobody.*best, other"):
        store.choose(Role.DETECTOR, "nobody")
    with pytest.raises(InvalidSetting, match="card for the embedder"):
        store.choose(Role.DETECTOR, "fp16")


def test_a_named_copy_of_a_cards_files_keeps_the_cards_id(tmp_path: Path, folder: Path) -> None:
    store = WeightStore(CARDS, [folder])
    assert store.choose(Role.DETECTOR, str(put(tmp_path, "renamed.pt", BEST))).card.id == "best"
    put(tmp_path, "there/o.bin", BEST)
    put(tmp_path, "there/o.xml", OTHER)
    assert store.choose(Role.DETECTOR, str(tmp_path / "there")).card.id == "other"


def test_twins_of_one_name_are_told_apart(folder: Path) -> None:
    store = WeightStore(CARDS, [folder])
    put(folder, "e.xml", b"0032")
    put(folder, "e.bin", b"003232")
    assert store.choose(Role.EMBEDDER).card.id == "fp32"
    assert store.choose(Role.EMBEDDER, str(folder / "e.xml")).card.id == "fp32"
    put(folder, "sub/e.xml", b"16")
    put(folder, "sub/e.bin", b"1616")
    assert store.choose(Role.EMBEDDER).card.id == "fp16"


def test_an_own_embedder_without_its_second_file_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="Put mine"):
        WeightStore(CARDS, [folder]).choose(Role.EMBEDDER, str(put(tmp_path, "mine.xml", b"<net/>")))
    with pytest.raises(UnsupportedModel, match=r"\.safetensors"):
        WeightStore(CARDS, [folder]).choose(Role.EMBEDDER, str(put(tmp_path, "mine.pt", b"x")))


@pytest.mark.parametrize("position", [0, 5, len(BEST) - 1])
def test_promise_16_one_changed_byte_refuses(folder: Path, position: int) -> None:
    content = bytearray(BEST)
    content[position] ^= 1
    put(folder, "best.pt", bytes(content))
    store = WeightStore(CARDS, [folder])
    with pytest.raises(WeightsCorrupt, match=r"best\.pt.*SHA256"):
        finish(store.obtain(store.choose(Role.DETECTOR)))


def test_promise_16_a_truncated_file_is_reported_and_not_overlooked(folder: Path) -> None:
    put(folder, "best.pt", BEST[:-1])
    store = WeightStore(CARDS, [folder])
    with pytest.raises(WeightsCorrupt):
        finish(store.obtain(store.choose(Role.DETECTOR)))
    with pytest.raises(WeightsCorrupt):
        finish(store.obtain(store.choose(Role.DETECTOR, str(folder / "best.pt"))))


def test_checksums_are_verified_once_a_process_and_again_on_demand(folder: Path) -> None:
    path = put(folder, "best.pt", BEST)
    store = WeightStore(CARDS, [folder])
    found = finish(store.obtain(store.choose(Role.DETECTOR)))
    path.write_bytes(BEST[::-1])
    store.verify(found)
    with pytest.raises(WeightsCorrupt):
        store.verify(found, again=True)
    path.unlink()
    with pytest.raises(WeightsCorrupt, match="cannot be read"):
        store.verify(found)


@pytest.mark.real
def test_promise_16_real_weights_pass_and_each_changed_file_refuses(shared: Path, tmp_path: Path) -> None:
    cards = read_manifest(MANIFEST)
    copy = tmp_path / "models"
    shutil.copytree(shared / "models", copy)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    store = WeightStore(cards, [copy], offline=True)
    present = [weights for card in cards if (weights := store.choose(card.role, card.id)).present]
    assert {weights.card.id for weights in present} >= {
        "omz-0286",
        "yolov8n-int8",
        "osnet-x0.25-msmt17",
        "omz-0267-onnx",
    }
    for weights in present:
        store.verify(weights)
        for path in weights.paths:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
            with pytest.raises(WeightsCorrupt, match=path.name):
                WeightStore(cards, [copy]).verify(weights)
            content[len(content) // 2] ^= 1
            path.write_bytes(content)


SMALL = Card("small", Role.DETECTOR, "Small", Format.ULTRALYTICS, "", (file("starter.pt", b"small weights"),), "MIT",
             "x", starter=True)  # fmt: skip
SMALL_MIND = Card("small-mind", Role.EMBEDDER, "Small", Format.ONNX, "", (file("starter.onnx", b"mind"),), "MIT", "x",
                  IMAGENET, 4, starter=True)  # fmt: skip


class Network:
    """Openers of every fortune: `answer` gives what comes, or raises; `asked` counts."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self.answer = answer
        self.people_shown = 0

    @contextmanager
    def __call__(self, url: str, timeout: float) -> Iterator[io.BytesIO]:
        self.people_shown += 1
        yield io.BytesIO(self.answer())


def down() -> bytes:
    raise OSError("no route to host")


def with_starters(
    folder: Path,
    answer: Callable[[], bytes] = down,
    offline: bool = False,
    network: Network | None = None,
) -> WeightStore:
    put(folder, "starter.pt", b"small weights")
    put(folder, "starter.onnx", b"mind")
    return WeightStore((SMALL, SMALL_MIND, *CARDS), [folder], offline, network or Network(answer))


def test_a_starter_comes_last(folder: Path) -> None:
    store = with_starters(folder)
    assert (store.choose(Role.DETECTOR).card.id, store.choose(Role.DETECTOR).present) == ("best", False)
    served = finish(store.serve(Role.DETECTOR))
    assert (served.card.id, served.main) == ("small", folder / "starter.pt")
    assert served.notice == Notice(NoticeCode.STARTER_WEIGHTS, role="detector")
    put(folder, "other_openvino_model/o.xml", OTHER)
    put(folder, "other_openvino_model/o.bin", BEST)
    assert finish(store.serve(Role.DETECTOR)).card.id == "other"
    put(folder, "best.pt", BEST)
    assert finish(store.serve(Role.DETECTOR)).card.id == "best"


def test_the_recommended_card_is_downloaded_although_a_starter_is_there(folder: Path) -> None:
    served = finish(with_starters(folder, lambda: BEST).serve(Role.DETECTOR))
    assert (served.card.id, served.main, served.notice) == ("best", folder / "best.pt", None)


@pytest.mark.parametrize("answer", [down, lambda: b"<html>Log in to this network</html>", lambda: b""])
def test_a_starter_serves_after_any_failed_download(folder: Path, answer: Callable[[], bytes]) -> None:
    assert finish(with_starters(folder, answer).serve(Role.DETECTOR)).card.id == "small"
    assert not (folder / "best.pt").exists()


def test_a_starter_serves_where_weights_cannot_be_saved(folder: Path, tmp_path: Path) -> None:
    with_starters(folder)
    (tmp_path / "full").write_text("no folder")
    store = WeightStore((SMALL, *CARDS), [tmp_path / "full", folder], opener=Network(lambda: BEST))
    assert finish(store.serve(Role.DETECTOR)).card.id == "small"


def test_offline_a_starter_serves_without_asking_the_network(folder: Path) -> None:
    network = Network(lambda: BEST)
    store = with_starters(folder, offline=True, network=network)
    chosen = store.choose(Role.DETECTOR)
    assert (chosen.card.id, chosen.present) == ("small", True)
    assert chosen.notice == Notice(NoticeCode.STARTER_WEIGHTS, role="detector")
    assert finish(store.serve(Role.DETECTOR)) == chosen
    assert network.people_shown == 0


def test_damaged_weights_are_reported_although_a_starter_is_there(folder: Path) -> None:
    store = with_starters(folder)
    put(folder, "best.pt", BEST[::-1])
    with pytest.raises(WeightsCorrupt, match=r"best\.pt"):
        finish(store.serve(Role.DETECTOR))
    (folder / "best.pt").unlink()
    put(folder, "starter.pt", b"small weightS")
    with pytest.raises(WeightsCorrupt, match=r"starter\.pt"):
        finish(store.serve(Role.DETECTOR))


def test_a_starter_that_is_named_serves_without_advice_to_fetch(folder: Path) -> None:
    network = Network(down)
    store = with_starters(folder, network=network)
    for wanted in ("small", "starter.pt", str(folder / "starter.pt")):
        served = finish(store.serve(Role.DETECTOR, wanted))
        assert served.card.id == "small"
        assert served.notice == Notice(NoticeCode.STARTER_WEIGHTS_NAMED, setting="SIGHTLINE_DETECTOR")
    assert network.people_shown == 0
    with pytest.raises(WeightsMissing):
        finish(store.serve(Role.DETECTOR, "best"))  # who names a card gets that one or none


FORMER = Card("former-mind", Role.EMBEDDER, "Former", Format.ONNX, "", (file("former/starter.onnx", b"former mind"),),
              "MIT", "x", IMAGENET, 4, successor="small-mind")  # fmt: skip


def superseded(folder: Path, *folders: Path) -> WeightStore:
    """Offline, with the starter in the last folder and the card whose place it took."""
    put(folder, "starter.onnx", b"mind")
    return WeightStore((SMALL_MIND, FORMER, *CARDS), [*folders, folder], offline=True)


def test_superseded_weights_serve_only_where_they_are_named(folder: Path) -> None:
    store = superseded(folder)
    kept = put(folder, "former/starter.onnx", b"former mind")
    assert store.choose(Role.EMBEDDER).card.id == "small-mind"
    for wanted in ("former-mind", str(kept)):
        served = finish(store.serve(Role.EMBEDDER, wanted))
        assert (served.card.id, served.main, served.notice) == ("former-mind", kept, None)


def test_a_successor_serves_where_superseded_weights_are_named_and_absent(folder: Path) -> None:
    served = finish(superseded(folder).serve(Role.EMBEDDER, "former-mind"))
    assert served.card.id == "small-mind"
    assert served.notice == Notice(
        NoticeCode.SUPERSEDED_WEIGHTS, setting="SIGHTLINE_EMBEDDER", title="former-mind", successor="small-mind"
    )


def test_superseded_weights_under_the_successors_name_do_not_pass_for_it(folder: Path, tmp_path: Path) -> None:
    """A folder of one's own may hold the former file: it is neither served nor called damaged."""
    put(tmp_path / "own", "starter.onnx", b"former mind")
    served = finish(superseded(folder, tmp_path / "own").serve(Role.EMBEDDER))
    assert (served.card.id, served.main) == ("small-mind", folder / "starter.onnx")


RELEASED = {
    "starter-detector": "16290f3b840b0a3d4ce5dc0d88dff0806827064cfdc07fe48fab64a706670fc2",
    "starter-embedder": "2c5df05c6646a62c150a1d2957205020c914c943c3b97709f66454d710a0cbbc",
    "starter-embedder-2": "9283a5cce77872498ad3d70e9a0d037d988397bcca65f3c30ad009fe7330705a",
}


def test_no_card_changes_its_weights() -> None:
    """Galleries are marked with a card's id: other weights need another id, or scores would mean nothing."""
    cards = {card.id: card.files[0].checksum for card in read_manifest(MANIFEST)}
    assert {name: cards.get(name) for name in RELEASED} == RELEASED


def test_a_network_that_hangs_holds_up_both_roles_little(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "QUICK", 0.4)
    monkeypatch.setattr(weights, "AGAIN", 0.1)
    over = threading.Event()

    def hang() -> bytes:
        over.wait(20)
        raise OSError("too late")

    cards = (SMALL, SMALL_MIND, *(replace(card, files=(replace(card.files[0], url="https://x.org/w"),))
                                  for card in CARDS if card.recommended))  # fmt: skip
    with_starters(folder)
    store = WeightStore(cards, [folder], opener=Network(hang))
    try:
        times = []
        for role in Role:
            started = time.monotonic()
            assert finish(store.serve(role)).card.starter
            times.append(time.monotonic() - started)
        assert 0.4 <= times[0] < 2
        assert times[1] < 0.35
    finally:
        over.set()


def test_a_store_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="folder"):
        WeightStore(CARDS, [])
