"""Named endpoints for calibration: what `python -m biometric calibrate …` does, for programs."""

from contextlib import ExitStack
from typing import Any

import gradio as gr
from gradio import events

from biometric.entities import Notice
from biometric.entities.calibration_footage import DEFAULT_FMR, DEFAULT_FPIR, POSSIBLE, ClipSummary, TargetRate
from biometric.entities.cohort import check_cohort_days
from biometric.entities.progress import finish
from biometric.errors import InvalidInput
from biometric.messages.calibration_sentences import evidence_sentences
from biometric.messages.translation import gettext as _
from biometric.results.answer_json import calibration_json, change_json
from biometric.results.calibration_json import calibration_status_json, stored_calibration_json, trial_json
from biometric.ui import api
from biometric.ui.browser_input import parse_int
from biometric.ui.calibration_input import MOST_CLIPS
from biometric.ui.call_values import read_camera
from biometric.ui.callers import caller_waits, require_caller
from biometric.ui.endpoint_runs import run_endpoint


class CalibrationEndpoints(api.Endpoints):
    """The endpoints for calibration of one running server; only uploaded files are accepted."""

    def calibration(self, gallery: str | None = None) -> dict[str, Any]:
        """Say which calibration and thresholds are in force, and what verdicts on answers say about them.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            service, folder = self._page.service, self._gallery(gallery)
            service.models.resolve_embedder()
            return calibration_status_json(service.calibrations(folder).status())

        return run_endpoint(run)

    def calibrations(self, gallery: str | None = None) -> list[dict[str, Any]]:
        """List all calibrations of the gallery, newest first, each with its number and evidence.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """
        return run_endpoint(
            lambda: [
                stored_calibration_json(item)
                for item in self._page.service.calibrations(self._gallery(gallery)).history()
            ]
        )

    def calibrate(
        self,
        clips: list[gr.FileData] | None = None,
        target_fmr: float | str = DEFAULT_FMR,
        target_fpir: float | str | None = None,
        dry_run: bool = False,
        force: bool = False,
        gallery: str | None = None,
        cameras: list[str | None] | None = None,
        keep_cohort: int | None = None,
    ) -> dict[str, Any]:
        """Fit thresholds to unlabelled clips and the gallery, and put them in force; refused where data do not suffice.

        Args:
            clips: whole clips, at most 50; the gallery alone if left out.
            target_fmr: false match rate to keep in verification, or "possible": the smallest that is supported.
            target_fpir: false-positive identification rate to keep, or "possible"; 0.01 where the data suffice if left
                out.
            dry_run: say what the footage supports, and change nothing.
            force: also use thresholds that are below the model card's.
            gallery: folder of the gallery, inside the configured one.
            cameras: name of each clip's camera, in the order of the clips; null, or all left out: what the file says.
            keep_cohort: for how many days, 1 to 365, nameless templates of strangers may be kept, where a camera saw
                200 or more and normalising scores with them helps; none is kept if left out.
        """

        def run() -> dict[str, Any]:
            calibrations = self._page.service.calibrations(self._gallery(gallery))
            fmr = _target(target_fmr, "target_fmr")
            fpir = None if target_fpir is None else _target(target_fpir, "target_fpir")
            days = None if keep_cohort is None else check_cohort_days(keep_cohort)
            targets: dict[str, Any] = {"target_fmr": fmr, "target_fpir": fpir, "keep_cohort": days}
            self._page.service.models.resolve_embedder()
            summaries, notes = self._read(clips, cameras)
            if dry_run is not True:
                work = calibrations.fit(summaries, **targets, notes=notes, force=force is True)
                calibration, change = finish(work, require_caller)
                return {**calibration_json(calibration), "change": change_json(change)}
            trial = calibrations.try_out(summaries, **targets)
            evidence, proposal = finish(trial, require_caller)
            asked = DEFAULT_FPIR if fpir is None else fpir
            sentences = evidence_sentences(evidence, fmr, asked)
            return {**trial_json(evidence, proposal, notes, fmr, asked), "sentences": sentences}

        return run_endpoint(run)

    def use_calibration(
        self, number: int | None = None, force: bool = False, gallery: str | None = None
    ) -> dict[str, Any]:
        """Put an earlier calibration, or the model card's thresholds, in force again.

        Args:
            number: of the calibration, as `/calibrations` gives it; the model card if left out.
            force: also where one of its thresholds is below the model card's.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            calibrations = self._page.service.calibrations(self._gallery(gallery))
            if number is None:
                return change_json(calibrations.use_model_card())
            wanted = parse_int(number, _("The number of the calibration"))
            return change_json(calibrations.use(wanted, force=force is True))

        return run_endpoint(run)

    def delete_cohorts(self, gallery: str | None = None) -> dict[str, Any]:
        """Delete all templates of strangers that the gallery keeps, at once and for good.

        Args:
            gallery: folder of the gallery, inside the configured one.
        """
        return run_endpoint(
            lambda: change_json(self._page.service.calibrations(self._gallery(gallery)).delete_cohorts())
        )

    def _read(self, clips: Any, cameras: Any) -> tuple[list[ClipSummary], list[Notice]]:
        """Return what is read of uploaded clips; of several, one that cannot be read is left out, with a note.

        Raises:
            ClipError: no clip can be read, and there are some.
            InvalidInput: the cameras are not as many as the clips, or the name of one cannot be used.
        """
        if clips is not None and not isinstance(clips, list):
            raise InvalidInput("These clips could not be understood. Upload them again.")
        if cameras is not None and not (isinstance(cameras, list) and len(cameras) == len(clips or [])):
            raise InvalidInput("Give as many cameras as clips, null for each that is not known.")
        named = [read_camera(camera) for camera in cameras or []]
        if clips is None:
            return [], []
        if len(clips) > MOST_CLIPS:
            raise InvalidInput(
                "At most {most} clips can be used at once; use the command line for more.", most=MOST_CLIPS
            )
        uploads = [self._clip(clip)[0] for clip in clips]
        with ExitStack() as call:
            paths = [call.enter_context(self._page.uploads.borrowed(upload)) for upload in uploads]
            with self._page.model_turns.turn(lambda: not caller_waits()):
                require_caller()
                known = {path: name for path, name in zip(paths, named, strict=False) if name is not None}
                return finish(self._page.service.calibrations().read_clips(paths, known), require_caller)


def register_calibration(endpoints: CalibrationEndpoints) -> None:
    """Attach the endpoints to the page under construction, with their documentation."""
    options: dict[str, Any] = {"concurrency_id": api.MODEL_WORK, "concurrency_limit": api.CALLS_AT_ONCE}
    events.api(endpoints.calibration, api_name="calibration")
    events.api(endpoints.calibrations, api_name="calibrations")
    events.api(endpoints.calibrate, api_name="calibrate", **options)
    events.api(endpoints.use_calibration, api_name="use_calibration")
    events.api(endpoints.delete_cohorts, api_name="delete_cohorts")


def _target(value: object, name: str) -> TargetRate:
    if value == POSSIBLE:
        return POSSIBLE
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput('{name} must be a rate above 0 and at most 0.5, or "possible".', name=name)
    return float(value)
