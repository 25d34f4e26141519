"""The strip on top: what the page runs on, and the state of the models."""

from biometric.entities import Purpose
from biometric.errors import BiometricError, ModelMismatch
from biometric.messages import describe, describe_error
from biometric.ui import elements, presenters
from biometric.ui.page import Page
from biometric.ui.session import Session
from biometric.ui.text_format import count, escape, people

PURPOSES: tuple[Purpose, ...] = ("verification", "identification")
LIMITS = (
    "Compares clothing and build, not faces; does not detect replayed video; references age within days. "
    "Enroll only people who know and agree."
)


def strip(page: Page, session: Session | None = None) -> str:
    """Return device, detector, embedder, counts and where the threshold comes from; problems below it in words.

    With a session the thresholds are those in force there, which the person may have set.
    """
    cells = [*_models(page), *_gallery(page, session)]
    items = "".join(f'<li title="{escape(title)}">{escape(text)}</li>' for title, text in cells if text)
    trouble = "" if page.models_problem is None else presenters.problem(page.models_problem)
    notices = "".join(
        f'<p class="sl-notice">{elements.icon("info")}<span>{escape(describe(notice))}</span></p>'
        for notice in page.service.models.notices()
    )
    notices += _mismatch(page)
    return (
        '<header class="sl-header"><div class="sl-brand"><span class="sl-logo" aria-hidden="true">◉</span>'
        f"<h1>Sightline</h1><p>Who is in this footage?</p></div>"
        f'<ul class="sl-strip">{items}</ul></header>{trouble}{notices}'
    )


def _models(page: Page) -> list[tuple[str, str]]:
    # A page is sent with what was known when it was built, before the server began to load: that is "idle".
    states = {"idle": "loading models…", "loading": "loading models…", "failed": "models are not ready", "ready": ""}
    cells = [("State of the models", states[page.models_state])]
    try:
        status = page.service.models.status()
    except BiometricError as error:
        return [*cells, ("Models", describe_error(error))]
    devices = list(dict.fromkeys(entry.device for entry in status if entry.device))
    cells.append(("Device", ", ".join(devices)))
    cells.extend((f"{entry.role.capitalize()}: {entry.state}", entry.card) for entry in status)
    return cells


def _mismatch(page: Page) -> str:
    """Say that the gallery is of another model than the one that serves; while models load that is not known yet."""
    if page.models_state != "ready":
        return ""
    try:
        page.service.gallery().check_model(page.service.models.embedder_id())
    except ModelMismatch as error:
        return presenters.problem(error)
    except BiometricError:
        return ""  # the strip says what is wrong
    return ""


def _gallery(page: Page, session: Session | None) -> list[tuple[str, str]]:
    try:
        gallery = page.service.gallery()
        text = f"{people(gallery.size())}, {count(gallery.reference_count(), 'reference')}"
        sources = {purpose: str(page.threshold(purpose, session).source) for purpose in PURPOSES}
    except BiometricError as error:
        return [("Gallery", describe_error(error))]
    return [("In the gallery", text), ("Where thresholds come from", _origin(sources))]


def _origin(sources: dict[Purpose, str]) -> str:
    """Return "threshold: model card", or both where they differ."""
    if len(set(sources.values())) == 1:
        return f"threshold: {next(iter(sources.values()))}"
    return "threshold: " + ", ".join(f"{source} ({purpose})" for purpose, source in sources.items())


def limits() -> str:
    """Return the quiet line on what Sightline does not do."""
    return f'<footer class="sl-limits"><p>{escape(LIMITS)}</p></footer>'
