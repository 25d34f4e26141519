"""The line on top: the name, a place for what runs, "About this system", light or dark; below it what is wrong."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from biometric import __version__
from biometric.entities import PURPOSES
from biometric.errors import BiometricError, ModelMismatch
from biometric.messages import describe, describe_error
from biometric.messages.translation import N_, pgettext, tell
from biometric.messages.translation import gettext as _
from biometric.ui import elements, problems, templating
from biometric.ui.better_models import BETTER, offer
from biometric.ui.components import area, asset
from biometric.ui.page import Page, Updates
from biometric.ui.session import Session
from biometric.ui.text_format import count, escape, people

LIMITS = N_(
    "Compares clothing and build, not faces; does not detect replayed video; references age within days. "
    "Enroll only people who know and agree."
)
LOADING = N_("loading models…")
STATES = {"idle": LOADING, "loading": LOADING, "failed": N_("models are not ready"), "ready": ""}
"""What is said of the models. A page is sent with what was known before the server began to load: that is "idle"."""


@dataclass(frozen=True, slots=True)
class Header:
    """The finished header.

    Attributes:
        job_place: column of the line in which what runs can be shown; empty so far.
        state: whether the models are loaded.
        about: the button "About this system", and what it opens.
        notices: what is wrong, in sentences, and the button that gets better models.
        model_status: how getting them goes.
    """

    page: Page
    job_place: gr.Column
    state: gr.HTML
    about: gr.HTML
    notices: gr.HTML
    model_status: gr.HTML

    @property
    def components(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.state, self.about, self.notices]

    def render(self, session: Session | None = None) -> Updates:
        """Return the header as things are now; with a session, with the thresholds that are in force there."""
        return {
            self.state: state(self.page),
            self.about: about(self.page, session),
            self.notices: notices(self.page),
        }


def page_header(page: Page) -> Header:
    """Build the header."""
    with gr.Row(elem_id="header", elem_classes=["sl-top"]):
        gr.HTML(templating.render("brand.html"), apply_default_css=False)
        status = gr.HTML(state(page), apply_default_css=False, elem_classes=["sl-models-state"])
        job_place = gr.Column(elem_classes=["sl-job-place"], min_width=0)
        details = gr.HTML(about(page), apply_default_css=False)
        gr.HTML(templating.render("theme.html"), js_on_load=asset("page.js"), apply_default_css=False)
    below = area(notices(page), elem_id="system-notices")
    return Header(page, job_place, status, details, below, area(elem_id="models-status"))


def state(page: Page) -> str:
    """Return whether the models are loaded, "" when they are."""
    words = _state_words(page)
    return f'<p class="sl-quiet" role="status">{escape(words)}</p>' if words else ""


def _state_words(page: Page) -> str:
    words = STATES[page.models_state]
    return _(words) if words else ""  # gettext answers "" with the catalogue's own description


def about(page: Page, session: Session | None = None) -> str:
    """Return the button "About this system" with what it opens.

    Models, thresholds and gallery are told once the models are loaded: until then others may serve in the end.
    """
    facts = [(_("Models"), _state_words(page).capitalize())]
    thresholds: list[tuple[str, str]] = []
    if page.models_state != "idle":
        facts += _gallery(page)
    if page.models_state in ("ready", "failed"):
        facts += _models(page)
        thresholds = _thresholds(page, session)
    facts.append((_("Version"), _("Sightline {version}").format(version=__version__)))
    return templating.render(
        "about.html", facts=[fact for fact in facts if fact[1]], thresholds=thresholds, limits=_(LIMITS)
    )


def _models(page: Page) -> list[tuple[str, str]]:
    try:
        status = page.service.models.status()
    except BiometricError as error:
        return [(_("Models"), describe_error(error))]
    devices = list(dict.fromkeys(entry.device for entry in status if entry.device))
    facts = [(_("Device"), ", ".join(devices))]
    facts += [
        (pgettext("role", entry.role).capitalize(), tell(entry.problem) or f"{entry.card} ({_(entry.state)})")
        for entry in status
    ]
    return facts


def _gallery(page: Page) -> list[tuple[str, str]]:
    try:
        gallery = page.service.gallery()
        return [(_("Gallery"), f"{people(gallery.size())}, {count(gallery.reference_count(), 'reference')}")]
    except BiometricError as error:
        return [(_("Gallery"), describe_error(error))]


def _thresholds(page: Page, session: Session | None) -> list[tuple[str, str]]:
    try:
        return [
            (_(purpose).capitalize(), Markup(elements.threshold_evidence(page.threshold(purpose, session))))  # noqa: S704
            for purpose in PURPOSES
        ]
    except BiometricError:
        return []  # the line on models or gallery says what is wrong


def notices(page: Page) -> str:
    """Return what is wrong or could be better, in sentences; "" where nothing is."""
    offered = offer(page)
    trouble = "" if page.models_problem is None else problems.problem(page.models_problem)
    lines = "".join(
        f'<p class="sl-notice">{elements.icon("info")}<span>{escape(describe(notice))}</span></p>'
        for notice in page.service.models.notices()
        if not offered or notice.code not in BETTER
    )
    return trouble + lines + offered + _mismatch(page)


def _mismatch(page: Page) -> str:
    """Say that the gallery is of another model than the one that serves; while models load that is not known yet."""
    if page.models_state != "ready":
        return ""
    try:
        page.service.gallery().check_model(page.service.models.embedder_id())
    except ModelMismatch as error:
        return problems.problem(error)
    except BiometricError:
        return ""  # "About this system" says what is wrong
    return ""


def limits() -> str:
    """Return the quiet line on what Sightline does not do."""
    return f'<footer class="sl-limits"><p>{escape(_(LIMITS))}</p></footer>'
