"""A load goes in; what it takes comes out: workers, partitions, ClickHouse servers, disk and memory.

Pure arithmetic on figures that were measured, each named here with where it was; docs/scaling.md has the tables. What
is a choice and not a measurement says so.
"""

import math
from dataclasses import dataclass

MOST_EVENTS_PER_S = 1_000_000.0
MOST_SEGMENTS = 1_000_000
DAY_S = 86_400

# Measured.
EVENTS_PER_INFERENCE = 2.02  # a request, a response, feedback for one in fifty: bench/records.py
STAGE1_US = 48.6  # of CPU an event: bench.cost, its median of four rounds (docs/performance.md)
STAGE2_US = 25.0  # of CPU an event, without turns: docs/performance.md, "Beside the floor", the slope of its table
TURN_US = 2_300.0  # of CPU for each segment that has events in a second: the same table, its intercept
WORKER_MB = 470.0  # resident, after an hour of 2,800 records a second: docs/reliability.md, "A long load"
SEGMENT_MB = 0.32  # resident, of a segment that has learned 400 answers: docs/scaling.md, "Segments"
STORE_US = 106.0  # of ClickHouse's CPU an inference, behind a worker: docs/performance.md, "What a cut costs"
MEASURED_BYTES = 170  # of measurements an event, not compressed: docs/scaling.md, "Bytes"
NUMBERS_BYTES = 185  # on disk an inference, its aliases included, without content: docs/scaling.md, "Bytes"
CONTENT_SHARE = 0.47  # of content's bytes left on disk, its terms and vector included: docs/scaling.md, "Bytes"

# Chosen.
WORKER_BUSY = 0.7  # of a worker's core: the rest catches up after a stop
STORE_BUSY = 0.5  # of ClickHouse's cores: the rest merges, and answers people
NODE_CORES, NODE_BYTES = 32, 16 * 10**12  # of a ClickHouse server
DISK_FULL = 0.8  # of a disk: merges need room for what they write
STORE_COPIES, KAFKA_COPIES = 2, 3
KAFKA_DAYS = 7  # streams/topics.py
CONTENT_DAYS = 90  # SLUICE_KEEP_CONTENT_DAYS
ROWS_DAYS = 400  # SLUICE_KEEP_ROWS_DAYS
EVENT_BYTES = 800  # of a native event: bench/records.py
MOST_PARTITIONS = 1024  # SLUICE_PARTITIONS


class CannotPlan(Exception):
    """No plan can be made of a load; the message names the cure."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be borne.

    Args:
        events_per_second: requests, responses and feedback together, at the busiest hour.
        segments: that are watched apart.
        days: for which rows are kept; what people and models said goes after `CONTENT_DAYS` of them.
        hottest: share of the events that the busiest segment has; None takes that of a Zipf distribution.
        event_bytes: of an event as it comes from Kafka.
    """

    events_per_second: float
    segments: int
    days: int = ROWS_DAYS
    hottest: float | None = None
    event_bytes: int = EVENT_BYTES

    def __post_init__(self) -> None:
        if not 0 < self.events_per_second <= MOST_EVENTS_PER_S:
            raise CannotPlan(
                f"{self.events_per_second:,.10g} events/s: takes more than 0 and at most {MOST_EVENTS_PER_S:,.0f}. "
                "Share what is more between groups with topics and a ClickHouse of their own, and plan each."
            )
        if not 1 <= self.segments <= MOST_SEGMENTS:
            raise CannotPlan(f"{self.segments:,} segments: takes 1 to {MOST_SEGMENTS:,}. More are one, `other`.")
        if not 1 <= self.days <= 36_500:
            raise CannotPlan(f"{self.days:,} days: takes 1 to 36,500.")
        if self.hottest is not None and not 1 / self.segments <= self.hottest <= 1:
            raise CannotPlan(
                f"a busiest segment with {self.hottest:.3g} of the events: takes 1/{self.segments:,} to 1."
            )
        if not 1 <= self.event_bytes <= 8_388_608:
            raise CannotPlan(f"{self.event_bytes:,} bytes an event: takes 1 to 8,388,608 (SLUICE_EVENT_BYTES).")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load takes. Cores of workers are busy ones, those of ClickHouse with room; memory is one worker's, bytes
    are of all copies.

    `turns` are segments that have a turn in a second, `content_bytes` what is left on disk of an inference's content.
    """

    inferences_per_second: float
    turns: float
    worker_cores: float
    workers: int
    partitions: int
    worker_mb: float
    clickhouse_cores: float
    content_bytes: float
    clickhouse_bytes: float
    shards: int
    clickhouse_nodes: int
    kafka_bytes: float
    hottest_events_per_second: float
    segment_ceiling: float


def plan(load: Load) -> Plan:
    """Say what a load takes."""
    rate, inferences = load.events_per_second, load.events_per_second / EVENTS_PER_INFERENCE
    turns = min(float(load.segments), inferences)
    worker_cores = (rate * (STAGE1_US + STAGE2_US) + turns * TURN_US) / 1e6
    workers = math.ceil(worker_cores / WORKER_BUSY)
    store_cores = inferences * STORE_US / STORE_BUSY / 1e6
    content = load.event_bytes * EVENTS_PER_INFERENCE * CONTENT_SHARE
    of_each = NUMBERS_BYTES * load.days + content * min(load.days, CONTENT_DAYS)
    of_a_copy = inferences * DAY_S * of_each
    shards = max(math.ceil(store_cores / NODE_CORES), math.ceil(of_a_copy / (NODE_BYTES * DISK_FULL)))
    hottest = zipf_share(load.segments) if load.hottest is None else load.hottest
    return Plan(
        inferences_per_second=inferences,
        turns=turns,
        worker_cores=worker_cores,
        workers=workers,
        partitions=2 ** math.ceil(math.log2(2 * workers)),
        worker_mb=WORKER_MB + SEGMENT_MB * load.segments / workers,
        clickhouse_cores=store_cores,
        content_bytes=content,
        clickhouse_bytes=of_a_copy * STORE_COPIES,
        shards=shards,
        clickhouse_nodes=shards * STORE_COPIES,
        kafka_bytes=rate * DAY_S * KAFKA_DAYS * (load.event_bytes + MEASURED_BYTES) * KAFKA_COPIES,
        hottest_events_per_second=hottest * rate,
        segment_ceiling=(1e6 * WORKER_BUSY - TURN_US) / STAGE2_US,
    )


def zipf_share(segments: int) -> float:
    """Return the first of `segments` shares that fall as 1/rank: 1/H(n), Euler's approximation beyond 1,000.

    >>> round(zipf_share(1), 3), round(zipf_share(50), 3)
    (1.0, 0.222)
    """
    if segments <= 1_000:
        return 1 / sum(1 / rank for rank in range(1, segments + 1))
    return 1 / (math.log(segments) + 0.5772156649 + 1 / (2 * segments))
