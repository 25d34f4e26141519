"""What a subject report says, in words: headings, what things are called, values, and what cannot be known."""

from collections.abc import Mapping
from typing import Any, Final

from biometric.entities import EntryPoint, LegalBasis
from biometric.messages.audit_sentences import CHANNELS, describe_action
from biometric.messages.counted import counted
from biometric.messages.life_cycle_sentences import ENTRY_POINTS, LEGAL_BASES
from biometric.messages.local_dates import utc_time
from biometric.messages.translation import N_, local_number, ngettext
from biometric.messages.translation import gettext as _

HEADINGS: Final[Mapping[str, str]] = {
    "identity": N_("Identity"),
    "references": N_("Biometric references"),
    "sightings": N_("Sightings"),
    "comparisons": N_("Comparisons with others who were seen"),
    "verdicts": N_("What people said of comparisons"),
    "kept_answers": N_("Answers kept with footage"),
    "kept_observations": N_("Measured in kept footage"),
    "retention": N_("How long it is kept"),
    "files": N_("Files written about this person"),
    "copies": N_("Copies of pictures and results that the register does not know"),
    "history": N_("Changes of the gallery"),
    "audit": N_("Audit trail"),
}
"""Of each section of a report, in order."""

LABELS: Final[Mapping[str, str]] = {
    "name": N_("Name"),
    "id": N_("Number (id)"),
    "created_at": N_("Enrolled"),
    "changed_at": N_("Last changed"),
    "merged_into": N_("Merged into the entry"),
    "in_trash": N_("In the trash"),
    "in_trash_since": N_("In the trash since"),
    "in_trash_until": N_("In the trash until"),
    "enrolled_at": N_("Enrolled"),
    "legal_basis": N_("Legal basis"),
    "purpose": N_("Purpose"),
    "responsible": N_("Responsible"),
    "note": N_("Note"),
    "recorded_at": N_("Basis recorded"),
    "recorded_by": N_("Recorded by which way"),
    "clip_name": N_("Footage"),
    "clip_sha256": N_("SHA-256 of the footage"),
    "first_frame": N_("First frame"),
    "last_frame": N_("Last frame"),
    "first_seconds": N_("First seen, in seconds"),
    "last_seconds": N_("Last seen, in seconds"),
    "camera": N_("Camera"),
    "captured_at": N_("Recorded by the camera"),
    "captured_by": N_("Source of that time"),
    "match_until": N_("Matched with until"),
    "keep_until": N_("Deleted after"),
    "model": N_("Model"),
    "model_id": N_("Model"),
    "dimension": N_("Numbers of the template"),
    "seen_from": N_("Seen from"),
    "seen_until": N_("Seen until"),
    "named_by": N_("Taken for this person by"),
    "group": N_("Group of unknown people"),
    "others_in_view": N_("Other people in view at once"),
    "decision": N_("Decision"),
    "score": N_("Score"),
    "threshold": N_("Threshold"),
    "kept_at": N_("Kept since"),
    "compared_at": N_("Compared"),
    "said": N_("Said"),
    "said_at": N_("Said on"),
    "asked": N_("Asked"),
    "kind": N_("Kind"),
    "given_at": N_("Given"),
    "matching_days": N_("Days of matching"),
    "keeping_days": N_("Days of keeping"),
    "own_days": N_("Set for this person alone"),
    "legal_hold_since": N_("Legal hold since"),
    "legal_hold_reason": N_("Reason of the legal hold"),
    "what": N_("What"),
    "written_at": N_("Written"),
    "holds_everybody": N_("Holds everybody who was enrolled then"),
    "ending": N_("Kind of file"),
    "sha256": N_("SHA-256"),
    "bytes": N_("Bytes"),
    "done": N_("What was done"),
    "done_at": N_("When"),
    "through": N_("By which way"),
    "undone": N_("Undone"),
    "unreadable": N_("Is damaged, so that it cannot be read"),
    "other_people": N_("Other people concerned"),
}
"""What a value is called; values without a name are only in the data."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "legal_basis": {basis.value: LEGAL_BASES[basis] for basis in LegalBasis},
    "recorded_by": {way.value: ENTRY_POINTS[way] for way in EntryPoint},
    "through": CHANNELS,
    "captured_by": {
        "given": N_("somebody said so"),
        "file metadata": N_("the file"),
        "file name": N_("the name of the file"),
        "unknown": N_("not known"),
    },
    "named_by": {
        "enrolled": N_("enrollment from it"),
        "confirmed": N_("a person who confirmed it"),
        "identified": N_("the machine (a proposal)"),
        "nobody": N_("nobody at present"),
    },
    "said": {
        "confirmed": N_("it is this person"),
        "wrong": N_("it is not this person"),
        "undecided": N_("left open"),
    },
    "decision": {
        "match": N_("match"),
        "no_match": N_("no match"),
        "identified": N_("identified"),
        "unknown": N_("not identified"),
        "no_decision": N_("no decision"),
    },
    "what": {
        "results": N_("files of an identification"),
        "redacted": N_("footage in which others are hidden"),
        "report": N_("report"),
        "subject_report": N_("subject report"),
        "export": N_("export"),
        "backup": N_("backup"),
    },
}
_TIMES = frozenset(("captured_at", "match_until", "keep_until", "seen_from", "seen_until", "in_trash_until"))
_SCORES = frozenset(("score", "threshold"))


def describe_value(key: str, value: Any) -> str:
    """Return a value of a report in words; "" for what says nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if key == "done":
        return describe_action(str(value))
    if key in _WORDS:
        return _(_WORDS[key].get(str(value), str(value)))
    if key in _TIMES or key.endswith(("_at", "_since")):
        return _time(str(value))
    if key in _SCORES:
        return _score(value)
    return local_number(f"{value:g}") if isinstance(value, float) else str(value)


