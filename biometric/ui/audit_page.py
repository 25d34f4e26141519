"""The page on which an admin sees who did what, and checks whether that record is intact; plain forms."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from biometric.accounts.account_types import SignedIn
from biometric.domain.audit_queries import read_query
from biometric.entities.audit import AuditRecord, AuditReport, fingerprint
from biometric.errors import BiometricError
from biometric.messages import describe_error
from biometric.messages.audit_sentences import (
    ACTIONS,
    describe_action,
    describe_actor,
    describe_details,
    describe_people,
    describe_report,
)
from biometric.messages.local_dates import day_and_time
from biometric.messages.translation import gettext as _
from biometric.messages.translation import language
from biometric.ports import Gallery
from biometric.ui.asgi import Scope
from biometric.ui.sign_in import form_values
from biometric.ui.templating import render

PATH = "/sightline/audit"
PAGE_SIZE = 50
_FIELDS = ("what", "who", "day", "person")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A record as the page shows it."""

    number: int
    when: str
    who: str
    what: str
    people: str
    details: str


class AuditPage:
    """Answers requests for the page.

    Args:
        gallery: returns the configured gallery.
    """

    def __init__(self, gallery: Callable[[], Gallery]) -> None:
        self._gallery = gallery

    def __call__(self, who: SignedIn, scope: Scope, body: bytes) -> tuple[int, str]:
        """Show records, or what their verification found; return status and HTML."""
        asked = form_values(scope.get("query_string", b""))
        chosen = {name: asked.get(name, "")[:200] for name in _FIELDS}
        number = asked.get("from", "")
        offset = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
        problem, total, report, head = "", 0, None, None
        lines: list[AuditLine] = []
        try:
            gallery = self._gallery()
            if scope["method"] == "POST":
                report = gallery.audit.verify()
            head = gallery.audit.head()
            lines, total = _lines(gallery, chosen, offset)
        except BiometricError as error:
            problem = describe_error(error)
        html = render(
            "audit.html",
            language=language(),
            problem=problem,
            report=_told(report),
            chosen=chosen,
            actions=sorted(((value, _(text)) for value, text in ACTIONS.items()), key=lambda item: item[1].casefold()),
            lines=lines,
            total=total,
            newer=_address(chosen, max(0, offset - PAGE_SIZE)) if offset else "",
            older=_address(chosen, offset + PAGE_SIZE) if offset + PAGE_SIZE < total else "",
            key="" if head is None else fingerprint(head.public_key),
        )
        return (422 if problem else 200), html


def _lines(gallery: Gallery, chosen: dict[str, str], offset: int) -> tuple[list[AuditLine], int]:
    day = chosen["day"]
    query = read_query(gallery, since=day, until=day, who=chosen["who"], what=chosen["what"], person=chosen["person"])
    records, total = gallery.audit.records(query, PAGE_SIZE, offset)
    names = gallery.audit.names(sorted({person for record in records for person in record.people}))
    return [_line(record, names) for record in records], total


def _line(record: AuditRecord, names: dict[str, str]) -> AuditLine:
    when = day_and_time(record.time) if record.time else ""
    people, details = describe_people(record, names), describe_details(record)
    return AuditLine(record.number, when, describe_actor(record), describe_action(record.action), people, details)


def _told(report: AuditReport | None) -> tuple[bool, list[str]] | None:
    return None if report is None else (report.intact, describe_report(report))


def _address(chosen: dict[str, str], offset: int) -> str:
    return f"{PATH}?{urlencode({**chosen, 'from': str(offset)})}"
