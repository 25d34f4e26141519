"""Writes reports: one file, HTML or PDF by its ending, complete or not there."""

import errno
from pathlib import Path

from biometric.errors import InvalidInput, StorageFull
from biometric.errors.phrases import Phrase
from biometric.results.answer_report import AnswerReport
from biometric.storage import check_writable, describe_os_error, write_atomically

HTML_ENDINGS, PDF_ENDINGS = (".html", ".htm"), (".pdf",)
_LEAST_BYTES = 1_000_000


def refuse_device(destination: Path) -> None:
    """Raise `InvalidInput` where a device or a pipe is in a report's place; folders are refused before."""
    if destination.exists() and not destination.is_file():
        raise InvalidInput(
            "{destination} is a device or a pipe. The report needs the name of a file.", destination=destination
        )


def require_folder(destination: Path) -> None:
    """Raise `OSError` where a report's folder is missing, or nothing can be written to it."""
    if not destination.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, Phrase("there is no folder {folder}", folder=destination.parent))
    check_writable(destination.parent, _LEAST_BYTES)


def not_written(destination: Path, error: OSError) -> StorageFull:
    """Return what says that a report cannot be written, and why."""
    return StorageFull(
        "The report {destination} cannot be written: {reason}.",
        destination=destination,
        reason=describe_os_error(error),
    )


def check_report_file(destination: Path, footage: Path) -> None:
    """Refuse a report's destination that cannot be meant or written, before anything is analysed.

    Args:
        footage: the clip or photograph that the report will be about.

    Raises:
        InvalidInput: it ends in neither .html nor .pdf, is a folder or a device, or is the footage itself.
        StorageFull: its folder is missing or cannot be written.
    """
    if destination.suffix.lower() not in HTML_ENDINGS + PDF_ENDINGS:
        raise InvalidInput(
            "The report {name!r} must end in .html or .pdf, which says what it becomes.", name=destination.name
        )
    try:
        if destination.is_dir():
            raise InvalidInput(
                "The report needs the name of a file; {destination} is a folder.", destination=destination
            )
        refuse_device(destination)
        if destination.exists() and footage.exists() and destination.samefile(footage):
            raise InvalidInput("The report would replace the footage. Choose another name for it.")
        require_folder(destination)
    except OSError as error:
        raise _storage_error(destination, error) from error


def write_report(report: AnswerReport, destination: Path) -> None:
    """Write a report as HTML or PDF, atomically; an older file there is replaced.

    Raises:
        InvalidInput: the ending is neither.
        StorageFull: the file cannot be written.
    """
    if destination.suffix.lower() in PDF_ENDINGS:
        from biometric.results.report_pdf import report_pdf

        data = report_pdf(report)
    elif destination.suffix.lower() in HTML_ENDINGS:
        from biometric.results.report_html import report_html

        data = report_html(report).encode("utf-8")
    else:
        raise InvalidInput(
            "The report {name!r} must end in .html or .pdf, which says what it becomes.", name=destination.name
        )
    try:
        write_atomically(destination, data)
    except OSError as error:
        raise _storage_error(destination, error) from error


def _storage_error(destination: Path, error: OSError) -> InvalidInput | StorageFull:
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput(
            "The name of the report, {name:.60}…, is too long. Choose a shorter one.", name=destination.name
        )
    return not_written(destination, error)
