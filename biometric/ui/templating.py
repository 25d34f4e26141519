"""HTML from the Jinja2 files of `templates`: whatever a template is given is escaped, so that it can only be shown."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from biometric.messages import translation
from biometric.ui import elements
from biometric.ui.text_format import count, day, decimal, escape, people

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """Return a template filled with values; a value that is not `Markup` is text and is escaped.

    Args:
        template: name of a file of `templates`.
        values: plain text, numbers, and value types made of these. `Markup` only for HTML that this program made
            itself from escaped text.

    Raises:
        jinja2.UndefinedError: the template asks for a value that it was not given.
    """
    return _environment().get_template(template).render(**values)


def template_names() -> Iterator[str]:
    """Yield the names of all templates."""
    return iter(sorted(path.name for path in TEMPLATES.glob("*.html")))


@cache
def _environment() -> Environment:
    # `finalize` escapes more than HTML needs: Gradio's own templates fill in `${…}` and `{{…}}` in the browser, and
    # marks of direction let a name rewrite the words around it. What it returns passes autoescaping unchanged.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    translation.install(environment)
    environment.globals["icon"] = lambda name: Markup(elements.icon(name))  # noqa: S704 - drawn there
    environment.filters.update(day=day, decimal=decimal, people=people, counted=count)
    return environment


def _finalize(value: object) -> object:
    if isinstance(value, Markup | Undefined):
        return value
    return Markup(escape(value))  # noqa: S704 - escaped here
