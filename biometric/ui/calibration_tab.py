"""The Calibration tab: what is in force, clips of one's own with what they support, and the history.

Clips stay listed in the workspace with what was read of them, whether or not a calibration is refused, so another
target needs no analysis. A calibration uses exactly the clips that are listed.
"""

from typing import Any

import gradio as gr

from biometric.entities import Progress
from biometric.errors import ClipError, InvalidInput, ThresholdBelowCard
from biometric.errors.phrases import Phrase
from biometric.messages import describe_error
from biometric.messages.calibration_sentences import one_in
from biometric.messages.translation import gettext as _
from biometric.storage import remove_quietly
from biometric.ui import calibration_views as views
from biometric.ui import elements, presenters
from biometric.ui.browser_input import NOT_UNDERSTOOD, camera_in_field, event, parse_int
from biometric.ui.calibration_cautions import BelowQuestion, wrong_answers
from biometric.ui.calibration_display import CalibrationDisplay
from biometric.ui.calibration_input import MOST_CLIPS, clip_paths, cohort_days, offered_rate, search_target, target_rate
from biometric.ui.calibration_layout import build_components
from biometric.ui.calibration_state import CalibrationState, ListedClip
from biometric.ui.components import on_act
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates
from biometric.ui.panel_display import known_cameras
from biometric.ui.session import Session
from biometric.ui.step_runs import guarded, run_once, stream_progress

JOB = "calibration"


