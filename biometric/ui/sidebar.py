"""The gallery sidebar: who is enrolled; show, rename, merge, remove; export and import."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import Identity, Purpose, clean_name, comparable_text
from biometric.errors import ArchiveInvalid, InvalidInput, UnknownIdentity
from biometric.ui import answers, elements, presenters
from biometric.ui.calibration_tab import CalibrationPanel
from biometric.ui.components import area, on_act
from biometric.ui.page import QUIET, Page, Steps, Updates, event, guarded, run_once
from biometric.ui.picture_uris import Pictures
from biometric.ui.session import Session
from biometric.ui.text_format import count, day, escape, people

ROWS = 100
"""Most rows shown at once; the search narrows them down."""
SEARCH_FROM = 6


class GallerySidebar:
    """Components and handlers of the sidebar. Build inside `gr.Sidebar`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        gr.HTML('<h2 class="sl-title">Gallery</h2>', apply_default_css=False)
        self.search = gr.Textbox(label="Search by name", max_lines=1, visible=False, elem_id="gallery-search")
        self.message = area(elem_id="gallery-message")
        self.rows = area(rows([], page.pictures), elem_id="gallery-rows")
        with gr.Column(visible=False, elem_id="gallery-edit", elem_classes=["sl-form"]) as self.edit:
            self.card = area()
            self.name = gr.Textbox(label="New name", max_lines=1, elem_id="gallery-name")
            self.rename = gr.Button("Rename", size="sm")
            self.target = gr.Textbox(label="Merge into (name)", max_lines=1, elem_id="gallery-merge-into")
            self.merging = gr.Checkbox(label="They are one person; merging cannot be undone", value=False)
            self.merge = gr.Button("Merge", size="sm")
            self.sure = gr.Checkbox(label="Remove for good, with all pictures", value=False)
            self.remove = gr.Button("Remove", size="sm", variant="stop")
            self.done = gr.Button("Close", size="sm")
        with gr.Accordion("Export and import", open=False):
            self.export = gr.Button("Export the gallery", size="sm")
            self.download = gr.DownloadButton("Download the export", size="sm", visible=False, variant="primary")
            self.archive = gr.File(
                label="Import an export",
                file_count="single",
                type="filepath",
                height=110,
                elem_id="gallery-import",
                elem_classes=["sl-drop", "sl-import"],
            )
        self.calibration = CalibrationPanel(page)
        self.limits = gr.HTML("", apply_default_css=False)

    @property
    def components(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.search, self.rows, *self.evidence]

    @property
    def form(self) -> list[Any]:
        """Components of the form that acts on one identity."""
        return [self.message, self.edit, self.card, self.name, self.target, self.merging, self.sure]

    def connect(self) -> list[Any]:
        """Attach events; returns those after which the gallery has changed."""
        self.search.input(self.searched, [self.search], [self.rows], trigger_mode="always_last", **QUIET)
        on_act(self.rows, self.open, outputs=self.form, **QUIET)
        self.done.click(self.close, None, self.form, **QUIET)
        self.export.click(self.exported, None, [self.message, self.download], concurrency_limit=1, **QUIET)
        options: dict[str, Any] = {"outputs": self.form, "concurrency_limit": 1, **QUIET}
        return [
            gr.on([self.rename.click, self.name.submit], self.renamed, [self.name], **options),
            self.merge.click(self.merged, [self.target, self.merging], **options),
            self.remove.click(self.removed, [self.sure], **options),
            self.archive.upload(
                self.imported, [self.archive], [self.message, self.archive], concurrency_limit=1, **QUIET
            ),
            self.calibration.connect(),
        ]

    # --- what it shows -------------------------------------------------------------------------------------------

    def render(self) -> Updates:
        """Return the list and the thresholds as they are now."""
        identities = self.page.identities()
        return {
            self.search: gr.update(visible=len(identities) > SEARCH_FROM),
            self.rows: rows(identities, self.page.pictures),
            **self.thresholds(),
        }

    @property
    def evidence(self) -> list[Any]:
        """Components that `thresholds` changes."""
        return [self.limits, self.calibration.current]

    def thresholds(self) -> Updates:
        """Return the thresholds with their evidence as they are now."""
        purposes: tuple[Purpose, ...] = ("verification", "identification")
        notes = "".join(
            f"<h4>{purpose.capitalize()}</h4>{elements.threshold_evidence(self.page.threshold(purpose))}"
            for purpose in purposes
        )
        return {
            self.limits: f'<details class="sl-quiet"><summary>Thresholds and their evidence</summary>{notes}</details>',
            **self.calibration.render(),
        }

    def searched(self, text: Any) -> Updates:
        """The search text changed."""
        query = text if isinstance(text, str) else ""
        return run_once(lambda: {self.rows: rows(self.page.identities(), self.page.pictures, query)}, self.message)

    def open(self, data: gr.EventData, request: gr.Request) -> Updates:
        """A row was clicked: show its pictures and what can be done."""
        session = self.page.session(request)

        def run() -> Updates:
            session.row = event(data)[1]
            identity = self._identity(session)
            return {
                self.message: "",
                self.edit: gr.update(visible=True),
                self.card: self._card(identity),
                self.name: identity.name,
                self.target: "",
                self.merging: False,
                self.sure: False,
            }

        return run_once(run, self.message)

    def _card(self, identity: Identity) -> str:
        line = (
            f"{count(identity.reference_count, 'reference')}, {count(identity.sample_count, 'sample')} · "
            f"enrolled {day(identity.created_at)}, last reference {day(identity.updated_at)}"
        )
        shown = answers.claimed(identity, self.page.references(), self.page.pictures)
        return f'<h4 dir="auto">{escape(identity.name)}</h4><p class="sl-quiet">{escape(line)}</p>{shown}'

    def _identity(self, session: Session) -> Identity:
        for identity in self.page.identities():
            if identity.id == session.row:
                return identity
        raise UnknownIdentity("This identity is no longer in the gallery. Reload the page to see who is.")

    # --- what it does --------------------------------------------------------------------------------------------

    def close(self, request: gr.Request) -> Updates:
        """Put the form away."""
        self.page.session(request).row = None
        return self._closed("")

    def _closed(self, message: str) -> Updates:
        return {
            self.message: message,
            self.edit: gr.update(visible=False),
            self.name: "",
            self.target: "",
            self.merging: False,
            self.sure: False,
        }

    def renamed(self, name: Any, request: gr.Request) -> Updates:
        """Give the chosen identity another name."""
        session = self.page.session(request)

        def run() -> Updates:
            identity = self._identity(session)
            former, now = self.page.service.gallery().rename(identity.id, clean_name(_text(name))).names
            text = f"{former} is now called {now}."
            return {**self._closed(elements.banner("good", "Renamed", text))}

        return run_once(run, self.message)

    def merged(self, target: Any, sure: Any, request: gr.Request) -> Updates:
        """Move all references of the chosen identity to another one, once the box is ticked."""
        session = self.page.session(request)

        def run() -> Updates:
            identity, gallery = self._identity(session), self.page.service.gallery()
            into = gallery.find(clean_name(_text(target)))
            if into.id == identity.id:
                raise InvalidInput("Choose another person to merge into; this is the same identity.")
            if sure is not True:
                raise InvalidInput(
                    f"To merge {identity.name} with {count(identity.reference_count, 'reference')} into {into.name}, "
                    "tick “They are one person” first."
                )
            gallery.merge(identity.id, into.id)
            now = gallery.find(into.name)
            self._forget(identity)
            text = f"{identity.name} is now part of {now.name}, with {count(now.reference_count, 'reference')}."
            return self._closed(elements.banner("good", "Merged", text))

        return run_once(run, self.message)

    def removed(self, sure: Any, request: gr.Request) -> Updates:
        """Remove the chosen identity, once the box is ticked."""
        session = self.page.session(request)

        def run() -> Updates:
            identity = self._identity(session)
            if sure is not True:
                raise InvalidInput(
                    f"To remove {identity.name} with {count(identity.reference_count, 'reference')}, tick "
                    "“Remove for good” first. This cannot be undone."
                )
            self.page.service.gallery().erase(identity.id)
            self._forget(identity)
            text = f"{identity.name}, all references and pictures are gone from the gallery."
            return self._closed(elements.banner("good", "Removed", text))

        return run_once(run, self.message)

    def _forget(self, identity: Identity) -> None:
        """Drop remembered pictures of somebody who is gone."""
        self.page.pictures.forget(self.page.service.gallery().folder / identity.id)

    def exported(self, request: gr.Request) -> Updates:
        """Write the whole gallery as one file to download."""
        session = self.page.session(request)

        def run() -> Updates:
            stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M")
            path = session.new_folder("export") / f"gallery-{stamp}.zip"
            path = self.page.service.gallery().export(path)
            text = "It holds pictures and templates of people: keep it where only you can read it."
            return {
                self.message: elements.banner("info", "The export is ready", text),
                self.download: gr.update(value=str(path), visible=True),
            }

        return run_once(run, self.message)

    def imported(self, path: str | None) -> Steps:
        """Add the people of an uploaded export."""

        def run() -> Steps:
            if path is None:
                raise ArchiveInvalid("There is no file. Choose an export of a gallery.")
            yield {self.message: presenters.working("Importing")}
            try:
                report = self.page.service.gallery().import_(Path(path))
            finally:
                self.page.uploads.release(Path(path))
            text = f"{people(report.identities)} and {count(report.references, 'reference')} were added."
            if report.already_there:
                text += f" {count(report.already_there, 'reference')} were there already."
            for before, now in report.renamed:
                text += f" {before} is called {now} here."
            yield {self.message: elements.banner("good", "Imported", text)}

        yield from guarded(run(), self.message, lambda: {self.archive: gr.update(value=None)})


