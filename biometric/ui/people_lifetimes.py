"""What the People tab says of how long references are matched with and kept, before anything is deleted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from biometric.entities import BiometricReference, Identity, PersonLifetime
from biometric.messages.counted import counted
from biometric.messages.life_cycle_sentences import describe_basis_record, describe_retention
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.ui.text_format import long_day, short_day

SOON = timedelta(days=7)
"""How long before references are deleted a tile says so."""

MOST_PEOPLE = 2000
"""People up to whom the line says it: it looks at all references, and the tab is rendered after each change."""


def lifetimes_of(gallery: Gallery, identities: list[Identity]) -> list[PersonLifetime]:
    """Return until when everybody's references are kept, and note that it was shown; [] where they are very many."""
    if len(identities) > MOST_PEOPLE:
        return []
    gallery.mark_purges_shown()
    return gallery.lifetimes()


def retention_line(gallery: Gallery, lifetimes: Iterable[PersonLifetime]) -> str:
    """Return how long references last, and what is deleted next, in one line."""
    text = _("References are {retention}.").format(retention=describe_retention(gallery.retention()))
    due = [item for item in lifetimes if item.next_purge]
    if not due:
        return text
    first = min(item.next_purge for item in due)
    going = sum(item.purge_references for item in due if item.next_purge[:10] == first[:10])
    told = _("Next, {references} deleted on {day}.")
    return f"{text} {told.format(references=counted(going, 'reference'), day=long_day(first))}"


def tile_note(lifetime: PersonLifetime | None) -> str:
    """Return what a tile says of somebody: expired, held, without a basis; "" where nothing is to be said."""
    if lifetime is None:
        return ""
    notes = [_("legal hold")] if lifetime.is_held else []
    if lifetime.has_expired:
        notes.append(_("expired"))
    if lifetime.next_purge and datetime.fromisoformat(lifetime.next_purge) - datetime.now(UTC) < SOON:
        notes.append(_("deleted on {day}").format(day=short_day(lifetime.next_purge)))
    if lifetime.without_basis:
        notes.append(_("no legal basis"))
    return " · ".join(notes)


def reference_line(reference: BiometricReference) -> str:
    """Return the basis of a reference and until when it is matched with and kept."""
    text = _("{basis} · matched with until {matching}, kept until {keeping}")
    return text.format(
        basis=describe_basis_record(reference.basis),
        matching=short_day(reference.match_until),
        keeping=short_day(reference.keep_until),
    )
