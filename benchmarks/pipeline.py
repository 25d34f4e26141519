"""Sightline's identify against the obvious assembly, in one process, on the same weights.

The obvious assembly is what a tutorial builds: ultralytics `track` on every frame, one re-identification call per
crop, the mean of a track's embeddings, the cosine to each enrolled template.

    python -m benchmarks.pipeline            all of it
    python -m benchmarks.pipeline --memory   only peak memory for a clip and for the same clip ten times over
    python -m benchmarks.pipeline --passes   only memory after each of ten passes over the same clip in one process

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import av
import numpy as np

from biometric.bootstrap import build
from biometric.entities import EnrollmentBasis, FrameRange, GivenBasis, Identification, LegalBasis, ObservedClip
from biometric.entities.boxes import iou
from biometric.entities.progress import finish
from biometric.service import Sightline
from biometric.settings import Settings

SHARED = Path(os.environ.get("SIGHTLINE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
ENROLLED = {"street.mp4": (0, 60, None), "one-by-one.mp4": (63, 130, None)}
"""Clip → frames and person (None: the most prominent) that are enrolled before identifying the whole clip."""


def make_service(folder: Path) -> Sightline:
    """Return a service with an empty gallery in a folder of its own."""
    return build(
        Settings(
            gallery=folder / "gallery",
            query=folder / "query",
            library=folder / "library",
            temp=folder / "temp",
            models=SHARED / "models",
            offline=True,
            device="cpu",
        )
    )


def observe(service: Sightline, clip: Path, frames: FrameRange | None = None) -> ObservedClip:
    """Observe to the end."""
    return finish(service.observe(clip, frames))


class Assembly:
    """The obvious assembly."""

    def __init__(self) -> None:
        import openvino
        from ultralytics import YOLO

        self.detector = YOLO(str(SHARED / "models" / "yolov8n_int8_openvino_model"), task="detect")
        core = openvino.Core()
        self.embedder = core.compile_model(str(SHARED / "models" / "person-reidentification-retail-0286.xml"), "CPU")

    def identify(self, clip: Path, enrolled: np.ndarray[Any, np.dtype[np.float32]]) -> dict[int, Any]:
        """Return track id → (boxes by frame, best score)."""
        import cv2

        boxes: dict[int, dict[int, list[float]]] = defaultdict(dict)
        vectors: dict[int, list[Any]] = defaultdict(list)
        stream = self.detector.track(
            str(clip), stream=True, persist=False, classes=[0], tracker="bytetrack.yaml", verbose=False
        )
        for index, result in enumerate(stream):
            if result.boxes.id is None:
                continue
            for track_id, box in zip(result.boxes.id.int().tolist(), result.boxes.xyxy.tolist(), strict=True):
                x1, y1, x2, y2 = (int(value) for value in box)
                crop = cv2.resize(result.orig_img[y1:y2, x1:x2], (128, 256))
                output = self.embedder(crop.transpose(2, 0, 1)[None].astype(np.float32))
                vectors[track_id].append(next(iter(output.values()))[0])
                boxes[track_id][index] = box
        answer = {}
        for track_id, found in vectors.items():
            mean = np.stack([vector / np.linalg.norm(vector) for vector in found]).mean(axis=0)
            answer[track_id] = (boxes[track_id], float((enrolled @ (mean / np.linalg.norm(mean))).max()))
        return answer


def compare_decisions(identifications: tuple[Identification, ...], assembly: dict[int, Any], threshold: float) -> str:
    """Match each of our people to the assembly's track that shares most boxes, and count equal decisions."""
    same = total = 0
    for item in identifications:
        if item.score is None:
            continue
        shared: dict[int, float] = defaultdict(float)
        for detection in item.observation.tracklet.detections:
            for track_id, (boxes, _) in assembly.items():
                box = boxes.get(detection.frame_index)
                if box is not None and iou(detection.box, box) > 0.6:
                    shared[track_id] += 1
        if not shared:
            continue
        best = max(shared, key=lambda track_id: shared[track_id])
        total += 1
        same += (assembly[best][1] >= threshold) == (item.identity is not None)
    return f"{same} of {total} people decided alike"


