import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric.clips import demo
from biometric.clips.demo import FPS, FRAMES, SCRIPTS, DemoClip, make_demo
from biometric.clips.demo_truth import truth_text, write_truth
from biometric.clips.video import PyAVReader
from biometric.clips.video_writing import H264Writer
from biometric.entities import Frame, FrameRange, Image
from biometric.errors import WeightsMissing
from biometric.models.signal_stack import signal_stack_kept

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="ultralytics is not installed")


class CountingWriter(H264Writer):
    """Counts what it writes."""

    written = 0

    def write(self, destination: Path, frames: Iterator[Frame]) -> None:
        self.written += 1
        super().write(destination, frames)


@pytest.fixture(scope="module")
def demo_clips(tmp_path_factory: pytest.TempPathFactory) -> list[DemoClip]:
    return make_demo(tmp_path_factory.mktemp("demo"), H264Writer(PyAVReader()))


def test_the_clips_are_short_and_play_in_browsers(demo_clips: list[DemoClip]) -> None:
    assert [clip.path.stem for clip in demo_clips] == [script.name for script in SCRIPTS]
    for clip in demo_clips:
        info = PyAVReader().probe(clip.path)
        assert (info.frame_count, info.fps, info.damage, info.browser_playable) == (FRAMES, FPS, None, True)
        assert clip.path.stat().st_size < 1_000_000
        assert clip.title
        assert clip.suggestion
        assert clip.names


def test_clips_already_made_are_kept_and_a_missing_one_is_made_again(tmp_path: Path) -> None:
    writer = CountingWriter(PyAVReader())
    first = make_demo(tmp_path, writer)
    assert writer.written == len(SCRIPTS)
    content = first[1].path.read_bytes()
    first[1].path.unlink()
    assert make_demo(tmp_path, writer) == first
    assert writer.written == len(SCRIPTS) + 1
    assert first[1].path.read_bytes() == content, "the same pictures every time"


def test_another_version_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SCRIPTS", SCRIPTS[:1])
    writer = CountingWriter(PyAVReader())
    make_demo(tmp_path, writer)
    monkeypatch.setattr(demo, "VERSION", demo.VERSION + 1)
    make_demo(tmp_path, writer)
    assert writer.written == 2


def test_without_the_photograph_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsMissing, match="photograph"):
        make_demo(tmp_path, H264Writer(PyAVReader()))


def test_ultralytics_is_found_without_importing_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace; from biometric.clips import demo;"
        "writer = SimpleNamespace(write=lambda destination, frames: destination.write_bytes(next(frames).image.data));"
        f"demo.make_demo(Path({str(tmp_path)!r}), writer); sys.exit('ultralytics' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_labels_are_where_the_people_are(script: demo.DemoScript, tmp_path: Path) -> None:
    """Whoever is named in a clip is labelled in its first and last frame, inside the picture."""
    rows = [line.split(",") for line in truth_text(script).splitlines() if not line.startswith("#")]
    width, height = script.size
    for _, _, x, y, w, h, _ in rows:
        left, top = float(x), float(y)
        assert left >= 0
        assert top >= 0
        assert left + float(w) <= width + 0.01
        assert top + float(h) <= height + 0.01
    judged = {(int(row[0]), int(row[1])) for row in rows if row[6] == "1"}
    named = {demo.BEIGE: 1, demo.DARK: 2}
    in_view = {identity for _, identity in judged} - {3}
    assert in_view == {named[name] for name in script.names}
    assert {frame for frame, _ in judged} == set(range(1, FRAMES + 1))


def test_labels_follow_the_pictures(demo_clips: list[DemoClip]) -> None:
    """The beige coat is lighter than what surrounds it: its brightest columns lie in the label, mirrored or not."""
    for clip in (demo_clips[0], demo_clips[2]):
        script = next(script for script in SCRIPTS if script.name == clip.path.stem)
        rows = [line.split(",") for line in truth_text(script).splitlines() if not line.startswith("#")]
        (frame,) = PyAVReader().read(clip.path, FrameRange(70, 71))
        x, y, w, h = next(map(float, row[2:6]) for row in rows if row[:2] == ["71", "1"])
        coat = slice(int(y + 0.15 * h), int(y + 0.45 * h))
        difference = frame.image[coat, :, 2].astype(float) - frame.image[coat, :, 0]  # beige: more red than blue
        warm = np.flatnonzero(difference.mean(axis=0) > 15)
        assert x + 0.2 * w <= np.median(warm) <= x + 0.8 * w, clip.path.stem
        assert ((warm >= x - 12) & (warm <= x + w + 12)).mean() > 0.9, clip.path.stem


def test_labels_are_written_beside_the_clips(tmp_path: Path) -> None:
    assert [path.name for path in write_truth(tmp_path)] == [f"{script.name}.csv" for script in SCRIPTS]
    assert (tmp_path / f"{SCRIPTS[0].name}.csv").read_text("utf-8") == truth_text(SCRIPTS[0])


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@signal_stack_kept()
def test_the_same_person_is_recognised_across_visits_and_nobody_else_is_in_view(
    demo_clips: list[DemoClip], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("YOLO_AUTOINSTALL", "YOLO_OFFLINE"):
        monkeypatch.setitem(os.environ, name, {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}[name])
    cv2 = pytest.importorskip("cv2")
    openvino = pytest.importorskip("openvino")
    from ultralytics import YOLO

    detector = YOLO(str(shared / "models" / "yolov8n_int8_openvino_model"), task="detect")
    network = openvino.Core().compile_model(str(shared / "models" / "person-reidentification-retail-0286.xml"), "CPU")

    def people(image: Image) -> list[tuple[int, int, int, int]]:
        boxes = detector.predict(image, classes=[0], conf=0.25, verbose=False)[0].boxes.xyxy.numpy()
        return [tuple(int(edge) for edge in box.clip(0)) for box in boxes]

    def embed(image: Image, box: tuple[int, int, int, int]) -> np.ndarray:
        x1, y1, x2, y2 = box
        crop = cv2.resize(image[y1:y2, x1:x2], (128, 256)).astype(np.float32).transpose(2, 0, 1)[None]
        return unit(next(iter(network(crop).values())).reshape(-1))

    templates: dict[str, np.ndarray] = {}
    for clip in demo_clips[:4]:
        vectors = []
        for frame in PyAVReader().read(clip.path, FrameRange(0, FRAMES, 10)):
            boxes = people(frame.image)
            assert len(boxes) == 1, f"{clip.path.stem}, frame {frame.index}: {boxes}"
            vectors.append(embed(frame.image, boxes[0]))
        templates[clip.path.stem] = unit(np.mean(vectors, axis=0))
    for who, other in (("beige-coat", "dark-coat"), ("dark-coat", "beige-coat")):
        assert templates[f"visit-1-{who}"] @ templates[f"visit-2-{who}"] >= 0.6
        assert templates[f"visit-1-{who}"] @ templates[f"visit-2-{other}"] < 0.4

    (frame,) = PyAVReader().read(demo_clips[4].path, FrameRange(39, 40))
    scores = [
        [float(embed(frame.image, box) @ templates[f"visit-1-{who}"]) for who in ("beige-coat", "dark-coat")]
        for box in people(frame.image)
    ]
    best = sorted((max(pair) for pair in scores), reverse=True)
    assert len(best) >= 3
    assert best[1] >= 0.6 > 0.4 > best[2]

    for frame in PyAVReader().read(demo_clips[5].path, FrameRange(0, FRAMES, 20)):
        boxes = people(frame.image)
        assert len(boxes) == 2, f"two men to choose from, frame {frame.index}: {boxes}"
