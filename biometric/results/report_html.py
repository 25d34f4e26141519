"""A report as one HTML file that needs nothing else: pictures inside it, no script, a style for printing (Jinja2)."""

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.messages import translation
from biometric.results.answer_report import AnswerReport

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES = Path(__file__).parent / "templates"


def report_html(report: AnswerReport) -> str:
    """Return the HTML of a report; every text in it is escaped."""
    return _template().render(report=report)


@cache
def _template() -> "Template":
    return report_environment().get_template("report.html")


@cache
def report_environment() -> "Environment":
    """Return what makes pages of the templates of this folder: it escapes every text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    translation.install(environment)
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    return environment
