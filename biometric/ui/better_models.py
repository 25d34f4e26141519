"""A button that gets the recommended models where others serve: downloads them, then loads them."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from biometric.entities import NoticeCode
from biometric.entities.model_reports import ModelStatus
from biometric.entities.web_addresses import is_loopback
from biometric.errors import BiometricError, InvalidInput, WeightsMissing
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.ui import elements, presenters
from biometric.ui.browser_input import event
from biometric.ui.components import on_act
from biometric.ui.page import FOLLOWS_JOB, Page, Steps, Updates
from biometric.ui.session import MODELS_JOB
from biometric.ui.step_runs import guarded, stream_progress
from biometric.ui.text_format import escape
from biometric.ui.turns import Place

if TYPE_CHECKING:
    from biometric.ui.header import Header

BETTER = {
    NoticeCode.STARTER_WEIGHTS,
    NoticeCode.ALL_STARTER_WEIGHTS,
    NoticeCode.REPLACEMENT_WEIGHTS,
    NoticeCode.BETTER_WEIGHTS_PRESENT,
}
"""What is said of a model where the recommended one would be better."""


def may_fetch(page: Page) -> bool:
    """Return whether the page may download models: only where no other machine reaches it."""
    return is_loopback(page.service.settings.host)


def replaceable(page: Page) -> list[ModelStatus]:
    """Return the models that the recommended ones would replace."""
    if page.models_state != "ready":
        return []
    status = page.service.models.status()
    return [entry for entry in status if entry.notice is not None and entry.notice.code in BETTER]


def offer(page: Page) -> str:
    """Return the button, "" where nothing better is to be had or the page may not get it."""
    if not may_fetch(page):
        return ""
    if page.models_state == "failed" and isinstance(page.models_problem, WeightsMissing):
        return f"<p>{elements.button('get-models', '', _('Get the missing models'))}</p>"
    if not replaceable(page):
        return ""
    text = _("The models in use are less accurate than the recommended ones.")
    button = elements.button("get-models", "", _("Get better models"))
    return f'<p class="sl-notice">{elements.icon("info")}<span>{escape(text)}</span>{button}</p>'


def connect_better_models(page: Page, header: "Header") -> Any:
    """Attach the button of the header's notices; returns the event after which other models may serve."""
    status = header.model_status

    def waiting(place: Place) -> Updates:
        return {status: presenters.waiting(place)}

    def stopped(sentence: str) -> Updates:
        return {status: presenters.status_message(sentence)}

    def get(data: gr.EventData, request: gr.Request) -> Steps:
        action, _value = event(data)
        yield from guarded(steps(action), status)

    def steps(action: str) -> Steps:
        if not may_fetch(page):
            raise InvalidInput(_("Only a page that no other machine reaches may get models."))
        question = "" if action == "get-models-anyway" else enrolled_anew(page)
        if question:
            yield {status: question}
            return
        yield {status: presenters.working(_("Starting"))}
        yield from stream_progress(page.service.models.fetch(), lambda progress: {status: presenters.working(progress)})
        yield {status: presenters.working(_("The models are here. They are loaded as soon as no other job runs."))}
        with page.model_turns.turn():
            page.service.reload_models()
            page.warm()
        done = elements.banner("good", _("The better models are in use")) if page.models_state == "ready" else ""
        yield {**header.render(), status: done}

    run = page.as_job(MODELS_JOB, get, waiting, stopped, instead_of=())
    outputs = [*header.components, status]
    on_act(header.model_status, run, outputs=outputs, **FOLLOWS_JOB)
    return on_act(header.notices, run, outputs=outputs, **FOLLOWS_JOB)


def enrolled_anew(page: Page) -> str:
    """Return the question whether people may have to be enrolled again, "" where nobody would."""
    if "embedder" not in {entry.role for entry in replaceable(page)}:
        return ""
    try:
        number = page.service.gallery().size()
    except BiometricError:
        return ""  # the header says what is wrong
    if not number:
        return ""
    text = ngettext(
        "{number} person is enrolled with the model that serves now. Scores of two models cannot be compared: with the "
        "better one, this person has to be enrolled again, in another gallery folder.",
        "{number} people are enrolled with the model that serves now. Scores of two models cannot be compared: with "
        "the better one, they have to be enrolled again, in another gallery folder.",
        number,
    ).format(number=number)
    answer = elements.button("get-models-anyway", "", _("Get them anyway"))
    return elements.banner("warning", _("Everybody has to be enrolled again"), text, body=answer)