def rows(identities: Sequence[Identity], pictures: Pictures, query: str = "") -> str:
    """Return identities as rows (action `show`, value: the identity's id), those that contain `query`."""
    if not identities:
        return elements.empty("Nobody is enrolled yet", "Start in Enrollment.")
    wanted = comparable_text(query)
    matching = [identity for identity in identities if wanted in comparable_text(identity.name)]
    html = "".join(_row(identity, pictures) for identity in matching[:ROWS])
    if not matching:
        html = f'<p class="sl-quiet">No name contains “{escape(query.strip())}”.</p>'
    elif len(matching) > ROWS:
        html += f'<p class="sl-quiet">{len(matching) - ROWS:,} more. Type a part of the name to find them.</p>'
    return f'<div class="sl-rows">{html}</div>'


def _row(identity: Identity, pictures: Pictures) -> str:
    shot = elements.picture(pictures.crop(identity.thumbnail, 72), "", "sl-thumb")
    return (
        f'<button type="button" class="sl-person" data-action="show" data-value="{escape(identity.id)}" '
        f'data-key="show:{escape(identity.id)}" aria-label="{escape(identity.name)}: show, rename, merge or remove">'
        f'{shot}<span class="sl-name" dir="auto">{escape(identity.name)}</span>'
        f"<small>{count(identity.reference_count, 'reference')} · {day(identity.updated_at)}</small>"
        '<span class="sl-more" aria-hidden="true">⋯</span></button>'
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
