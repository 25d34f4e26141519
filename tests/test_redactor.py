"""Redaction from clip to clip: who is hidden, in each frame, judged by the pixels of the result."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from biometric import cli
from biometric.cli import command_support, recognition_commands
from biometric.domain import hidden_regions
from biometric.entities import FrameRange, Notice, NoticeCode, ObservedClip, Retention
from biometric.entities.audit import AuditQuery, AuditRecord
from biometric.entities.redaction import (
    ALL_HIDINGS,
    Hiding,
    HidingMethod,
    RedactionChoice,
    RedactionOptions,
    WhoIsHidden,
)
from biometric.erasing import derivative_register
from biometric.errors import (
    DamagedClip,
    EmptyGallery,
    InvalidInput,
    PeopleRemain,
    SoundNotKept,
    StorageFull,
    UnknownIdentity,
)
from biometric.messages import describe
from biometric.pipeline import redacting
from biometric.storage import file_digest
from tests import made_clips
from tests.fakes import FakeModels
from tests.painted_people import COLOURS, PaintedService, box_of, frames_of, walking, write_people
from tests.trust.sound_clips import remux
from tests.waiting import wait_for

BOTH = {"Ruby": walking(40, 30), "Jade": walking(40, 200, -1)}
EXCEPT_RUBY = RedactionChoice(WhoIsHidden.ALL_BUT, ("Ruby",))


@pytest.fixture
def setup(tmp_path: Path):
    setup = PaintedService(tmp_path)
    yield setup
    setup.service.close()


def test_by_default_everybody_is_hidden_behind_a_box_and_frames_times_and_size_stay(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    result = setup.redact(clip, setup.folder / "out.mp4")
    assert (str(result.hiding), result.shown, result.remaining, result.measured) == ("box", (), (), False)
    assert [setup.seen(result.path, name) for name in COLOURS] == [[], [], []]
    before, after = setup.frames(clip), setup.frames(result.path)
    assert [round(frame.seconds, 3) for frame in after] == [round(frame.seconds, 3) for frame in before]
    assert {frame.image.shape for frame in after} == {before[0].image.shape}
    assert np.abs(after[5].image[:40].astype(int) - before[5].image[:40]).max() < 12  # the rest stays
    assert [path.name for path in setup.folder.glob("*.mp4")] == ["clip.mp4", "out.mp4"]


@pytest.mark.parametrize("hiding", [Hiding(HidingMethod.SILHOUETTE), Hiding(HidingMethod.PIXELS, 16)], ids=str)
def test_other_methods_write_as_many_frames(setup: PaintedService, hiding: Hiding) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    result = setup.redact(clip, setup.folder / "out.mp4", None, RedactionOptions(hiding))
    assert len(setup.frames(result.path)) == 40
    assert result.remaining == ()


def test_all_but_one_shows_exactly_that_one_in_each_frame(setup: PaintedService) -> None:
    setup.enroll("Ruby", "Jade")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Jade": walking(40, 230, 0)})
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    assert result.shown == ("Ruby",)
    assert setup.seen(result.path, "Ruby") == list(range(40))
    assert setup.seen(result.path, "Jade") == []


def test_only_one_is_hidden_and_others_stay(setup: PaintedService) -> None:
    setup.enroll("Ruby", "Jade")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Azur": walking(40, 230, 0)})
    only = RedactionChoice(WhoIsHidden.ONLY, ("Ruby",))
    result = setup.redact(clip, setup.folder / "out.mp4", only)
    assert setup.seen(result.path, "Ruby") == []
    assert setup.seen(result.path, "Azur") == list(range(40))


@pytest.mark.parametrize(("asked", "used"), [(0.99, None), (0.2, 0.2)])
def test_a_threshold_never_shows_more_of_those_to_hide(
    setup: PaintedService, monkeypatch: pytest.MonkeyPatch, asked: float, used: float | None
) -> None:
    """Above the default, fewer people are taken for somebody, and the unsure ones begin higher, too."""
    setup.enroll("Ruby")
    identify, thresholds = setup.service.identify, []

    def noted(observed: ObservedClip, *, threshold: float | None, gallery: Path | None) -> object:
        thresholds.append(threshold)
        return identify(observed, threshold=threshold, gallery=gallery)

    monkeypatch.setattr(setup.service, "identify", noted)
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(20, 30, 0)})
    only = RedactionChoice(WhoIsHidden.ONLY, ("Ruby",))
    setup.redact(clip, setup.folder / "out.mp4", only, threshold=asked)
    setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY, threshold=asked)
    assert thresholds == [used, asked]


def test_whoever_is_not_enrolled_is_hidden(setup: PaintedService) -> None:
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Azur": walking(40, 230, 0)})
    result = setup.redact(clip, setup.folder / "out.mp4", RedactionChoice(WhoIsHidden.UNKNOWN))
    assert setup.seen(result.path, "Azur") == []
    assert len(setup.seen(result.path, "Ruby")) == 40


def test_whoever_is_not_surely_to_be_shown_is_hidden(setup: PaintedService) -> None:
    """Somebody cut off by the edge of the picture gives no sample to compare."""
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, -15, 0)})
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    assert setup.seen(result.path, "Ruby") == []
    assert (result.shown, result.unsure) == ((), 1)


def test_where_somebody_shown_meets_somebody_hidden_the_hidden_one_wins(setup: PaintedService) -> None:
    setup.enroll("Ruby")
    places = {"Ruby": walking(60, 10), "Jade": walking(60, 270, -4)}
    clip = write_people(setup.folder / "clip.mp4", places)
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    assert setup.seen(result.path, "Jade") == []


BLINK = range(15, 27)


def blinking(setup: PaintedService) -> Path:
    setup.detector.blind = {(frame, "Ruby") for frame in BLINK}
    return write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 3), "Azur": walking(40, 250, 0)})


def test_no_frame_shows_somebody_between_two_hidden_ones(setup: PaintedService) -> None:
    """The detector never sees the person in half a second of frames, also not when it looks again."""
    result = setup.redact(blinking(setup), setup.folder / "out.mp4")
    assert setup.seen(result.path, "Ruby") == []


def test_without_bridging_they_would_be_seen(setup: PaintedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_regions._Filled, "bridge", lambda *_: None)
    monkeypatch.setattr(hidden_regions, "EXTENDED_SECONDS", 0.0)
    result = setup.redact(blinking(setup), setup.folder / "out.mp4")
    assert setup.seen(result.path, "Ruby") == list(BLINK)


def test_somebody_whom_the_detector_sees_late_is_hidden_from_when_they_come(setup: PaintedService) -> None:
    setup.detector.blind = {(frame, "Ruby") for frame in [*range(10), *range(32, 40)]}
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30)})
    result = setup.redact(clip, setup.folder / "out.mp4")
    assert setup.seen(result.path, "Ruby") == []


def test_whom_only_the_second_pass_sees_is_hidden_as_well(setup: PaintedService) -> None:
    setup.detector.blind_at_first = {(frame, "Jade") for frame in range(40)}
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    result = setup.redact(clip, setup.folder / "out.mp4")
    assert result.added >= 40
    assert setup.seen(result.path, "Jade") == []


def test_where_somebody_is_seen_at_last_it_fails_loudly_and_leaves_no_file(
    setup: PaintedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redacting, "MOST_ROUNDS", 1)
    setup.detector.blind_at_first = {(frame, "Jade") for frame in range(5, 8)} | {(30, "Jade")}
    monkeypatch.setattr(hidden_regions._Filled, "bridge", lambda *_: None)
    monkeypatch.setattr(hidden_regions, "EXTENDED_SECONDS", 0.0)
    clip, target = write_people(setup.folder / "clip.mp4", BOTH), setup.folder / "out.mp4"
    target.write_bytes(b"an older one")
    with pytest.raises(PeopleRemain, match="4 frames, first in 5") as raised:
        setup.redact(clip, target)
    assert [person.frame_index for person in raised.value.remaining][::2] == [5, 6, 7, 30]
    assert target.read_bytes() == b"an older one"
    assert sorted(path.name for path in setup.folder.iterdir() if path.is_file()) == ["clip.mp4", "out.mp4"]
    setup.detector.looked.clear()
    kept = setup.redact(clip, target, None, RedactionOptions(allow_remaining=True))
    assert len(kept.remaining) == len(raised.value.remaining)
    assert len(setup.frames(target)) == 40


def test_a_blurred_person_who_is_still_detected_as_one_is_not_a_failure(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    result = setup.redact(clip, setup.folder / "out.mp4", None, RedactionOptions(Hiding(HidingMethod.BLUR, 3)))
    assert setup.seen(result.path, "Ruby")  # the colour stays, and the detector finds it
    assert result.remaining == ()


def test_a_range_is_written_with_its_frames_alone(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    result = setup.redact(clip, setup.folder / "out.mp4", frames=FrameRange.inclusive(10, 19))
    after = setup.frames(result.path)
    assert (len(after), result.frames) == (10, FrameRange(10, 20))
    assert box_of(after[0].image, "Ruby") is None
    first = setup.frames(clip)[10].image
    assert np.abs(after[0].image[:40].astype(int) - first[:40]).max() < 12


def test_uneven_times_and_odd_sizes(setup: PaintedService) -> None:
    times = [0.0, 0.04, 0.3, 0.31, 0.9, *(1.0 + 0.07 * number for number in range(15))]
    places = {"Ruby": walking(20, 30)}
    clip = write_people(setup.folder / "clip.mp4", places, times, size=(321, 241))
    result = setup.redact(clip, setup.folder / "out.mp4")
    assert [round(frame.seconds, 3) for frame in setup.frames(result.path)] == [round(time, 3) for time in times]
    assert setup.frames(result.path)[0].image.shape == (240, 320, 3)  # an MP4 that plays everywhere has even sizes
    assert setup.seen(result.path, "Ruby") == []


@pytest.mark.parametrize(
    ("codec", "pixels", "name"),
    [
        ("libx264", "yuv420p10le", "ten.mp4"),
        ("qtrle", "argb", "alpha.mov"),
        ("ffv1", "bgra", "alpha.mkv"),
    ],
)
def test_ten_bits_and_alpha(setup: PaintedService, codec: str, pixels: str, name: str) -> None:
    clip = coded(setup.folder / name, codec, pixels)
    result = setup.redact(clip, setup.folder / "out.mp4")
    assert len(setup.frames(result.path)) == 20
    assert setup.seen(result.path, "Ruby") == []


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_clips_are_written_as_they_are_shown(setup: PaintedService, rotation: int) -> None:
    clip = coded(setup.folder / "turned.mp4", "libx264", "yuv420p", rotation)
    result = setup.redact(clip, setup.folder / "out.mp4")
    before, after = setup.frames(clip), setup.frames(result.path)
    assert after[0].image.shape == before[0].image.shape
    assert setup.service.probe(result.path).rotation == 0
    assert box_of(before[3].image, "Ruby") is not None
    assert setup.seen(result.path, "Ruby") == []


def coded(path: Path, codec: str, pixels: str, rotation: int = 0) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, pixels
        if rotation:
            stream.set_display_rotation(rotation)
        for frame in frames_of({"Ruby": walking(20, 30)}):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        output.mux(stream.encode(None))
    return path


def test_metadata_of_the_file_is_left_behind(setup: PaintedService) -> None:
    plain = write_people(setup.folder / "plain.mp4", BOTH)
    clip = setup.folder / "clip.mov"
    secrets = {
        "make": "Maker",
        "model": "Phone 7",
        "title": "At home",
        "location": "+52.5200+013.4050/",
        "creation_time": "2024-05-01T10:00:00Z",
    }
    with av.open(str(plain)) as source, av.open(str(clip), "w", options={"movflags": "use_metadata_tags"}) as output:
        output.metadata.update(secrets)
        stream = output.add_stream_from_template(source.streams.video[0])
        stream.metadata["handler_name"] = "Phone 7 video"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    assert all(word in clip.read_bytes() for word in (b"Phone 7", b"+52.52"))
    result = setup.redact(clip, setup.folder / "out.mp4")
    written = result.path.read_bytes()
    assert not [word for word in (b"Phone 7", b"+52.52", b"Maker", b"At home", b"2024") if word in written]


def with_sound(folder: Path, codec: str = "aac", container: str = "mp4") -> Path:
    clip = folder / f"sound.{container}"
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        sound = output.add_stream(codec, rate=16000)
        for frame in frames_of({"Ruby": walking(50, 30)}):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        output.mux(stream.encode(None))
        for index in range(31):
            samples = np.sin(np.arange(index * 1024, index * 1024 + 1024) / 20)[None]
            if codec == "aac":
                piece = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="fltp", layout="mono")
            else:
                piece = av.AudioFrame.from_ndarray((samples * 9000).astype(np.int16), format="s16", layout="mono")
            piece.sample_rate, piece.pts = 16000, index * 1024
            output.mux(sound.encode(piece))
        output.mux(sound.encode(None))
    return clip


def sound_of(clip: Path) -> tuple[float, float, list[bytes]]:
    with av.open(str(clip)) as source:
        packets = [packet for packet in source.demux(audio=0) if packet.size]
        starts = [float(packet.pts * packet.time_base) for packet in packets]
        return starts[0], starts[-1], [bytes(packet) for packet in packets]


def test_sound_is_left_out_unless_it_is_asked_for(setup: PaintedService) -> None:
    clip = with_sound(setup.folder)
    result = setup.redact(clip, setup.folder / "out.mp4")
    with av.open(str(result.path)) as written:
        assert not written.streams.audio
    kept = setup.redact(clip, setup.folder / "kept.mp4", None, RedactionOptions(keep_sound=True))
    first, last, packets = sound_of(kept.path)
    assert packets == sound_of(clip)[2][-len(packets) :]
    assert len(packets) >= 30
    assert first == pytest.approx(0, abs=0.07)
    assert last == pytest.approx(sound_of(clip)[1], abs=0.001)


def test_sound_of_a_range_is_that_of_its_frames(setup: PaintedService) -> None:
    clip = with_sound(setup.folder)
    options = RedactionOptions(keep_sound=True)
    kept = setup.redact(clip, setup.folder / "kept.mp4", None, options, FrameRange.inclusive(25, 37))
    first, last, packets = sound_of(kept.path)
    assert set(packets) <= set(sound_of(clip)[2])
    assert 0 <= first < 0.07
    assert 0.4 < last < 0.53


def test_sound_of_a_transport_stream_is_copied(setup: PaintedService) -> None:
    """Its AAC has no header with the sample rate, and its packets have headers that an MP4 does not take."""
    clip = with_sound(setup.folder, container="ts")
    kept = setup.redact(clip, setup.folder / "kept.mp4", None, RedactionOptions(keep_sound=True))
    assert len(sound_of(kept.path)[2]) >= 30
    with av.open(str(kept.path)) as written:
        assert {frame.sample_rate for frame in written.decode(audio=0)} == {16000}


def test_sound_that_mp4_does_not_carry_is_refused_and_nothing_is_left(setup: PaintedService) -> None:
    clip = with_sound(setup.folder, "pcm_s16le", "mkv")
    with pytest.raises(SoundNotKept, match="pcm_s16le"):
        setup.redact(clip, setup.folder / "kept.mp4", None, RedactionOptions(keep_sound=True))
    assert [path.name for path in setup.folder.iterdir() if path.is_file()] == ["sound.mkv"]
    assert setup.detector.looked == set(), "before hours of looking, not behind them"


def test_of_a_clip_without_sound_nothing_says_that_it_was_copied(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(10, 30)})
    result = setup.redact(clip, setup.folder / "kept.mp4", None, RedactionOptions(keep_sound=True))
    assert not result.sound_kept
    assert setup.seen(result.path, "Ruby") == []


def test_a_photograph_becomes_a_photograph(setup: PaintedService) -> None:
    from PIL import Image

    frame = next(frames_of({"Ruby": walking(1)}))
    photograph = setup.folder / "photo.png"
    Image.fromarray(frame.image[:, :, ::-1]).save(photograph)
    result = setup.redact(photograph, setup.folder / "out.jpg")
    assert setup.seen(result.path, "Ruby") == []
    assert setup.redact(photograph).path.suffix == ".jpg"


def test_a_clip_with_nobody_is_written_as_it_is(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": [None] * 10})
    result = setup.redact(clip)
    assert result.hidden_regions == 0
    assert result.path.is_relative_to(setup.service.settings.query)
    assert len(setup.frames(result.path)) == 10


def test_closing_it_at_any_moment_leaves_no_file(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    for steps in (1, 3, 8, 20, 43):
        work = setup.service.redactor.redact(clip, setup.folder / "out.mp4")
        for _ in range(steps):
            next(work)
        work.close()
        assert [path.name for path in setup.folder.iterdir() if path.is_file()] == ["clip.mp4"]
    assert not list((setup.folder / "work").glob("*"))


def test_a_damaged_clip_is_refused_unless_that_is_said(setup: PaintedService) -> None:
    whole = made_clips.write_clip(setup.folder / "whole.avi", 60, codec="mpeg4")
    clip = made_clips.truncate(whole, setup.folder / "clip.avi", 0.6)
    with pytest.raises(DamagedClip):
        setup.redact(clip, setup.folder / "out.mp4")
    result = setup.redact(clip, setup.folder / "out.mp4", accept_damaged=True)
    readable = setup.service.probe(clip).frame_count
    assert len(setup.frames(result.path)) == readable < 60


def test_what_cannot_be_done_is_refused_before_anything_is_read(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    with pytest.raises(InvalidInput, match="itself"):
        setup.redact(clip, clip)
    with pytest.raises(InvalidInput, match="ending"):
        setup.redact(clip, setup.folder / "out.avi")
    with pytest.raises(EmptyGallery):
        setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    setup.enroll("Jade")
    with pytest.raises(UnknownIdentity):
        setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    assert setup.detector.looked == set()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing/out.mp4", StorageFull),
        ("clip.mp4/out.mp4", StorageFull),
        ("folder.mp4", InvalidInput),
        ("a" * 300 + ".mp4", StorageFull),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(
    setup: PaintedService, name: str, error: type[Exception]
) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    (setup.folder / "folder.mp4").mkdir()
    with pytest.raises(error):
        setup.redact(clip, setup.folder / name)
    assert setup.detector.looked == set()


def test_whoever_is_to_be_hidden_and_is_recognised_no_more_is_not_shown(setup: PaintedService) -> None:
    """After seven days Ruby's references match nobody: she would pass for one of those who need not be hidden."""
    setup.enroll("Ruby", "Jade")
    gallery = setup.service.gallery()
    gallery.set_retention(Retention(1e-6, 30), gallery.find("Ruby").id)
    wait_for(lambda: gallery.count_expired_people() == 1)
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Jade": walking(40, 230, 0)})
    with pytest.raises(InvalidInput, match="references of Ruby have expired"):
        setup.redact(clip, setup.folder / "out.mp4", RedactionChoice(WhoIsHidden.ONLY, ("Jade", "Ruby")))
    assert not (setup.folder / "out.mp4").exists()
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    assert (result.shown, setup.seen(result.path, "Ruby")) == ((), [])


