"""What is otherwise than in the batch before: counts, reasons and topics, side by side."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from sinks.review.candidates import Reason
from sinks.review.manifest import Counts, Manifest
from sinks.review.report.visible import line

COUNTED = {
    "inferences": "inferences",
    "eligible": "eligible",
    "without_consent": "without consent",
    "late": "late",
    "items": "items picked",
    "folded": "near-duplicates folded",
}
TOPICS = 8


@dataclass(frozen=True)
class Change:
    """A count then and now."""

    name: str
    then: int
    now: int

    @property
    def by(self) -> str:
        """The difference, as people write it."""
        if self.now == self.then:
            return "same"
        share = f" ({100 * (self.now - self.then) / self.then:+.0f}%)" if self.then else ""
        return f"{self.now - self.then:+,}{share}"


@dataclass(frozen=True)
class Changes:
    """Against the batch `since`: `arrived` and `gone` are topics, the most frequent first."""

    since: str
    counts: list[Change]
    reasons: list[Change]
    arrived: list[str]
    gone: list[str]


def changes(now: Counts, topics: Counter[str], previous: Manifest, folder: Path) -> Changes:
    """Compare with the batch before, whose items lie in `folder`."""
    then = previous.counts
    before = Counter(line(topic, 80) for topic in _topics(folder) if topic)
    return Changes(
        since=previous.window.name,
        counts=[Change(told, getattr(then, name), getattr(now, name)) for name, told in COUNTED.items()],
        reasons=[
            Change(reason, then.by_reason.get(reason, 0), now.by_reason.get(reason, 0))
            for reason in Reason
            if then.by_reason.get(reason, 0) or now.by_reason.get(reason, 0)
        ],
        arrived=[topic for topic, _ in ranked(topics) if topic not in before][:TOPICS],
        gone=[topic for topic, _ in ranked(before) if topic not in topics][:TOPICS],
    )


def ranked(counted: Counter[str]) -> list[tuple[str, int]]:
    """Return names by their counts, then by name, so that ties have one order."""
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def _topics(folder: Path) -> Iterable[str | None]:
    topics: list[str | None] = pq.read_table(folder / "items.parquet", columns=["topic"])["topic"].to_pylist()
    return topics
