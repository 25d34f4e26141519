"""Parts of the page that follow running jobs: the server pushes their HTML while something changes, and only then.

Their news travel in the answer that `change_feed` holds; no handler of Gradio's runs for them, and none is held open.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from biometric.accounts.roles import Role
from biometric.ui.components import area
from biometric.ui.session import Session

Limit = Callable[[Any, str, Role], str]


@dataclass(frozen=True, slots=True, eq=False)
class LivePart:
    """A part of the page.

    Attributes:
        name: the id of its element.
        component: where it stands.
        render: gives its HTML for a workspace, "" while there is nothing to show.
    """

    name: str
    component: Any
    render: Callable[[Session], str]

    def html(self, session: Session) -> str:
        """Return its HTML with a mark, so that a page can say which version it shows."""
        html = self.render(session)
        if not html:
            return ""
        version = hashlib.blake2s(html.encode(), digest_size=6).hexdigest()
        return f'<div data-live="{version}">{html}</div>'


class LiveParts:
    """All such parts of a page.

    Attributes:
        limit: switches off in the HTML of a component what a role may not do.
    """

    def __init__(self) -> None:
        self._parts: list[LivePart] = []
        self.limit: Limit = lambda component, html, role: html

    def add(
        self, name: str, render: Callable[[Session], str], css: str = "", scripts: tuple[str, ...] = ()
    ) -> LivePart:
        """Build a part, an `area`, in the current place of the page; arguments as of `LivePart` and `area`."""
        component = area(elem_id=name, css=f"sl-pushed {css}", scripts=("area.js", "pushed.js", *scripts))
        self._parts.append(LivePart(name, component, render))
        return self._parts[-1]

    def html(self, session: Session, role: Role | None = None) -> dict[str, str]:
        """Return all parts as they are now, by name, as a page of a role gets them; None: nobody is asked to sign in.

        What a part was before does not tell which role it was for, so that a page whose role has changed keeps what it
        shows until that changes; what is pressed there is refused.
        """
        whole = {part: part.html(session) for part in self._parts}
        if role is None:
            return {part.name: html for part, html in whole.items()}
        return {part.name: self.limit(part.component, html, role) for part, html in whole.items()}


def version(html: str) -> str:
    """Return the version that `LivePart.html` marked, "" of an empty part."""
    return html.split('"', 2)[1] if html else ""
