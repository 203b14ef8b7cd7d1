"""A policy becomes the text of review.toml, with every value and what it means."""

from collections.abc import Iterator

import orjson
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sinks.review.policy import Policy

WIDTH = 110
_PRELABELS = """
# Services that label items before people do, at the cut and never in the stream; as many as you like. Their tokens come
# from the environment, under the name that is said here.
# [[prelabels]]
# kind = "moderation"                       # or "classifier", or "judge"
# name = "moderation"
# url = "https://moderation.example.com/v1/moderations"
# token = "SLUICE_TOKEN_MODERATION"
"""


def page(policy: Policy) -> str:
    """Return a file that gives this policy when it is read again; of services that label it shows an example."""
    head = "# What a review batch may take of people's time, and of what. Keep what differs from the defaults.\n"
    top = [line for line in _lines(policy, skip=("prelabels",)) if line]
    sections = [
        "\n".join([f"\n# {_first(value)}", f"[{name}]", *_lines(value)])
        for name in Policy.model_fields
        if isinstance(value := getattr(policy, name), BaseModel)
    ]
    return "\n".join([head, *top, *sections, _PRELABELS])


def _lines(section: BaseModel, skip: tuple[str, ...] = ()) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name in skip or isinstance(value, BaseModel):
            continue
        yield from _comment(field)
        yield f"# {name} =" if value is None else f"{name} = {_toml(value)}"


def _comment(field: FieldInfo) -> Iterator[str]:
    line = "#"
    for word in (field.description or "").split():
        if len(line) + len(word) >= WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + " }" if value else "{}"
        )
    return orjson.dumps(value).decode()  # of texts, numbers, truth values and lists of these, TOML and JSON are one


def _first(section: BaseModel) -> str:
    return (type(section).__doc__ or "").strip().partition("\n")[0]
