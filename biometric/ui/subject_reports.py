"""Subject reports on the page and by the API: everything held about one person as one file, for that person."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradio import events

from biometric.erasing.subject_reporter import SubjectReporter, WrittenSubjectReport
from biometric.messages.subject_sentences import describe_pictures
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui import api, elements
from biometric.ui.call_values import read_name
from biometric.ui.components import file_url
from biometric.ui.endpoint_runs import run_endpoint
from biometric.ui.text_format import count, escape


def reporter_of(service: Sightline) -> SubjectReporter:
    """Return what writes the reports of a service."""
    return SubjectReporter(service.gallery, service.library, service.eraser)


def report_name() -> str:
    """Return the name of a report's file, which names nobody."""
    return f"subject-report-{datetime.now(UTC):%Y-%m-%d-%H%M}.zip"


def report_line(written: WrittenSubjectReport) -> str:
    """Return what was written, with the link to it; its folder must be one whose files the page may serve."""
    path, pictures = written.path, written.counts["pictures"]
    text = _(
        "The subject report is ready: {references} and {pictures}. It is not encrypted: give it to this person alone."
    )
    words = text.format(
        references=count(written.counts["references"], "reference"), pictures=count(pictures, "picture")
    )
    words = " ".join([words, *describe_pictures(pictures, pictures, written.missing_pictures)])
    return (
        f'<div class="sl-undo" role="status"><span>{escape(words)}</span> '
        f'<a class="sl-button" href="{escape(file_url(path))}" download="{escape(path.name)}">'
        f"{elements.icon('download')} {escape(_('Download the report (ZIP)'))}</a></div>"
    )


class SubjectEndpoints(api.Endpoints):
    """The endpoint for subject reports of one running server."""

    def subject_report(self, name: str, gallery: str | None = None) -> dict[str, Any]:
        """Give everything held about one person as one ZIP file: a page, data with templates as numbers, pictures.

        Args:
            name: the person, enrolled or in the trash; or the person's id.
            gallery: folder of the gallery, inside the configured one.
        """

        def run() -> dict[str, Any]:
            folder, reporter = self._gallery(gallery), reporter_of(self._page.service)
            identity_id = reporter.find(read_name(name), folder)
            with self._page.uploads.call_folder() as place:
                written = reporter.write(identity_id, place / report_name(), folder)
                data = written.path.read_bytes()
            return {**_written_json(written), "identity": identity_id, "zip": base64.b64encode(data).decode("ascii")}

        return run_endpoint(run)


def register(endpoints: SubjectEndpoints) -> None:
    """Attach the endpoint to the page under construction, with its documentation."""
    events.api(endpoints.subject_report, api_name="subject_report", concurrency_limit=1)


def write_report(reporter: SubjectReporter, identity_id: str, folder: Path) -> str:
    """Write the report of somebody into a folder whose files the page may serve; return the line about it.

    Raises:
        UnknownIdentity, StorageFull, GalleryError, KeptFootageError: as of `SubjectReporter.write`.
    """
    return report_line(reporter.write(identity_id, folder / report_name()))


def _written_json(written: WrittenSubjectReport) -> dict[str, Any]:
    return {
        "file": written.path.name,
        "name": written.name,
        "counts": dict(written.counts),
        "missing_pictures": written.missing_pictures,
        "encrypted": False,
        "gallery_encrypted": written.gallery_encrypted,
    }
