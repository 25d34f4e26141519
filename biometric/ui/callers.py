"""Whether the caller of an endpoint still waits for its answer.

Gradio runs an endpoint to its end also where the program that called it is gone, and would store what nobody waits for.
It notes the end of the caller's connection, and a cancelled call, with the event that an endpoint runs for. For a tool
of the Model Context Protocol it calls itself, so that the caller is somebody else: `tool_calls` notes their end.
"""

import itertools
from typing import Any

from gradio.context import LocalContext

from biometric.errors import CallerGone
from biometric.ui import tool_calls


def caller_waits() -> bool:
    """Return whether whoever called the endpoint that this thread runs still waits; True where that is unknown.

    A call whose answer nobody has begun to fetch counts as waited for: its caller may come for the answer later.
    """
    headers = getattr(LocalContext.request.get(None), "headers", None)
    if headers is not None and tool_calls.is_given_up(headers.get(tool_calls.HEADER, "")):
        return False
    queue: Any = getattr(LocalContext.blocks.get(None), "_queue", None)
    event_id = LocalContext.event_id.get(None)
    if event_id is None or not hasattr(queue, "active_jobs"):
        return True
    for event in itertools.chain.from_iterable(events for events in queue.active_jobs if events):
        if event._id == event_id:
            return bool(event.alive)
    return False  # a call that was cancelled is not among them, although its thread goes on


def require_caller(*_: object) -> None:
    """Go on only where the caller still waits; may be given to `finish` as what is told each step.

    Raises:
        CallerGone: the caller has cancelled, or the connection has ended.
    """
    if not caller_waits():
        raise CallerGone("The call was given up by its caller. Nothing was stored.")
