"""Templates show whatever they are given and run nothing of it."""

import re
from html.parser import HTMLParser

import jinja2
import pytest

from biometric.ui import templating

HOSTILE = "<img src=x onerror=alert(1)> \" ' ` ${1+1} {{value}} \u202egnp.exe"


class Seen(HTMLParser):
    """What a browser makes of HTML: the tags, their attributes, the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> jinja2.Environment:
    """The environment of the page with templates of this test."""
    environment = templating._environment()
    source = {
        "text": "<p>{{ name }}</p>",
        "attribute": '<p title="{{ name }}"></p>',
        "macro": "{% macro say(what) %}<b>{{ what }}</b>{% endmacro %}<p>{{ say(name) }}</p>",
        "filter": "<p>{{ name | trim }}</p>",
        "block": "{% set said %}<b>{{ name }}</b>{% endset %}<p>{{ said }}</p>",
        "joined": "<p>{{ 'Name: ' ~ name }}</p>",
        "mistyped": "<p>{{ nmae }}</p>",
    }
    monkeypatch.setattr(environment, "loader", jinja2.DictLoader(source))
    monkeypatch.setattr(environment, "cache", None)
    return environment


@pytest.mark.parametrize("template", ["text", "attribute", "macro", "filter", "block", "joined"])
@pytest.mark.usefixtures("filled")
def test_a_hostile_name_is_shown_and_does_nothing(template: str) -> None:
    html = templating.render(template, name=HOSTILE)
    seen = Seen(html)
    assert set(seen.tags) <= {"p", "b"}
    shown = seen.text + "".join(value or "" for _, value in seen.attributes)
    assert shown.endswith(HOSTILE.replace("\u202e", ""))  # the mark of direction is taken out
    assert not re.search(r"[`$]\{|[{`]", html), "Gradio's own templates would find something to fill in"


@pytest.mark.usefixtures("filled")
def test_a_value_that_is_missing_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(jinja2.UndefinedError, match="nmae"):
        templating.render("mistyped", name="Ada")


def test_every_template_can_be_read_and_none_switches_escaping_off() -> None:
    names = list(templating.template_names())
    assert names
    for name in names:
        source = (templating.TEMPLATES / name).read_text(encoding="utf-8")
        templating._environment().get_template(name)
        assert not re.search(r"\|\s*safe\b|autoescape", source), f"{name} lets HTML through"
