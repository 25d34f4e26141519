"""A subject report as data for programs, and as one page for people that needs nothing else."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from biometric.entities.subject_parts import SubjectItem
from biometric.messages.counted import counted
from biometric.messages.local_dates import utc_time
from biometric.messages.subject_sentences import (
    HEADINGS,
    LABELS,
    describe_introduction,
    describe_not_known,
    describe_pictures,
    describe_value,
)
from biometric.messages.translation import gettext as _
from biometric.results.report_html import report_environment

if TYPE_CHECKING:
    from jinja2 import Template

FORMAT: Final = "sightline-subject-report"
VERSION: Final = 1
MOST_PICTURES = 200
"""Most pictures on the page; all are beside it."""
_NESTED = ("basis", "template", "details")
"""Mappings within items whose values are told with the item's own."""

Sections = Mapping[str, tuple[SubjectItem, ...]]


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """What a report is made of.

    Attributes:
        made_at: ISO 8601, UTC.
        gallery_encrypted: whether the gallery is; the report is not.
        pictures: JPEG by path within the report, those that could be read; all that are named, `missing` more.
    """

    name: str
    made_at: str
    gallery_encrypted: bool
    sections: Sections
    pictures: Mapping[str, bytes]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    rows: tuple[tuple[str, str], ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    heading: str
    entries: tuple[_Entry, ...]


def now() -> str:
    """Return the time as reports have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def subject_data(report: SubjectReport) -> dict[str, Any]:
    """Return a report as JSON-ready data; vectors become lists of numbers that are exactly the float32 values."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": report.name,
        "made_at": report.made_at,
        "encrypted": False,
        "gallery_encrypted": report.gallery_encrypted,
        **{name: [_plain(item) for item in report.sections.get(name, ())] for name in HEADINGS},
        "missing_pictures": list(report.missing),
        "not_known": describe_not_known(),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [float(str(number)) for number in value]  # the shortest text that is this float32
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def subject_html(report: SubjectReport) -> str:
    """Return the page of a report; every text in it is escaped."""
    shown: dict[str, str] = {}
    sections = [_section(name, report.sections.get(name, ()), report.pictures, shown) for name in HEADINGS]
    total = len(report.pictures)
    return _template().render(
        title=_("Subject report"),
        name=report.name,
        made=utc_time(report.made_at),
        introduction=describe_introduction(report.gallery_encrypted),
        notes=describe_pictures(len(shown), total, len(report.missing)),
        sections=sections,
        not_known=describe_not_known(),
        pictures=shown,
    )


def _section(
    name: str, items: tuple[SubjectItem, ...], pictures: Mapping[str, bytes], shown: dict[str, str]
) -> _Section:
    entries = []
    for item in items:
        named = [path for path in _pictures(item) if path in pictures]
        for path in named:
            if path not in shown and len(shown) < MOST_PICTURES:
                shown[path] = base64.b64encode(pictures[path]).decode("ascii")
        entries.append(_Entry(tuple(_rows(item)), tuple(path for path in named if path in shown)))
    return _Section(_(HEADINGS[name]), tuple(entries))


def _pictures(item: SubjectItem) -> Iterator[str]:
    if item.get("picture"):
        yield str(item["picture"])
    for sample in item.get("samples") or ():
        if isinstance(sample, Mapping) and sample.get("picture"):
            yield str(sample["picture"])


def _rows(item: SubjectItem) -> Iterator[tuple[str, str]]:
    for key, value in item.items():
        if key in _NESTED and isinstance(value, Mapping):
            yield from _rows(value)
        elif key == "basis":
            yield _(LABELS["legal_basis"]), _("not recorded")
        elif key == "files":
            for file in value:
                words = [describe_value("ending", file["ending"]), f"SHA-256 {file['sha256']}"]
                words.append(_("is there") if file["still_there"] else _("is not there any more"))
                yield _("File"), ", ".join(filter(None, words))
        elif key == "samples" and isinstance(value, list):
            yield _("Samples"), counted(len(value), "sample")
        elif key in LABELS:
            text = describe_value(key, value)
            if text:
                yield _(LABELS[key]), text


@cache
def _template() -> "Template":
    return report_environment().get_template("subject.html")
