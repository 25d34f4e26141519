"""What stands above the drop box: a telephone's camera, and what was wrong with a drop or with the camera."""

import gradio as gr

from biometric.messages.translation import gettext as _
from biometric.ui.components import area
from biometric.ui.templating import render


def footage_intake(tab: str) -> gr.HTML:
    """Build the place above a tab's drop box in the current container; `intake.js` does the rest in the browser."""
    upload = _("Choose a video or photograph instead.")
    problems = (
        ("several", _("One clip at a time"), _("Drop the one to use here. The Library takes several at once.")),
        ("absent", _("No camera found"), upload),
        (
            "refused",
            _("No permission to use the camera"),
            _("Allow it in the browser's settings of this page, or upload."),
        ),
        ("busy", _("The camera is in use"), _("Close the other program that uses it, then try again.")),
        (
            "insecure",
            _("No camera on this address"),
            _("Browsers give the camera to pages served by https or on this machine only.") + " " + upload,
        ),
    )
    html = render("intake.html", tab=tab, problems=problems)
    return area(html, elem_id=f"{tab}-intake", css="sl-intake-area", scripts=("intake.js",))
