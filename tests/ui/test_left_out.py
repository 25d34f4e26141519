"""Where one person alone can be enrolled of several who were seen, enrolling says so, and why."""

from pathlib import Path

from biometric.ui.contact_sheets import left_out
from tests.builders import axis, observed_clip, person


def test_who_cannot_be_enrolled_is_told_with_the_reason(tmp_path: Path) -> None:
    others = [person(number, tmp_path, None) for number in range(2, 7)]
    told = left_out(observed_clip(tmp_path, person(1, tmp_path, axis(1)), *others))
    assert "Only person 1 of these frames can be enrolled" in told
    assert "Person 2: 0 of 4 samples kept: " in told
    assert "2 people more" in told


def test_nothing_is_told_of_one_person_or_of_a_choice(tmp_path: Path) -> None:
    one, two, unseen = person(1, tmp_path, axis(1)), person(2, tmp_path, axis(2)), person(3, tmp_path, None)
    assert left_out(observed_clip(tmp_path, one)) == ""
    assert left_out(observed_clip(tmp_path, one, two, unseen)) == ""
    assert left_out(observed_clip(tmp_path, unseen)) == ""
