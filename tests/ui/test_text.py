import html

import pytest

from biometric.ui.text_format import count, decimal, escape, people, threshold_text


@pytest.mark.parametrize("text", ["<img src=x onerror=1>", "${1}", "{{value}}", "`x`", "\"'&"])
def test_promise_10_escaped_text_is_inert_and_reads_the_same(text: str) -> None:
    safe = escape(text)
    assert not set("<>\"'`${}") & set(safe)
    assert html.unescape(safe) == text


def test_promise_10_escaped_text_cannot_turn_the_direction_of_what_stands_around_it() -> None:
    assert escape("a\u202eb\u2066c") == "abc"


def test_counts() -> None:
    assert (people(0), people(1), people(1200)) == ("0 people", "1 person", "1,200 people")
    assert (count(1, "sample"), count(2, "sample")) == ("1 sample", "2 samples")


def test_numbers() -> None:
    assert (decimal(None), decimal(0.0), decimal(-0.344)) == ("–", "0.00", "−0.34")
    assert (threshold_text(0.5), threshold_text(0.514), threshold_text(-0.25)) == ("0.50", "0.514", "−0.25")
