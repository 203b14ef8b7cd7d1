"""The examples in the detectors' docstrings run and give what they say."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import detectors

MODULES = [f"detectors.{module.name}" for module in pkgutil.iter_modules(detectors.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_examples_are_found() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    told = {name for name in MODULES if any(test.examples for test in finder.find(import_module(name)))}
    assert {"detectors.bank", "detectors.drift", "detectors.reference", "detectors.week", "detectors.budget"} <= told
