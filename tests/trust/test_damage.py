"""Promise 12: damaged input is told, never shortened in silence; sound clips are never called damaged."""

from pathlib import Path

import pytest

from biometric.clips.footage_reading import FootageReader
from biometric.entities import NoticeCode
from biometric.errors import DamagedClip
from tests.trust.mutations import attack
from tests.trust.sound_clips import NAMES, write_sound_clip


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_clip_is_never_called_damaged(tmp_path: Path, name: str) -> None:
    clip = write_sound_clip(tmp_path, name)
    info = FootageReader().probe(clip.path)
    assert (info.frame_count, info.damage) == (clip.frames, None)


def test_promise_12_a_few_dozen_mutations_are_never_shortened_in_silence() -> None:
    tally, failures = attack(60, seed=12)
    assert failures == []
    assert tally["damage told"] + tally["refused"] > 20


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
