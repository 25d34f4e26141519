"""What a redaction did, in sentences."""

from typing import Final

from biometric.entities.redaction import SAFE_HIDING, Hiding, HidingMethod, Redaction, WhoIsHidden
from biometric.entities.redaction_measure import FEWEST_PEOPLE, RedactionMeasure
from biometric.messages import decimal
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _

METHODS: Final = {
    HidingMethod.BLUR: N_("blur"),
    HidingMethod.PIXELS: N_("pixels"),
    HidingMethod.BOX: N_("solid box"),
    HidingMethod.SILHOUETTE: N_("silhouette"),
}


def hiding_name(hiding: Hiding | None) -> str:
    """Return a method with its strength: "blur 25"; None is the footage as it is."""
    if hiding is None:
        return _("original")
    name = _(METHODS[hiding.method])
    return name if hiding.strength is None else f"{name} {hiding.strength}"


def describe_redaction(redaction: Redaction) -> str:
    """Return what was written where, who is hidden and shown, and whether anybody is still seen; a line each."""
    return "\n".join([*redaction_lines(redaction), _("clip: {path}").format(path=redaction.path)])


def redaction_lines(redaction: Redaction) -> list[str]:
    """Return who is hidden and shown, how, and whether anybody is still seen, in sentences."""
    lines = [_hidden(redaction)]
    if redaction.shown:
        lines.append(_("Shown: {names}.").format(names=", ".join(redaction.shown)))
    if redaction.unsure:
        text = ngettext(
            "{n} person is hidden because it is not sure who it is.",
            "{n} people are hidden because it is not sure who they are.",
            redaction.unsure,
        )
        lines.append(text.format(n=redaction.unsure))
    lines.append(_how(redaction))
    lines.append(describe_second_pass(redaction))
    lines.append(_("Sound: copied.") if redaction.sound_kept else _("Sound: left out."))
    return lines


def describe_second_pass(redaction: Redaction) -> str:
    """Return what looking again at the result told."""
    if redaction.remaining:
        frames = sorted({person.frame_index for person in redaction.remaining})
        text = ngettext(
            "Warning: somebody who should be hidden is still seen in {n} frame, first in {frame}. The clip was kept "
            "because that was allowed.",
            "Warning: somebody who should be hidden is still seen in {n} frames, first in {frame}. The clip was kept "
            "because that was allowed.",
            len(frames),
        )
        return text.format(n=len(frames), frame=frames[0])
    if redaction.added:
        text = ngettext(
            "Looking again found {n} more box to hide, and then nobody outside what is hidden.",
            "Looking again found {n} more boxes to hide, and then nobody outside what is hidden.",
            redaction.added,
        )
        return text.format(n=redaction.added)
    return _("Looking again found nobody outside what is hidden.")


def measure_table(measure: RedactionMeasure) -> str:
    """Return what each hiding leaves as a table of text, and what follows from it."""
    heads = [_("hidden by"), _("detected"), _("rank-1"), _("alike"), _("match"), _("false match"), ""]
    rows = [heads]
    for row in measure.rows:
        rates = (row.detection_rate, row.rank1, row.rank1_alike, row.match_rate, row.false_match_rate)
        told = _("guessing") if row.chance else ""
        rows.append([hiding_name(row.hiding), *(f"{decimal(100 * rate, 1)} %" for rate in rates), told])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    text = _("{people} people, {n:,} boxes in the original; a guess is right in {rate} %; threshold {threshold}.")
    rate, threshold = decimal(100 * measure.guess_rate, 1), decimal(measure.threshold)
    lines.append(text.format(people=measure.people, n=measure.detections, rate=rate, threshold=threshold))
    return "\n".join([*lines, describe_default(measure)])


def describe_default(measure: RedactionMeasure) -> str:
    """Return how people are hidden from now on where nothing is said."""
    safe = measure.weakest_safe
    if safe is not None:
        text = _("Default from now on: {method}, the weakest setting where recognising is no better than guessing.")
        return text.format(method=hiding_name(safe))
    method = hiding_name(SAFE_HIDING)
    if measure.people < FEWEST_PEOPLE:
        text = _("Too few people to choose a default ({people} of {least}); it stays {method}.")
        return text.format(people=measure.people, least=FEWEST_PEOPLE, method=method)
    return _("No setting was as safe as guessing; the default stays {method}.").format(method=method)


def _hidden(redaction: Redaction) -> str:
    names = ", ".join(redaction.choice.names)
    sentences = {
        WhoIsHidden.EVERYBODY: _("Everybody is hidden in {frames}."),
        WhoIsHidden.UNKNOWN: _("Everybody who is not enrolled is hidden in {frames}."),
        WhoIsHidden.ALL_BUT: _("Everybody but {names} is hidden in {frames}."),
        WhoIsHidden.ONLY: _("{names}, and who may be one of them, is hidden in {frames}."),
    }
    frames = _("frames {first}–{last}").format(first=redaction.frames.first, last=redaction.frames.last)
    return sentences[redaction.choice.who].format(names=names, frames=frames)


def _how(redaction: Redaction) -> str:
    name = hiding_name(redaction.hiding)
    if redaction.measured:
        return _("Method: {method}, the weakest that was no better than guessing when measured here.").format(
            method=name
        )
    return _("Method: {method}.").format(method=name)
