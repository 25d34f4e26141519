"""The service: ranges, repeats, thresholds, what it leaves behind, and what importing it loads."""

import dataclasses
from pathlib import Path

import pytest

from biometric.adapters import Adapters
from biometric.clips.crops import JpegCropStore
from biometric.entities import (
    Calibration,
    FitBasis,
    FittedThreshold,
    FrameRange,
    Histogram,
    LikelihoodRatio,
    Notice,
    NoticeCode,
    RateKind,
    Threshold,
    ThresholdSource,
)
from biometric.entities.progress import finish
from biometric.errors import (
    CalibrationRefused,
    ClipNotFound,
    DamagedClip,
    IdentityExists,
    InvalidCamera,
    InvalidFrameRange,
    InvalidThreshold,
    LooksDifferent,
)
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import describe_evidence, describe_origin
from biometric.ports import CropStore, SmallGreyOf
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from tests.builders import DAMAGED
from tests.fakes import (
    ColumnTracker,
    FakeCrops,
    FakeDetector,
    FakeEmbedder,
    FakeModels,
    FakeReader,
    FakeWriter,
    video_info,
)
from tests.fresh_interpreter import packages_loaded_by

BOX = (100.0, 100.0, 200.0, 350.0)


class ServiceSetup:
    """A service over fakes, with the fakes as attributes."""

    def __init__(
        self,
        folder: Path,
        reader: FakeReader | None = None,
        *,
        crops: CropStore | None = None,
        small_grey: SmallGreyOf | None = None,
        **settings: object,
    ) -> None:
        self.reader = reader or FakeReader()
        self.writer = FakeWriter()
        self.embedder = FakeEmbedder()
        script = {frame: [(BOX, 0.9)] for frame in range(1000)}
        self.models = FakeModels(FakeDetector(script), self.embedder)
        self.clip = folder / "clip.mp4"
        self.clip.write_bytes(b"clip")
        self.workspace = folder / "work"
        values = {**{name: folder / name for name in ("gallery", "query", "temp")}, **settings}
        adapters = Adapters(
            self.reader,
            self.writer,
            crops or FakeCrops(),
            self.models,
            ColumnTracker,
            lambda image: 1.0,
            OutputWriter(self.reader, self.writer, PillowAnnotator()),
            SQLiteGallery,
            lambda: SQLiteFootageLibrary(folder / "library", 7, 10**9),
            small_grey,
        )
        self.service = Sightline(Settings(**values), adapters, self.workspace)  # type: ignore[arg-type]

    def observe(self, first: int = 0, last: int = 99, **options):
        work = self.service.observe(self.clip, FrameRange.inclusive(first, last), **options)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                return finished.value


@pytest.fixture
def setup(tmp_path: Path):
    setup = ServiceSetup(tmp_path)
    yield setup
    setup.service.close()


def test_importing_the_service_loads_no_vendor_library() -> None:
    heavy = ("gradio", "torch", "cv2", "faiss", "ultralytics", "openvino", "av", "PIL", "sklearn")
    assert packages_loaded_by("import biometric.service, biometric.settings", heavy) == set()


def test_building_the_app_loads_no_model_library(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from biometric.bootstrap import build;"
        "from biometric.settings import Settings;"
        f"build(Settings(temp=Path({str(tmp_path)!r})))"
    )
    assert packages_loaded_by(code, ("gradio", "torch", "faiss", "ultralytics", "openvino")) == set()


def test_observing_again_runs_no_model_and_reads_no_frame(setup: ServiceSetup) -> None:
    first = setup.observe()
    reads, batches = setup.reader.reads, len(setup.embedder.batches)
    again = setup.observe(label="holiday.mp4")
    assert (setup.reader.reads, len(setup.embedder.batches)) == (reads, batches)
    assert again.observations == first.observations
    assert again.label == "holiday.mp4"
    setup.observe(0, 50)
    assert setup.reader.reads == reads + 1


def test_a_camera_is_as_given_else_as_the_library_or_the_file_says(setup: ServiceSetup) -> None:
    setup.reader.info = dataclasses.replace(setup.reader.info, camera="Acme One")
    observed = setup.observe()
    assert (observed.camera, observed.camera_given) == ("Acme One", False)
    named = setup.observe(camera="  Back   door ")
    assert (named.camera, named.camera_given) == ("Back door", True)
    assert setup.observe(camera="").camera == ""
    assert setup.service.enroll(named, "Ada").reference.camera == "Back door"
    assert setup.service.gallery().cameras() == ["Back door"]
    [person] = setup.service.identify(named)
    kept = setup.service.library.keep(named, [person])
    assert kept is not None
    assert setup.service.library.clip(kept.clip_id).camera == "Back door"
    assert setup.observe().camera == setup.observe(0, 50).camera == "Back door"
    assert setup.service.library.observation(kept).camera == "Back door"


