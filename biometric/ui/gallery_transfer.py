"""Export and import of the gallery: a part of the People tab."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import ImportReport
from biometric.errors import ArchiveInvalid
from biometric.messages.erasure_sentences import describe_left_out
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.components import area
from biometric.ui.page import QUIET, Page, Steps, Updates
from biometric.ui.people_state import PeopleState
from biometric.ui.step_runs import guarded, run_once
from biometric.ui.text_format import count, people


@dataclass(frozen=True, slots=True)
class GalleryTransfer:
    """The finished part; `imported` is the event after which the gallery may have changed."""

    accordion: gr.Accordion
    imported: Any


def gallery_transfer(page: Page) -> GalleryTransfer:
    """Build the part and attach its events."""
    with gr.Accordion(_("Export and import"), open=False, elem_id="gallery-transfer") as accordion:
        message = area(elem_id="gallery-message")
        with gr.Row(elem_classes=["sl-go"]):
            export = gr.Button(_("Export the gallery"), size="sm")
            download = gr.DownloadButton(_("Download the export"), size="sm", visible=False, variant="primary")
        archive = gr.File(
            label=_("Import an export"),
            file_count="single",
            type="filepath",
            height=110,
            elem_id="gallery-import",
            elem_classes=["sl-drop", "sl-import"],
        )
        resurrect = gr.Button(
            _("Bring back those who were erased"), size="sm", visible=False, elem_id="gallery-resurrect"
        )

    def on_export(request: gr.Request) -> Updates:
        folder = page.session(request).new_folder("export")

        def run() -> Updates:
            path = write_export(page, folder)
            text = _("It holds pictures and templates of people: keep it where only you can read it.")
            return {
                message: elements.banner("info", _("The export is ready"), text),
                download: gr.update(value=str(path), visible=True),
            }

        return run_once(run, message)

    def on_import(path: str | None, request: gr.Request) -> Steps:
        people = page.session(request).people

        def run() -> Steps:
            yield {message: presenters.working(_("Importing"))}
            _answered(page, people)
            report = read_import(page, path, keep_if_left_out=True)
            if report.left_out_people and path is not None:
                people.waiting_import = Path(path)
            mood: elements.Mood = "warning" if report.left_out_people else "good"
            offer = gr.update(visible=bool(report.left_out_people))
            yield {message: elements.banner(mood, *imported_words(report)), resurrect: offer}

        yield from guarded(run(), message, lambda: {archive: gr.update(value=None)})

    def on_resurrect(request: gr.Request) -> Steps:
        people = page.session(request).people

        def run() -> Steps:
            yield {message: presenters.working(_("Importing")), resurrect: gr.update(visible=False)}
            path, people.waiting_import = people.waiting_import, None
            report = read_import(page, None if path is None else str(path), resurrect=True)
            yield {message: elements.banner("good", *imported_words(report))}

        yield from guarded(run(), message)

    resurrect.click(on_resurrect, None, [message, resurrect], concurrency_limit=1, **QUIET)

    export.click(on_export, None, [message, download], concurrency_limit=1, **QUIET)
    return GalleryTransfer(
        accordion,
        imported=archive.upload(on_import, [archive], [message, archive, resurrect], concurrency_limit=1, **QUIET),
    )


def write_export(page: Page, folder: Path) -> Path:
    """Write the whole gallery as one file into a folder. Raises the `GalleryError` family."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M")
    return page.service.gallery().export(folder / f"gallery-{stamp}.zip")


def _answered(page: Page, people: PeopleState) -> None:
    """Remove an export that waits for an answer that nobody gave."""
    if people.waiting_import is not None:
        page.uploads.release(people.waiting_import)
        people.waiting_import = None


def read_import(
    page: Page, path: str | None, *, resurrect: bool = False, keep_if_left_out: bool = False
) -> ImportReport:
    """Add the people of an uploaded export, which is removed then.

    Args:
        resurrect: also those who were erased here.
        keep_if_left_out: the file stays where people were left out because they were erased here.

    Raises:
        ArchiveInvalid: there is no file, or it is no export of a gallery.
    """
    if path is None:
        raise ArchiveInvalid("There is no file. Choose an export of a gallery.")
    report: ImportReport | None = None
    try:
        report = page.service.gallery().import_(Path(path), resurrect=resurrect)
        return report
    finally:
        if not (keep_if_left_out and report is not None and report.left_out_people):
            page.uploads.release(Path(path))


def imported_words(report: ImportReport) -> tuple[str, str]:
    """Return title and sentence about an import."""
    if not report.references:
        text = _("{count} were there already.").format(count=count(report.already_there, "reference"))
        if report.left_out_people:
            text = describe_left_out(report)
        return _("Nothing new in this file"), text
    text = _("{people} and {count} were added.").format(
        people=people(report.identities), count=count(report.references, "reference")
    )
    if report.already_there:
        text += _(" {count} were there already.").format(count=count(report.already_there, "reference"))
    if report.left_out_people:
        text += f" {describe_left_out(report)}"
    for before, now in report.renamed:
        text += _(" {before} is called {now} here.").format(before=before, now=now)
    return _("Imported"), text
