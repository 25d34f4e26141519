"""On what basis people are enrolled, and until when their references are matched with and kept, as sentences."""

from collections.abc import Mapping, Sequence
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


MOST_LINES = 20
"""People of whom `describe_retention_change` says each what would change."""


def describe_retention_change(before: Sequence[PersonLifetime], after: Sequence[PersonLifetime]) -> list[str]:
    """Return what another retention would change, a sentence for everybody together and a line a person.

    Args:
        before, after: what `lifetimes` says, and what `preview_retention` does.
    """
    former = {item.identity_id: item for item in before}
    changed = [item for item in after if former.get(item.identity_id) != item]
    losing = [item for item in changed if item.next_purge and _sooner(item, former.get(item.identity_id))]
    expiring = [item for item in changed if item.expired > getattr(former.get(item.identity_id), "expired", 0)]
    if not changed:
        return [_("Nothing changes for anybody who is enrolled.")]
    lines = [_("Nothing is deleted sooner than now.")]
    if losing:
        first = min(item.next_purge for item in losing)
        lines = [
            _("References of {people} are deleted sooner than now, the first on {day}.").format(
                people=counted(len(losing), "person"), day=long_day(first)
            )
        ]
    if expiring:
        lines.append(
            _("References of {people} expire at once: they are not matched with any more.").format(
                people=counted(len(expiring), "person")
            )
        )
    lines += [f"{item.name}: {describe_lifetime(item)}" for item in changed[:MOST_LINES]]
    if len(changed) > MOST_LINES:
        lines.append(_("And {people} more.").format(people=counted(len(changed) - MOST_LINES, "person")))
    return lines


def _sooner(item: PersonLifetime, former: PersonLifetime | None) -> bool:
    """Return whether something is deleted sooner, or more of it at the same time."""
    if former is None or not former.next_purge:
        return True
    if item.next_purge == former.next_purge:
        return item.purge_references > former.purge_references
    return item.next_purge < former.next_purge


def _days(days: float) -> str:
    return local_number(f"{days:g}")
