"""Promise 12: damaged input is told, never shortened in silence; sound clips are never called damaged."""

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import biometric
from biometric import cli
from biometric.bootstrap import make_demo
from biometric.clips.footage_reading import FootageReader
from biometric.clips.picture_order import PictureOrder
from biometric.clips.picture_packets import PictureCounter
from biometric.clips.structure.walking import walk_structure
from biometric.entities import FrameRange, NoticeCode
from biometric.errors import BiometricError, DamagedClip, EmptyClip, PhotographUnreadable
from tests import made_clips
from tests.trust.mutations import attack
from tests.trust.sound_clips import COUNT, NAMES, SIZE, remux, write_sound_clip
from tests.ui.scenery import write_people
from tests.ui.serving import serving


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_clip_is_never_called_damaged(tmp_path: Path, name: str) -> None:
    clip = write_sound_clip(tmp_path, name)
    info = FootageReader().probe(clip.path)
    assert (info.frame_count, info.damage) == (clip.frames, None)


def test_promise_12_a_few_dozen_mutations_are_never_shortened_in_silence() -> None:
    tally, failures = attack(60, seed=12)
    assert failures == []
    assert tally["damage told"] + tally["refused"] > 20


def test_promise_12_a_header_that_says_colours_which_do_not_exist_costs_no_frame() -> None:
    """Key frames of VP9 say their colour space; one of its values is reserved, and FFmpeg converts no such frame."""
    tally, failures = attack(1, seed=19, start=451)
    assert (failures, tally["crashed"]) == ([], 0)


@pytest.mark.slow
def test_promise_12_a_thousand_mutations_are_never_shortened_in_silence() -> None:
    _, failures = attack(1000, seed=1)
    assert failures == []


@pytest.mark.real
@pytest.mark.parametrize("name", ["0029.mkv", "0103.mp4", "0414.mkv", "0477.mov"])
def test_promise_12_files_that_were_once_shortened_are_refused_or_told(shared: Path, name: str) -> None:
    clip = shared / "cases" / "damaged" / name
    if not clip.exists():
        pytest.skip("../shared/cases/damaged is absent")
    if name == "0029.mkv":
        with pytest.raises(DamagedClip):
            FootageReader().probe(clip)
        return
    damage = FootageReader().probe(clip).damage
    assert damage is not None
    assert damage.code in {NoticeCode.CLIP_CUT_SHORT, NoticeCode.CLIP_CUT_SHORT_ESTIMATED}


# Cuts and joins that are no damage