def test_choices_and_options_check_themselves() -> None:
    for who, names in ((WhoIsHidden.ALL_BUT, ()), (WhoIsHidden.EVERYBODY, ("Ruby",))):
        with pytest.raises(InvalidInput):
            RedactionChoice(who, names)
    for margin in (-0.1, 2.1, float("nan")):
        with pytest.raises(InvalidInput):
            RedactionOptions(margin=margin)
    for method, strength in (("blur", 7), ("box", 3), ("fog", None)):
        with pytest.raises(InvalidInput):
            Hiding.chosen(method, strength)
    assert str(Hiding.chosen("pixels")) == "pixels 32"
    assert len({str(hiding) for hiding in ALL_HIDINGS}) == 12


def test_the_command(setup: PaintedService, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_support, "build_service", lambda options: setup.service)
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Azur": walking(40, 230, 0)})
    target = str(setup.folder / "out.mp4")
    assert cli.main(["redact", str(clip), "--keep", "Ruby", "--output", target]) == 0
    said = capsys.readouterr().out
    assert "Everybody but Ruby is hidden in frames 0–39." in said
    assert "Method: solid box." in said
    assert cli.main(["redact", str(clip), "--method", "blur", "--strength", "25", "--output", target, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["method"], told["strength"], told["remaining"], told["hidden"]) == ("blur", 25, [], "everybody")
    assert cli.main(["redact", str(clip), "--strength", "25", "--output", target]) == 2
    monkeypatch.setattr(redacting, "MOST_ROUNDS", 1)
    setup.detector.looked.clear()
    setup.detector.blind_at_first = {(frame, "Azur") for frame in range(40)}
    (setup.folder / "out.mp4").unlink()
    assert cli.main(["redact", str(clip), "--output", target]) == 2
    assert not (setup.folder / "out.mp4").exists()
    assert "still seen in 40 frames" in capsys.readouterr().err
    setup.detector.looked.clear()
    assert cli.main(["redact", str(clip), "--output", target, "--allow-remaining"]) == 1
    assert "Warning: somebody who should be hidden is still seen in 40 frames" in capsys.readouterr().out


def test_identify_also_writes_the_clip_with_strangers_hidden(
    setup: PaintedService, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition_commands, "build_service", lambda options: setup.service)
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0), "Azur": walking(40, 230, 0)})
    folder = setup.folder / "results"
    assert cli.main(["identify", str(clip), "--hide-unknown", "--output", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "Everybody who is not enrolled is hidden in frames 0–39.\nShown: Ruby." in said
    assert setup.seen(folder / "clip-hidden.mp4", "Azur") == []
    assert len(setup.seen(folder / "clip-hidden.mp4", "Ruby")) == 40
    assert cli.main(["identify", str(clip), str(clip), "--hide-unknown"]) == 2


def records(setup: PaintedService, action: str) -> list[AuditRecord]:
    return setup.service.gallery().audit.records(AuditQuery(action=action))[0]


def test_promise_25_each_redaction_is_recorded_with_what_was_written(setup: PaintedService) -> None:
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    setup.redact(clip, setup.folder / "everybody.mp4")
    shown = setup.redact(clip, setup.folder / "but-ruby.mp4", EXCEPT_RUBY)
    latest, first = records(setup, "redacted")
    assert latest.people == (setup.service.gallery().find("Ruby").id,)
    told = latest.details
    assert (told["input"], told["file_sha256"]) == (file_digest(clip), file_digest(shown.path))
    assert (told["hidden"], told["method"], told["frames"], told["still_seen"]) == ("everybody but", "box", [0, 39], 0)
    assert (first.people, first.details["hidden"]) == ((), "everybody")


def test_what_failed_while_it_was_written_is_in_the_warnings(
    setup: PaintedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[Notice] = []

    def write(*arguments: Any) -> Any:
        written = yield from redacting.write_redacted(*arguments)
        failed.append(Notice(NoticeCode.DEVICE_FAILED, device="cuda"))
        return written

    monkeypatch.setattr("biometric.redactor.write_redacted", write)
    monkeypatch.setattr(FakeModels, "notices", lambda self: tuple(failed))
    result = setup.redact(write_people(setup.folder / "clip.mp4", BOTH), setup.folder / "out.mp4")
    assert [notice.code for notice in result.warnings] == [NoticeCode.DEVICE_FAILED]


def test_the_file_written_is_read_once_for_the_trail_and_the_register(
    setup: PaintedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", BOTH)

    def read(paths: object) -> object:
        raise AssertionError("it was read again")

    monkeypatch.setattr(derivative_register, "digests_of", read)
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    [held] = setup.service.gallery().derivatives()
    assert held.files == {result.path.resolve(): file_digest(result.path)}


def test_a_redaction_that_cannot_be_recorded_is_not_there(
    setup: PaintedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(event: object) -> None:
        raise StorageFull("no room for the record")

    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    monkeypatch.setattr(setup.service.gallery().transactions, "record", refuse)
    with pytest.raises(StorageFull):
        setup.redact(clip, setup.folder / "out.mp4")
    assert [path.name for path in setup.folder.glob("*out*")] == []


def test_hiding_everybody_makes_no_gallery_where_there_is_none(setup: PaintedService) -> None:
    setup.redact(write_people(setup.folder / "clip.mp4", BOTH), setup.folder / "out.mp4")
    assert setup.service.gallery().revision() == ""


def test_whose_references_have_expired_in_part_is_said_where_they_are_to_be_hidden(setup: PaintedService) -> None:
    setup.enroll("Ruby")
    gallery = setup.service.gallery()
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0)})
    lifetimes = [replace(item, expired=1, references=2) for item in gallery.lifetimes()]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gallery, "lifetimes", lambda: lifetimes)
        result = setup.redact(clip, setup.folder / "out.mp4", RedactionChoice(WhoIsHidden.ONLY, ("Ruby",)))
    [notice] = [notice for notice in result.warnings if notice.code is NoticeCode.SOME_REFERENCES_EXPIRED]
    assert describe(notice).startswith("Of the 2 references of Ruby, 1 have expired")


def test_a_second_clip_without_a_name_does_not_take_the_place_of_the_first(setup: PaintedService) -> None:
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    first, second, third = (setup.redact(clip, None).path for _ in range(3))
    assert [path.name for path in (first, second, third)] == [
        "00000000-00000039-hidden.mp4",
        "00000000-00000039-hidden-2.mp4",
        "00000000-00000039-hidden-3.mp4",
    ]
    assert first.exists()


@pytest.mark.parametrize(
    "said",
    [
        ["--keep", "Ruby"],
        ["--hide", "Ruby"],
        ["--hide-unknown"],
        ["--method", "blur"],
        ["--method", "blur", "--strength", "3"],
        ["--sound", "keep"],
        ["--threshold", "0.5"],
        ["--allow-remaining"],
        ["--camera", "Hall"],
    ],
)
def test_a_measurement_refuses_what_it_takes_no_notice_of(
    setup: PaintedService, capsys, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(command_support, "build_service", lambda options: setup.service)
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", BOTH)
    assert cli.main(["redact", str(clip), "--measure", *said]) == 2
    assert said[0] in capsys.readouterr().err
    assert setup.detector.looked == set()


def test_identify_hides_strangers_in_a_damaged_clip_only_on_demand(
    setup: PaintedService, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition_commands, "build_service", lambda options: setup.service)
    setup.enroll("Ruby")
    whole = write_people(setup.folder / "whole.mp4", BOTH)
    clip = made_clips.truncate(remux(whole, setup.folder / "whole.mkv"), setup.folder / "clip.mkv", 0.7)
    folder = setup.folder / "results"
    asked = ["identify", str(clip), "--hide-unknown", "--output", str(folder)]
    assert cli.main(asked) == 2
    assert "damaged" in capsys.readouterr().err
    assert not (folder / "clip-hidden.mp4").exists()
    assert cli.main([*asked, "--accept-damaged"]) == 0
    assert (folder / "clip-hidden.mp4").exists()
    assert cli.main([*asked, "--accept-damaged"]) == 0
    assert (folder / "clip-hidden-2.mp4").exists()
    assert cli.main(["identify", str(clip), "--accept-damaged"]) == 2


def test_erasing_somebody_finds_the_clip_that_shows_them(setup: PaintedService) -> None:
    setup.enroll("Ruby")
    clip = write_people(setup.folder / "clip.mp4", {"Ruby": walking(40, 30, 0)})
    result = setup.redact(clip, setup.folder / "out.mp4", EXCEPT_RUBY)
    other = setup.redact(clip, setup.folder / "nobody.mp4")
    ruby = setup.service.gallery().find("Ruby")
    setup.service.eraser.erase(ruby.id)
    assert not result.path.exists()
    assert other.path.exists()
    assert clip.exists()