def _time(stamp: str) -> str:
    try:
        return utc_time(stamp)
    except ValueError:
        return stamp


def _score(value: Any) -> str:
    try:
        return local_number(f"{float(value):.3f}")
    except ValueError:
        return str(value)


def describe_introduction(encrypted: bool) -> list[str]:
    """Return what the report is, as sentences."""
    lines = [
        _(
            "This is everything that Sightline holds about this person. The same is in data.json for programs, with "
            "all templates as numbers, and all pictures are in the folder pictures."
        ),
        _(
            "Pictures show this person alone, cut out of the footage. Of other people only how many they were is told; "
            "names of those who acted, and paths of files, are left out, because they may name others."
        ),
        _("This file is not encrypted: whoever has it sees everything in it."),
    ]
    if encrypted:
        lines.append(_("The gallery that it is from is encrypted; this file is not."))
    return lines


def describe_not_known() -> list[str]:
    """Return what no report can know, as sentences."""
    return [
        _("Copies that people made of exports, backups, reports and downloads, and where they are now."),
        _("Exports and backups that were given away, and what others did with them."),
        _("Backups of the disk; what browsers, mail and printers kept."),
        _("Cases of examiners: a case is a folder of its own, and the gallery does not know about it."),
        _("Footage in which this person can be seen, but was not enrolled, identified or seen by an analysis."),
        _(
            "Sightings that nobody has named may show this person; they may as well show somebody else, so they are "
            "not here."
        ),
        _("Uploads and pages that are open just now; they end with their session, or within hours."),
    ]


def describe_pictures(shown: int, total: int, missing: int) -> list[str]:
    """Return how many pictures there are, and what became of the others."""
    lines = []
    if total > shown:
        lines.append(
            _("{shown} are shown here, all {total} are in the folder pictures.").format(
                shown=counted(shown, "picture"), total=f"{total:,}"
            )
        )
    if missing:
        lines.append(
            ngettext(
                "{n:,} picture is not on the disk any more, or was changed.",
                "{n:,} pictures are not on the disk any more, or were changed.",
                missing,
            ).format(n=missing)
        )
    return lines