def test_a_camera_that_cannot_be_used_is_refused_before_any_work(setup: ServiceSetup) -> None:
    for camera in ("x" * 101, "a\x07b"):
        with pytest.raises(InvalidCamera):
            setup.observe(camera=camera)
    assert setup.reader.reads == 0


def test_a_label_is_text_whatever_the_file_is_called(setup: ServiceSetup) -> None:
    clip = setup.clip.rename(setup.clip.with_name("caf\udce9\n9.41\u202fAM.mp4"))
    setup.clip = clip
    observed = setup.observe()
    assert (observed.label, observed.path) == ("caf??9.41\u202fAM.mp4", clip)
    assert setup.service.enroll(observed, "Ada").reference.clip_name == "caf??9.41\u202fAM.mp4"


def test_deciding_again_with_another_threshold_runs_no_model(setup: ServiceSetup) -> None:
    observed = setup.observe()
    setup.service.enroll(observed, "Ada")
    batches = len(setup.embedder.batches)
    for value in (0.0, 0.5, 1.0):
        setup.service.identify(observed, threshold=value)
        setup.service.verify(observed, "Ada", threshold=value)
    assert (setup.reader.reads, len(setup.embedder.batches)) == (1, batches)


def test_the_analysis_rate_sets_the_step(tmp_path: Path) -> None:
    for fps, rate, step in ((30.0, 10.0, 3), (29.97, 10.0, 3), (10.0, 10.0, 1), (5.0, 10.0, 1), (60.0, 0.0, 1)):
        folder = tmp_path / f"{fps}-{rate}"
        folder.mkdir()
        setup = ServiceSetup(folder, FakeReader(video_info(fps=fps)), analysis_fps=rate)
        assert setup.observe(10, 39).frames.step == step
        assert setup.reader.indices == list(range(10, 40, step))
        setup.service.close()


def test_grey_footage_is_a_warning_also_when_it_was_observed_before(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path, FakeReader(grey=True))
    try:
        for _ in range(2):
            assert [warning.code for warning in setup.observe(0, 50).warnings] == [NoticeCode.GREY_FOOTAGE]
        assert setup.reader.reads == 1
    finally:
        setup.service.close()


@pytest.mark.parametrize(
    ("enrolled_is_grey", "probe_is_grey", "code"),
    [
        (True, False, NoticeCode.REFERENCE_WITHOUT_COLOUR),
        (False, True, NoticeCode.PROBE_WITHOUT_COLOUR),
        (True, True, None),
        (False, False, None),
    ],
)
def test_colour_on_one_side_only_is_a_warning_of_the_answer(
    tmp_path: Path, enrolled_is_grey: bool, probe_is_grey: bool, code: NoticeCode | None
) -> None:
    setup = ServiceSetup(tmp_path, FakeReader(grey=enrolled_is_grey), crops=JpegCropStore())
    setup.reader.blue = (150, 0, 640, 480)
    try:
        setup.service.enroll(setup.observe(0, 40), "Ada")
        setup.reader.grey = probe_is_grey
        observed, codes = setup.observe(50, 90), [] if code is None else [code]
        for limit in (0.1, 1.0):
            verification = setup.service.verify(observed, "Ada", threshold=limit)
            (identification,) = setup.service.identify(observed, threshold=limit)
            assert [notice.code for notice in verification.warnings] == codes
            assert [notice.code for notice in identification.warnings] == codes
        (identity,) = setup.service.gallery().identities()
        for crop in setup.service.gallery().references(identity.id)[0].crops:
            crop.unlink()
        setup.service.verify(observed, "Ada")  # remembered, and no pictures are no failure
    finally:
        setup.service.close()


def test_a_reference_whose_pictures_are_gone_gets_no_word_on_colour(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path, crops=JpegCropStore())
    try:
        reference = setup.service.enroll(setup.observe(0, 40), "Ada").reference
        for crop in reference.crops:
            crop.unlink()
        assert setup.service.verify(setup.observe(50, 90), "Ada").warnings == ()
    finally:
        setup.service.close()


def test_ranges_outside_the_clip_are_refused_with_its_length(setup: ServiceSetup) -> None:
    with pytest.raises(InvalidFrameRange, match=r"100 frames \(0–99\)"):
        setup.observe(50, 100)
    with pytest.raises(InvalidFrameRange, match="From frame 60 comes after To frame 50"):
        setup.observe(60, 50)
    with pytest.raises(InvalidFrameRange, match="0 or more"):
        setup.observe(-1, 50)


