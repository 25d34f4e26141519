"""Who signed an export, and what importing it would do, as sentences."""

from biometric.entities.audit import fingerprint
from biometric.entities.exports import ExportSigner, ImportPreview, SignerKind
from biometric.messages.counted import counted
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _

_SIGNERS = {
    SignerKind.UNSIGNED: N_("This export is not signed: nobody can tell who made it, or whether it was changed."),
    SignerKind.OWN: N_("Signed by this gallery, and unchanged. Key: {key}."),
    SignerKind.KNOWN: N_("Signed by a gallery whose exports were imported before, and unchanged. Key: {key}."),
    SignerKind.UNKNOWN: N_(
        "Signed, and unchanged, by a gallery that is not known here. Compare its key with whoever sent it: {key}."
    ),
    SignerKind.CHANGED: N_(
        "Warning: signed for a gallery that is known here, but with another key: {key}. Ask whoever sent it whether "
        "the key was changed."
    ),
}


def describe_signer(signer: ExportSigner) -> str:
    """Return who signed an export."""
    key = fingerprint(signer.public_key) if signer.public_key else ""
    return _(_SIGNERS[signer.kind]).format(key=key)


def describe_preview(preview: ImportPreview) -> list[str]:
    """Return what importing an export would do, who signed it first."""
    lines = [describe_signer(preview.signer)]
    text = _("It would add {people} with {references}.")
    added = counted(preview.identities, "person"), counted(preview.references, "reference")
    if preview.references:
        lines.append(text.format(people=added[0], references=added[1]))
    if preview.attaching:
        names = ", ".join(f"{name} ({count})" for name, count in preview.attaching)
        lines.append(describe_attaching(names))
    if preview.from_trash:
        lines.append(_("Would come out of the trash: {names}.").format(names=", ".join(preview.from_trash)))
    if preview.erased_references:
        text = _("Was erased here, and stays out unless you say so: {people} with {references}.")
        gone = counted(preview.erased, "person"), counted(preview.erased_references, "reference")
        lines.append(text.format(people=gone[0], references=gone[1]))
    if preview.already_there:
        lines.append(_("Already there: {references}.").format(references=counted(preview.already_there, "reference")))
    if preview.differing:
        text = _("Of these, {references} have another template in the file; yours stay.")
        lines.append(text.format(references=counted(preview.differing, "reference")))
    return lines


def describe_attaching(names: str) -> str:
    """Return the warning that people who are here would get references of the file."""
    text = _(
        "Warning: it would give references to people who are here already: {names}. Whoever made the file then decides "
        "who is taken for them."
    )
    return text.format(names=names)
