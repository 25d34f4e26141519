"""Records of the audit trail, and what its verification found, in words."""

from collections.abc import Mapping
from typing import Final

from biometric.entities import ChangeKind
from biometric.entities.audit import AuditAction, AuditRecord, AuditReport, fingerprint
from biometric.messages.counted import counted
from biometric.messages.translation import N_, local_number, ngettext, tell
from biometric.messages.translation import gettext as _

ACTIONS: Final[Mapping[str, str]] = {
    ChangeKind.ENROLLED.value: N_("Enrolled"),
    ChangeKind.IMPORTED.value: N_("Imported an export"),
    ChangeKind.REMOVED.value: N_("Removed a person"),
    ChangeKind.REFERENCE_REMOVED.value: N_("Removed a reference"),
    ChangeKind.SAMPLE_REMOVED.value: N_("Removed a sample"),
    ChangeKind.REFERENCE_MOVED.value: N_("Moved a reference"),
    ChangeKind.MERGED.value: N_("Merged two people"),
    ChangeKind.RENAMED.value: N_("Renamed a person"),
    ChangeKind.COVER_CHOSEN.value: N_("Chose a cover picture"),
    ChangeKind.CAMERA_NAMED.value: N_("Named a camera"),
    ChangeKind.CALIBRATED.value: N_("Calibrated"),
    ChangeKind.CALIBRATION_CHOSEN.value: N_("Chose a calibration"),
    ChangeKind.CARD_CHOSEN.value: N_("Chose the model card's thresholds"),
    ChangeKind.COHORT_DELETED.value: N_("Deleted the cohorts of strangers"),
    ChangeKind.VERDICT_CONFIRMED.value: N_("Confirmed an answer"),
    ChangeKind.VERDICT_WRONG.value: N_("Rejected an answer"),
    ChangeKind.VERDICT_UNDECIDED.value: N_("Left an answer undecided"),
    ChangeKind.VERDICT_WITHDRAWN.value: N_("Withdrew a verdict"),
    ChangeKind.UNDONE.value: N_("Undid a change"),
    ChangeKind.REDONE.value: N_("Made a change again"),
    ChangeKind.ERASED.value: N_("Erased a person"),
    ChangeKind.TRASH_EMPTIED.value: N_("Emptied the trash"),
    ChangeKind.GROUPS_JOINED.value: N_("Joined unknown people"),
    ChangeKind.GROUP_SPLIT.value: N_("Split an unknown person"),
    ChangeKind.GROUP_IGNORED.value: N_("Ignored an unknown person"),
    ChangeKind.GROUP_NOTICED.value: N_("Ignored an unknown person no longer"),
    ChangeKind.GROUP_NAMED.value: N_("Named an unknown person"),
    ChangeKind.BASIS_CHOSEN.value: N_("Changed the default basis"),
    ChangeKind.RETENTION_SET.value: N_("Set how long references are kept"),
    ChangeKind.HELD.value: N_("Put a person under a legal hold"),
    ChangeKind.RELEASED.value: N_("Released a legal hold"),
    ChangeKind.PURGED.value: N_("Deleted references that were kept long enough"),
    AuditAction.STARTED.value: N_("The trail begins"),
    AuditAction.KEY_ROTATION_BEGUN.value: N_("Asked for a new key"),
    AuditAction.KEY_ROTATED.value: N_("Changed the key"),
    AuditAction.KEY_REPLACED.value: N_("Another key took the place of a lost one"),
    AuditAction.CHAIN_BROKEN.value: N_("The end of the trail was not as it had been signed"),
    AuditAction.UNREADABLE.value: N_("A record that cannot be read"),
    AuditAction.VERIFIED.value: N_("Verified a claim"),
    AuditAction.IDENTIFIED.value: N_("Identified people"),
    AuditAction.EXPORTED.value: N_("Exported the gallery"),
    AuditAction.BACKED_UP.value: N_("Backed the gallery up"),
    AuditAction.RESTORED.value: N_("Restored a backup"),
    AuditAction.ENCRYPTED.value: N_("Encrypted the gallery"),
    AuditAction.DECRYPTED.value: N_("Decrypted the gallery"),
    AuditAction.ENCRYPTION_KEY_CHANGED.value: N_("Gave the gallery another key"),
    AuditAction.EXPIRED.value: N_("Deleted what had expired"),
    AuditAction.REDACTED.value: N_("Hid people in footage"),
    AuditAction.REPORTED.value: N_("Wrote a report"),
    AuditAction.SUBJECT_REPORTED.value: N_("Wrote a subject report"),
    AuditAction.RESULTS_PURGED.value: N_("Deleted results that were kept long enough"),
    AuditAction.FOOTAGE_REMOVED.value: N_("Removed footage from the library"),
    AuditAction.SIGHTINGS_KEPT.value: N_("Kept sightings"),
    AuditAction.SIGHTINGS_REMOVED.value: N_("Deleted sightings"),
    AuditAction.SIGHTINGS_EXPIRED.value: N_("Deleted sightings that were kept long enough"),
    AuditAction.SIGHTINGS_SEARCHED.value: N_("Searched sightings"),
    AuditAction.SIGNED_IN.value: N_("Signed in"),
    AuditAction.SIGNED_OUT.value: N_("Signed out"),
    AuditAction.SIGN_IN_FAILED.value: N_("Signing in failed"),
    AuditAction.USER_ADDED.value: N_("Added a user"),
    AuditAction.USER_REMOVED.value: N_("Removed a user"),
    AuditAction.USER_ROLE_SET.value: N_("Gave a user another role"),
    AuditAction.USER_PASSWORD_SET.value: N_("Gave a user another password"),
    AuditAction.SESSIONS_ENDED.value: N_("Ended a user's sessions"),
    AuditAction.TOKEN_ADDED.value: N_("Added a token"),
    AuditAction.TOKEN_REMOVED.value: N_("Took a token away"),
}
"""What a record tells of, by its action."""

