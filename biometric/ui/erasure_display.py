"""What the People tab says before and after somebody is erased, and the certificate to download."""

import json
from collections.abc import Callable
from pathlib import Path

from biometric.entities.erasure import ErasureCertificate
from biometric.erasing.people_eraser import ErasureOutlook
from biometric.messages.erasure_sentences import describe_erasure
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.storage import write_scratch
from biometric.ui import elements
from biometric.ui.components import file_url
from biometric.ui.text_format import count, escape


def outlook_words(outlook: ErasureOutlook) -> list[str]:
    """Return what erasing somebody will do, in sentences."""
    answers = outlook.results + outlook.reports
    words = [
        _("{references} and {pictures} are deleted at once, also those in the trash. This cannot be undone.").format(
            references=count(outlook.references, "reference"), pictures=count(outlook.pictures, "picture")
        )
    ]
    if answers:
        words.append(
            ngettext(
                "{n:,} answer or report that names this person is deleted, too.",
                "{n:,} answers and reports that name this person are deleted, too.",
                answers,
            ).format(n=answers)
        )
    words.append(_("Kept footage stays until it is removed or expires; what was measured of this person in it goes."))
    if outlook.handed_out:
        words.append(
            ngettext(
                "{n:,} export or backup may hold this person and stays where it is.",
                "{n:,} exports or backups may hold this person and stay where they are.",
                outlook.handed_out,
            ).format(n=outlook.handed_out)
        )
    return words


def erased_banner(certificate: ErasureCertificate, new_folder: Callable[[str], Path]) -> str:
    """Return what was erased and what could not be, with a link to the certificate. It names nobody.

    Args:
        new_folder: makes a folder whose files the page may serve.
    """
    first, *rest = describe_erasure(_("This person"), certificate)
    path = new_folder("certificate") / f"erasure-{certificate.id[:8]}.json"
    write_scratch(path, (json.dumps(certificate.as_dict(), indent=2) + "\n").encode())
    link = (
        f'<div class="sl-downloads"><a class="sl-button" href="{escape(file_url(path))}" download="{path.name}">'
        f"{elements.icon('download')} {escape(_('Certificate (JSON)'))}</a></div>"
    )
    lines = "".join(f"<p>{escape(line)}</p>" for line in rest)
    return elements.banner("warning" if rest else "good", _("A person was erased for good"), first, body=lines + link)
