"""One row of a file that came back: what a person says of an item, or why it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import pydantic.dataclasses

from sinks.review.decisions import Verdict
from sinks.review.faults import WHAT, first
from sinks.review.report.visible import line

VERDICTS: tuple[str, ...] = get_args(Verdict)


@pydantic.dataclasses.dataclass(frozen=True, config=pydantic.ConfigDict(strict=True))
class Said:
    """What a file says of an item, as it says it.

    `row` names the place in the file. `shown` are the texts that came back with it, by the names under which the
    export showed them; `verdict` is "" where nobody decided. `source_id` names the decision in its tool: the same twice
    is one. `decided_at` is "" where the file does not say.
    """

    row: str
    inference_id: str
    fingerprint: str | None
    shown: Mapping[str, Any]
    verdict: str
    reviewer: str
    source_id: str
    decided_at: str = ""
    correction: Any = None
    ranking: list[str] | None = None
    labels: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float | None = None
    agrees: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A row that is not taken, and its cure."""

    row: str
    why: str


def told(error: Exception) -> str:
    """Say in a line what is wrong with a row, without its texts."""
    if isinstance(error, pydantic.ValidationError):
        where, what = first(error)
        return f"{where}: {what}" if where else what
    return line(f"{type(error).__name__} {error}", WHAT)
