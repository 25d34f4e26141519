"""The files of an identification as the page offers them: may they be written, the copies to serve, and their links."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from biometric.entities import FrameRange
from biometric.errors import StorageFull
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.results.answer_files import Outputs
from biometric.ui import elements, problems
from biometric.ui.components import file_url, player
from biometric.ui.page import Page
from biometric.ui.session import Footage
from biometric.ui.text_format import escape

LABELS = {
    "clip": N_("Annotated footage"),
    "csv": N_("Table (CSV)"),
    "json": N_("Data (JSON)"),
    "timeline": N_("Timeline (PNG)"),
}
"""Kind of file, as the fields of `Outputs` are named, and what its link says."""


def target_refusal(page: Page, footage: Footage, folder: Path) -> str:
    """Return the banner that says why no files can be written, before anything is analysed; "" if they can."""
    if footage.clip is None:
        return ""
    frames = FrameRange.inclusive(footage.first, footage.last)
    try:
        page.service.check_outputs(footage.clip, frames, folder, label=footage.label)
    except StorageFull as error:
        return problems.problem(error)
    return ""


def copy_for_download(outputs: Outputs, folder: Path) -> dict[str, Path]:
    """Copy the files into a folder that the page may serve; return the copies by kind.

    Raises:
        StorageFull: a file could not be copied.
    """
    try:
        files: dict[str, Path | None] = {kind: getattr(outputs, kind) for kind in LABELS}
        return {
            kind: Path(shutil.copyfile(file, folder / file.name)) for kind, file in files.items() if file is not None
        }
    except OSError as error:
        raise StorageFull(
            "The files could not be prepared for download: {reason}. Free some space.", reason=error.strerror
        ) from error


def download_links(files: Mapping[str, Path]) -> str:
    """Return links to the copies, in one row."""
    links = "".join(
        f'<a class="sl-button" href="{escape(file_url(files[kind]))}" download="{escape(files[kind].name)}">'
        f"{elements.icon('download')} {escape(_(words))}</a>"
        for kind, words in LABELS.items()
        if kind in files
    )
    return f'<h4>{_("Downloads")}</h4><div class="sl-downloads">{links}</div>'


def annotated_footage(file: Path, photograph: bool) -> str:
    """Return the annotated clip's player, or the annotated photograph."""
    if not photograph:
        return f"<h4>{_('Annotated clip')}</h4>" + player(file, _("Annotated clip"))
    return f"<h4>{_('Annotated photograph')}</h4>" + elements.picture(escape(file_url(file)), _("Annotated photograph"))
