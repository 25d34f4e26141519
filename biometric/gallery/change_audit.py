"""The audit record of a change of the gallery, in the transaction of that change."""

from collections.abc import Iterable, Mapping

from biometric.entities import GalleryChange
from biometric.entities.audit import AuditEvent, AuditValue
from biometric.gallery import journal, reference_rows
from biometric.gallery.write_transaction import WriteTransaction

MOST_REFERENCES = 100
"""Most references whose ids one record holds."""
_OF_REFERENCES = frozenset(("reference_in", "reference_out", "owner", "camera", "template"))


def record_change(
    write: WriteTransaction,
    change: GalleryChange,
    steps: journal.Steps,
    gone: Iterable[str],
    details: Mapping[str, AuditValue],
) -> None:
    """Record a change.

    Args:
        steps: what it did, as `change_recorder` describes.
        gone: ids of identities that it concerned and that are gone now.
        details: what else is known of it.
    """
    told: dict[str, AuditValue] = {
        "change": change.id,
        "references": change.references,
        "samples": change.samples,
    }
    if change.undoes is not None:
        told["undoes"] = change.undoes
    numbers = {int(step[1]) for step in steps if step[0] in _OF_REFERENCES}
    if numbers:
        told["reference_ids"] = [*reference_rows.ids_anywhere(write.db, numbers)[:MOST_REFERENCES]]
    write.record(AuditEvent(change.kind.value, (*change.identity_ids, *gone), told | dict(details)))
