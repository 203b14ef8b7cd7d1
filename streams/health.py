"""What is known of a worker's partitions and servers goes in; out comes whether it lives, is ready, and why not.

Alive is what a new start would mend; ready is what others may rely on. A store that refuses is no reason to die: the
worker offers its blocks again, partitions wait, and nothing is lost. A partition that has work, no reason to wait, and
does not move, is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinks.clickhouse import ANSWERS_WITHIN_S
from streams.movement import Partition, Place, Standing

SILENT_S = 30.0  # without an answer to a call, after which ClickHouse counts as away


@dataclass(frozen=True)
class Health:
    """A worker at one time, as `/livez`, `/readyz` and `sluice status` tell it.

    Args:
        partitions: the assigned ones; empty while the group is being put in order.
        assigned: whether the worker has been given its partitions, be there any or none.
        kafka_away_s: for how long Kafka has not said where logs end; 0 while it does.
        sink_refuses_s: for how long ClickHouse has refused what it was offered; 0 while it takes it.
        sink_silent_s: for how long ClickHouse has neither taken nor refused what it was offered.
        overlooked_s: for how long the worker has not looked at itself, though it should have.
        limit_s: seconds after which standing still counts as dead.
        places: where each partition is confirmed, and where its log ends.
    """

    partitions: Mapping[Partition, Standing] = field(default_factory=dict)
    assigned: bool = False
    kafka_away_s: float = 0.0
    sink_refuses_s: float = 0.0
    sink_silent_s: float = 0.0
    overlooked_s: float = 0.0
    limit_s: float = 120.0
    places: Mapping[Partition, Place] = field(default_factory=dict)

    def dead(self) -> list[str]:
        """Say what a new start would mend, a sentence each; empty while the worker lives."""
        said = []
        if self.overlooked_s > 0:
            said.append(f"The worker has not looked at its partitions for {self.overlooked_s:.0f} s.")
        if self.sink_silent_s >= ANSWERS_WITHIN_S + self.limit_s:  # its client gives up before, and offers it again
            said.append(f"A call of ClickHouse has not ended for {self.sink_silent_s:.0f} s.")
        # Where a server is away, partitions wait for good reason.
        if self.sink_refuses_s == 0 and self.kafka_away_s == 0 and self.sink_silent_s < SILENT_S:
            said += [
                f"{topic}, partition {number}, has {standing.lag:,} records to read and has not moved for "
                f"{standing.still_s:.0f} s."
                for (topic, number), standing in sorted(self.partitions.items())
                if standing.still_s >= self.limit_s
            ]
        return said

    def unready(self) -> list[str]:
        """Say what is missing, a sentence each; empty while all is there."""
        said = self.dead()
        if not self.assigned:
            said.append("No partitions are assigned yet: the group is being put in order.")
        if self.kafka_away_s > 0:
            said.append(f"Kafka has not answered for {self.kafka_away_s:.0f} s.")
        if self.sink_refuses_s > 0:
            said.append(f"ClickHouse has refused blocks for {self.sink_refuses_s:.0f} s; they are offered again.")
        elif self.sink_silent_s >= SILENT_S:
            said.append(f"ClickHouse has not answered a call for {self.sink_silent_s:.0f} s.")
        return said

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON would have it."""
        return {
            "live": not self.dead(),
            "ready": not self.unready(),
            "why": self.unready(),
            "partitions": [
                {"topic": topic, "partition": number}
                | {"lag": each.lag, "behind_s": round(each.behind_s, 1), "still_s": round(each.still_s, 1)}
                for (topic, number), each in sorted(self.partitions.items())
            ],
            "stalled_after_s": self.limit_s,
        }
