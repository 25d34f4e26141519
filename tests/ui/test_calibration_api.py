"""The endpoints for calibration, by Gradio's own client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import Decision, NewReference, NewVerdict, ProbeRecord, Template, VerdictWord
from biometric.gallery.repository import SQLiteGallery
from tests.ui.scenery import CoatEmbedder
from tests.ui.serving import Server

gradio_client = pytest.importorskip("gradio_client")


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Iterator[Any]:
    client = gradio_client.Client(server.url, verbose=False, download_files=str(tmp_path))
    yield client
    client.close()


@pytest.fixture(scope="module")
def crowd(server: Server) -> SQLiteGallery:
    """A gallery inside the configured one: 30 people who look nothing like each other."""
    gallery = SQLiteGallery(server.root / "gallery" / "crowd")
    for number in range(30):
        vector = np.zeros(CoatEmbedder.dimension, np.float32)
        vector[number // 2] = 1.0 if number % 2 else -1.0
        template = Template(vector, CoatEmbedder.model_id, 1)
        gallery.enroll(f"Person {number:02d}", NewReference(template, (), f"{number:064x}", "x.mp4", 0, 9))
    return gallery


def judge(gallery: SQLiteGallery, name: str, word: VerdictWord, score: float) -> None:
    identity = gallery.find(name)
    [reference] = gallery.references(identity.id)
    vector = np.full(CoatEmbedder.dimension, CoatEmbedder.dimension**-0.5, np.float32)
    vector[0] *= 1 if word is VerdictWord.WRONG else -1
    places = np.arange(3, dtype=np.int32), np.zeros(3, np.int32), np.tile(np.float32([0, 0, 10, 20]), (3, 1))
    template = Template(vector, CoatEmbedder.model_id, 1)
    probe = ProbeRecord(f"{int(score * 1000) + 99:064x}", "probe.mp4", 1, *places, template)
    said = NewVerdict(word, identity.id, reference.id, probe, "identification", score, 0.5, Decision.IDENTIFIED)
    gallery.save_verdict(said)


def test_thresholds_are_proposed_consented_to_used_and_given_up(
    client: Any, crowd: SQLiteGallery, clips: dict[str, Path]
) -> None:
    here = {"gallery": "crowd"}
    card = client.predict(**here, api_name="/calibration")
    assert (card["in_force"], card["verification"]["threshold"]) == (None, 0.514)
    assert card["verification"]["threshold_source"] == "model card"
    assert card["identification"]["verdicts"]["confirmed"] is None

    asked = {"target_fmr": "possible", **here}
    proposed = client.predict(dry_run=True, **asked, api_name="/calibrate")
    assert proposed["possible"]["verification"]["one_in"] == 145
    assert proposed["proposal"]["verification"]["value"] == 0.001
    assert any("0.001, is below the model card's, 0.514" in note for note in proposed["notes"])
    with pytest.raises(gradio_client.exceptions.AppError, match=r"below the model card.*Say so with force=true"):
        client.predict(**asked, api_name="/calibrate")
    assert client.predict(**here, api_name="/calibrations") == []

    used = client.predict(force=True, **asked, api_name="/calibrate")
    assert (used["people"], used["change"]["kind"]) == (30, "calibrated")
    judge(crowd, "Person 01", VerdictWord.CONFIRMED, 0.7)
    judge(crowd, "Person 02", VerdictWord.WRONG, 0.6)
    status = client.predict(**here, api_name="/calibration")
    assert (status["in_force"]["number"], status["verification"]["threshold"]) == (1, 0.001)
    said = status["identification"]["verdicts"]
    assert said["selected"] is True
    assert (said["confirmed"]["answers"], said["confirmed"]["lowest_score"], said["confirmed"]["missed"]) == (1, 0.7, 0)
    assert (said["wrong"]["reaching"], said["wrong"]["clear_threshold"]) == (1, 0.601)
    assert "From 0.601 on, none of the wrong answers would have been named." in said["warnings"][0]

    with_clip = client.predict(
        clips=[gradio_client.handle_file(clips["three"])], dry_run=True, target_fmr=0.01, **here, api_name="/calibrate"
    )
    assert with_clip["clips"] == 1
    upload = gradio_client.handle_file(clips["three"])
    for camera, words in (("x" * 101, "at most 100 characters"), (7, "must be text")):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            client.predict(clips=[upload], cameras=[camera], dry_run=True, **here, api_name="/calibrate")
    named = client.predict(
        clips=[upload], cameras=["Door"], dry_run=True, target_fmr=0.01, **here, api_name="/calibrate"
    )
    assert named["proposal"]["report"]["chosen"] == {"kind": "none", "id": ""}
    assert client.predict(**here, api_name="/use_calibration")["kind"] == "card_chosen"
    with pytest.raises(gradio_client.exceptions.AppError, match=r"Say so with force=true"):
        client.predict(number=1, **here, api_name="/use_calibration")
    assert client.predict(number=1, force=True, **here, api_name="/use_calibration")["kind"] == "calibration_chosen"
    [listed] = client.predict(**here, api_name="/calibrations")
    assert (listed["number"], listed["in_force"]) == (1, True)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "words"),
    [
        ("/calibrate", {"target_fmr": "best"}, "must be a rate above 0"),
        ("/calibrate", {"target_fmr": True}, "must be a rate above 0"),
        ("/calibrate", {"target_fmr": 2}, "above 0 and at most 0.5"),
        ("/calibrate", {"clips": "all"}, "could not be understood"),
        ("/calibrate", {"clips": [{"path": "/etc/passwd"}]}, "uploaded file"),
        ("/calibrate", {"clips": [1]}, "could not be understood|There is no clip"),
        ("/calibrate", {"clips": 5, "cameras": ["door"]}, "could not be understood"),
        ("/calibrate", {"cameras": ["door"]}, "as many cameras as clips"),
        ("/calibrate", {"cameras": "door"}, "as many cameras as clips"),
        ("/calibrate", {"gallery": "/etc"}, "leads outside"),
        ("/calibrate", {"keep_cohort": 0}, "kept for 1 to 365 days"),
        ("/calibrate", {"keep_cohort": "30"}, "kept for 1 to 365 days"),
        ("/delete_cohorts", {}, "No cohort of strangers is kept"),
        ("/delete_cohorts", {"gallery": "/etc"}, "leads outside"),
        ("/calibration", {"gallery": "../.."}, "leads outside"),
        ("/use_calibration", {"number": "one"}, "must be a whole number"),
        ("/use_calibration", {"number": 99}, "There is no calibration 99"),
    ],
)
def test_promise_4_what_callers_send_is_checked(
    client: Any, crowd: SQLiteGallery, endpoint: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        client.predict(**{"gallery": "crowd", **arguments}, api_name=endpoint)
