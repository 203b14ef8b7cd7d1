"""A policy is explained, checked, written down, and known by its hash."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sinks.review.candidates import Reason
from sinks.review.policy import Budget, Policy, Quotas
from sinks.review.policy_page import page
from sinks.review.refusals import InvalidPolicy


def fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from ((f"{name}.{inner}", said) for inner, said in fields(type(field.default)))
        else:
            yield name, field.description or ""


def test_every_value_is_explained() -> None:
    assert not [name for name, said in fields(Policy) if not said.endswith(".")]


def test_every_reason_has_a_quota_and_every_quota_a_reason() -> None:
    assert set(Reason) == Quotas.model_fields.keys()


def test_the_smaller_limit_holds() -> None:
    assert Budget(items=500).size == 500
    assert Budget(items=500, minutes=60, seconds_per_item=45).size == 80
    assert Budget(items=50, minutes=60, seconds_per_item=45).size == 50


def test_what_is_printed_is_read_as_what_it_was(tmp_path: Path) -> None:
    changed = Policy.model_validate(
        {
            "seed": 7,
            "budget": {"minutes": 90},
            "participation": {
                "mode": "partial",
                "verdicts": {"quality=good": "accept"},
                "sensitive_reasons": ["finding"],
            },
        }
    )
    for policy in (Policy(), changed):
        path = tmp_path / "review.toml"
        path.write_text(page(policy))
        assert Policy.read(path) == policy
        assert Policy.read(path).sha256 == policy.sha256
    assert changed.sha256 != Policy().sha256


def test_a_file_holds_what_differs_and_none_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "review.toml"
    assert Policy.read(path) == Policy()
    path.write_text("[quotas]\ncontrol = 7\n")
    assert Policy.read(path) == Policy(quotas=Quotas(control=7))


def test_plugs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "review.toml"
    path.write_text('[[prelabels]]\nkind = "moderation"\nname = "m"\nurl = "https://example.com/v1/moderations"\n')
    (plug,) = Policy.read(path).prelabels
    assert plug.name == "m"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[quotas]\ncontrol = -1", "quotas.control"),
        ("[quotas]\nanomaly = 1.5", "quotas.anomaly"),
        ("[quotas]\nanomalies = 5", "quotas.anomalies"),
        ('seed = "7"', "seed"),
        ("seed = 9223372036854775808", "seed"),
        ('[participation]\nmode = "none"', "participation.mode"),
        ("[quotas", "cannot be read as TOML"),
        ("#" * 70_000, "a policy has 65,536 at most"),
        ('[[prelabels]]\nkind = "oracle"', "prelabels.0"),
    ],
)
def test_a_wrong_file_is_refused_by_the_name_of_what_is_wrong(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "review.toml"
    path.write_text(text)
    with pytest.raises(InvalidPolicy) as refused:
        Policy.read(path)
    assert names in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [name for name, _ in fields(Policy)])
def test_a_number_that_no_manifest_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "review.toml"
    path.write_text("".join(f"[{each}]\n" for each in name.split(".")[:-1]) + f"{name.split('.')[-1]} = {10**30}\n")
    with pytest.raises(InvalidPolicy):
        Policy.read(path)


def test_the_page_is_toml_that_explains_itself() -> None:
    written = page(Policy())
    read: dict[str, Any] = tomllib.loads(written)
    assert read["quotas"]["control"] == Quotas().control
    assert written.count("#") > len(list(fields(Policy)))
