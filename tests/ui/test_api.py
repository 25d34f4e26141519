"""The named endpoints, by Gradio's own client and by the description that they give of themselves."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.clips.footage_reading import FootageReader
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from tests.lawful import TEST_BASIS
from tests.made_footage import footage, identification
from tests.made_sightings import analysis, clip_digest, person
from tests.ui.serving import Server, serving

gradio_client = pytest.importorskip("gradio_client")
LIBRARY = {"/library", "/library_show", "/library_remove", "/library_history"}
SIGHTINGS = {"/sightings", "/similar_sightings", "/last_seen", "/sightings_remove"}
VERDICTS = {"/record_verdict", "/verdicts", "/remove_verdict"}
CALIBRATION = {"/calibrate", "/calibration", "/calibrations", "/use_calibration", "/delete_cohorts"}
ENDPOINTS = {
    *("/retention", "/set_retention", "/hold", "/release", "/subject_report"),
    "/enroll",
    "/verify",
    "/identify",
    "/redact",
    "/identities",
    "/set_camera",
    *LIBRARY,
    *SIGHTINGS,
    *VERDICTS,
    *CALIBRATION,
}


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    client = gradio_client.Client(server.url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    yield client
    client.close()


def test_enroll_verify_identify_and_list(client: Any, clips: dict[str, Path], server: Server) -> None:
    file = gradio_client.handle_file
    enrolled = client.predict(clip=file(clips["one"]), name="Ada Lovelace", api_name="/enroll")
    assert enrolled["identity"] == "Ada Lovelace"
    assert enrolled["samples_kept"] == 6
    assert enrolled["people"] == 1
    assert (enrolled["frames"]["analysed"], enrolled["frames"]["looked"]) == (40, 40)

    verified = client.predict(clip=file(clips["again"]), name="Ada Lovelace", api_name="/verify")
    assert verified["decision"] == "match"
    assert verified["threshold_source"] == "model card"
    denied = client.predict(clip=file(clips["other"]), name="ada lovelace", threshold=0.5, api_name="/verify")
    assert denied["decision"] == "no match"
    assert denied["threshold_source"] == "set by you"

    found = client.predict(
        clip=file(clips["three"]), from_frame=20, to_frame=39, write_files=True, api_name="/identify"
    )
    assert [one["decision"] for one in found["people"]] == ["identified", "unknown", "unknown"]
    assert all(20 <= one["from"] <= one["to"] <= 39 for one in found["people"])
    assert all("/" not in (name or "") for name in found["outputs"].values()), "no folder of the server"
    assert list((server.root / "query").glob(f"*/{found['outputs']['csv']}"))

    listed = client.predict(api_name="/identities")
    assert [one["identity"] for one in listed] == ["Ada Lovelace"]


def test_a_clip_is_written_with_people_hidden(client: Any, clips: dict[str, Path], server: Server) -> None:
    upload = gradio_client.handle_file(clips["three"])
    client.predict(clip=gradio_client.handle_file(clips["one"]), name="Kept", add=True, force=True, api_name="/enroll")
    hidden = client.predict(clip=upload, keep=["Kept"], from_frame=20, to_frame=29, api_name="/redact")
    assert (hidden["hidden"], hidden["names"], hidden["method"]) == ("everybody but", ["Kept"], "box")
    assert (hidden["from"], hidden["to"], hidden["remaining"]) == (20, 29, [])
    assert hidden["file"] == "00000020-00000029-hidden.mp4", "no folder of the server"
    [file] = (server.root / "query").glob(f"*/{hidden['file']}")
    assert FootageReader().probe(file).frame_count == 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"keep": "Kept"}, "Names are given as a list|could not be understood"),
        ({"keep": [1]}, "Names are given as a list"),
        ({"keep": ["Kept"], "hide": ["Kept"]}, "Choose one"),
        ({"hide": ["Nobody of this name"]}, "Nobody of this name"),
        ({"method": "fog"}, "Choose one of blur, pixels, box, silhouette"),
        ({"strength": 25}, "Say which method"),
        ({"method": "blur", "strength": "much"}, "must be a whole number"),
        ({"margin": "wide"}, "must be a number"),
        ({"from_frame": 9, "to_frame": 3}, "comes after"),
        ({"gallery": "/etc"}, "leads outside"),
    ],
)
def test_promise_4_what_is_asked_of_redaction_is_checked(
    client: Any, clips: dict[str, Path], arguments: dict[str, Any], words: str
) -> None:
    client.predict(clip=gradio_client.handle_file(clips["one"]), name="Kept", add=True, force=True, api_name="/enroll")
    with pytest.raises(Exception, match=words):
        client.predict(clip=gradio_client.handle_file(clips["three"]), **arguments, api_name="/redact")


def test_a_verdict_is_recorded_followed_listed_and_taken_back(client: Any, clips: dict[str, Path]) -> None:
    file = gradio_client.handle_file
    client.predict(clip=file(clips["one"]), name="Judged", add=True, force=True, api_name="/enroll")
    claim = {"clip": file(clips["again"]), "name": "Judged"}
    given = client.predict(verdict="wrong", claim=True, **claim, api_name="/record_verdict")
    assert (given["verdict"], given["identity"], given["purpose"]) == ("wrong", "Judged", "verification")
    denied = client.predict(**claim, api_name="/verify")
    assert (denied["decision"], denied["excluded"], denied["score"] > denied["threshold"]) == (
        *("no match", ["Judged"], True),
    )
    found = client.predict(clip=file(clips["again"]), from_frame=10, api_name="/identify")
    assert "Judged" not in [candidate["identity"] for candidate in found["people"][0]["candidates"]]
    assert [item["id"] for item in client.predict(api_name="/verdicts")] == [given["id"]]
    for words in ({"verdict": "perhaps"}, {"verdict": "wrong", "name": "Nobody"}, {"verdict": "wrong", "person": 9}):
        with pytest.raises(Exception, match=r"wrong or undecided|Nobody called|no person 9"):
            client.predict(clip=file(clips["again"]), **words, api_name="/record_verdict")
    assert client.predict(verdict=given["id"], api_name="/remove_verdict")["kind"] == "verdict_withdrawn"
    with pytest.raises(Exception, match="There is no verdict"):
        client.predict(verdict=given["id"], api_name="/remove_verdict")
    assert client.predict(**claim, api_name="/verify")["decision"] == "match"


def test_people_are_joined_and_split_before_the_answer(client: Any, clips: dict[str, Path]) -> None:
    clip = {"clip": gradio_client.handle_file(clips["three"])}
    split = {"edit": "split", "person": 1, "frame": 20}
    enrolled = client.predict(**clip, name="Half", person=4, edits=[split], api_name="/enroll")
    assert 0 < enrolled["samples_kept"] < 8
    assert enrolled["edits"] == [{**split, "other": 4}]
    found = client.predict(**clip, edits=enrolled["edits"], api_name="/identify")
    assert [(one["person"], one["from"], one["to"]) for one in found["people"]][::3] == [(1, 0, 19), (4, 20, 39)]
    assert found["edits"] == enrolled["edits"]
    back = [*found["edits"], {"edit": "join", "people": [1, 4]}]
    assert client.predict(**clip, name="Half", person=1, edits=back, api_name="/verify")["edits"][1]["person"] == 1
    apart = [*back, {"edit": "split_tracks", "person": 1}]
    assert client.predict(**clip, edits=apart, api_name="/identify")["edits"][2]["others"] == [4]
    judged = client.predict(**clip, verdict="confirmed", person=4, edits=[split], api_name="/record_verdict")
    assert judged["from"] == 20
    for edits, words in (
        ([{"edit": "join", "people": [1, 2]}], "are two people"),
        ([split, {**split, "frame": 30}], "at frame 30"),
        ([split, {**split, "person": 2}, {"edit": "join", "people": [2, 4]}], "say so with .*force.*true"),
        ([{"edit": "split_tracks", "person": 1}], "is one track"),
        ("join 1,2", "must be a list"),
        ([{"edit": "merge", "people": [1, 2]}], "An edit is"),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            client.predict(**clip, edits=edits, api_name="/identify")


def test_a_camera_is_stored_with_the_reference(client: Any, clips: dict[str, Path]) -> None:
    file = gradio_client.handle_file
    enrolled = client.predict(clip=file(clips["one"]), name="Grace", camera=" Back  door ", api_name="/enroll")
    assert enrolled["camera"] == "Back door"
    with pytest.raises(gradio_client.exceptions.AppError, match=f"/set_camera .* {enrolled['reference']}"):
        client.predict(clip=file(clips["one"]), name="Grace", camera="Yard", api_name="/enroll")
    change = client.predict(reference=enrolled["reference"], camera="Yard", api_name="/set_camera")
    assert (change["kind"], change["identities"]) == ("camera_named", ["Grace"])
    for values, words in (
        ({"reference": enrolled["reference"], "camera": "Yard"}, "from that camera already"),
        ({"reference": "0" * 32, "camera": "Yard"}, "reference"),
        ({"reference": 7, "camera": "Yard"}, "must be text"),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            client.predict(**values, api_name="/set_camera")
    verified = client.predict(clip=file(clips["one"]), name="Grace", camera="Yard", api_name="/verify")
    assert verified["camera"] == "Yard"
    for camera in ("x" * 101, "a\x07b", 7):
        with pytest.raises(Exception, match="camera"):
            client.predict(clip=file(clips["one"]), camera=camera, api_name="/identify")


def test_a_clip_may_be_called_as_macos_calls_recordings(client: Any, clips: dict[str, Path], tmp_path: Path) -> None:
    clip = tmp_path / "Screen Recording 2026-11-27 at 9.41.00\u202fAM \u2764\ufe0f.mp4"
    clip.write_bytes(clips["one"].read_bytes())
    added = client.predict(clip=gradio_client.handle_file(clip), name="Ada Lovelace", add=True, api_name="/enroll")
    assert added["identity"] == "Ada Lovelace"


def test_a_name_that_exists_is_refused_until_it_is_said_that_it_is_the_same_person(
    client: Any, clips: dict[str, Path]
) -> None:
    def enroll(clip: str, **consent: bool) -> Any:
        return client.predict(clip=gradio_client.handle_file(clips[clip]), name="Twice", api_name="/enroll", **consent)

    enroll("one")
    alike, unlike = r"scores 1\.00 against.*add=true\.", r"scores only 0\.\d+ against.*add=true and force=true\."
    for clip, consent, words in (
        ("again", {}, alike),
        ("again", {"force": True}, alike),
        ("other", {}, unlike),
        ("other", {"add": True}, unlike),
        ("other", {"force": True}, unlike),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            enroll(clip, **consent)
    enroll("again", add=True)
    enroll("other", add=True, force=True)
    listed = {one["identity"]: one["references"] for one in client.predict(api_name="/identities")}
    assert listed["Twice"] == 3


@pytest.mark.parametrize(
    ("endpoint", "arguments", "words"),
    [
        ("/verify", {"name": "Ada Lovelace"}, "people are in frames"),
        ("/verify", {"name": "Nobody & Co", "person": 1}, "Nobody &amp; Co"),
        ("/enroll", {"name": "X", "person": 9}, "no person 9"),
        ("/enroll", {"name": "X", "from_frame": 30, "to_frame": 2}, "comes after"),
        ("/enroll", {"name": "X", "from_frame": 0, "to_frame": 4000}, "outside the clip"),
        ("/identify", {"threshold": 3.0}, "from -1 to 1"),
        ("/identify", {"query": "/etc"}, "leads outside"),
    ],
)
def test_errors_are_sentences(
    client: Any, clips: dict[str, Path], endpoint: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(gradio_client.exceptions.AppError, match=words):
        client.predict(clip=gradio_client.handle_file(clips["three"]), api_name=endpoint, **arguments)


def test_kept_footage_is_listed_shown_and_removed(client: Any, server: Server, tmp_path: Path) -> None:
    library = SQLiteFootageLibrary(server.root / "library", 7, 10**9)
    kept = library.keep(footage(tmp_path / "in", label="kept.mp4"), identification("a" * 32, None))
    assert kept is not None
    listed = client.predict(text="KEPT", api_name="/library")
    assert listed["total"] == 1
    assert listed["clips"] == [client.predict(clip=kept.clip_id, api_name="/library_show")]
    assert listed["clips"][0]["answers"][0]["text"].startswith("Identified 2 people")
    history = client.predict(kind="identification", api_name="/library_history")
    assert kept.id in [answer["answer"] for answer in history["answers"]]
    assert client.predict(clip=kept.clip_id, api_name="/library_remove")["name"] == "kept.mp4"
    for endpoint, arguments, words in (
        ("/library_remove", {"clip": kept.clip_id}, "no longer in the library"),
        ("/library_show", {"clip": "../../etc"}, "no longer in the library"),
        ("/library_history", {"kind": "gossip"}, "must be one of"),
        ("/library", {"limit": 0}, "from 1 to 1"),
        ("/library", {"offset": -1}, "0 or more"),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            client.predict(api_name=endpoint, **arguments)


def test_sightings_are_listed_compared_and_removed(client: Any, server: Server) -> None:
    gallery = SQLiteGallery(server.root / "gallery")
    gallery.set_default_basis(TEST_BASIS)
    digest = clip_digest(7)
    people = [person(1, 7, digest=digest), person(2, 8, digest=digest)]
    one, two = gallery.sightings.keep(analysis(7, people, camera="door"), 72)
    listed = client.predict(camera="door", unknown=True, since="2026-04-12 11:00+00:00", api_name="/sightings")
    assert (listed["total"], [item["sighting"] for item in listed["sightings"]]) == (2, [two.id, one.id])
    ranked = client.predict(sighting=one.id, api_name="/similar_sightings")
    assert (ranked["compared"], [item["sighting"] for item in ranked["sightings"]]) == (1, [two.id])
    assert "same person" in ranked["text"]
    for endpoint, arguments, words in (
        ("/sightings", {"since": "noon"}, "is no time"),
        ("/sightings", {"limit": 0}, "from 1 to 1"),
        ("/last_seen", {"name": "Nobody Here"}, "is enrolled"),
        ("/similar_sightings", {"sighting": "../../etc"}, "There is no sighting"),
        ("/similar_sightings", {"sighting": one.id, "least": 7}, "from -1 to 1"),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=words):
            client.predict(api_name=endpoint, **arguments)
    assert client.predict(sighting=one.id, api_name="/sightings_remove") == {"removed": 1}
    assert client.predict(sighting=two.id, api_name="/sightings_remove") == {"removed": 1}


def test_only_the_named_endpoints_are_described_each_parameter_in_words(server: Server) -> None:
    info = json.loads(urllib.request.urlopen(f"{server.url}/gradio_api/info").read())
    assert set(info["named_endpoints"]) == ENDPOINTS
    assert not info["unnamed_endpoints"]
    for name, endpoint in info["named_endpoints"].items():
        names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        assert len(names) == len(set(names))
        assert endpoint["description"], name
        needed = {"clip", "name", "verdict", "sighting"} if name != "/set_camera" else {"reference", "camera"}
        optional = [one for one in endpoint["parameters"] if one["parameter_name"] not in needed]
        assert all(one["parameter_has_default"] for one in optional), name
        for parameter in endpoint["parameters"]:
            assert parameter["parameter_name"] in json.dumps(endpoint), parameter


def test_a_call_can_ask_for_every_frame_to_be_looked_at(clips: dict[str, Path], tmp_path: Path) -> None:
    with serving(tmp_path / "data", skips=1) as server:
        client = gradio_client.Client(server.url, verbose=False)
        clip = gradio_client.handle_file(clips["one"])
        for words in (
            {"api_name": "/enroll", "name": "Ada"},
            {"api_name": "/verify", "name": "Ada"},
            {"api_name": "/identify"},
        ):
            add = {"add": True, "force": True} if words["api_name"] == "/enroll" else {}
            looked = [
                client.predict(clip=clip, **words, **how, **add)["frames"]["looked"] for how in ({}, {"thorough": True})
            ]
            assert looked[0] < looked[1] == 40
        client.close()