def test_a_missing_clip_is_said_to_be_missing(setup: ServiceSetup) -> None:
    setup.clip.unlink()
    with pytest.raises(ClipNotFound):
        setup.observe()


def test_promise_12_a_damaged_clip_is_read_as_far_as_it_goes_only_when_accepted(tmp_path: Path) -> None:
    info = video_info(frame_count=78, claimed_frames=200, damage=DAMAGED)
    setup = ServiceSetup(tmp_path, FakeReader(info))
    with pytest.raises(DamagedClip, match="the last readable one is 77") as caught:
        setup.observe(0, 199)
    assert caught.value.damage == DAMAGED
    accepted = setup.observe(0, 199, accept_damaged=True)
    assert accepted.frames.stop == 78
    assert DAMAGED in accepted.warnings
    assert setup.observe(0, 50).warnings == (DAMAGED,)
    setup.service.close()


def test_thresholds_say_where_they_come_from(setup: ServiceSetup) -> None:
    assert setup.service.threshold("verification").source is ThresholdSource.MODEL_CARD
    assert setup.service.threshold("verification", 0.5).source is ThresholdSource.MODEL_CARD
    chosen = setup.service.threshold("identification", 0.0)
    assert (chosen.value, chosen.source) == (0.0, ThresholdSource.USER)
    for value in (1.01, -1.01, float("nan"), float("inf")):
        with pytest.raises(InvalidThreshold):
            setup.service.threshold("verification", value)


def calibration(setup: ServiceSetup, **changes: object) -> Calibration:
    """A calibration of a gallery of two, as it is stored."""
    fitted = FittedThreshold(0.4, 0.001, 1, 5000, 0.00095, 0.38, 0.42, FitBasis.PAIRS)
    values: dict[str, object] = {
        "model_id": setup.embedder.model_id,
        "created_at": "2026-03-01T12:00:00+00:00",
        "verification": fitted,
        "identification": dataclasses.replace(fitted, value=0.45, target=0.01, upper=0.0095),
        "gallery_size": 2,
        "people": 120,
        "pairs": 5000,
        "independent": 5000,
        "clips": 3,
        "seconds": 600.0,
        "sources": {"same time": 6000},
        "genuine": (),
        "likelihood": LikelihoodRatio(10.0, -5.0, 0.1, 100.0),
        "histogram": Histogram((1, 2), (3, 4)),
    }
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]


def evidence_text(threshold: Threshold) -> str:
    return " ".join(describe_evidence(threshold))


def test_promise_27_a_calibrated_threshold_says_when_and_on_what(setup: ServiceSetup) -> None:
    observed = setup.observe()
    setup.service.enroll(observed, "Ada")
    setup.service.gallery().save_calibration(calibration(setup))
    verified = setup.service.verify(observed, "Ada").threshold
    assert (verified.value, verified.source, verified.rate) == (0.4, ThresholdSource.CALIBRATION, 0.001)
    assert describe_origin(verified) == "calibrated here on 1 March 2026: of 1,000 strangers, about 1 would pass"
    assert "1 of 5,000 pairs of different people reach it" in evidence_text(verified)
    [found] = setup.service.identify(observed)
    assert (found.threshold.value, found.threshold.rate, found.threshold.rate_kind) == (0.45, 0.01, RateKind.FPIR)
    assert "for a gallery of 2 identities" in evidence_text(found.threshold)
    assert "grown" not in evidence_text(found.threshold)


def test_the_order_is_given_value_then_setting_then_calibration_then_card(setup: ServiceSetup, tmp_path: Path) -> None:
    threshold = setup.service.threshold
    assert threshold("verification").source is ThresholdSource.MODEL_CARD
    setup.service.gallery().save_calibration(calibration(setup))
    assert threshold("verification").source is ThresholdSource.CALIBRATION
    assert threshold("verification", 0.4).source is ThresholdSource.CALIBRATION
    given = threshold("verification", 0.0)
    assert (given.value, given.source) == (0.0, ThresholdSource.USER)
    assert given.likelihood is not None, "what a score means does not depend on the threshold"
    setup.models.sources["verification"] = ThresholdSource.SETTING
    assert threshold("verification").source is ThresholdSource.SETTING
    assert threshold("identification").source is ThresholdSource.CALIBRATION
    assert threshold("verification", gallery=tmp_path / "another").likelihood is None


def test_a_calibration_of_another_model_is_not_used(setup: ServiceSetup) -> None:
    setup.service.gallery().save_calibration(calibration(setup, model_id="another"))
    assert setup.service.calibration() is None
    assert setup.service.threshold("verification").source is ThresholdSource.MODEL_CARD


