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
