"""The starter weights: a copy without network and without other weights does its job; and how well, on real footage."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric.bootstrap import build, make_demo
from biometric.cli import main
from biometric.entities import Frame, FrameRange, Vector
from biometric.entities.model_cards import Role
from biometric.entities.progress import finish
from biometric.gallery.repository import SQLiteGallery
from biometric.models.cards import read_manifest
from biometric.models.detection import STARTS_TRACK
from biometric.service import Sightline
from biometric.settings import Settings
from tests.conftest import PROJECT
from tests.made_galleries import reference

CARDS = {card.role: card for card in read_manifest(PROJECT / "models" / "manifest.toml") if card.starter}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose `models/` holds the manifest and the starter weights only; the network is off."""
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(PROJECT / "models" / "manifest.toml", models)
    for card in CARDS.values():
        shutil.copy(PROJECT / "models" / card.files[0].name, models)
    monkeypatch.setattr("biometric.locations.checkout", lambda: tmp_path)
    for name in ("MODELS", "DETECTOR", "EMBEDDER"):
        monkeypatch.delenv(f"SIGHTLINE_{name}", raising=False)
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    for name in ("GALLERY", "QUERY", "TEMP"):
        monkeypatch.setenv(f"SIGHTLINE_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def service(alone: Path) -> Iterator[Sightline]:
    made = build(Settings.from_environment(None, device="cpu"))
    yield made
    made.close()


def test_both_are_small_and_come_with_their_card() -> None:
    assert set(CARDS) == set(Role)
    for card, limit in ((CARDS[Role.DETECTOR], 6_000_000), (CARDS[Role.EMBEDDER], 12_000_000)):
        file = PROJECT / "models" / card.files[0].name
        assert file.stat().st_size == card.files[0].size <= limit
        text = file.with_suffix(".md").read_text("utf-8")
        for part in ("python -m biometric train", "licence", "Must not be used", "95 %"):
            assert part in text, (file.name, part)


def test_three_journeys_without_network_or_other_weights(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = {clip.path.stem: str(clip.path) for clip in make_demo(alone / "demo")}

    def command(status: int, *words: str) -> dict[str, object]:
        capsys.readouterr()
        assert main([*words, "--json"]) == status
        return json.loads(capsys.readouterr().out)

    command(0, "enroll", demo["visit-1-beige-coat"], "Beige Coat")
    command(0, "enroll", demo["visit-1-dark-coat"], "Dark Coat")
    command(0, "verify", demo["visit-2-beige-coat"], "Beige Coat")
    command(1, "verify", demo["visit-2-beige-coat"], "Dark Coat")
    found = json.dumps(command(0, "identify", demo["visit-2-everybody"]))
    assert "Beige Coat" in found
    assert "Dark Coat" in found
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "starter" in said
    assert "models fetch" in said


@pytest.mark.parametrize("named", [False, True])
def test_a_gallery_of_the_former_starter_is_refused(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """Also where the former starter is named, whose file is not there any more: never "unknown"."""
    SQLiteGallery(alone / "gallery").enroll("Ada", reference(alone / "crops", 1, "starter-embedder", 256))
    if named:
        monkeypatch.setenv("SIGHTLINE_EMBEDDER", "starter-embedder")
    clip = next(clip.path for clip in make_demo(alone / "demo"))
    capsys.readouterr()
    assert main(["identify", str(clip)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "holds templates of the model starter-embedder, not of starter-embedder-2" in said


INSIDE = ((78, 175), (246, 432), (522, 681))
"""Frames well inside the stays of A, B and C (a margin of 15 around entering and leaving)."""
OUTSIDE = ((0, 48), (205, 216), (462, 492), (711, 739))


@pytest.mark.real
def test_people_are_found_where_they_stand_and_nowhere_else(shared: Path, service: Sightline) -> None:
    clip, detector = shared / "clips" / "one-by-one.mp4", service.models.detector()

    def share(stretches: tuple[tuple[int, int], ...]) -> float:
        """Share of every third frame with somebody of a confidence that starts a track."""
        wanted = [index for first, last in stretches for index in range(first, last + 1, 3)]
        frames: list[Frame] = list(service.preview(clip, wanted).values())
        seen = [any(each.confidence >= STARTS_TRACK for each in found) for found in detector.detect(frames)]
        return float(np.mean(seen))

    assert share(INSIDE) >= 0.95
    assert share(OUTSIDE) <= 0.05


@pytest.mark.real
def test_three_people_never_learnt_from_are_told_apart(shared: Path, alone: Path) -> None:
    """With boxes of YOLOv8n: the starter detector's reach the upper edge where C's head nearly does."""
    settings = Settings.from_environment(
        None, models=shared / "models", detector="yolov8n-int8", embedder="starter-embedder-2", device="cpu"
    )
    service = build(settings)
    try:
        halves = halves_of_stays(service, shared / "clips" / "one-by-one.mp4")
    finally:
        service.close()
    same = min(float(halves[name, 0] @ halves[name, 1]) for name in "ABC")
    other = max(float(a @ b) for x, a in halves.items() for y, b in halves.items() if x[0] != y[0])
    assert same - other >= 0.2
    card = CARDS[Role.EMBEDDER]
    assert other < card.verification.value < same
    assert other < card.identification.value < same


def halves_of_stays(service: Sightline, clip: Path) -> dict[tuple[str, int], Vector]:
    """The template of each half of each stay."""
    halves = {}
    for name, (first, last) in zip("ABC", INSIDE, strict=True):
        middle = (first + last) // 2
        for half, frames in enumerate((FrameRange.inclusive(first, middle), FrameRange.inclusive(middle + 1, last))):
            (person,) = finish(service.observe(clip, frames)).usable
            assert person.template is not None
            halves[name, half] = person.template.vector
    return halves
