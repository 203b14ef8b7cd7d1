"""One row of a file that came back: what a person says of an item, or why it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from sinks.review.decisions import Verdict

VERDICTS: tuple[str, ...] = get_args(Verdict)


@dataclass(frozen=True)
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