def cut(tmp_path: Path, name: str, skip: int, **options: object) -> Path:
    """A recording of 48 frames from its packet number `skip` on."""
    whole = made_clips.write_clip(tmp_path / f"whole-{Path(name).stem}.mp4", 48, size=SIZE, **options)  # type: ignore[arg-type]
    return remux(whole, tmp_path / name, skip=skip)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4", "cut.mov"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_recording_cut_in_before_an_open_key_frame_is_sound(tmp_path: Path, name: str, codec: str) -> None:
    """Pictures behind the first key frame that are shown before it refer to what was cut off."""
    x264 = {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:scenecut=0", "preset": "veryfast"}
    x265 = {"x265-params": "log-level=none:open-gop=1:keyint=12:min-keyint=12:bframes=3:scenecut=0:pools=1"}
    whole = cut(tmp_path, name, 0, codec=codec, options=x264 if codec == "libx264" else x265)
    keys = key_packets(whole)
    clip = remux(whole, tmp_path / f"from-key-{name}", skip=keys[1])
    info = FootageReader().probe(clip)
    assert 48 - keys[1] - 3 <= info.frame_count <= 48 - keys[1]
    assert info.damage is None


def key_packets(clip: Path) -> list[int]:
    with av.open(str(clip)) as opened:
        return [number for number, packet in enumerate(opened.demux(video=0)) if packet.is_keyframe]


def test_recordings_joined_to_one_transport_stream_are_sound(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    parts = [made_clips.write_clip(tmp_path / f"{n}.ts", COUNT, size=SIZE, first_number=n * COUNT) for n in range(2)]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    info = FootageReader().probe(joined)
    assert (info.frame_count, info.damage) == (2 * COUNT, None)


def test_a_stream_cut_off_before_its_last_b_frames_is_sound(tmp_path: Path) -> None:
    whole = made_clips.write_clip(tmp_path / "whole.h264", COUNT, size=SIZE)
    with av.open(str(whole)) as opened:
        packets = [bytes(packet) for packet in opened.demux(video=0) if packet.size]
    for kept in range(COUNT - 6, COUNT):
        clip = tmp_path / f"{kept}.h264"
        clip.write_bytes(b"".join(packets[:kept]))
        info = FootageReader().probe(clip)
        assert (info.frame_count, info.damage) == (kept, None), kept


def test_headers_that_were_never_filled_in_claim_nothing(tmp_path: Path) -> None:
    data = bytearray(write_sound_clip(tmp_path, "mpeg4.avi").path.read_bytes())
    data = data[: data.rindex(b"idx1")]
    for marker, offset in ((b"RIFF", 4), (b"movi", -4)):
        at = data.index(marker) + offset
        data[at : at + 4] = b"\xff" * 4
    for marker, offset in ((b"strh", 40), (b"avih", 24)):
        at = data.index(marker) + offset
        data[at : at + 4] = (1 << 30).to_bytes(4, "little")
    clip = tmp_path / "piped.avi"
    clip.write_bytes(data)
    info = FootageReader().probe(clip)
    assert (info.frame_count, info.damage) == (COUNT, None)


def test_encoders_that_leave_numbers_out_are_not_taken_for_losses() -> None:
    def missing(numbers: list[int], modulus: int = 0) -> int:
        order = PictureOrder()
        for number in numbers:
            order.add(number, modulus)
        return order.missing

    assert missing([0, 8, 4, 2, 6, 16, 12, 10, 14, 24]) == 0
    assert missing([2 * number % 16 for number in range(40)], 16) == 0
    assert missing([2 * number for number in range(40) if number % 4 != 1]) == 0
    assert missing([2 * number for number in range(40) if number not in {20, 21}]) == 2
    assert missing([]) == 0


# What else may be damaged


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9", "av1"])
def test_packets_are_looked_at_whatever_stands_in_them(codec: str) -> None:
    rng = np.random.default_rng(0)
    for start in (b"", b"\x00\x00\x01", b"\x00\x00\x01\x00\x00\x01", b"\x00\x00\x01\x67", b"\x00\x00\x01\xb8"):
        for extradata in (b"", b"\x01" + rng.bytes(30), start + rng.bytes(9)):
            counter = PictureCounter(codec, extradata)
            for length in (1, 2, 5, 40, 400):
                assert counter.frames_of(memoryview(start + rng.bytes(length)), length) in {0, 1}
            assert counter.missing >= 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_promise_12_a_photograph_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8))
    written = io.BytesIO()
    picture.save(written, kind)
    path = tmp_path / "photograph"
    path.write_bytes(written.getvalue())
    assert FootageReader().probe(path).frame_count == 1
    for share in (0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        path.write_bytes(written.getvalue()[: max(1, int(len(written.getvalue()) * share))])
        with pytest.raises(BiometricError) as refused:
            FootageReader().probe(path)
        assert share < 0.01 or isinstance(refused.value, PhotographUnreadable)


def test_promise_12_an_empty_file_is_refused_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.ts", "a.jpg", "a"):
        (tmp_path / name).touch()
        with pytest.raises(EmptyClip):
            FootageReader().probe(tmp_path / name)


def test_promise_12_a_range_that_ends_in_damage_does_not_end_in_silence(tmp_path: Path) -> None:
    clip = skipping_clip(tmp_path)
    info = FootageReader().probe(clip)
    assert info.damage is not None
    frames = FootageReader().read(clip, FrameRange(0, COUNT))
    with pytest.raises(DamagedClip, match=f"only frames 0 to {info.frame_count - 1} can be read"):
        list(frames)


def skipping_clip(tmp_path: Path) -> Path:
    """A clip whose first key frame is gone, so that the decoder begins in the middle and passes over what it cannot."""
    clip = made_clips.write_clip(tmp_path / "skipping.mp4", COUNT, size=SIZE, grain=30)
    data = bytearray(clip.read_bytes())
    at = data.index(b"mdat") + 4
    data[at + 4 : at + 700] = bytes(696)
    clip.write_bytes(data)
    return clip


@pytest.mark.parametrize("name", ["raw.h264", "fields.h264", "hidden.webm", "h264.ts"])
def test_files_are_walked_whatever_stands_in_them(tmp_path: Path, name: str) -> None:
    """Random bytes break the structure, and nothing else."""
    data = write_sound_clip(tmp_path, name).path.read_bytes()
    rng = np.random.default_rng(0)
    for kind in ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "ivf", "mxf", "h264"):
        for length in (1, 7, 40, 3000):
            clip = tmp_path / "noise"
            clip.write_bytes(data[:40] + rng.bytes(length))
            walk_structure(clip, kind)


