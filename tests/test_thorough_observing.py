"""Whether people are looked for in each analysed frame: who says so, what the answer says, what is kept of which."""

import argparse
import json
from pathlib import Path

import pytest

from biometric import bootstrap, cli
from biometric.cli import command_support, recognition_commands
from biometric.cli.command_support import build_service
from biometric.clips.crops import small_grey
from biometric.entities import LookCounts, ObservedClip
from biometric.entities.progress import finish
from biometric.messages.person_sentences import describe_looks
from biometric.results.answer_json import identification_json
from biometric.service import Sightline
from biometric.settings import Settings
from tests.fakes import FakeReader, video_info
from tests.test_service import ServiceSetup


class StillReader(FakeReader):
    """A clip in which nothing ever changes."""

    def _frame(self, index: int):
        frame = super()._frame(0)
        return type(frame)(index, frame.image, self.info.time_of(index))


def made(folder: Path, **settings: object) -> ServiceSetup:
    folder.mkdir(exist_ok=True)
    return ServiceSetup(folder, StillReader(), small_grey=small_grey, **settings)


def looked(observed: ObservedClip) -> int:
    return observed.analysed_frames if observed.looks is None else observed.looks.looked


def test_frames_in_which_nothing_changes_are_not_looked_at(tmp_path: Path) -> None:
    setup = made(tmp_path)
    observed = finish(setup.service.observe(setup.clip))
    assert observed.looks is not None
    assert observed.looks.analysed == observed.analysed_frames
    assert 0 < observed.looks.looked < observed.looks.unchanged
    [person] = observed.observations
    assert len(person.tracklet.detections) == observed.analysed_frames
    assert [sample.detection.frame_index for sample in person.kept]
    answer = identification_json([], None, observed)
    assert answer["frames"] == {
        "analysed": observed.analysed_frames,
        "looked": observed.looks.looked,
        "unchanged": observed.looks.unchanged,
        "bridged": 0,
        "moved": 1,
        "undecoded": 0,
        "all_decoded": "",
    }


@pytest.mark.parametrize("settings", [{"thorough": True}, {"analysis_fps": 0}, {"quiet_seconds": 0}], ids=str)
def test_each_frame_is_looked_at_where_the_settings_say_so(tmp_path: Path, settings: dict[str, object]) -> None:
    setup = made(tmp_path, **settings)
    observed = setup.observe()
    assert looked(observed) == observed.analysed_frames
    answer = identification_json([], None, observed)["frames"]
    assert (answer["looked"], answer["unchanged"]) == (observed.analysed_frames, 0)


def test_a_photograph_is_looked_at(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path, StillReader(video_info(frame_count=1, photograph=True)), small_grey=small_grey)
    assert setup.observe(0, 0).looks is None


def test_observations_of_both_ways_are_kept_apart(tmp_path: Path) -> None:
    setup = made(tmp_path)
    sparse, thorough = setup.observe(), setup.observe(thorough=True)
    assert (sparse.looks is None, thorough.looks is None) == (False, True)
    for observed in (sparse, thorough):
        setup.service.library.keep(observed, [])
    reads = setup.reader.reads
    assert setup.observe().looks == sparse.looks
    assert setup.observe(thorough=True).looks is None
    setup.service.close()
    later = made(tmp_path)  # what the library kept, without the observations in memory
    assert later.observe().looks == sparse.looks
    assert later.observe(thorough=True).looks is None
    assert later.reader.reads == 0
    assert setup.reader.reads == reads
    other = made(tmp_path, quiet_seconds=0.5)
    assert other.observe().looks != sparse.looks
    assert other.reader.reads == 1


def test_commands_say_what_was_skipped_and_take_thorough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def build(options: argparse.Namespace) -> Sightline:
        asked.append(options.thorough)
        return made(tmp_path, thorough=options.thorough is True).service

    monkeypatch.setattr(recognition_commands, "build_service", build)
    clip = str(made(tmp_path).clip)
    for options, skipped in (([], True), (["--thorough"], False)):
        assert cli.main(["enroll", clip, "Ada", "--to", "40", *options, "--add", "--force"]) == 0
        assert ("analysed frames: in " in capsys.readouterr().out) is skipped
        assert cli.main(["verify", clip, "Ada", *options]) == 0
        assert ("Note: People were looked for in 15 of 100" in capsys.readouterr().err) is skipped
        assert cli.main(["identify", clip, "--no-files", "--json", *options]) == 0
        frames = json.loads(capsys.readouterr().out)["frames"]
        assert (frames["analysed"], frames["looked"] < 20) == (100, skipped)
    assert asked == [None] * 3 + [True] * 3


def test_several_clips_are_looked_at_in_every_frame_where_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: list[ObservedClip] = []

    def build(options: argparse.Namespace) -> Sightline:
        service = made(tmp_path, thorough=options.thorough is True).service
        identify = service.identify

        def noted(clip: ObservedClip, *rest: object, **others: object):
            observed.append(clip)
            return identify(clip, *rest, **others)

        monkeypatch.setattr(service, "identify", noted)
        return service

    monkeypatch.setattr(recognition_commands, "build_service", build)
    first = made(tmp_path).clip
    second = first.with_name("other.mp4")
    second.write_bytes(b"another clip")
    assert cli.main(["enroll", str(first), "Ada", "--to", "40"]) == 0
    for options, everywhere in (([], False), (["--thorough"], True)):
        observed.clear()
        assert cli.main(["identify", str(first), str(second), "--no-files", "--json", *options]) == 0
        assert [looked(clip) == clip.analysed_frames for clip in observed] == [everywhere] * 2
        capsys.readouterr()


def test_a_variable_makes_it_thorough_and_a_command_overrides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment({"SIGHTLINE_THOROUGH": "1"}, thorough=None).thorough
    assert Settings.from_environment({}, thorough=True).thorough
    built: list[Settings] = []
    monkeypatch.setattr(bootstrap, "build", built.append)
    monkeypatch.setattr(command_support, "delete_overdue", lambda service: None)
    build_service(argparse.Namespace(thorough=True))
    assert built[0].thorough


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        (None, ""),
        (LookCounts(9, moved=1), ""),
        (
            LookCounts(1200, 3000, 40, 1),
            "People were looked for in 1,200 of 4,240 analysed frames: in 3,000 nothing had changed, in 40 everybody "
            "walked on as before.",
        ),
        (
            LookCounts(5, 95, undecoded=90),
            "People were looked for in 5 of 100 analysed frames: in 95 nothing had changed. 90 frames did not even "
            "have to be decoded.",
        ),
        (
            LookCounts(9, all_decoded="sizes"),
            "People were looked for in 9 of 9 analysed frames. The file does not tell beforehand where nothing "
            "happens, so frames had to be decoded.",
        ),
        (LookCounts(5, 5), "People were looked for in 5 of 10 analysed frames: in 5 nothing had changed."),
        (
            LookCounts(9, moved=9),
            "People were looked for in 9 of 9 analysed frames. The picture as a whole keeps changing, as when the "
            "camera moves.",
        ),
    ],
)
def test_what_was_skipped_is_said(looks: LookCounts | None, said: str) -> None:
    assert describe_looks(looks) == said
