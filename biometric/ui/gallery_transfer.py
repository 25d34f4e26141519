"""Export and import of the gallery: a part of the People tab."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import ImportReport
from biometric.entities.exports import ImportPreview, SignerKind
from biometric.errors import ArchiveInvalid, AttachRefused, BiometricError, WrongPassphrase
from biometric.messages.erasure_sentences import describe_left_out
from biometric.messages.export_sentences import describe_preview, describe_signer
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters, problems
from biometric.ui.components import area
from biometric.ui.page import QUIET, Page, Steps, Updates
from biometric.ui.people_state import PeopleState
from biometric.ui.step_runs import guarded, run_once
from biometric.ui.text_format import count, people


@dataclass(frozen=True, slots=True)
class GalleryTransfer:
    """The finished part; `imported` are the events after which the gallery may have changed."""

    accordion: gr.Accordion
    imported: list[Any]


def gallery_transfer(page: Page) -> GalleryTransfer:
    """Build the part and attach its events."""
    with gr.Accordion(_("Export and import"), open=False, elem_id="gallery-transfer") as accordion:
        message = area(elem_id="gallery-message")
        passphrase = gr.Textbox(
            label=_("Passphrase"),
            info=_("10 characters or more encrypt the export; or the one that opens an encrypted export."),
            type="password",
            max_lines=1,
            elem_id="gallery-passphrase",
        )
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
        with gr.Row(elem_classes=["sl-go"]):
            texts = {
                "look": _("Open with this passphrase"),
                "import": _("Import"),
                "attach": _("Import, and give them the references"),
                "separate": _("Import as people of their own"),
                "resurrect": _("Bring back those who were erased"),
                "cancel": _("Cancel"),
            }
            buttons = {
                name: gr.Button(text, size="sm", visible=False, elem_id=f"gallery-{name}-button")
                for name, text in texts.items()
            }

    def shown(*names: str) -> Updates:
        return {button: gr.update(visible=name in names) for name, button in buttons.items()}

    def on_export(secret: str, request: gr.Request) -> Updates:
        folder = page.session(request).new_folder("export")

        def run() -> Updates:
            path = write_export(page, folder, secret or None)
            text = _("It holds pictures and templates of people: keep it where only you can read it.")
            if secret:
                text = _("It opens with the passphrase alone, which nobody can recover.")
            return {
                message: elements.banner("info", _("The export is ready"), text),
                download: gr.update(value=str(path), visible=True),
                passphrase: gr.update(value=""),
            }

        return run_once(run, message)

    def on_upload(path: str | None, secret: str, request: gr.Request) -> Steps:
        state = page.session(request).people

        def run() -> Steps:
            yield {message: presenters.working(_("Looking at the file")), **shown()}
            _answered(page, state)
            state.waiting_import = None if path is None else Path(path)
            yield look(state, secret)

        yield from guarded(run(), message, lambda: {archive: gr.update(value=None)})

    def on_look(secret: str, request: gr.Request) -> Steps:
        state = page.session(request).people

        def run() -> Steps:
            yield look(state, secret)

        yield from guarded(run(), message)

    def look(state: PeopleState, secret: str) -> Updates:
        try:
            preview = preview_of(page, state.waiting_import, secret or None)
        except WrongPassphrase as error:
            return {message: problems.problem(error), **shown("look", "cancel")}
        except BiometricError:
            _answered(page, state)
            raise
        mood, choices = preview_choices(preview)
        return {message: elements.banner(mood, *preview_words(preview)), **shown(*choices, "cancel")}

    def importing(**said: bool) -> Callable[..., Steps]:
        def on_import(secret: str, request: gr.Request) -> Steps:
            state = page.session(request).people

            def run() -> Steps:
                yield {message: presenters.working(_("Importing")), **shown()}
                path, state.waiting_import = state.waiting_import, None
                asked = {"resurrect": state.resurrecting, **said}
                state.resurrecting = False
                try:
                    report = read_import(page, path, secret or None, keep_if_unanswered=True, **asked)
                except AttachRefused as error:  # of somebody erased, which the preview could not ask about
                    state.waiting_import, state.resurrecting = path, asked["resurrect"]
                    yield {message: problems.problem(error), **shown("attach", "separate", "cancel")}
                    return
                left_out = bool(report.left_out_people)
                if left_out:
                    state.waiting_import = path
                banner = elements.banner("warning" if left_out else "good", *imported_words(report))
                yield {
                    message: banner,
                    **shown(*(("resurrect", "cancel") if left_out else ())),
                    passphrase: gr.update() if left_out else gr.update(value=""),
                }

            yield from guarded(run(), message)

        return on_import

    def on_cancel(request: gr.Request) -> Updates:
        _answered(page, page.session(request).people)
        return {message: "", passphrase: gr.update(value=""), **shown()}

    outputs = [message, passphrase, *buttons.values()]
    export.click(on_export, [passphrase], [message, download, passphrase], concurrency_limit=1, **QUIET)
    archive.upload(on_upload, [archive, passphrase], [archive, *outputs], concurrency_limit=1, **QUIET)
    buttons["look"].click(on_look, [passphrase], outputs, concurrency_limit=1, **QUIET)
    buttons["cancel"].click(on_cancel, None, outputs, **QUIET)
    said: dict[str, dict[str, bool]] = {
        "import": {},
        "attach": {"attach": True},
        "separate": {"separate": True},
        "resurrect": {"resurrect": True},
    }
    imported = [
        buttons[name].click(importing(**words), [passphrase], outputs, concurrency_limit=1, **QUIET)
        for name, words in said.items()
    ]
    return GalleryTransfer(accordion, imported=imported)


def write_export(page: Page, folder: Path, passphrase: str | None = None) -> Path:
    """Write the whole gallery as one file into a folder. Raises the `GalleryError` family, `InvalidInput`."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M")
    return page.service.gallery().export(folder / f"gallery-{stamp}.zip", passphrase=passphrase)


