"""Blocks that note what their handlers send to a page, and let nothing older be drawn over something newer."""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Protocol

import gradio as gr
from gradio.components import Component

from biometric.accounts.roles import Role
from biometric.errors import BiometricError
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.ui.role_limits import RoleLimits, role_of
from biometric.ui.screen import Screen, is_recording_itself, is_rendering_again, properties_of
from biometric.ui.text_format import escape

logger = logging.getLogger(__name__)

_UPDATE = "__type__"
_UPLOADS = (gr.File, gr.Video)
_DRAWN_AGAIN = 5
"""Most times that parts are drawn again because of what was pressed while they were drawn."""


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A step of a handler that draws parts anew: which, since when, whether something was pressed meanwhile."""

    screen: Screen
    parts: frozenset[Any]
    began: int
    crossed: bool


_drawing: ContextVar[_Drawing | None] = ContextVar("drawing", default=None)


class HasScreen(Protocol):
    """Finds the screen of the page that sent a request, None where it is no page."""

    def __call__(self, request: Any) -> Screen | None:
        """Return the screen."""


class RecordingBlocks(gr.Blocks):
    """Blocks that note what their handlers send.

    Attributes:
        screen_of: finds the screen to note it on; nothing is noted until it is set.
        rendered_anew: components that each load renders from the truth, which are not noted.
    """

    screen_of: HasScreen | None = None
    rendered_anew: frozenset[Any] = frozenset()

    def remembered(self) -> list[Any]:
        """Return all components that may be noted: what the handlers attached so far change, and fields they read."""
        parts: dict[Any, None] = {}
        for function in self.fns.values():
            parts.update(dict.fromkeys(function.outputs))
            parts.update(dict.fromkeys(filter(_is_field, function.inputs)))
        return list(parts)

    async def preprocess_data(self, block_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Read what a handler or endpoint was sent, as Gradio does; what cannot be read is told to whoever sent it."""
        try:
            return await super().preprocess_data(block_fn, *args, **kwargs)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:  # whatever a component of Gradio makes of a value of another kind
            logger.warning("refused the values sent for %s: %s", block_fn.api_name or block_fn.name, _first_line(error))
            text = _("The values that were sent cannot be used here. Nothing was done.")
            raise gr.Error(text, print_exception=False) from error

    async def process_api(self, *args: Any, **kwargs: Any) -> Any:
        """Run a handler's next step and make what is sent of it, as Gradio does.

        Gradio makes that component by component, which takes a while where there are many, and what was pressed
        meanwhile is answered first: parts that were only drawn anew must not be drawn over that.
        """
        for tries_left in reversed(range(_DRAWN_AGAIN)):
            _drawing.set(None)
            output = await super().process_api(*args, **kwargs)
            drawing = _drawing.get()
            if drawing is None:
                break
            if tries_left and (drawing.crossed or drawing.screen.crossed(drawing.parts, drawing.began)):
                continue
            block_fn = kwargs["block_fn"] if "block_fn" in kwargs else args[0]
            newest = drawing.screen.newest(dict.fromkeys(drawing.parts), drawing.began)
            overtaken = drawing.parts.difference(newest)
            data = zip(block_fn.outputs, output["data"], strict=True)
            output["data"] = [gr.skip() if part in overtaken else sent for part, sent in data]
            break
        return output

    async def call_function(self, block_fn: Any, processed_input: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Run a handler's next step, as Gradio does, and note what it was sent and what it sends."""
        request = args[1] if len(args) > 1 else kwargs.get("requests")
        screen = None if self.screen_of is None else self.screen_of(request)
        began = 0 if screen is None else screen.begin()
        if screen is not None and (not args or args[0] is None):
            screen.record(self._fields(block_fn.inputs, processed_input))  # first: what the handler sends is newer
        try:
            result = await super().call_function(block_fn, processed_input, *args, **kwargs)
        except BiometricError as error:  # told to whoever sent it, and no news to the log
            raise gr.Error(escape(describe_error(error)), print_exception=False) from error
        if not result["is_generating"] and _has_ended(result["prediction"]):
            # Gradio 6.31 would empty all that a handler of many steps may change, where it has none to make.
            nothing = [gr.skip()] * len(block_fn.outputs)
            result["prediction"] = nothing[0] if len(nothing) == 1 else nothing
        screen = None if self.screen_of is None else self.screen_of(request)  # a load has opened one
        if screen is not None:
            if began and is_rendering_again(block_fn.fn) and isinstance(result["prediction"], dict):
                crossed = screen.crossed(result["prediction"], began)
                result["prediction"] = screen.newest(result["prediction"], began)
                _drawing.set(_Drawing(screen, frozenset(result["prediction"]), began, crossed))
            sent = _sent(block_fn.outputs, result["prediction"])
            screen.sent(sent, began)
            if not is_recording_itself(block_fn.fn):
                screen.record({part: update for part, update in sent.items() if part not in self.rendered_anew})
        role = role_of(request)
        if role is not None and role is not Role.ADMIN and block_fn.targets:
            self._switch_off(block_fn, result, role)
        return result

    @cached_property
    def limits(self) -> RoleLimits:
        """What of the page is for some roles only; ask once all handlers are attached."""
        return RoleLimits(self)

    def _switch_off(self, block_fn: Any, result: dict[str, Any], role: Role) -> None:
        opened = any(event == "load" for _part, event in block_fn.targets)
        sent = {part: properties_of(update) for part, update in _sent(block_fn.outputs, result["prediction"]).items()}
        limited = self.limits.switch_off(role, sent, opened)
        if limited != sent:
            result["prediction"] = {
                part: gr.update(**properties) for part, properties in limited.items() if part in block_fn.outputs
            }

    def handle_streaming_diffs(
        self,
        block_fn: Any,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        """Return a handler's next update for the page: each value whole, in place of the difference to the former one.

        Gradio's page applies differences to the very objects that it may not have shown yet (6.31): on a busy machine
        an answer was lost when the next update came, which takes it away again because it is about something else.
        """
        first = session_hash is None or run is None or run not in self.pending_diff_streams[session_hash]
        data = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format=True)
        return data if first or final or simple_format else [[["replace", [], value]] for value in data]

    def _fields(self, inputs: Sequence[Any], values: Sequence[Any]) -> dict[Any, Any]:
        """Return what was sent of fields that people fill in."""
        sent = zip(inputs, values, strict=False)
        return {field: value for field, value in sent if _is_field(field) and field not in self.rendered_anew}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def _sent(outputs: Sequence[Any], prediction: Any) -> dict[Any, Any]:
    """Return what a handler sends by component, in whichever of Gradio's forms it does."""
    if isinstance(prediction, dict) and _UPDATE not in prediction:
        sent = prediction
    elif len(outputs) == 1:
        sent = {outputs[0]: prediction}
    elif isinstance(prediction, list | tuple):
        sent = dict(zip(outputs, prediction, strict=False))
    else:
        sent = {}
    # An Enum is Gradio's mark of a handler's end.
    return {part: update for part, update in sent.items() if not isinstance(update, Enum)}


def _has_ended(prediction: Any) -> bool:
    """Whether this is Gradio's mark of the end of a handler of several steps, which it gives in place of an update."""
    first = prediction[0] if isinstance(prediction, tuple) and prediction else prediction
    return isinstance(first, Enum)


def _is_field(component: Any) -> bool:
    """Whether people fill it in, and it is noted: not uploads, which the server takes and moves, nor passphrases."""
    is_secret = getattr(component, "type", None) == "password"
    return isinstance(component, Component) and not is_secret and not isinstance(component, (*_UPLOADS, gr.State))