def test_without_an_identification_threshold_the_card_serves(setup: ServiceSetup) -> None:
    setup.service.gallery().save_calibration(calibration(setup, identification=None))
    found = setup.service.threshold("identification")
    assert (found.source, found.likelihood is None) == (ThresholdSource.MODEL_CARD, False)


def test_a_gallery_that_has_grown_since_is_decided_by_the_higher_threshold(setup: ServiceSetup) -> None:
    setup.service.gallery().save_calibration(calibration(setup))
    for name in ("Ada", "Ben", "Cleo", "Dan"):
        setup.service.enroll(setup.observe(), name)
    found = setup.service.threshold("identification")
    assert "has grown to 4 identities" in evidence_text(found)
    assert "The model card's threshold decides" in evidence_text(found)
    assert (found.value, found.source) == (0.6, ThresholdSource.MODEL_CARD)
    setup.models.card["identification"] = 0.3
    found = setup.service.threshold("identification")
    assert (found.value, found.source) == (0.45, ThresholdSource.CALIBRATION)
    assert found.rate_kind is RateKind.FPIR
    assert found.rate == pytest.approx(1 - 0.9905**2)
    assert "grown" not in evidence_text(setup.service.threshold("verification"))


def test_growth_in_references_counts_like_growth_in_people(setup: ServiceSetup) -> None:
    for name in ("Ada", "Ada", "Ben", "Ben"):
        setup.service.enroll(setup.observe(), name, add=True)
    for references, value in ((4, 0.45), (2, 0.6), (0, 0.6)):
        setup.service.gallery().save_calibration(calibration(setup, references=references))
        assert setup.service.threshold("identification").value == value, references


