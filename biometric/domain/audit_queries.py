"""Reads what people ask of the audit trail: days, who, what, about whom."""

from datetime import UTC, datetime, timedelta

from biometric.entities.audit import AuditQuery
from biometric.errors import InvalidInput, UnknownIdentity
from biometric.ports import Gallery

WORDS = {
    "enroll": "enrolled",
    "verify": "verified",
    "identify": "identified",
    "rename": "renamed",
    "merge": "merged",
    "remove": "removed",
    "erase": "erased",
    "import": "imported",
    "export": "exported",
    "calibrate": "calibrated",
    "redact": "redacted",
    "sign-in": "signed_in",
    "sign-out": "signed_out",
}
"""What people call actions by their commands."""


def read_query(
    gallery: Gallery, *, since: str = "", until: str = "", who: str = "", what: str = "", person: str = ""
) -> AuditQuery:
    """Return which records are wanted.

    Args:
        since, until: days (2026-11-28, both included) or times, on this machine's clock where they name no zone.
        what: an action, or the command that does it.
        person: name or id of an identity; ids also of those who are erased.

    Raises:
        InvalidInput: a day or time cannot be read.
        UnknownIdentity: nobody has that name or id.
        GalleryError: the gallery cannot be read.
    """
    what = what.strip().lower()
    return AuditQuery(
        since=_moment(since, timedelta(0)),
        until=_moment(until, timedelta(days=1)),
        who=who.strip(),
        action=WORDS.get(what, what.replace("-", "_")),
        person=_identity(gallery, person.strip()),
    )


def _moment(text: str, whole_day: timedelta) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= 10:
            moment += whole_day
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError) as error:
        raise InvalidInput("{text} is neither a day such as 2026-11-28 nor a time.", text=text[:40]) from error


def _identity(gallery: Gallery, person: str) -> str:
    if not person:
        return ""
    try:
        return gallery.find(person).id
    except UnknownIdentity:
        trashed = gallery.find_in_trash(person)
        if trashed:
            return trashed[0]
        if len(person) == 32 and set(person) <= set("0123456789abcdef"):
            return person
        raise
