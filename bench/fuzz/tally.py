"""What came of hostile inputs is counted: how many were read, which refusals there were, how long the slowest took."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Tally:
    """What came of the inputs of one target."""

    inputs: int = 0
    read: int = 0  # events of a decoder; inputs of a reader that gave a value
    refused: Counter[str] = field(default_factory=Counter)  # by the reason of a dead letter, or the name of the error
    slowest_ms: float = 0.0  # of CPU, of any input
    slowest: float = 0.0  # milliseconds of CPU a megabyte, of records that are not small, without what events cost
    slowest_small: float = 0.0  # milliseconds of CPU, likewise
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count what another part of the same run saw."""
        self.inputs += other.inputs
        self.read += other.read
        self.refused += other.refused
        self.failures += other.failures
        for name in ("slowest_ms", "slowest", "slowest_small"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))

    def said(self) -> dict[str, Any]:
        """Return it for JSON, the most frequent refusal first."""
        return asdict(self) | {"refused": dict(self.refused.most_common())}


def tally_of(said: dict[str, Any]) -> Tally:
    """Make a tally of one that was written as JSON."""
    return Tally(**{**said, "refused": Counter(said["refused"])})