class CalibrationTab(CalibrationDisplay):
    """The finished tab: what the events of its components do."""

    # --- clips come in and go --------------------------------------------------------------------------------------

    def on_clips(self, value: Any, camera: Any, request: gr.Request) -> Updates:
        """Clips of a camera were dropped: they are added to those that are listed."""
        session = self.page.session(request)

        def run() -> Updates:
            state = session.calibration
            sources = clip_paths(value)
            try:
                named = camera_in_field(camera)
                if len(state.clips) + len(sources) > MOST_CLIPS:
                    raise InvalidInput(
                        "At most {most} clips can be listed at once. Take some out, or use the command line.",
                        most=MOST_CLIPS,
                    )
            except InvalidInput:
                for source in sources:
                    self.page.uploads.release(source)
                raise
            for source in sources:
                folder = session.new_folder(JOB)
                try:
                    state.add(self.page.uploads.take(source, folder), source.name, named)
                except BaseException:
                    remove_quietly(folder)
                    raise
            suggested = state.suggest_cameras(known_cameras(self.page))
            return {self.message: "", self.camera: gr.update(choices=suggested), **self.render_footage(state)}

        return {self.drop: gr.update(value=None), **run_once(run, self.message)}

    def on_target(self, value: Any, request: gr.Request) -> Updates:
        """Another target was chosen: say at once whether it is supported."""
        state = self.page.session(request).calibration

        def run() -> Updates:
            state.target, state.below = target_rate(value), None
            return {self.message: "", self.promise: self.promised(state)}

        return run_once(run, self.message)

    def on_keep(self, value: Any, request: gr.Request) -> Updates:
        """Somebody said for how long templates of strangers may be kept."""
        state = self.page.session(request).calibration

        def run() -> Updates:
            state.keep_days = cohort_days(value)
            return {self.message: "", self.promise: self.promised(state)}

        return run_once(run, self.message)

    # --- clicks ----------------------------------------------------------------------------------------------------

    def on_click(self, data: gr.EventData, request: gr.Request) -> Updates:
        """Something in the lists was clicked."""
        session = self.page.session(request)

        def run() -> Updates:
            state = session.calibration
            action, value = event(data)
            state.clicks, state.focus = state.clicks + 1, ""
            self._act(state, action, value)
            return {self.message: "", **self.render(session)}

        return run_once(run, self.message)

    def _act(self, state: CalibrationState, action: str, value: str) -> None:
        calibrations = self.page.service.calibrations()
        match action:
            case "take-out":
                state.take_out(parse_int(value, _("The number of the clip")))
                self._compare(state)
                state.focus = "listed"
            case "take-all-out":
                for number in list(state.clips):
                    state.take_out(number)
                state.focus = "possible"
            case "ask-card":
                state.question, state.focus = "card", "card-question"
            case "ask-cohort":
                state.question, state.focus = "cohort", "cohort-question"
            case "delete-cohort":
                calibrations.delete_cohorts()
                state.question, state.focus = "", "in-force"
            case "keep":
                state.focus = f"ask-{state.question or 'card'}:" if state.below is None else "history"
                state.question, state.below = "", None
            case "card":
                state.noted = calibrations.use_model_card().id
                state.question, state.below, state.focus = "", None, "in-force"
            case "use-again" | "use-again-anyway":
                self._use_again(state, action, parse_int(value, _("The number of the calibration")))
            case "all":
                state.all_shown, state.focus = True, "history"
            case "undo":
                change = parse_int(value, _("The number of the change"))
                state.noted = self.page.service.gallery().undo(change).id
                state.question, state.below = "", None
            case _:
                raise InvalidInput(NOT_UNDERSTOOD)

    def _use_again(self, state: CalibrationState, action: str, number: int) -> None:
        agreed = state.below is not None and state.below.agrees(action, number)
        state.question, state.below = "", None
        try:
            state.noted = self.page.service.calibrations().use(number, force=agreed).id
        except ThresholdBelowCard as error:
            state.below, state.focus = BelowQuestion("use-again-anyway", number, error.notices), "below-question"
        else:
            state.focus = "in-force"

    def _compare(self, state: CalibrationState) -> None:
        """Say anew what the clips support, where all of them were read."""
        if state.clips and not state.unread(self.page.service.models.embedder_id()):
            state.evidence = self.page.service.calibrations().evaluate(state.summaries)

    # --- jobs ------------------------------------------------------------------------------------------------------

    def analyse(self, request: gr.Request) -> Steps:
        """Read the clips that were not read yet, then compare everybody."""
        session = self.page.session(request)
        yield from guarded(self._analyse(session), self.message, lambda: self.idle(session))

    def _analyse(self, session: Session) -> Steps:
        state, calibrations = session.calibration, self.page.service.calibrations()
        yield {**self.busy(), **self.render_footage(state)}
        self.page.service.models.resolve_embedder()
        model_id = self.page.service.models.embedder_id()
        while unread := state.unread(model_id):
            clip = unread[0]
            yield from self._read(state, clip)
            yield self.render_footage(state)
        yield {self.status: presenters.working(_("Comparing people"))}
        summaries = state.summaries
        evidence = calibrations.evaluate(summaries)
        if summaries == state.summaries:  # none was taken out or added meanwhile
            state.evidence = evidence

    def _read(self, state: CalibrationState, clip: ListedClip) -> Steps:
        place = [*state.clips.values()].index(clip) + 1
        words = _("Clip {number} of {total}:").format(number=place, total=len(state.clips))

        def show(progress: Progress) -> Updates:
            return {self.status: presenters.working(_prefixed(words, progress))}

        work = self.page.service.calibrations().read_clip(clip.path, clip.label, clip.camera)
        try:
            summary = yield from stream_progress(state.while_listed(clip, work), show)
        except ClipError as error:
            clip.problem = describe_error(error)
        else:
            clip.summary = summary

    def use(self, data: gr.EventData, request: gr.Request) -> Steps:
        """Calibrate on exactly the clips that are listed, for a rate that was offered."""
        session = self.page.session(request)
        yield from guarded(self._use(session, data), self.message, lambda: self.idle(session))

    def _use(self, session: Session, data: gr.EventData) -> Steps:
        state = session.calibration
        action, value = event(data)
        if action == "keep":
            state.below, state.clicks, state.focus = None, state.clicks + 1, "possible"
            yield self.render(session)
            return
        if action not in ("use", "use-anyway") or state.evidence is None or state.waiting:
            raise InvalidInput(NOT_UNDERSTOOD)
        number = parse_int(value, _("The rate"))
        rate = offered_rate(state.evidence, number)
        agreed = state.below is not None and state.below.agrees(action, number)
        used = views.used_words(state, state.evidence)
        state.below = None
        yield self.busy()
        work = self.page.service.calibrations().fit(
            state.summaries,
            target_fmr=rate,
            target_fpir=search_target(state.evidence, rate),
            keep_cohort=state.keep_days if state.may_have_cohort else None,
            force=agreed,
        )
        try:
            calibration, change = yield from stream_progress(
                work, lambda progress: {self.status: presenters.working(progress)}
            )
        except ThresholdBelowCard as error:
            state.below = BelowQuestion("use-anyway", number, error.notices)
            state.clicks, state.focus = state.clicks + 1, "below-question"
            yield self.render(session)
            return
        state.noted, state.question = change.id, ""
        in_force = self.in_force()
        if in_force is not None:
            state.note_used(number, in_force)
        state.clicks, state.focus = state.clicks + 1, "possible"
        title = _("{rate} is in force").format(rate=one_in(rate))
        warnings = wrong_answers(calibration)
        text = " ".join([views.outcome(calibration, used), *warnings])
        banner = elements.banner("warning" if warnings else "good", title, text)
        yield {self.message: banner, **self.render(session)}

    def on_cancel(self, request: gr.Request) -> Updates:
        """Cancel was pressed; the job stops at its next step, and what was read stays."""
        session = self.page.session(request)
        updates = self.stopped(_("Cancelled. What was analysed stays, and the thresholds are as they were."))
        session.jobs.cancel(JOB, updates=updates)
        return {**updates, **self.render_footage(session.calibration)}


