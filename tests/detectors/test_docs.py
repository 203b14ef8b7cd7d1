"""The examples in the detectors' docstrings run and give what they say."""

import doctest

import pytest

from detectors import anomaly, bank, base, drift, sealed, silent, trail


@pytest.mark.parametrize("module", [anomaly, bank, base, drift, sealed, silent, trail], ids=lambda m: m.__name__)
def test_examples_give_what_they_say(module: object) -> None:
    ran = doctest.testmod(module)  # type: ignore[arg-type]  # parametrize hands over a module as an object
    assert ran.failed == 0
    assert ran.attempted > 0