CHANNELS: Final[Mapping[str, str]] = {
    "page": N_("page"),
    "command": N_("command"),
    "api": N_("API"),
    "mcp": N_("MCP"),
    "library": N_("Python"),
}


def describe_action(action: str) -> str:
    """Return what was done: "Verified a claim"; an action of a later version as it is."""
    return _(ACTIONS[action]) if action in ACTIONS else action.replace("_", " ")


def describe_actor(record: AuditRecord) -> str:
    """Return who did it and by which way: "ada (page)"."""
    if not record.who:
        return ""
    return f"{record.who} ({_(CHANNELS.get(record.through, record.through))})"


def describe_people(record: AuditRecord, names: Mapping[str, str], most: int = 5) -> str:
    """Return the people concerned, as they are called now; whoever is gone is an "erased person"."""
    told = [names.get(person) or _("erased person") for person in record.people[:most]]
    if len(record.people) > most:
        told.append(_("{people} more").format(people=counted(len(record.people) - most, "person")))
    return ", ".join(told)


def describe_details(record: AuditRecord) -> str:
    """Return what else a record says: decision, score, threshold, input."""
    details, parts = record.details, []
    answers = details.get("answers")
    if isinstance(answers, list):
        known = sum(isinstance(item, dict) and item.get("identity") is not None for item in answers)
        text = _("{known} of {people} identified")
        parts.append(text.format(known=known, people=counted(len(answers), "person")))
    for key, text in _DETAILS:
        value = details.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            shown = str(value)[:12] if key in ("input", "calibration_sha256", "file_sha256") else value
            parts.append(_(text).format(value=_rounded(value) if key in ("score", "threshold") else shown))
    return ", ".join(parts)


def _rounded(value: str | int) -> str:
    try:
        return local_number(f"{float(value):.3f}")
    except ValueError:  # somebody changed the record
        return str(value)


_DETAILS = (
    ("decision", N_("decision {value}")),
    ("score", N_("score {value}")),
    ("threshold", N_("threshold {value}")),
    ("calibration", N_("calibration {value}")),
    ("model", N_("model {value}")),
    ("input", N_("input {value}…")),
    ("file_sha256", N_("file {value}…")),
    ("files", N_("files: {value}")),
    ("identities", N_("identities: {value}")),
    ("references", N_("references: {value}")),
    ("sightings", N_("sightings: {value}")),
    ("account", N_("account {value}")),
    ("role", N_("role {value}")),
    ("address", N_("address {value}")),
    ("token", N_("token {value}")),
    ("change", N_("change {value}")),
)


def describe_report(report: AuditReport) -> list[str]:
    """Return what the verification of a trail found, as sentences; the first one says whether it is intact."""
    if report.head is None and report.intact:
        return [_("Nothing was recorded yet.")]
    if report.intact:
        text = ngettext(
            "The audit trail is intact: {n:,} record.", "The audit trail is intact: {n:,} records.", report.count
        )
        lines = [text.format(n=report.count)]
        if report.heads:
            text = ngettext("{n} kept head fits.", "{n} kept heads fit.", report.heads)
            lines.append(text.format(n=report.heads))
        else:
            lines.append(_("Without a head that was kept elsewhere this does not show whether all of it was replaced."))
    else:
        lines = [_("The audit trail was changed.")]
    lines += [tell(problem) for problem in report.problems]
    lines += [_("Note: {text}").format(text=tell(note)) for note in report.notes]
    if report.head is not None:
        lines.append(_("Key: {fingerprint}").format(fingerprint=fingerprint(report.head.public_key)))
    return lines
