"""Real people who leave the picture and come back, with the recommended weights and with the starters."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric.bootstrap import build
from biometric.domain.conflicts import frames_apart
from biometric.entities import FrameRange
from biometric.entities.progress import finish
from biometric.service import Sightline
from biometric.settings import Settings
from tests.e2e.test_identity_switches import compose

pytestmark = pytest.mark.real

FIRST, SECOND, NOBODY = [*range(80, 110)], [*range(320, 350)], [*range(205, 225)]
AGAIN = [*range(140, 170)]


@pytest.fixture(scope="module", params=["omz-0286", "starter-embedder-2"])
def embedder(request: pytest.FixtureRequest, shared: Path, tmp_path_factory) -> Iterator[Sightline]:
    folder = tmp_path_factory.mktemp("returning")
    settings = Settings(data=folder, models=shared / "models", embedder=request.param, offline=True, device="cpu")
    service = build(settings)
    yield service
    service.close()


def test_somebody_who_comes_back_is_counted_once(embedder: Sightline, shared: Path, tmp_path: Path) -> None:
    frames = [*FIRST, *NOBODY, *SECOND, *NOBODY, *AGAIN]
    compose(shared / "clips" / "one-by-one.mp4", tmp_path / "clip.mp4", frames)
    observed = finish(embedder.observe(tmp_path / "clip.mp4"))
    assert len(observed.usable) == 2
    first, second = observed.usable
    assert [len(one.stretches) for one in (first, second)] == [2, 1]
    shown = {frames[item.frame_index] for item in first.tracklet.detections}
    assert shown <= {*FIRST, *AGAIN}
    assert shown & {*FIRST}
    assert shown & {*AGAIN}
    assert {frames[item.frame_index] for item in second.tracklet.detections} <= {*SECOND}


def test_on_a_busy_street_who_returns_is_linked_and_nobody_else(embedder: Sightline, shared: Path) -> None:
    observed = finish(embedder.observe(shared / "clips" / "street.mp4", FrameRange.inclusive(0, 170)))
    returning = [one for one in observed.observations if len(one.stretches) > 1]
    limits = embedder.models.link_scores()
    assert len(returning) >= 3
    seen = [[(item.first_frame, item.last_frame) for item in one.stretches] for one in returning]
    assert any(abs(first[1] - 33) <= 6 and abs(last[0] - 114) <= 6 for first, last, *_ in seen), "she passes a pillar"
    for one in observed.observations:
        assert one.link_score is None or one.link_score >= limits.perhaps
        for first in one.linked:
            assert all(
                not frames_apart(first.observation.tracklet, other.observation.tracklet)
                for other in one.linked
                if other is not first
            )
    templates = np.stack([one.template.vector for one in observed.usable if one.template is not None])
    assert len(templates) <= 31, "35 tracks"
