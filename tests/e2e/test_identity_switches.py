"""Clips in which somebody takes another person's place between two frames, made of a real clip."""

from pathlib import Path

import av
import pytest

from biometric.entities.progress import finish
from biometric.service import Sightline

pytestmark = pytest.mark.real

STAYS = list(range(300, 330))
COMES_FIRST = {"0.4 s": list(range(110, 114)), "0.8 s": list(range(110, 118)), "1.6 s": list(range(110, 126))}


def compose(source: Path, destination: Path, frames: list[int]) -> None:
    """Write those frames of a clip, in that order, at 10 frames/s."""
    with av.open(str(source)) as clip:
        wanted, images = set(frames), {}
        for number, frame in enumerate(clip.decode(video=0)):
            if number > max(wanted):
                break
            if number in wanted:
                images[number] = frame.to_ndarray(format="bgr24")
    with av.open(str(destination), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"crf": "18"})
        stream.height, stream.width = images[frames[0]].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(images[number], format="bgr24")))
        output.mux(stream.encode())


@pytest.mark.parametrize("length", COMES_FIRST)
@pytest.mark.parametrize("last", [False, True])
def test_two_people_in_one_place_are_two_people(
    service: Sightline, shared: Path, tmp_path: Path, length: str, last: bool
) -> None:
    first = COMES_FIRST[length]
    frames = [*STAYS, *first] if last else [*first, *STAYS]
    compose(shared / "clips" / "one-by-one.mp4", tmp_path / "clip.mp4", frames)
    observed = finish(service.observe(tmp_path / "clip.mp4"))
    owners = [{frames[item.frame_index] >= 200 for item in person.tracklet.detections} for person in observed.usable]
    assert sorted(owners, key=str) == [{False}, {True}]
    one, other = observed.usable
    assert float(one.template.vector @ other.template.vector) < 0.4
