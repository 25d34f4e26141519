"""Real weights on real clips: the journeys that the product exists for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from biometric.entities import Decision
from tests.lawful import ENROLL_OPTIONS

pytestmark = pytest.mark.real

PROJECT = Path(__file__).parent.parent.parent


def test_people_who_come_one_by_one(service, observe, shared: Path) -> None:
    clip = shared / "clips" / "one-by-one.mp4"
    for name, first, last in (("A", 63, 130), ("B", 231, 340)):
        enrollment = service.enroll(observe(clip, first, last), name)
        assert enrollment.people == 1
        assert enrollment.reference.template.sample_count >= 4
        assert enrollment.lookalikes == ()

    match = service.verify(observe(clip, 131, 190), "A")
    assert match.decision is Decision.MATCH
    assert match.score > 0.8
    assert match.margin > 0.3

    stranger = service.verify(observe(clip, 341, 390), "A")
    assert stranger.decision is Decision.NO_MATCH
    assert stranger.score < 0.5

    found = [item for item in service.identify(observe(clip)) if item.score is not None]
    named = {item.identity.name: item for item in found if item.identity is not None}
    assert sorted(named) == ["A", "B"]
    for name, first, last in (("A", 63, 190), ("B", 231, 447)):
        track = named[name].observation.tracklet
        assert abs(track.first_frame - first) <= 10
        assert abs(track.last_frame - last) <= 10
    unknown = [item for item in found if item.identity is None]
    assert len(unknown) == 1
    assert abs(unknown[0].observation.tracklet.first_frame - 507) <= 10
    assert abs(unknown[0].observation.tracklet.last_frame - 696) <= 10
    assert unknown[0].margin is not None


def test_promise_15_the_same_clip_gives_the_same_answer(service, observe, shared: Path) -> None:
    clip = shared / "clips" / "one-by-one.mp4"
    first = observe(clip, 63, 130)
    service.forget_observations()
    second = observe(clip, 63, 130)
    assert first.observations[0].template is not second.observations[0].template
    cosine = float(first.observations[0].template.vector @ second.observations[0].template.vector)
    assert cosine > 0.99999
    frames = [sample.detection.frame_index for sample in first.observations[0].kept]
    assert frames == [sample.detection.frame_index for sample in second.observations[0].kept]


def test_a_person_of_a_busy_street_is_found_again(service, observe, shared: Path, tmp_path: Path) -> None:
    clip = shared / "clips" / "street.mp4"
    gallery = tmp_path / "street"
    early, late = observe(clip, 0, 156), observe(clip, 157, 313)
    # Somebody who came back near the end is seen too briefly after it.
    staying = [item for item in early.usable if item.tracklet.last_frame >= 150 and len(item.stretches) == 1]
    chosen = max(staying, key=lambda item: item.prominence)
    service.enroll(early, "Passer-by", chosen.person, gallery=gallery)
    before = service.identify(early, gallery=gallery)
    assert [item.observation.person for item in before if item.identity is not None] == [chosen.person]

    after = service.identify(late, gallery=gallery)
    found = [item for item in after if item.identity is not None]
    assert found, "the enrolled person is somewhere in the second half"
    best = max(found, key=lambda item: item.score)
    # The same person walks on: where the first half left them, the second half takes them up.
    last = chosen.tracklet.detections[-1]
    start = best.observation.tracklet.detections[0]
    overlap = min(last.box[2], start.box[2]) - max(last.box[0], start.box[0])
    assert overlap > 0.5 * min(last.width, start.width)


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "biometric", *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "SIGHTLINE_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_journey(shared: Path, tmp_path: Path) -> None:
    clip = shared / "clips" / "one-by-one.mp4"
    gallery, query = tmp_path / "gallery", tmp_path / "query"
    environment = {"SIGHTLINE_MODELS": str(shared / "models"), "SIGHTLINE_TEMP": str(tmp_path / "temp")}

    def sightline(*arguments: object) -> subprocess.CompletedProcess[str]:
        return run(*arguments, "--gallery", gallery, "--json", **environment)

    done = sightline("enroll", clip, "Ada", "--from", 63, "--to", 130, *ENROLL_OPTIONS)
    assert done.returncode == 0, done.stderr
    enrolled = json.loads(done.stdout)
    assert (enrolled["identity"], enrolled["person"], enrolled["people"]) == ("Ada", 1, 1)
    assert set(enrolled) == {
        "identity", "reference", "person", "people", "samples_kept", "samples_refused",
        "samples_refused_count", "warnings", "warning_codes", "change",
        "stretches", "tracks", "link_score", "perhaps_same", "edits", "camera", "picture_detail", "frames", "basis",
    }  # fmt: skip

    match = sightline("verify", clip, "Ada", "--from", 131, "--to", 190)
    assert match.returncode == 0, match.stderr
    assert json.loads(match.stdout)["decision"] == "match"
    no_match = sightline("verify", clip, "Ada", "--from", 341, "--to", 380)
    assert no_match.returncode == 1
    assert json.loads(no_match.stdout)["decision"] == "no match"

    identified = sightline("identify", clip, "--from", 150, "--to", 280, "--query", query)
    assert identified.returncode == 0, identified.stderr
    result = json.loads(identified.stdout)
    assert [(item["decision"], item["identity"]) for item in result["people"]] == [
        ("identified", "Ada"),
        ("unknown", None),
    ]
    for path in result["outputs"].values():
        assert Path(path).stat().st_size > 0
        assert Path(path).is_relative_to(query)

    wrong = sightline("verify", clip, "Bob", "--from", 131, "--to", 190)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Bob" in wrong.stderr
    assert "Traceback" not in wrong.stderr