def test_a_setting_does_not_move_who_counts_as_whom(setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    from biometric.calibration import compared_people

    bounds, compare = [], compared_people.compare_people
    monkeypatch.setattr(
        compared_people, "compare_people", lambda *people, bound: bounds.append(bound) or compare(*people, bound)
    )
    setup.models.values["identification"] = 0.1
    setup.models.sources["identification"] = ThresholdSource.SETTING
    with pytest.raises(CalibrationRefused):
        finish(setup.service.calibrate([setup.clip], target_fmr=0.01))
    assert bounds == [0.6]


def test_promise_12_a_damaged_clip_is_noted_in_its_calibration(
    setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biometric.calibration import collection

    people = collection.Collected({(a, b): 0.2 for a in range(30) for b in range(a)}, people=30)
    monkeypatch.setattr(collection, "collect_scores", lambda *arguments: people)
    sound = finish(setup.service.calibrate([setup.clip], target_fmr=0.01, force=True))
    assert NoticeCode.CLIP_USED_IN_PART not in {note.code for note in sound.notes}
    video = dataclasses.replace(setup.service.probe(setup.clip), damage=DAMAGED)
    monkeypatch.setattr(setup.service, "probe", lambda clip: video)
    setup.service.forget_observations()
    damaged = finish(setup.service.calibrate([setup.clip], target_fmr=0.01, force=True))
    assert Notice(NoticeCode.CLIP_USED_IN_PART, number=1, total=1) in damaged.notes


def test_comparisons_in_doubt_are_told_beside_the_score(setup: ServiceSetup) -> None:
    setup.service.gallery().save_calibration(calibration(setup, doubtful=7))
    evidence = evidence_text(setup.service.threshold("verification"))
    assert "7 comparisons that may be of one person were counted as errors" in evidence
    assert "random sample" in evidence


def test_calibrating_reuses_observations_and_stores_the_result(
    setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.observe()
    reads = setup.reader.reads
    with pytest.raises(CalibrationRefused, match="there are 0"):
        finish(setup.service.calibrate([setup.clip], target_fmr=0.01))
    assert setup.reader.reads == reads
    assert setup.service.calibration() is None
    from biometric.calibration import collection

    people = collection.Collected({(a, b): 0.2 for a in range(30) for b in range(a)}, people=30)
    monkeypatch.setattr(collection, "collect_scores", lambda *arguments: people)
    stored = finish(setup.service.calibrate([setup.clip], target_fmr=0.01, force=True))
    assert setup.service.calibration() == stored
    assert setup.service.threshold("verification").value == stored.verification.value == 0.201


def test_moving_a_threshold_never_changes_who_is_in_the_clip(tmp_path: Path) -> None:
    for number, value in enumerate((-1.0, 0.5, 1.0)):
        folder = tmp_path / str(number)
        folder.mkdir()
        setup = ServiceSetup(folder, verification_threshold=value)
        setup.models.values["verification"] = value
        # Two people in one track: found whatever threshold people decide by.
        setup.embedder.axis_of = lambda grey: 0 if grey < 50 else 1
        assert len(setup.observe().usable) == 2
        setup.service.close()


def test_only_a_few_galleries_are_kept_open(setup: ServiceSetup, tmp_path: Path) -> None:
    first = setup.service.gallery()
    folders = [tmp_path / "gallery" / str(number) for number in range(50)]
    galleries = [setup.service.gallery(folder) for folder in folders]
    kept = [setup.service.gallery(folder) is gallery for folder, gallery in list(zip(folders, galleries, strict=True))]
    assert kept == [False] * 50  # each asked for again was gone by then, and put out a later one
    latest = [setup.service.gallery(folder) for folder in folders[-8:]]
    assert [setup.service.gallery(folder) for folder in folders[-8:]] == latest
    assert setup.service.gallery() is not first
    assert first.is_empty()


def test_promise_6_an_abandoned_calibration_changes_nothing(setup: ServiceSetup) -> None:
    setup.service.gallery().save_calibration(calibration(setup))
    work = setup.service.calibrate([setup.clip], target_fmr=0.01)
    stages = [next(work).stage for _ in range(4)]
    assert stages[-1].startswith("Clip 1 of 1: Reading")
    work.close()
    assert list(setup.workspace.iterdir()) == []
    assert setup.service.calibration() == calibration(setup)


def test_of_several_clips_a_bad_one_is_left_out_and_a_single_bad_one_is_told(
    setup: ServiceSetup, tmp_path: Path
) -> None:
    with pytest.raises(ClipNotFound):
        finish(setup.service.calibrate([tmp_path / "gone.mp4"], target_fmr=0.01))
    with pytest.raises(CalibrationRefused):
        finish(setup.service.calibrate([tmp_path / "gone.mp4", setup.clip], target_fmr=0.01))


def test_promise_6_an_abandoned_observation_leaves_nothing(setup: ServiceSetup) -> None:
    work = setup.service.observe(setup.clip)
    for _ in range(4):
        next(work)
    work.close()
    assert list(setup.workspace.iterdir()) == []
    assert setup.reader.closed == 1


def test_observing_leaves_nothing_in_gallery_or_query(setup: ServiceSetup, tmp_path: Path) -> None:
    setup.observe()
    assert not (tmp_path / "gallery").exists()
    assert not (tmp_path / "query").exists()


def test_crops_of_old_observations_are_removed(setup: ServiceSetup) -> None:
    for first in range(30):
        setup.observe(first, 60)
    assert len(list(setup.workspace.iterdir())) == 24
    setup.service.close()
    assert not setup.workspace.exists()


def test_outputs_of_an_identification(setup: ServiceSetup, tmp_path: Path) -> None:
    observed = setup.observe()
    setup.service.enroll(observed, "Ada")
    work = setup.service.write_outputs(observed, setup.service.identify(observed))
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as finished:
            outputs = finished.value
            break
    assert (steps[-1].done, steps[-1].total) == (100, 100)
    folder = tmp_path / "query" / "clip-abababab"
    assert {path.parent for path in (outputs.clip, outputs.csv, outputs.json, outputs.timeline)} == {folder}
    assert outputs.clip.read_bytes() == b"100 frames"
    crops = sorted(path.name for path in folder.glob("*_*.jpg"))
    assert crops == [sample.detection.crop_name for sample in observed.observations[0].kept]
    assert not list(folder.glob(".*"))


def test_an_existing_name_is_compared_with_the_threshold_in_force(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path)
    setup.service.enroll(setup.observe(0, 49), "Ada")
    with pytest.raises(IdentityExists) as refused:
        setup.service.enroll(setup.observe(50, 99), "Ada")
    assert refused.value.conflict is not None
    assert (refused.value.conflict.threshold.value, refused.value.conflict.reaches_threshold) == (0.5, True)
    setup.service.gallery().save_calibration(calibration(setup))
    limit = setup.service.threshold("verification")
    assert limit.source is ThresholdSource.CALIBRATION
    setup.embedder.axis_of = lambda grey: 3
    setup.service.forget_observations()
    with pytest.raises(LooksDifferent) as different:
        setup.service.enroll(setup.observe(50, 99), "Ada", add=True)
    assert different.value.conflict is not None
    assert different.value.conflict.threshold == limit
    assert setup.service.gallery().reference_count() == 1
    assert setup.service.enroll(setup.observe(50, 99), "Ada", add=True, force=True).added
    setup.service.close()
