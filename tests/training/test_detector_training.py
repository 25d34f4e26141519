"""Training of detectors: what is refused, that nothing is written into the data, and a whole small run."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometric.entities import Frame, Progress
from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting, LossNotFinite, OutOfMemory, RunConflict
from biometric.models.loading import load_detector_file
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.settings import Settings
from biometric.training import detector_training
from biometric.training.runs import RunFolder

quiet_ultralytics(Settings().cache)


def photographs(folder: Path, train: int = 16, val: int = 4, size: int = 96) -> Path:
    """Bright upright boxes on dark noise, labelled as people."""
    draw = np.random.default_rng(3)
    for split, count in (("train", train), ("val", val)):
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True)
        for number in range(count):
            image = draw.integers(0, 60, (size, size, 3), dtype=np.uint8)
            x, y = draw.integers(5, size // 2, 2)
            image[y : y + size // 2 - 5, x : x + size // 4] = draw.integers(150, 255, 3)
            cv2.imwrite(str(folder / "images" / split / f"{number}.png"), image)
            middle = ((x + size / 8) / size, (y + size / 4 - 2.5) / size)
            label = f"0 {middle[0]:.5f} {middle[1]:.5f} {0.25:.5f} {(size / 2 - 5) / size:.5f}\n"
            (folder / "labels" / split / f"{number}.txt").write_text(label)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("photographs"))


def config(**changes: object) -> detector_training.DetectorConfig:
    return detector_training.DetectorConfig(
        **{"size": 64, "epochs": 2, "batch": 8, "half": True, "threads": 1, **changes}
    )  # type: ignore[arg-type]


def silent(progress: Progress) -> None:
    assert progress.done <= progress.total


def test_a_data_set_is_counted(data: Path) -> None:
    assert detector_training.read_dataset(data).counts() == {"train": 16, "val": 4, "people": 20}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "line 2, is not a label"),
        ("0 0.5 1.5 0.1 0.1", "line 2, is not a label"),
        ("0 nan 0.5 0.1 0.1", "line 2, is not a label"),
        ("person 0.5 0.5 0.1 0.1", "line 2, is not a label"),
        ("0.5 0.5 0.5 0.1 0.1", "line 2, is not a label"),
    ],
)
def test_a_bad_label_is_named(tmp_path: Path, line: str, words: str) -> None:
    label = photographs(tmp_path) / "labels" / "train" / "7.txt"
    label.write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(DatasetInvalid, match=words) as raised:
        detector_training.read_dataset(tmp_path)
    assert "7.txt" in str(raised.value)


def test_missing_and_empty_data_sets_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="images/train is not a folder"):
        detector_training.read_dataset(tmp_path)
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
    with pytest.raises(DatasetInvalid, match="labels/train is not a folder"):
        detector_training.read_dataset(tmp_path)
    for split in ("train", "val"):
        (tmp_path / "labels" / split).mkdir(parents=True)
    with pytest.raises(DatasetInvalid, match="holds no photograph"):
        detector_training.read_dataset(tmp_path)
    for split in ("train", "val"):
        cv2.imwrite(str(tmp_path / "images" / split / "a.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DataTooSmall, match="Nobody is labelled"):
        detector_training.read_dataset(tmp_path)


def test_what_is_trained_with_is_what_was_read(tmp_path: Path) -> None:
    data = photographs(tmp_path / "data", train=3)
    (data / "labels" / "train" / "0.txt").write_text("0 0.5 0.5 0.25 0.5\n1 0.5 0.5 0.1 0.1\n0 0.5 0.5 0 0.1\n")
    (data / "labels" / "train" / "1.txt").unlink()
    for part, name in (("images", "2.png"), ("labels", "2.txt")):  # a folder that ultralytics takes for the pictures'
        (inner := data / part / "train" / "images").mkdir()
        (data / part / "train" / name).rename(inner / name)
    (data / "images" / "train" / "._0.png").write_bytes(b"of macOS")
    dataset = detector_training.read_dataset(data)
    assert dataset.counts() == {"train": 3, "val": 4, "people": 6}
    split = detector_training.link_dataset(dataset, tmp_path / "run").parent / "labels" / "train"
    labels = [file.read_text().splitlines() for file in sorted(split.iterdir())]
    assert [len(lines) for lines in labels] == [1, 0, 1]
    assert labels[0] == ["0 0.5 0.5 0.25 0.5"]
    from ultralytics.data.utils import img2label_paths

    pictures = sorted((tmp_path / "run" / "images" / "train").iterdir())
    assert [Path(path) for path in img2label_paths(list(map(str, pictures)))] == sorted(split.iterdir())
    assert [picture.resolve().name for picture in pictures] == ["0.png", "1.png", "2.png"]


def test_recipes_that_cannot_work_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="multiple of 32"):
        config(size=100)
    with pytest.raises(InvalidSetting, match="1 or more epochs"):
        config(epochs=0)
    with pytest.raises(InvalidSetting, match="--minutes must be 0"):
        config(minutes=-1.0)
    for changes in ({"architecture": "yolo99q"}, {"begin": "absent.pt"}, {"optimizer": "Gradient"}):
        folder = tmp_path / str(next(iter(changes)))
        with RunFolder(folder, "detector", changes) as run, pytest.raises(InvalidSetting):
            detector_training.train_detector(detector_training.read_dataset(data), config(**changes), run, silent)


def test_a_pickle_in_the_data_set_is_not_loaded_and_nothing_is_written_there(tmp_path: Path) -> None:
    data, trap = photographs(tmp_path / "data"), tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trap,)

    with (data / "labels" / "train.cache").open("wb") as stream:
        pickle.dump({"version": Trap()}, stream)
    before = sorted(data.rglob("*"))
    with RunFolder(tmp_path / "run", "detector", {}) as run:
        detector_training.train_detector(detector_training.read_dataset(data), config(epochs=1), run, silent)
    assert not trap.exists()
    assert sorted(data.rglob("*")) == before


def test_a_run_that_was_killed_goes_on_and_its_weights_serve_the_app(data: Path, tmp_path: Path) -> None:
    folder, plan, seen = tmp_path / "run", config(epochs=3), []

    def killed(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage.startswith("Epoch 3"):
            raise KeyboardInterrupt

    with RunFolder(folder, "detector", {"seed": 0}) as run, pytest.raises(KeyboardInterrupt):
        detector_training.train_detector(detector_training.read_dataset(data), plan, run, killed)
    assert [row["epoch"] for row in run.rows] == [1, 2]

    stages: list[str] = []
    with RunFolder(folder, "detector", {"seed": 0}, resume=True) as run:
        best = detector_training.train_detector(
            detector_training.read_dataset(data), plan, run, lambda progress: stages.append(progress.stage)
        )
    assert {stage.split()[1] for stage in stages} == {"3"}
    assert [row["epoch"] for row in run.rows] == [1, 2, 3]
    assert all("metrics/mAP50(B)" in row and "train/box_loss" in row for row in run.rows)

    found = load_detector_file(best, "mine", "cpu", tmp_path / "cache", confidence=0.0)
    frame = Frame(0, cv2.imread(str(data / "images" / "val" / "0.png")), 0.0)
    assert all(0 <= each.confidence <= 1 for each in found.detect([frame])[0])


def test_a_run_in_a_relative_folder_may_be_moved_and_resumed_after_its_end(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def killed(progress: Progress) -> None:
        if progress.stage.startswith("Epoch 2"):
            raise KeyboardInterrupt

    with RunFolder(Path("run"), "detector", {}) as run, pytest.raises(KeyboardInterrupt):
        detector_training.train_detector(detector_training.read_dataset(data), config(), run, killed)
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = Path("moved/yolo/weights/best.pt")
    with RunFolder(Path("moved"), "detector", {}, resume=True) as run:
        assert detector_training.train_detector(detector_training.read_dataset(data), config(), run, silent) == moved
        assert [row["epoch"] for row in run.rows] == [1, 2]
    assert moved.is_file()
    assert not (tmp_path / "run").exists()

    with RunFolder(Path("moved"), "detector", {}, resume=True) as run:  # killed before its card was written
        assert (
            detector_training.train_detector(
                detector_training.read_dataset(data), config(), run, lambda progress: pytest.fail(str(progress))
            )
            == moved
        )
        (tmp_path / "moved" / "yolo" / "weights" / "last.pt").write_bytes(b"torn")
        with pytest.raises(RunConflict, match=r"last\.pt cannot be used"):
            detector_training.train_detector(detector_training.read_dataset(data), config(), run, silent)


def test_a_run_ends_when_its_time_is_up_and_is_not_resumed(data: Path, tmp_path: Path) -> None:
    plan = config(epochs=1000, minutes=0.05)
    with RunFolder(tmp_path, "detector", {}) as run:
        best = detector_training.train_detector(detector_training.read_dataset(data), plan, run, silent)
        ended = len(run.rows)
    assert best.is_file()
    assert 1 <= ended < 1000
    assert all(0 < row["rate"] <= 0.03 for row in run.rows)
    assert (
        len({row["rate"] for row in run.rows}) > 1 or ended == 1
    )  # it follows the time, of which epochs may take none
    with RunFolder(tmp_path, "detector", {}, resume=True) as run:
        assert detector_training.train_detector(detector_training.read_dataset(data), plan, run, silent) == best
    assert len(run.rows) == ended


def test_nothing_is_fetched_from_a_network(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests
    from ultralytics.utils import checks, downloads

    asked: list[object] = []
    monkeypatch.setattr(requests, "head", lambda *address, **_: asked.append(address))
    monkeypatch.setattr(checks, "USER_CONFIG_DIR", tmp_path / "no-font-here")
    is_url = downloads.is_url
    with RunFolder(tmp_path, "detector", {}) as run:
        detector_training.train_detector(detector_training.read_dataset(data), config(epochs=1), run, silent)
    assert asked == []
    assert downloads.is_url is is_url

    from biometric.training.ultralytics_trainer import without_downloads

    with without_downloads(), pytest.raises(ConnectionError):
        downloads.attempt_download_asset(tmp_path / "yolo26n.pt")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biometric.training.ultralytics_trainer import HalfPrecisionModel

    right, calls = HalfPrecisionModel.loss, []

    def poisoned(self: object, batch: object, preds: object = None) -> object:
        calls.append(1)
        loss, parts = right(self, batch, preds)
        return loss * (float("inf") if len(calls) > 3 else 1.0), parts

    monkeypatch.setattr(HalfPrecisionModel, "loss", poisoned)
    with RunFolder(tmp_path, "detector", {}) as run, pytest.raises(LossNotFinite, match="lower --rate"):
        detector_training.train_detector(detector_training.read_dataset(data), config(), run, silent)
    assert [row["epoch"] for row in run.rows] == [1]
    assert (tmp_path / "yolo" / "weights" / "last.pt").is_file()


def test_memory_that_is_full_is_told_with_the_setting(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biometric.training import ultralytics_trainer

    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(ultralytics_trainer, "fit_detector", full)
    with RunFolder(tmp_path, "detector", {}) as run, pytest.raises(OutOfMemory, match=r"--batch \(now 8\)"):
        detector_training.train_detector(detector_training.read_dataset(data), config(), run, silent)


def test_training_pictures_are_stretched_and_others_are_not(data: Path, tmp_path: Path) -> None:
    from ultralytics.cfg import get_cfg

    from biometric.training.ultralytics_trainer import StretchedDataset

    made = StretchedDataset(
        img_path=str(
            detector_training.link_dataset(detector_training.read_dataset(data), tmp_path).parent / "images" / "train"
        ),
        imgsz=64,
        augment=True,
        hyp=get_cfg(),
        data={"names": {0: "person"}, "nc": 1, "channels": 3},
    )
    made.stretch = 1.5
    shapes = [made.load_image(number % len(made))[2] for number in range(64)]
    ratios = [width / height for height, width in shapes]
    assert 0.65 <= min(ratios) < 0.8
    assert 1.25 < max(ratios) <= 1.55
    assert all(max(shape) == 64 for shape in shapes)
    made.augment = False
    assert made.load_image(0)[2] == (64, 64)


def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path, "detector", {"epochs": 2}).close()
    with pytest.raises(RunConflict, match="epochs"):
        RunFolder(tmp_path, "detector", {"epochs": 3}, resume=True)
