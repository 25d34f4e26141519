"""What erasing somebody did and could not do, in sentences."""

from collections.abc import Sequence

from biometric.entities import ImportReport
from biometric.entities.erasure import DerivativeKind, ErasureCertificate, Unreached, UnreachedFile
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext


def describe_erasure(name: str, certificate: ErasureCertificate) -> list[str]:
    """Return one sentence about what was deleted, and one for each kind of what was not."""
    counts = certificate.counts
    text = _("{name} was erased with {references} and {samples}.").format(
        name=name,
        references=counted(counts.get("references", 0), "reference"),
        samples=counted(counts.get("samples", 0), "sample"),
    )
    files = counts.get("files", 0) + counts.get("copies", 0)
    if files:
        text += " " + ngettext(
            "{n:,} file with their name or picture was deleted.",
            "{n:,} files with their name or pictures were deleted.",
            files,
        ).format(n=files)
    sightings = counts.get("sightings", 0)
    if sightings:
        text += " " + ngettext(
            "{n:,} sighting of them was deleted.", "{n:,} sightings of them were deleted.", sightings
        ).format(n=sightings)
    seen = counts.get("observations", 0)
    if seen:
        text += " " + ngettext(
            "What was measured of them in {n:,} kept observation was deleted; the footage itself stays until it is "
            "removed or expires.",
            "What was measured of them in {n:,} kept observations was deleted; the footage itself stays until it is "
            "removed or expires.",
            seen,
        ).format(n=seen)
    return [text, *describe_unreached(certificate.unreached)]


def describe_unreached(files: Sequence[UnreachedFile]) -> list[str]:
    """Return one sentence for each kind of what was not deleted."""
    lines: list[str] = []
    for file in files:
        if file.why is Unreached.HANDED_OUT:
            lines.append(_handed_out(file))
        elif file.why is Unreached.CHANGED:
            lines.append(
                _("Not deleted, because it was changed after it was written: {path}. Look at it yourself.").format(
                    path=file.path
                )
            )
        elif file.why is Unreached.REFUSED:
            lines.append(
                _("Not deleted, because the system refused: {path}. Delete it yourself.").format(path=file.path)
            )
    gone = [file for file in files if file.why is Unreached.GONE]
    if gone:
        places = ", ".join(dict.fromkeys(file.path for file in gone))
        lines.append(
            ngettext(
                "{n:,} thing that held them is not where it was written, so it was deleted or moved: in {places}.",
                "{n:,} things that held them are not where they were written, so they were deleted or moved: in "
                "{places}.",
                len(gone),
            ).format(n=len(gone), places=places)
        )
    return lines


def describe_left_out(report: ImportReport) -> str:
    """Return whom an import left out, because they were erased here."""
    return ngettext(
        "{n:,} person in this file was erased here, or parts of theirs were, so {references} were left out.",
        "{n:,} people in this file were erased here, or parts of theirs were, so {references} were left out.",
        report.left_out_people,
    ).format(n=report.left_out_people, references=counted(report.left_out_references, "reference"))


def describe_limits() -> list[str]:
    """Return what no check of an erasure can know."""
    return [
        _(
            "Not known: copies that people made of exports, backups, reports and downloads; backups of the disk; what "
            "browsers, mail and printers kept; and blocks of deleted files that the disk has not overwritten."
        ),
        _("Footage in which they can be seen is not searched: remove clips from the library, and delete your own."),
    ]


def _handed_out(file: UnreachedFile) -> str:
    text = (
        _("The backup of {day} may hold them: {path}.")
        if file.kind is DerivativeKind.BACKUP
        else _("The export of {day} may hold them: {path}.")
    )
    return text.format(day=file.written_at[:10], path=file.path)
