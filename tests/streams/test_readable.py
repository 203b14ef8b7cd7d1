"""Numbers are in the unit that a person thinks in, and no text of a stranger's does anything to a terminal."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import readable
from streams.readable import amount, harmless, times


def test_the_examples_in_the_docstrings_hold() -> None:
    ran = doctest.testmod(readable)
    assert ran.attempted >= 5
    assert not ran.failed


@given(st.text())
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text: str) -> None:
    shown = harmless(text)
    assert shown.isprintable()
    assert (shown == text) is text.isprintable()


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("error", 0.0, "0%"),
        ("error", 0.99951, "100%"),
        ("thumbs_down", 0.000123456, "0.0123%"),
        ("implicit.regenerate", 0.5, "50%"),
        ("repetition", 0.123, "12.3%"),
        ("duration_s", 0.0012344, "0.00123 s"),
        ("duration_s", 12345.6, "12,300 s"),
        ("tokens_per_s", 35.26, "35.3 tokens/s"),
        ("cost_usd", 0.0000123, "$1.23e-05"),
        ("input_tokens", 1_234_567.0, "1,230,000"),
        ("output_tokens", 9.996, "10"),
        ("prediction", -12.345, "-12.3"),
        ("feature.age", 41.0, "41"),
        ("unheard", 1.0, "1"),
        ("error", float("inf"), "unknown"),
        ("prediction", 1e300, "1e+300"),
    ],
)
def test_amounts(metric: str, value: float, shown: str) -> None:
    assert amount(metric, value) == shown


@pytest.mark.parametrize("before_after", [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (1e-9, 1.0)])
def test_a_factor_that_says_nothing_is_not_said(before_after: tuple[float, float]) -> None:
    assert times(*before_after) == ""


def test_a_fall_is_a_factor_too() -> None:
    assert times(4.0, 1.0) == "0.25 times"
