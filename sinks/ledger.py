"""The ledger read back: for each partition, what is accounted for and which offsets are not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

# Blocks overlap after a redelivery. A gap is where a block begins beyond all that the blocks before it cover.
_PARTITIONS = """
SELECT topic, partition, min(first_offset), max(last_offset), count(),
       arraySort(groupArrayIf((covered + 1, first_offset - 1), first_offset > covered + 1))
FROM (
    SELECT topic, partition, first_offset, last_offset,
           max(toNullable(last_offset)) OVER (
               PARTITION BY topic, partition ORDER BY first_offset, last_offset
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS covered
    FROM ledger
)
GROUP BY topic, partition
ORDER BY topic, partition
"""

# Of a block that was delivered twice one row is left once the table has merged.
_RATES = """
SELECT toUnixTimestamp(toStartOfInterval(confirmed_at, INTERVAL {seconds:UInt32} SECOND)) AS at,
       sum(events) / {seconds:UInt32}, sum(letters) / {seconds:UInt32}
FROM ledger
WHERE topic IN {topics:Array(String)} AND confirmed_at >= now() - INTERVAL 1 HOUR
GROUP BY at
ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class PartitionLedger:
    """One partition's account; offsets are inclusive. The last gap may lie behind `last_offset`: committed, no more."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    blocks: int
    gaps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def offsets(self) -> int:
        """Count the offsets that are accounted for."""
        missing = sum(last - first + 1 for first, last in self.gaps if last <= self.last_offset)
        return self.last_offset - self.first_offset + 1 - missing


def read(client: Client, committed: Mapping[tuple[str, int], int]) -> list[PartitionLedger]:
    """Read the account of every partition.

    Args:
        client: a connection to Sluice's database.
        committed: for each (topic, partition) the group's committed offset: the next that will be read. What is
            committed but not in the ledger is a gap.
    """
    ledgers = {
        (topic, partition): PartitionLedger(topic, partition, first, last, blocks, list(gaps))
        for topic, partition, first, last, blocks, gaps in client.query(_PARTITIONS).result_rows
    }
    for (topic, partition), upcoming in committed.items():
        known = ledgers.get((topic, partition))
        if known is None and upcoming > 0:
            ledgers[topic, partition] = PartitionLedger(topic, partition, 0, upcoming - 1, 0, [(0, upcoming - 1)])
        elif known is not None and upcoming - 1 > known.last_offset:
            known.gaps.append((known.last_offset + 1, upcoming - 1))
    return [ledgers[key] for key in sorted(ledgers)]


def rates(client: Client, topics: Collection[str], seconds: int) -> list[tuple[int, float, float]]:
    """Return the last hour of these topics, over all workers, in spans of so many seconds.

    Of each span in which anything was confirmed: its begin in seconds since 1970, events and dead letters a second.
    """
    rows = client.query(_RATES, {"topics": list(topics), "seconds": seconds}).result_rows
    return [(int(at), float(events), float(letters)) for at, events, letters in rows]
