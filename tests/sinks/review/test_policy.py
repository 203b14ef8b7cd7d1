"""A policy is explained, checked, and known by its hash."""

from typing import Any

import pytest
from pydantic import ValidationError

from sinks.review.policy import Policy
from sinks.review.select import Reason


def test_every_value_is_explained() -> None:
    assert all((field.description or "").endswith(".") for field in Policy.model_fields.values())


def test_every_reason_has_a_quota() -> None:
    assert set(Reason) <= Policy.model_fields.keys()


@pytest.mark.parametrize("name", Policy.model_fields)
def test_every_value_is_in_the_hash(name: str) -> None:
    changed = Policy(**{name: 7})
    assert changed.sha256 != Policy().sha256
    assert changed.sha256 == Policy(**{name: 7}).sha256


@pytest.mark.parametrize("wrong", [{"control": -1}, {"seed": 2**64}, {"anomaly": 1.5}, {"anomalies": 5}, {"seed": "7"}])
def test_a_wrong_policy_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy(**wrong)
