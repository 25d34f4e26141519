"""How long references last, and legal holds: a part of the People tab. What would change is shown before it is set."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from biometric.entities import PersonLifetime, Retention
from biometric.errors import InvalidInput, UnknownIdentity
from biometric.messages.life_cycle_sentences import describe_lifetime, describe_retention, describe_retention_change
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.ui import elements
from biometric.ui.components import area
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.retention_api import chosen_retention, read_days
from biometric.ui.step_runs import run_once
from biometric.ui.text_format import escape

EVERYBODY = ""
Asked = tuple[str, Retention | None]
"""For whom which days were looked at, and are waiting for a yes; no days: as everybody."""


@dataclass(frozen=True, slots=True)
class GalleryRetention:
    """The finished part; `changed` are the events after which the gallery may have changed."""

    accordion: gr.Accordion
    changed: list[Any]


def gallery_retention(page: Page) -> GalleryRetention:
    """Build the part and attach its events."""
    with gr.Accordion(_("Retention and legal holds"), open=False, elem_id="gallery-retention") as accordion:
        message = area(elem_id="retention-message")
        whom = gr.Dropdown(
            [(_("Everybody"), EVERYBODY)], value=EVERYBODY, label=_("For whom"), elem_id="retention-person"
        )
        now = area(elem_id="retention-now")
        with gr.Row(elem_classes=["sl-numbers"]):
            matching = gr.Number(label=_("Days of matching"), min_width=140, elem_id="retention-matching")
            keeping = gr.Number(label=_("Days until deletion"), min_width=140, elem_id="retention-keeping")
        with gr.Row(elem_classes=["sl-go"]):
            look = gr.Button(_("Show what would change"), size="sm", elem_id="retention-look")
            ordinary = gr.Button(_("As for everybody …"), size="sm", visible=False, elem_id="retention-ordinary")
            confirm = gr.Button(
                _("Set these days"), size="sm", visible=False, variant="primary", elem_id="retention-set"
            )
        reason = gr.Textbox(
            label=_("Reason of the legal hold (optional)"), max_lines=1, visible=False, elem_id="retention-reason"
        )
        with gr.Row(elem_classes=["sl-go"]):
            hold = gr.Button(_("Put under a legal hold"), size="sm", visible=False, elem_id="retention-hold")
            release = gr.Button(_("Release the hold"), size="sm", visible=False, elem_id="retention-release")

    shown = [now, matching, keeping, ordinary, confirm, reason, hold, release]

    def show(gallery: Gallery, person: object, *, days: bool = True) -> Updates:
        """Return what holds for somebody, and what can be done."""
        lifetime = lifetime_of(gallery, person)
        retention = gallery.retention() if lifetime is None else lifetime.retention
        held, own = lifetime is not None and lifetime.is_held, lifetime is not None and lifetime.is_own
        words = [_("References are {retention}.").format(retention=describe_retention(retention))]
        if lifetime is not None:
            words.append(f"{lifetime.name}: {describe_lifetime(lifetime)}")
        fields = {matching: retention.matching_days, keeping: retention.keeping_days} if days else {}
        return {
            now: "".join(f'<p class="sl-quiet" dir="auto">{escape(text)}</p>' for text in words),
            **fields,
            ordinary: gr.update(visible=own),
            confirm: gr.update(visible=False),
            reason: gr.update(visible=lifetime is not None and not held),
            hold: gr.update(visible=lifetime is not None and not held),
            release: gr.update(visible=held),
        }

    def on_opened() -> Updates:
        def run() -> Updates:
            gallery = page.service.gallery()
            gallery.mark_purges_shown()
            people = [(identity.name, identity.id) for identity in gallery.identities()]
            choices = [(_("Everybody"), EVERYBODY), *people]
            return {message: "", whom: gr.update(choices=choices, value=EVERYBODY), **show(gallery, EVERYBODY)}

        return run_once(run, message)

    def on_person(person: Any) -> Updates:
        return run_once(lambda: {message: "", **show(page.service.gallery(), person)}, message)

    def ask(person: Any, wanted: Retention | None, request: gr.Request) -> Updates:
        gallery = page.service.gallery()
        before = gallery.lifetimes()
        lines = describe_retention_change(before, gallery.preview_retention(wanted, person or None))
        page.session(request).people.asked_retention = (person, wanted)
        body = "".join(f'<p dir="auto">{escape(line)}</p>' for line in lines)
        return {
            message: elements.banner("warning", _("Set these days?"), body=body),
            confirm: gr.update(visible=True),
        }

    def on_look(person: Any, matched: Any, kept: Any, request: gr.Request) -> Updates:
        def run() -> Updates:
            wanted = chosen_retention(page.service.gallery(), person or None, read_days(matched), read_days(kept))
            return ask(person, wanted, request)

        return refused(run)

    def on_ordinary(person: Any, request: gr.Request) -> Updates:
        return refused(lambda: ask(person, None, request))

    def refused(run: Any) -> Updates:
        return {confirm: gr.update(visible=False), **run_once(run, message)}

    def on_set(person: Any, matched: Any, kept: Any, request: gr.Request) -> Updates:
        def run() -> Updates:
            state, gallery = page.session(request).people, page.service.gallery()
            asked, state.asked_retention = state.asked_retention, None
            if asked is None or asked[0] != person:
                raise InvalidInput("Press “Show what would change” first. Nothing was set.")
            if asked[1] is not None and asked[1] != Retention(float(matched), float(kept)):
                raise InvalidInput("The days are others than those that were shown. Look at them again.")
            gallery.set_retention(asked[1], person or None)
            text = _("What is overdue by that is deleted in a day.")
            return {message: elements.banner("good", _("The days are set"), text), **show(gallery, person)}

        return refused(run)

    def on_hold(person: Any, why: Any) -> Updates:
        def run() -> Updates:
            gallery = page.service.gallery()
            gallery.hold(str(person), why if isinstance(why, str) else "")
            text = _("Nothing of this person is deleted until the hold is released.")
            told = {message: elements.banner("good", _("Under a legal hold"), text)}
            return {**told, **show(gallery, person, days=False), reason: gr.update(value="", visible=False)}

        return run_once(run, message)

    def on_release(person: Any) -> Updates:
        def run() -> Updates:
            gallery = page.service.gallery()
            gallery.release(str(person))
            text = _("What became overdue under it is deleted in a day.")
            told = {message: elements.banner("good", _("The legal hold is released"), text)}
            return {**told, **show(gallery, person, days=False)}

        return run_once(run, message)

    outputs = [message, *shown]
    accordion.expand(on_opened, None, [whom, *outputs], **QUIET)
    whom.input(on_person, [whom], outputs, **QUIET)
    look.click(on_look, [whom, matching, keeping], [message, confirm], **QUIET)
    ordinary.click(on_ordinary, [whom], [message, confirm], **QUIET)
    changed = [
        confirm.click(on_set, [whom, matching, keeping], outputs, concurrency_limit=1, **QUIET),
        hold.click(on_hold, [whom, reason], outputs, concurrency_limit=1, **QUIET),
        release.click(on_release, [whom], outputs, concurrency_limit=1, **QUIET),
    ]
    return GalleryRetention(accordion, changed)


def lifetime_of(gallery: Gallery, person: object) -> PersonLifetime | None:
    """Return until when somebody's references last, None for everybody. Raises `UnknownIdentity`."""
    if person == EVERYBODY or person is None:
        return None
    for lifetime in gallery.lifetimes():
        if lifetime.identity_id == person:
            return lifetime
    raise UnknownIdentity("This person is no longer in the gallery.")
