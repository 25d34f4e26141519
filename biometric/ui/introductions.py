"""What stands where a tab's answer will be."""

from biometric.messages.translation import gettext as _
from biometric.ui import elements


def of_enrollment() -> str:
    """Return what the Enrollment tab says before the first answer."""
    return elements.empty(
        _("Enroll a person"),
        _(
            "Choose a clip and type a name. The pictures kept of the person appear here, and any reasons for leaving "
            "some out."
        ),
    )


def of_verification() -> str:
    """Return what the Verification tab says before the first answer."""
    return elements.empty(
        _("Verify a claim"),
        _("Choose a clip and who the person claims to be. Whether they match, and how closely, appears here."),
    )


def of_identification() -> str:
    """Return what the Identification tab says before the first answer."""
    return elements.empty(
        _("Identify everybody in a clip"),
        _("Choose a clip. Who is seen when, how sure that is, an annotated clip and files to download appear here."),
    )


def of_empty_gallery() -> str:
    """Return what stands where people would be chosen."""
    return elements.empty(_("Nobody is enrolled yet"), _("Start in Enrollment."))
