"""Export and import of the gallery: a part of the People tab."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import ImportReport
from biometric.errors import ArchiveInvalid
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.components import area
from biometric.ui.page import QUIET, Page, Steps, Updates
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

    def on_import(path: str | None) -> Steps:
        def run() -> Steps:
            yield {message: presenters.working(_("Importing"))}
            report = read_import(page, path)
            yield {message: elements.banner("good", *imported_words(report))}

        yield from guarded(run(), message, lambda: {archive: gr.update(value=None)})

    export.click(on_export, None, [message, download], concurrency_limit=1, **QUIET)
    return GalleryTransfer(
        accordion, imported=archive.upload(on_import, [archive], [message, archive], concurrency_limit=1, **QUIET)
    )


def write_export(page: Page, folder: Path) -> Path:
    """Write the whole gallery as one file into a folder. Raises the `GalleryError` family."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M")
    return page.service.gallery().export(folder / f"gallery-{stamp}.zip")


def read_import(page: Page, path: str | None) -> ImportReport:
    """Add the people of an uploaded export, which is removed then.

    Raises:
        ArchiveInvalid: there is no file, or it is no export of a gallery.
    """
    if path is None:
        raise ArchiveInvalid("There is no file. Choose an export of a gallery.")
    try:
        return page.service.gallery().import_(Path(path))
    finally:
        page.uploads.release(Path(path))


def imported_words(report: ImportReport) -> tuple[str, str]:
    """Return title and sentence about an import."""
    if not report.references:
        return _("Nothing new in this file"), _("{count} were there already.").format(
            count=count(report.already_there, "reference")
        )
    text = _("{people} and {count} were added.").format(
        people=people(report.identities), count=count(report.references, "reference")
    )
    if report.already_there:
        text += _(" {count} were there already.").format(count=count(report.already_there, "reference"))
    for before, now in report.renamed:
        text += _(" {before} is called {now} here.").format(before=before, now=now)
    return _("Imported"), text
