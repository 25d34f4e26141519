import dataclasses
import shutil
from pathlib import Path

import pytest

from biometric.entities import LookCounts, ObservedClip
from biometric.errors import InvalidInput
from biometric.ui.session import Footage, Session
from tests.builders import axis, observed_clip, person
from tests.fakes import video_info


def seen(tmp_path: Path, *numbers: int) -> ObservedClip:
    return observed_clip(tmp_path, *(person(number, tmp_path / "crops", axis(number)) for number in numbers))


def footage(tmp_path: Path) -> Footage:
    return Footage(clip=tmp_path / "clip.mp4", label="clip.mp4", info=video_info(), last=99)


def test_another_range_forgets_what_was_observed(tmp_path: Path) -> None:
    one = footage(tmp_path)
    one.observe(seen(tmp_path, 1))
    one.dropped.add("00000000_00.jpg")
    one.choose_frames(0, 99)
    assert one.observed is not None
    one.choose_frames(0, 50)
    assert (one.observed, one.person, one.dropped, one.people_shown) == (None, None, set(), False)


def test_the_most_prominent_person_is_chosen(tmp_path: Path) -> None:
    one = footage(tmp_path)
    observed = seen(tmp_path, 1, 2)
    one.observe(observed)
    assert observed.most_prominent is not None
    assert one.person == observed.most_prominent.person


def test_a_tab_without_footage_gets_the_latest_with_its_observation(tmp_path: Path) -> None:
    session = Session(tmp_path)
    assert not session.carry("verification")
    session.put("enrollment", footage(tmp_path))
    session.latest = "enrollment"
    session.tabs["enrollment"].observe(seen(tmp_path, 1))
    session.tabs["enrollment"].dropped.add("x")
    assert session.carry("verification")
    taken = session.footage("verification")
    assert taken.observed is session.footage("enrollment").observed
    assert taken.dropped == set()
    assert not session.carry("verification")
    with pytest.raises(InvalidInput):
        session.footage("elsewhere")


def test_an_observation_of_other_frames_is_refused_and_never_given_out(tmp_path: Path) -> None:
    one, observed = footage(tmp_path), seen(tmp_path, 1)
    one.choose_frames(0, 50)  # while the job for 0–99 runs
    with pytest.raises(InvalidInput, match="frames were changed while they were read"):
        one.observe(observed)
    assert one.observed is None
    one.choose_frames(0, 99)
    assert one.observe(observed) is one.observed is observed
    one.last = 50  # past every method
    assert one.observed is None


def test_an_observation_of_another_clip_or_word_on_damage_is_refused(tmp_path: Path) -> None:
    one, observed = footage(tmp_path), seen(tmp_path, 1)
    one.info = video_info(digest="cd" * 32)
    with pytest.raises(InvalidInput, match="changed"):
        one.observe(observed)
    one.info = video_info()
    one.accept(True)
    with pytest.raises(InvalidInput, match="changed"):
        one.observe(observed)
    one.accept(False)
    one.observe(observed)
    one.accept(True)
    assert one.observed is None


def test_a_replaced_clip_takes_its_work_and_answers_along(tmp_path: Path) -> None:
    session = Session(tmp_path)
    one, observed = footage(tmp_path), seen(tmp_path, 1)
    session.put("verification", one)
    one.observe(observed)
    session.answered = True
    one.check_wanted()
    assert session.put("verification", footage(tmp_path)) is one
    assert one.observed is None
    assert not session.answered
    for late in (one.check_wanted, lambda: one.observe(observed)):
        with pytest.raises(InvalidInput, match="replaced while it was read"):
            late()
    with pytest.raises(TypeError):
        session.tabs["verification"] = one  # type: ignore[index]


def test_choices_stay_when_cleared_crops_are_read_again(tmp_path: Path) -> None:
    one = footage(tmp_path)
    one.observe(seen(tmp_path / "first", 1, 2))
    one.person, one.picked, one.dropped = 2, True, {"00000000_02.jpg"}
    shutil.rmtree(tmp_path / "first")
    assert one.observed is not None
    assert one.readable is None
    again = one.observe(seen(tmp_path / "second", 1, 2))
    assert one.readable is again
    assert (one.person, one.picked, one.dropped) == (2, True, {"00000000_02.jpg"})
    one.observe(seen(tmp_path / "third", 1))
    assert (one.person, one.picked, one.dropped) == (1, False, set())


def test_looking_at_every_frame_forgets_what_was_observed_otherwise(tmp_path: Path) -> None:
    one = footage(tmp_path)
    sparse = dataclasses.replace(seen(tmp_path, 1), looks=LookCounts(50, 50))
    one.observe(sparse)
    one.accept(False)
    assert one.observed is sparse
    one.accept(False, thorough=True)
    assert one.observed is None
    with pytest.raises(InvalidInput):
        one.observe(sparse)
    one.observe(seen(tmp_path, 1))
    one.accept(False)
    assert one.observed is None
