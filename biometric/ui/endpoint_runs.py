"""Runs an endpoint for a caller: its errors become sentences, with the parameters that give consent."""

from collections.abc import Callable

import gradio as gr

from biometric.entities.actors import acting_as
from biometric.entities.progress import Result
from biometric.errors import BiometricError, IdentityExists, LooksDifferent, PeopleLookDifferent, ThresholdBelowCard
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.ui.page import logger
from biometric.ui.request_actors import endpoint_actor
from biometric.ui.text_format import escape


def run_endpoint(run: Callable[[], Result]) -> Result:
    """Run an endpoint; errors reach the caller as their sentence, escaped because Gradio renders it as HTML."""
    try:
        with acting_as(endpoint_actor()):
            return run()
    except BiometricError as error:
        raise gr.Error(escape(describe_error(error) + _consent(error)), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        logger.exception("an endpoint failed")
        text = _("Something went wrong inside Sightline. Nothing was stored; the server's log says more.")
        raise gr.Error(text) from error


def _consent(error: BiometricError) -> str:
    """Return which parameters give the consent that an error asks for, after its sentence."""
    if isinstance(error, PeopleLookDifferent):
        return _(' If they are one person, say so with "force": true in the edit.')
    if isinstance(error, ThresholdBelowCard):
        return _(" Say so with force=true.")
    if not isinstance(error, IdentityExists | LooksDifferent) or error.conflict is None:
        return ""
    alike = error.conflict.reaches_threshold
    consent = _(" Say so with add=true.") if alike else _(" Say so with add=true and force=true.")
    if not (error.conflict.same_frames and alike):
        return consent
    only = _(" These very frames are enrolled already: /set_camera changes the camera of reference {reference}.")
    return consent + only.format(reference=error.conflict.reference_id)
