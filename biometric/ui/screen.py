"""What a page shows, as the server last sent it, so that a reloaded page shows the same again.

All handlers of the page pass `recording_blocks.RecordingBlocks`, which notes what each sends for which component, and
what it was sent of the fields that people fill in. That covers whatever a tab shows, questions and problems included.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

import gradio as gr
from gradio.blocks import Block

from biometric.ui.text_format import escape

Updates = dict[Any, Any]
"""New values or properties by Gradio component."""
Properties = dict[str, Any]
"""Properties of one component by name, `value` among them."""

_RECORDS_ITSELF = "records_itself"
_RENDERS_AGAIN = "renders_again"
_UPDATE = "__type__"


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


def is_rendering_again(handler: Any) -> bool:
    """Return whether `renders_again` marks a handler."""
    return getattr(handler, _RENDERS_AGAIN, False) is True


@dataclass(frozen=True, slots=True)
class SentPart:
    """What was sent of a component, by numbers of steps.

    Attributes:
        newest: the step that began last of those that have sent something.
        began: the step that sent something last.
        when: the number that came next when it did.
    """

    newest: int
    began: int
    when: int


_NEVER = SentPart(0, 0, 0)


class Screen:
    """The latest properties of components; safe for several threads."""

    def __init__(self) -> None:
        self._shown: dict[Any, Properties] = {}
        self._lock = threading.Lock()
        self._steps = itertools.count(1)
        self._sent: dict[Any, SentPart] = {}

    def begin(self) -> int:
        """Return the number of a handler's step that begins; later ones are greater."""
        return next(self._steps)

    def sent(self, updates: Mapping[Any, Any], began: int) -> None:
        """Note what a step sends; those that change nothing do not count."""
        with self._lock:
            for component, update in updates.items():
                if properties_of(update):
                    newest = max(began, self._sent[component].newest) if component in self._sent else began
                    self._sent[component] = SentPart(newest, began, next(self._steps))

    def newest(self, updates: Mapping[Any, Any], began: int) -> Updates:
        """Return a step's updates, but for components of which a step that began later has sent something."""
        with self._lock:
            return {part: update for part, update in updates.items() if self._sent.get(part, _NEVER).newest <= began}

    def crossed(self, components: Collection[Any], began: int) -> bool:
        """Return whether a step that began earlier has sent something of these components since this one began.

        What either has drawn may leave out what the other did, so that they are to be drawn again.
        """
        with self._lock:
            sent = [self._sent.get(part, _NEVER) for part in components]
        return any(part.began < began < part.when for part in sent)

    def latest(self, updates: Mapping[Any, Any]) -> Updates:
        """Return updates that are sent late: of the same properties, with the values that were noted last."""
        with self._lock:
            return {part: self._latest(part, update) for part, update in updates.items()}

    def _latest(self, component: Any, update: Any) -> Any:
        shown, properties = self._shown.get(component, {}), properties_of(update)
        return gr.update(**{name: shown.get(name, value) for name, value in properties.items()})

    def record(self, updates: Mapping[Any, Any]) -> None:
        """Note values or properties that were sent, by component."""
        with self._lock:
            for component, update in updates.items():
                self._shown.setdefault(component, {}).update(properties_of(update))

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
                    for name, value in properties_of(update).items()
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


def properties_of(update: Any) -> Properties:
    """Return what an update changes: a dictionary of Gradio's, a component made for its properties, or a bare value."""
    if isinstance(update, dict) and update.get(_UPDATE) == "update":
        return {name: value for name, value in update.items() if name != _UPDATE}
    if isinstance(update, Block):
        return dict(update.constructor_args)
    if isinstance(update, SimpleNamespace):
        return {name: value for name, value in vars(update).items() if not name.startswith("_")}
    return {"value": update}
