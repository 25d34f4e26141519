"""What a page shows, as the server last sent it, so that a reloaded page shows the same again.

All handlers of the page pass `RecordingBlocks`, which notes what each sends for which component, and what it was sent
of the fields that people fill in. That covers whatever a tab shows, questions and problems included.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from biometric.accounts.roles import Role
from biometric.errors import BiometricError
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.ui.role_limits import RoleLimits, role_of
from biometric.ui.text_format import escape

logger = logging.getLogger(__name__)

Updates = dict[Any, Any]
"""New values or properties by Gradio component."""
Properties = dict[str, Any]
"""Properties of one component by name, `value` among them."""

_RECORDS_ITSELF = "records_itself"
_RENDERS_AGAIN = "renders_again"
_UPDATE = "__type__"
_UPLOADS = (gr.File, gr.Video)


_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def renders_again(handler: _Handler) -> _Handler:
    """Mark a handler that draws parts anew because something has changed elsewhere, not because of what was pressed.

    It may take longer than a press that comes while it runs, and would draw the part as it was before that.
    """
    setattr(handler, _RENDERS_AGAIN, True)
    return handler


def records_itself(handler: _Handler) -> _Handler:
    """Mark a handler that passes on what a job shows, which the job notes itself."""
    setattr(handler, _RECORDS_ITSELF, True)
    return handler


def is_recording_itself(handler: Any) -> bool:
    """Return whether `records_itself` marks a handler."""
    return getattr(handler, _RECORDS_ITSELF, False) is True


class Screen:
    """The latest properties of components; safe for several threads."""

    def __init__(self) -> None:
        self._shown: dict[Any, Properties] = {}
        self._lock = threading.Lock()
        self._steps = itertools.count(1)
        self._sent: dict[Any, int] = {}

    def begin(self) -> int:
        """Return the number of a handler's step that begins; later ones are greater."""
        return next(self._steps)

    def sent(self, updates: Mapping[Any, Any], began: int) -> None:
        """Note what a step sends; those that change nothing do not count."""
        with self._lock:
            for component, update in updates.items():
                if _properties(update):
                    self._sent[component] = max(began, self._sent.get(component, 0))

    def newest(self, updates: Mapping[Any, Any], began: int) -> Updates:
        """Return a step's updates, but for components of which a step that began later has sent something."""
        with self._lock:
            return {part: update for part, update in updates.items() if self._sent.get(part, 0) <= began}

    def latest(self, updates: Mapping[Any, Any]) -> Updates:
        """Return updates that are sent late: of the same properties, with the values that were noted last."""
        with self._lock:
            return {part: self._latest(part, update) for part, update in updates.items()}

    def _latest(self, component: Any, update: Any) -> Any:
        shown, properties = self._shown.get(component, {}), _properties(update)
        return gr.update(**{name: shown.get(name, value) for name, value in properties.items()})

    def record(self, updates: Mapping[Any, Any]) -> None:
        """Note values or properties that were sent, by component."""
        with self._lock:
            for component, update in updates.items():
                self._shown.setdefault(component, {}).update(_properties(update))

    def updates(self) -> Updates:
        """Return updates that show the same on a fresh page."""
        with self._lock:
            return {component: gr.update(**shown) for component, shown in self._shown.items() if shown}

    def news(self, updates: Mapping[Any, Any]) -> Updates:
        """Return those of the updates that change something, so that a page that is right stays untouched."""
        with self._lock:
            return {
                component: update
                for component, update in updates.items()
                if any(
                    name not in self._shown.get(component, {}) or self._shown[component][name] != value
                    for name, value in _properties(update).items()
                )
            }

    def forget(self, texts: Collection[str]) -> None:
        """Forget every value that holds one of these texts, as it is or escaped."""
        wanted = {form for text in texts for form in (text, escape(text)) if form}
        with self._lock:
            for component, shown in list(self._shown.items()):
                self._shown[component] = {
                    name: value for name, value in shown.items() if not any(form in str(value) for form in wanted)
                }

    def take(self) -> Updates:
        """Return the updates and forget them."""
        with self._lock:
            shown, self._shown = self._shown, {}
        return {component: gr.update(**properties) for component, properties in shown.items() if properties}


def _properties(update: Any) -> Properties:
    """Return what an update changes: a dictionary of Gradio's, a component made for its properties, or a bare value."""
    if isinstance(update, dict) and update.get(_UPDATE) == "update":
        return {name: value for name, value in update.items() if name != _UPDATE}
    if isinstance(update, Block):
        return dict(update.constructor_args)
    if isinstance(update, SimpleNamespace):
        return {name: value for name, value in vars(update).items() if not name.startswith("_")}
    return {"value": update}


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
            if began and getattr(block_fn.fn, _RENDERS_AGAIN, False) and isinstance(result["prediction"], dict):
                result["prediction"] = screen.newest(result["prediction"], began)
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
        sent = {part: _properties(update) for part, update in _sent(block_fn.outputs, result["prediction"]).items()}
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