# Enrollment from a damaged clip, at all four edges (the page's is in tests/ui/test_page.py)


@pytest.fixture(scope="module")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clips = make_demo(tmp_path_factory.mktemp("demo") / "demo")
    return next(clip.path for clip in clips if clip.path.stem.startswith("visit-1"))


@pytest.fixture
def own_folders(demo_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A damaged demo clip, and a gallery of this test's own."""
    for name in ("gallery", "query", "library", "temp"):
        monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", str(tmp_path / name))
    for name, value in {"OFFLINE": "1", "DEVICE": "cpu", "DETECTOR": "starter-detector"}.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    monkeypatch.setenv("SIGHTLINE_EMBEDDER", "starter-embedder-2")
    monkeypatch.chdir(tmp_path)
    damaged = remux(demo_clip, tmp_path / "damaged.mkv")
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size * 8 // 10])
    return damaged


def test_promise_12_the_library_enrolls_from_a_damaged_clip_only_on_demand(own_folders: Path) -> None:
    with biometric.open_service() as service:
        observed = service.observe(own_folders)
        assert observed.video.damage is not None
        with pytest.raises(DamagedClip, match="Nothing was enrolled"):
            service.enroll(observed, "Ada")
        assert not service.identities()
        # Its kept copy, seen before, is no way around.
        with pytest.raises(DamagedClip, match="Nothing was enrolled"):
            service.enroll(service.observe(own_folders), "Ada")
        service.enroll(service.observe(own_folders, accept_damaged=True), "Ada")
        with pytest.raises(DamagedClip, match="Nothing was enrolled"):
            service.enroll(service.observe(own_folders), "Bea")


def test_promise_12_the_command_enrolls_from_a_damaged_clip_only_on_demand(
    own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["enroll", str(own_folders), "Ada"]) != 0
    assert "damaged" in capsys.readouterr().err
    assert cli.main(["gallery", "list"]) == 0
    assert "Ada" not in capsys.readouterr().out
    assert cli.main(["enroll", str(own_folders), "Ada", "--accept-damaged"]) == 0
    assert "damaged" in "".join(capsys.readouterr())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("page") / "data") as server:
        yield server.url


def test_promise_12_the_api_enrolls_from_a_damaged_clip_only_on_demand(page: str, tmp_path: Path) -> None:
    gradio_client = pytest.importorskip("gradio_client")
    damaged = write_people(tmp_path / "damaged.avi", [30], 60, codec="mpeg4")
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size * 6 // 10])
    client = gradio_client.Client(page, verbose=False)
    try:
        clip = gradio_client.handle_file(damaged)
        with pytest.raises(Exception, match="damaged"):
            client.predict(clip=clip, name="Ada", api_name="/enroll")
        assert client.predict(api_name="/identities") == []
        client.predict(clip=clip, name="Ada", accept_damaged=True, api_name="/enroll")
        assert [one["identity"] for one in client.predict(api_name="/identities")] == ["Ada"]
    finally:
        client.close()
