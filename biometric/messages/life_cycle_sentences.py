"""On what basis people are enrolled, and until when their references are matched with and kept, as sentences."""

from collections.abc import Mapping
from typing import Final

from biometric.entities import BasisRecord, EnrollmentBasis, EntryPoint, LegalBasis, PersonLifetime, Retention
from biometric.messages.counted import counted
from biometric.messages.local_dates import long_day
from biometric.messages.translation import N_, local_number
from biometric.messages.translation import gettext as _

LEGAL_BASES: Final[Mapping[LegalBasis, str]] = {
    LegalBasis.CONSENT: N_("Consent"),
    LegalBasis.CONTRACT: N_("Contract"),
    LegalBasis.EMPLOYMENT: N_("Employment"),
    LegalBasis.LEGAL_CLAIM: N_("Legal claim"),
    LegalBasis.RESEARCH_PROTOCOL: N_("Research protocol"),
    LegalBasis.OTHER: N_("Other"),
}
"""What a legal basis is called."""

ENTRY_POINTS: Final[Mapping[EntryPoint, str]] = {
    EntryPoint.PAGE: N_("on the page"),
    EntryPoint.COMMAND: N_("by command"),
    EntryPoint.API: N_("by a program (API)"),
    EntryPoint.LIBRARY: N_("by a program"),
    EntryPoint.IMPORT: N_("by an import"),
}
"""By which way an enrollment came."""


def describe_legal_basis(basis: EnrollmentBasis) -> str:
    """Return a basis in one line: "Consent · door of the studio · responsible: Grace Hopper"."""
    words = [_(LEGAL_BASES[basis.legal_basis]), basis.purpose]
    if basis.responsible:
        words.append(_("responsible: {who}").format(who=basis.responsible))
    return " · ".join([*words, *filter(None, [basis.note])])


def describe_basis_record(record: BasisRecord | None) -> str:
    """Return the basis of a reference, and when and how it was recorded; that it was not, where it is None."""
    if record is None:
        return _("legal basis not recorded")
    return _("{basis} (recorded on {day} {way})").format(
        basis=describe_legal_basis(record.basis),
        day=long_day(record.recorded_at),
        way=_(ENTRY_POINTS[record.entry_point]),
    )


def describe_retention(retention: Retention) -> str:
    """Return for how long references are matched with and kept."""
    return _("matched with for {matching} days, deleted after {keeping} days").format(
        matching=_days(retention.matching_days), keeping=_days(retention.keeping_days)
    )


def describe_matching(lifetime: PersonLifetime) -> str:
    """Return until when somebody's references are matched with, or since when they are not."""
    if not lifetime.references:
        return ""
    if lifetime.has_expired:
        return _("expired on {day}").format(day=long_day(lifetime.match_until))
    text = _("matched with until {day}").format(day=long_day(lifetime.match_until))
    if lifetime.expired:
        text += _(" ({references} expired)").format(references=counted(lifetime.expired, "reference"))
    return text


def describe_purge(lifetime: PersonLifetime) -> str:
    """Return when something of somebody is deleted next, or why nothing is; "" where nothing is known to be."""
    if lifetime.is_held:
        text = _("legal hold since {day}: nothing is deleted").format(day=long_day(lifetime.held_since))
        return f"{text} ({lifetime.hold_reason})" if lifetime.hold_reason else text
    if not lifetime.next_purge:
        return ""
    return _("{references} deleted on {day}").format(
        references=counted(lifetime.purge_references, "reference"), day=long_day(lifetime.next_purge)
    )


def describe_lifetime(lifetime: PersonLifetime) -> str:
    """Return all that in one line, without the name."""
    words = [describe_matching(lifetime), describe_purge(lifetime)]
    if lifetime.is_own:
        words.append(_("own retention: {retention}").format(retention=describe_retention(lifetime.retention)))
    if lifetime.without_basis:
        words.append(
            _("legal basis not recorded: {references}").format(references=counted(lifetime.without_basis, "reference"))
        )
    return "; ".join(filter(None, words))


def _days(days: float) -> str:
    return local_number(f"{days:g}")
