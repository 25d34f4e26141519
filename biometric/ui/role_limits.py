"""Switches off on a page what the role of whoever is signed in may not do, by the same table that refuses it.

Nothing is switched off where nobody is asked to sign in, nor for admins.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import gradio as gr

from biometric.accounts.roles import Role
from biometric.ui.clients import ROLE
from biometric.ui.permissions import needed_by_function, role_sentence
from biometric.ui.text_format import escape

_EMPTY = (gr.File, gr.Video)
"""What shows nothing but its label where nothing may be put in, so that this says why."""
_FIELDS = (gr.Button, gr.UploadButton, *_EMPTY, gr.Slider, gr.Number, gr.Checkbox, gr.Dropdown, gr.Radio)
_BUTTON = re.compile(r'<button\b(?=[^>]*?\bdata-action="([^"]*)")')
_FORM = re.compile(r'<form\b[^>]*?\bdata-action="([^"]*)".*?</form>', re.DOTALL)
_IN_FORM = re.compile(r"<(button|input|select|textarea)\b")


Properties = dict[str, Any]


class RoleLimits:
    """What of a page is for some roles only.

    Args:
        blocks: the page as Gradio knows it; asked once all its handlers are attached.
    """

    def __init__(self, blocks: Any) -> None:
        self._blocks = blocks

    @property
    def fields(self) -> list[Any]:
        """The buttons and fields that not every role may use."""
        return list(self._needed)

    def switch_off(self, role: Role, shown: Mapping[Any, Properties], opened: bool) -> dict[Any, Properties]:
        """Return properties, by component, as a page of a role gets them.

        Args:
            role: what the page's user may do.
            shown: properties by component.
            opened: whether the page is new, so that all that is switched off is to be said.
        """
        limited = {part: dict(properties) for part, properties in shown.items()}
        for part, needed in self._needed.items():
            if not role.includes(needed) and (opened or part in limited):
                changed = limited.setdefault(part, {})
                changed["interactive"] = False
                if isinstance(part, _EMPTY) and opened:
                    changed["label"] = role_sentence(needed)
        for part, properties in limited.items():
            if isinstance(properties.get("value"), str):
                properties["value"] = self.html(part, properties["value"], role)
        return limited

    def html(self, part: Any, html: str, role: Role) -> str:
        """Return the HTML of a component as a page of a role gets it."""
        if part not in self._clicked or "data-action" not in html:
            return html
        return self._html(html, role, self._clicked[part])

    @cached_property
    def _needed(self) -> dict[Any, Role]:
        needed: dict[Any, Role] = {}
        for part, handlers in self._listening(lambda part, _event: isinstance(part, _FIELDS)).items():
            lowest = min((needed_by_function(handler) for handler in handlers), key=list(Role).index)
            if lowest is not Role.VIEWER:
                needed[part] = lowest
        return needed

    @cached_property
    def _clicked(self) -> dict[Any, list[Any]]:
        return self._listening(lambda part, event: isinstance(part, gr.HTML) and event == "act")

    def _listening(self, wanted: Callable[[Any, str], bool]) -> dict[Any, list[Any]]:
        handlers: dict[Any, list[Any]] = {}
        for handler in self._blocks.fns.values():
            for number, event in handler.targets:
                part = self._blocks.blocks.get(number)
                if handler.fn is not None and wanted(part, event):
                    handlers.setdefault(part, []).append(handler)
        return handlers

    def _html(self, html: str, role: Role, handlers: Sequence[Any]) -> str:
        def needed(action: str) -> Role:
            return min((needed_by_function(handler, action) for handler in handlers), key=list(Role).index)

        def button(found: re.Match[str]) -> str:
            role_needed = needed(found[1])
            if role.includes(role_needed):
                return found[0]
            return f'{found[0]} disabled aria-disabled="true" title="{escape(role_sentence(role_needed))}"'

        def form(found: re.Match[str]) -> str:
            return found[0] if role.includes(needed(found[1])) else _IN_FORM.sub(r"<\1 disabled", found[0])

        return _FORM.sub(form, _BUTTON.sub(button, html))


def role_of(request: Any) -> Role | None:
    """Return what whoever sent a request to a handler may do, None where nobody is asked to sign in."""
    scope = getattr(getattr(request, "request", None), "scope", None)
    role = scope.get(ROLE) if isinstance(scope, dict) else None
    return role if isinstance(role, Role) else None
