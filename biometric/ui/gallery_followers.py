"""The parts of the page that show the gallery, and what renders them."""

from collections.abc import Callable, Sequence
from typing import Any

from biometric.errors import BiometricError
from biometric.ui.screen import Updates
from biometric.ui.session import Session

Renderer = Callable[[Session], Updates]
"""Gives the updates of a part of the page."""


class GalleryFollowers:
    """Components by the renderer that may change them, in the order in which they were added."""

    def __init__(self) -> None:
        self._renderers: list[tuple[Renderer, tuple[Any, ...]]] = []

    def add(self, render: Renderer, components: Sequence[Any]) -> None:
        """Add all components that a renderer may change."""
        self._renderers.append((render, tuple(components)))

    @property
    def components(self) -> list[Any]:
        """All components."""
        return list(dict.fromkeys(part for _, components in self._renderers for part in components))

    def render(self, session: Session) -> tuple[Updates, BiometricError | None]:
        """Return the updates of all components, and what kept a part from being rendered."""
        return self._render(session, [render for render, _ in self._renderers])

    def render_some(self, session: Session, components: frozenset[Any]) -> Updates:
        """Return the updates of these components that can be rendered."""
        renderers = [render for render, parts in self._renderers if not components.isdisjoint(parts)]
        updates, _ = self._render(session, renderers)
        return {part: update for part, update in updates.items() if part in components}

    def _render(self, session: Session, renderers: Sequence[Renderer]) -> tuple[Updates, BiometricError | None]:
        updates: Updates = {}
        problem: BiometricError | None = None
        for render in renderers:
            try:
                updates.update(render(session))
            except BiometricError as error:
                problem = error
        return updates, problem
