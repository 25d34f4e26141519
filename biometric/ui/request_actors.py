"""Who sent the request that a thread works on, for the audit trail."""

from dataclasses import replace
from typing import Any

from gradio.context import LocalContext

from biometric.entities.actors import Actor, Channel, add_actor_source, current_actor, system_account
from biometric.ui import tool_calls
from biometric.ui.asgi import Scope
from biometric.ui.clients import user_of


def actor_of(scope: Scope, through: Channel = Channel.PAGE) -> Actor:
    """Return who sent a request: the user who is signed in, else the account that this server runs under."""
    return _actor(user_of(scope), through)


def follow_requests() -> None:
    """Let the audit trail know from now on who sends the requests that Gradio works on."""
    add_actor_source(_request_actor)


def endpoint_actor() -> Actor:
    """Return who called the endpoint of the API, or the tool, that this thread runs."""
    actor = current_actor()
    return replace(actor, through=Channel.API) if actor.through is Channel.PAGE else actor


def _request_actor() -> Actor | None:
    request: Any = LocalContext.request.get(None)
    scope = getattr(getattr(request, "request", None), "scope", None)
    if not isinstance(scope, dict):
        return None
    caller = tool_calls.user_of_call(request.headers.get(tool_calls.HEADER, ""))
    return actor_of(scope) if caller is None else _actor(caller, Channel.MCP)


def _actor(user: str, through: Channel) -> Actor:
    return Actor(user, through, is_user=True) if user else Actor(system_account(), through)
