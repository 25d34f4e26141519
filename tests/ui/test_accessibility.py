"""The look of axe itself: a fault that stays is found, what passes by is not."""

from typing import Any

import pytest

from tests.ui.accessibility import axe_faults

pytestmark = pytest.mark.browser
WRITING = '<html lang="en"><title>T</title><main><h1>T</h1><p id="p" style="{style}">Text</p></main>'
FADING = "color: #fff; transition: color .4s"


def test_only_a_fault_that_stays_counts(chromium: Any) -> None:
    page = chromium.new_page()
    page.set_content(WRITING.format(style="color: #ddd"))
    assert [rule for rule, _ in axe_faults(page)] == ["color-contrast"]
    page.set_content(WRITING.format(style=FADING))
    page.evaluate("document.querySelector('#p').style.color = '#000'")
    assert axe_faults(page) == []
    page.set_content(WRITING.format(style="color: #ddd"))
    page.evaluate("setTimeout(() => { document.querySelector('#p').style.color = '#000'; }, 400)")
    assert axe_faults(page) == []
    page.close()