def speed(rounds: int, only: str | None = None) -> None:
    """Print frames per second of both, their ratio, the share of each stage, and the decisions."""
    with tempfile.TemporaryDirectory() as folder:
        assembly = Assembly()
        for name, (first, last, person) in ENROLLED.items():
            if only not in (None, name):
                continue
            clip = SHARED / "clips" / name
            service = make_service(Path(folder) / name)
            early = observe(service, clip, FrameRange.inclusive(first, last))
            chosen = person or (early.most_prominent.person if early.most_prominent else None)
            enrollment = service.enroll(
                early, "Ada", chosen, given=GivenBasis(EnrollmentBasis(LegalBasis.OTHER, "a benchmark"))
            )
            enrolled = enrollment.reference.template.vector[None]
            assembly.identify(clip, enrolled)  # both are warm now
            ours, theirs, stages = [], [], {}
            for _ in range(rounds):
                service.forget_observations()
                start = time.perf_counter()
                observed = observe(service, clip)
                identifications = service.identify(observed)
                ours.append(time.perf_counter() - start)
                stages = {**observed.timings, "match and the rest": ours[-1] - sum(observed.timings.values())}
                start = time.perf_counter()
                answer = assembly.identify(clip, enrolled)
                theirs.append(time.perf_counter() - start)
            count = observed.video.frame_count
            print(f"\n{name}: {count} frames, {observed.video.duration:.1f} s, {len(observed.usable)} people")
            report(count, observed.video.duration, ours, theirs)
            print("  stages: " + ", ".join(f"{stage} {value / ours[-1]:.0%}" for stage, value in stages.items()))
            print(f"  {compare_decisions(identifications, answer, service.threshold('identification').value)}")
            service.close()


def report(count: int, duration: float, ours: list[float], theirs: list[float]) -> None:
    """Print medians and the ratio."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"  Sightline {count / mine:6.1f} frames/s  {duration / mine:5.1f} × real time")
    print(f"  assembly  {count / other:6.1f} frames/s  {duration / other:5.1f} × real time")
    print(f"  ratio     {other / mine:6.2f}   ({len(ours)} rounds, medians)")


def memory() -> None:
    """Print peak memory of identifying a clip once, and the same clip ten times over."""
    with tempfile.TemporaryDirectory() as folder:
        looped = Path(folder) / "ten.mp4"
        loop(SHARED / "clips" / "street.mp4", looped, 10)
        peaks = []
        for clip in (SHARED / "clips" / "street.mp4", looped):
            command = [sys.executable, "-m", "benchmarks.pipeline", "--peak", str(clip)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks.append(float(done.stdout.split()[-1]))
        print(
            f"\npeak memory: once {peaks[0]:.0f} MB, ten times over {peaks[1]:.0f} MB, ratio {peaks[1] / peaks[0]:.3f}"
        )


def peak(clip: Path) -> None:
    """Print the peak memory, in MB, of observing one clip in this process."""
    with tempfile.TemporaryDirectory() as folder:
        service = make_service(Path(folder))
        observe(service, clip)
        service.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def passes(count: int) -> None:
    """Print the memory that is held after each of several passes over a clip, and the peak so far, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        service = make_service(Path(folder))
        for number in range(1, count + 1):
            service.forget_observations()
            observe(service, SHARED / "clips" / "street.mp4")
            held = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() / 2**20
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"pass {number:2}: {held:.0f} MB held, peak {most:.0f} MB", flush=True)
        service.close()


def loop(source: Path, destination: Path, times: int) -> None:
    """Write a clip several times over, without encoding again."""
    with av.open(str(destination), "w") as output:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(source)) as clip:
                track = clip.streams.video[0]
                stream = stream or output.add_stream_from_template(track)
                end = 0
                for packet in clip.demux(track):
                    if packet.dts is None:
                        continue
                    end = max(end, packet.pts + packet.duration)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    output.mux(packet)
                shift += end


def main() -> None:
    """Run what was asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=list(ENROLLED), help="measure the speed of this clip, and nothing else")
    options.add_argument("--memory", action="store_true")
    options.add_argument("--passes", action="store_true")
    options.add_argument("--peak", type=Path)
    chosen = options.parse_args()
    if chosen.peak is not None:
        peak(chosen.peak)
        return
    if chosen.passes:
        passes(10)
        return
    if not chosen.memory:
        speed(chosen.rounds, chosen.only)
    if chosen.only is None:
        memory()


if __name__ == "__main__":
    main()
