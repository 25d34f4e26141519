"""Which role a request to the page, the API or a tool needs. What is not listed here needs an admin."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from biometric.accounts.roles import ROLE_NAMES, Role
from biometric.messages.translation import gettext as _
from biometric.ui.asgi import Send, answer
from biometric.ui.tool_calls import PATH as TOOLS_PATH

_API = "/gradio_api"

CALLS = {
    "identities": Role.VIEWER,
    "library": Role.VIEWER,
    "library_show": Role.VIEWER,
    "library_history": Role.VIEWER,
    "retention": Role.VIEWER,
    "sightings": Role.VIEWER,
    "similar_sightings": Role.EXAMINER,
    "last_seen": Role.VIEWER,
    "verdicts": Role.VIEWER,
    "calibration": Role.VIEWER,
    "calibrations": Role.VIEWER,
    "verify": Role.EXAMINER,
    "identify": Role.EXAMINER,
    "redact": Role.EXAMINER,
    "record_verdict": Role.EXAMINER,
    "remove_verdict": Role.EXAMINER,
    "enroll": Role.OPERATOR,
    "set_camera": Role.OPERATOR,
    "library_remove": Role.OPERATOR,
    "sightings_remove": Role.OPERATOR,
    "calibrate": Role.ADMIN,
    "use_calibration": Role.ADMIN,
    "delete_cohorts": Role.ADMIN,
    "set_retention": Role.ADMIN,
    "hold": Role.ADMIN,
    "release": Role.ADMIN,
    "subject_report": Role.ADMIN,
}
"""What an endpoint of the API, and the tool of that name, needs."""

MODULES = {
    "answer_writing": Role.EXAMINER,
    "batch_panel": Role.EXAMINER,
    "better_models": Role.ADMIN,
    "build": Role.VIEWER,
    "calibration_tab": Role.ADMIN,
    "enrollment_tab": Role.OPERATOR,
    "footage_panel": Role.EXAMINER,
    "gallery_retention": Role.ADMIN,
    "gallery_transfer": Role.ADMIN,
    "identification_tab": Role.EXAMINER,
    "job_bar": Role.VIEWER,
    "library_tab": Role.EXAMINER,
    "noted_change": Role.EXAMINER,  # takes back what this very page did
    "page_sync": Role.VIEWER,
    "panel": Role.EXAMINER,
    "panel_display": Role.EXAMINER,
    "people_tab": Role.OPERATOR,
    "report_download": Role.EXAMINER,
    "hidden_clip": Role.EXAMINER,
    "tab_layout": Role.VIEWER,
    "threshold_box": Role.EXAMINER,
    "verification_tab": Role.EXAMINER,
}
"""What the handlers of a module of the page need."""

HANDLERS = {
    ("library_tab", "on_search"): Role.VIEWER,
    ("people_tab", "on_search"): Role.VIEWER,
    ("calibration_tab", "on_target"): Role.VIEWER,
}
"""Handlers that need another role than others of their module."""

ACTIONS: dict[str, dict[str | None, Role]] = {
    "people_tab": {
        **dict.fromkeys(
            ("open", "person", "everybody", "history", "same-person", "move", "more", "face", "other-face", "picture"),
            Role.VIEWER,
        ),
        **dict.fromkeys(("unfold", "never-mind", "corrected"), Role.VIEWER),
        **dict.fromkeys(("ask-erase", "ask-empty", "erase", "empty-trash", "subject-report"), Role.ADMIN),
    },
    "library_tab": {
        **dict.fromkeys(("order", "kind", "page", "clips", "history", "unfold", "never-mind"), Role.VIEWER),
        **dict.fromkeys(("ask-remove", "remove", "ask-camera", "camera"), Role.OPERATOR),
    },
    "identification_tab": dict.fromkeys(("name", "add", "same", "other_name"), Role.OPERATOR),
}
"""What a click needs, by its name, where that is another role than others of the module."""


class Permissions:
    """Tells which role a request needs.

    Args:
        handlers: gives the handlers of the page by their number, once it is built; None for one without a function.
    """

    def __init__(self, handlers: Callable[[], Mapping[int, Any]]) -> None:
        self._handlers = handlers

    def needed(self, method: str, path: str, body: bytes) -> Role:
        """Return which role a request needs; `path` is as the page routes it."""
        if method in {"GET", "HEAD"}:
            return Role.VIEWER
        path = path.rstrip("/")
        if path.startswith(TOOLS_PATH):
            return _needed_by_tools(_parsed(body)) if method == "POST" else Role.VIEWER
        if path == f"{_API}/queue/join":
            return self._needed_by_handler(_parsed(body))
        if path.startswith(f"{_API}/call/"):
            return CALLS.get(path.rsplit("/", 1)[-1], Role.ADMIN)
        if path in {f"{_API}/cancel", f"{_API}/reset"}:
            return Role.VIEWER
        if path == f"{_API}/component_server" or path.startswith((f"{_API}/upload", f"{_API}/stream/")):
            return Role.EXAMINER
        return Role.ADMIN

    def _needed_by_handler(self, body: Any) -> Role:
        number = body.get("fn_index") if isinstance(body, dict) else None
        handler = self._handlers().get(number) if isinstance(number, int) else None
        if handler is None or handler.fn is None:  # the latter run in the browser alone
            return Role.ADMIN
        event = body.get("event_data")
        action = event.get("action") if isinstance(event, dict) else None
        return needed_by_function(handler, action if isinstance(action, str) else None)


def needed_by_function(handler: Any, action: str | None = None) -> Role:
    """Return which role a handler of the page, or a click that it is for, needs."""
    if isinstance(handler.api_name, str) and handler.api_name in CALLS and not handler.targets:
        return CALLS[handler.api_name]
    module = getattr(handler.fn, "__module__", "").rsplit(".", 1)[-1]
    usual = MODULES.get(module, Role.ADMIN)
    name = getattr(handler.fn, "__qualname__", "").rsplit(".", 1)[-1]
    action = None if action is None else action.partition(":")[0]
    if action in ACTIONS.get(module, {}):
        return ACTIONS[module][action]
    return HANDLERS.get((module, name), usual)


async def refuse_role(send: Send, needed: Role) -> None:
    """Answer that this needs another role; the page shows `detail` of an error."""
    await answer(send, 403, json.dumps({"detail": role_sentence(needed)}), "application/json")


def role_sentence(needed: Role) -> str:
    """Return the sentence that says which role something needs."""
    return _("This needs the role {role}. Ask an admin for it.").format(role=_(ROLE_NAMES[needed]))


def _needed_by_tools(message: Any) -> Role:
    messages = message if isinstance(message, list) else [message]
    needed = Role.VIEWER
    for one in messages:
        if not isinstance(one, dict) or one.get("method") != "tools/call":
            continue
        parameters = one.get("params")
        name = parameters.get("name") if isinstance(parameters, dict) else None
        role = CALLS.get(name, Role.ADMIN) if isinstance(name, str) else Role.ADMIN
        needed = role if role.includes(needed) else needed
    return needed


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