def _answered(page: Page, people: PeopleState) -> None:
    """Remove an export that waits for an answer that nobody gave."""
    people.resurrecting = False
    if people.waiting_import is not None:
        page.uploads.release(people.waiting_import)
        people.waiting_import = None


def preview_of(page: Page, path: Path | None, passphrase: str | None) -> ImportPreview:
    """Return what an uploaded export would do. Raises `ArchiveInvalid`, `WrongPassphrase`, `ModelMismatch`."""
    if path is None:
        raise ArchiveInvalid("There is no file. Choose an export of a gallery.")
    return page.service.gallery().preview_import(path, passphrase=passphrase)


def preview_choices(preview: ImportPreview) -> tuple[elements.Mood, tuple[str, ...]]:
    """Return the mood of a preview, and what can be done."""
    doubtful = preview.signer.kind in (SignerKind.UNSIGNED, SignerKind.CHANGED)
    if preview.attaching:
        return "warning", ("attach", "separate")
    return ("warning" if doubtful or preview.erased else "info"), ("import",)


def preview_words(preview: ImportPreview) -> tuple[str, str]:
    """Return title and sentences about an export that waits for a yes."""
    return _("Import this export?"), " ".join(describe_preview(preview))


def read_import(
    page: Page,
    path: Path | None,
    passphrase: str | None = None,
    *,
    attach: bool = False,
    separate: bool = False,
    resurrect: bool = False,
    keep_if_unanswered: bool = False,
) -> ImportReport:
    """Add the people of an uploaded export, which is removed then.

    Args:
        attach, separate, resurrect: see `Gallery.import_`.
        keep_if_unanswered: the file stays where people were left out because they were erased here, or
            `AttachRefused` is raised.

    Raises:
        ArchiveInvalid: there is no file, or it is no export of a gallery.
        AttachRefused: people who are here would get references.
    """
    if path is None:
        raise ArchiveInvalid("There is no file. Choose an export of a gallery.")
    unanswered = False
    said = {"attach": attach, "separate": separate, "resurrect": resurrect}
    try:
        report = page.service.gallery().import_(path, passphrase=passphrase, **said)
        unanswered = bool(report.left_out_people)
        return report
    except AttachRefused:
        unanswered = True
        raise
    finally:
        if not (keep_if_unanswered and unanswered):
            page.uploads.release(path)


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
    text += f" {describe_signer(report.signer)}"
    for before, now in report.renamed:
        text += _(" {before} is called {now} here.").format(before=before, now=now)
    return _("Imported"), text