def calibration_tab(page: Page) -> tuple[CalibrationTab, list[Any]]:
    """Build the tab and attach its events; return it with the events after which thresholds may have changed."""
    tab = CalibrationTab(page=page, **build_components())
    return tab, _connect(tab)


def _connect(tab: CalibrationTab) -> list[Any]:
    page = tab.page
    analyse = page.as_job(JOB, tab.analyse, tab.waiting, tab.stopped)
    use = page.as_job(JOB, tab.use, tab.waiting, tab.stopped)
    added = tab.drop.upload(
        tab.on_clips,
        [tab.drop, tab.camera],
        [tab.drop, tab.camera, tab.listed, tab.keep, tab.promise, tab.message],
        **QUIET,
    )
    jobs = [
        added.then(analyse, None, tab.job_outputs, **FOLLOWS_JOB),
        tab.start.click(analyse, None, tab.job_outputs, **FOLLOWS_JOB),
        on_act(tab.promise, use, outputs=tab.job_outputs, **FOLLOWS_JOB),
    ]
    tab.cancel.click(tab.on_cancel, None, tab.job_outputs, cancels=jobs, **QUIET)
    # Not `input` or `select`, which do not tell of the arrow keys.
    tab.target.change(tab.on_target, [tab.target], [tab.promise, tab.message], trigger_mode="always_last", **QUIET)
    tab.keep.change(tab.on_keep, [tab.keep], [tab.promise, tab.message], trigger_mode="always_last", **QUIET)
    clicks: dict[str, Any] = {**QUIET, "trigger_mode": "multiple", "concurrency_limit": 1}
    outputs = [*tab.following, tab.message]
    parts = (tab.current, tab.past, tab.listed, tab.undo)
    events = [on_act(part, tab.on_click, outputs=outputs, concurrency_id=JOB, **clicks) for part in parts]
    return [*events, jobs[-1]]


def _prefixed(words: str, progress: Progress) -> Progress:
    stage = Phrase("{words} {stage}", words=words, stage=Phrase(progress.stage))
    return Progress(stage, progress.done, progress.total, progress.people, progress.seconds_left)
