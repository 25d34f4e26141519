"""The web page: three tabs, the people enrolled, the calibration, and the named endpoints of the API.

Gradio is imported by the functions below, not by this package, because it reads its environment when it is imported.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from biometric.service import Sightline


class Example(Protocol):
    """An example clip for people without footage of their own."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def title(self) -> str:
        """What it shows."""

    @property
    def suggestion(self) -> str:
        """What to do with it, in a sentence."""


ExampleMaker = Callable[[], Sequence[Example]]


def no_examples() -> Sequence[Example]:
    """Offer none."""
    return ()


def serve(service: "Sightline", examples: ExampleMaker = no_examples) -> None:
    """Serve the page for `service` until interrupted; `examples` makes clips to try, in the background.

    Raises:
        InvalidSetting: the port is taken.
    """
    from biometric.ui.environment import prepare_environment

    uploads = prepare_environment(service.settings)
    try:
        from biometric.ui.launch import serve_page

        serve_page(service, examples)
    finally:
        uploads.close()
