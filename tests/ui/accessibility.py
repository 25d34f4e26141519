"""What axe finds on a page that has come to rest."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

AT_REST = """() => Promise.all(
    document.getAnimations().filter((moving) => moving instanceof CSSTransition)
        .map((moving) => moving.finished.catch(() => null)))"""
"""A button that is half faded in has less contrast than either of its states."""
BETWEEN_LOOKS = 600
"""Milliseconds until a fault is looked at once more: longer than any transition of the page."""
AXE_WAYS = [
    (1280, "dark"),
    (390, "light"),
    pytest.param(1440, "light", marks=pytest.mark.slow),
    pytest.param(390, "dark", marks=pytest.mark.slow),
]
"""Width and colour scheme for `parametrize`. Light on a wide page and dark on a telephone are looked at, too, in each
run of the tests, but only what a tab shows first (test_proof_axe.py)."""
Fault = tuple[str, tuple[str, ...]]


def axe_faults(page: Any, within: str | None = None, options: dict[str, Any] | None = None) -> list[Fault]:
    """Return what axe finds: the rule, and the beginning of each element that breaks it.

    A fault counts when two looks find its rule broken, and those of the second look are returned: between them the page
    may have been about to change, as while the annotated clip begins to be written after an answer.

    Args:
        page: Of Playwright.
        within: Selectors of the parts to look at; the whole page without.
        options: For axe.
    """
    found = _look(page, within, options)
    if found:
        page.wait_for_timeout(BETWEEN_LOOKS)
        still = _look(page, within, options)
        found = [fault for fault in still if fault[0] in {rule for rule, _ in found}]
    return found


def _look(page: Any, within: str | None, options: dict[str, Any] | None) -> list[Fault]:
    page.evaluate(AT_REST)
    violations = Axe().run(page, context=within, options=options).response["violations"]
    return [(fault["id"], tuple(node["html"][:200] for node in fault["nodes"])) for fault in violations]
