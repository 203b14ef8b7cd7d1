"""The way from raw data to information to knowledge, as steps of one drawing; what people do is the last part of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sinks.review.manifest import Counts

UNKNOWN = 0.8  # of the step before: how wide a step is drawn of which nothing is known yet


@dataclass(frozen=True)
class Decided:
    """How many items people have decided, accepted and released; None is not yet."""

    decided: int | None = None
    accepted: int | None = None
    released: int | None = None


AT_THE_CUT = Decided()


@dataclass(frozen=True)
class Step:
    """One tapering bar: `count` is None where it is not known yet; widths are percent, at its top and its bottom.

    They are logarithmic, since a cut keeps one in thousands.
    """

    stage: str
    name: str
    count: int | None
    meaning: str
    top: float
    bottom: float


def steps(counts: Counts, after: Decided) -> list[Step]:
    """Return the funnel's steps, first to last; at the cut the last three are not yet known."""
    left_out = counts.synthetic + counts.without_consent + counts.in_another_batch
    counted: list[tuple[str, str, int | None, str]] = []
    if counts.events is not None:
        counted.append(("data", "events", counts.events, "requests, answers and feedback, each counted once"))
    counted += [
        ("data", "inferences", counts.inferences, "calls of models in this week, as the gateways told them"),
        ("information", "eligible", counts.eligible, f"{left_out:,} left out, {counts.late:,} late ones taken in"),
        ("information", "candidates", sum(counts.candidates.values()), "named by a reason; one counts once a reason"),
        ("information", "picked", counts.items, "under quotas, budget and caps; near-duplicates are one"),
        ("knowledge", "decided", after.decided, "by people, or by a label that their audit lets stand"),
        ("knowledge", "accepted", after.accepted, "as they are, corrected or ranked"),
        ("knowledge", "released", after.released, "in a signed version; rejected ones as what not to say"),
    ]
    widths = _widths([count for _, _, count, _ in counted])
    return [
        Step(*each, top, bottom) for each, top, bottom in zip(counted, widths, [*widths[1:], widths[-1]], strict=True)
    ]


def _widths(counts: Sequence[int | None]) -> list[float]:
    most = max(count or 0 for count in counts)
    widths: list[float] = []
    for count in counts:
        if count is None:
            widths.append(round(UNKNOWN * widths[-1], 1))
        else:
            widths.append(round(100 * math.log1p(count) / math.log1p(most), 1) if most else 0.0)
    return widths
