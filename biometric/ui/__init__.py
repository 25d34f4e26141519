"""The web page: three tabs, a gallery sidebar, and the named endpoints of the API.

Gradio is imported by the functions below, not by this package, because it reads its environment when it is imported.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biometric.service import Sightline


def serve(service: "Sightline", examples: Sequence[Path] = ()) -> None:
    """Serve the page for `service` until interrupted; `examples` are clips offered to people without footage.

    Raises:
        InvalidSetting: the port is taken.
    """
    from biometric.ui.environment import prepare

    uploads = prepare(service.settings)
    try:
        from biometric.ui.launch import run

        run(service, examples)
    finally:
        uploads.close()
