"""What a redaction did, in sentences."""

from typing import Final

from biometric.entities.redaction import Hiding, HidingMethod, Redaction, WhoIsHidden
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
        return _("as it is")
    name = _(METHODS[hiding.method])
    return name if hiding.strength is None else f"{name} {hiding.strength}"


def describe_redaction(redaction: Redaction) -> str:
    """Return what was written, who is hidden and shown, and whether anybody is still seen; a line each."""
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
    lines.append(_("clip: {path}").format(path=redaction.path))
    return "\n".join(lines)


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
