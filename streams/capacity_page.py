"""A plan becomes lines that a person can check: what is needed, how much of it, and how that was reckoned."""

from collections.abc import Iterator

from streams import capacity
from streams.capacity import Load, Plan

Line = tuple[str, str, str]


def lines(load: Load, planned: Plan) -> Iterator[Line]:
    """Give what is needed, how much of it, and the arithmetic."""
    yield from _workers(load, planned)
    yield from _clickhouse(load, planned)
    rate, record = f"{load.events_per_second:,.10g} events/s", f"({load.event_bytes:,} + {capacity.MEASURED_BYTES}) B"
    kafka = f"{rate} * {capacity.DAY_S:,} s * {capacity.KAFKA_DAYS} days * {record} * {capacity.KAFKA_COPIES} copies"
    yield "disk of Kafka", in_bytes(planned.kafka_bytes), kafka


def _workers(load: Load, planned: Plan) -> Iterator[Line]:
    each, turn = f"({capacity.STAGE1_US:g} + {capacity.STAGE2_US:g}) µs", f"{capacity.TURN_US:,g} µs"
    cores, hottest = f"{planned.worker_cores:,.2f}", planned.hottest_events_per_second
    memory = (
        f"{capacity.WORKER_MB:g} MB + {load.segments:,} segments / {planned.workers:,} * {capacity.SEGMENT_MB:g} MB"
    )
    yield "cores of workers", cores, f"{load.events_per_second:,.10g} * {each} + {planned.turns:,.10g} turns * {turn}"
    yield "workers", f"{planned.workers:,}", f"{cores} cores / {capacity.WORKER_BUSY:g}, rounded up"
    yield "partitions", f"{planned.partitions:,}", f"2 * {planned.workers:,} workers, up to a power of two"
    yield "memory of a worker", in_bytes(planned.worker_mb * 1e6), memory
    share = f"{hottest / load.events_per_second:.3g} of all"
    yield "busiest segment", f"{hottest:,.0f} events/s", share
    ceiling = f"({capacity.WORKER_BUSY:g} s of a core - {turn}) / {capacity.STAGE2_US:g} µs"
    yield "ceiling of a segment", f"{planned.segment_ceiling:,.0f} events/s", ceiling


def _clickhouse(load: Load, planned: Plan) -> Iterator[Line]:
    inferences, days = f"{planned.inferences_per_second:,.6g} inferences/s", min(load.days, capacity.CONTENT_DAYS)
    reckoned = f"{inferences} * {capacity.STORE_US:g} µs / {capacity.STORE_BUSY:g}"
    yield "cores of ClickHouse", f"{planned.clickhouse_cores:,.2f}", reckoned
    numbers, content = (
        f"{capacity.NUMBERS_BYTES} B * {load.days:,} days",
        f"{planned.content_bytes:,.0f} B * {days} days",
    )
    kept = f"{inferences} * {capacity.DAY_S:,} s * ({numbers} + {content}) * {capacity.STORE_COPIES} copies"
    yield "disk of ClickHouse", in_bytes(planned.clickhouse_bytes), kept
    server = f"{capacity.NODE_CORES} cores and {in_bytes(capacity.NODE_BYTES)}, {capacity.DISK_FULL:.0%} full"
    shards = f"{planned.shards:,} * {capacity.STORE_COPIES} copies, of {server} each"
    yield "ClickHouse servers", f"{planned.clickhouse_nodes:,}", shards


def warnings(planned: Plan) -> list[str]:
    """Return what the plan does not bear, and what to do about it."""
    said, hottest, ceiling = [], planned.hottest_events_per_second, planned.segment_ceiling
    if hottest > ceiling:
        said.append(
            f"The busiest segment has {hottest:,.0f} events/s, and one worker can watch {ceiling:,.0f} of one segment: "
            "what is more waits in Kafka. Name segments finer (service, route, model), or have it watched by a sample: "
            "docs/scaling.md, 'Hot segments'."
        )
    if planned.partitions > capacity.MOST_PARTITIONS:
        said.append(
            f"{planned.partitions:,} partitions are more than SLUICE_PARTITIONS takes ({capacity.MOST_PARTITIONS:,}): "
            "make the topics by hand, or share the load between groups."
        )
    if planned.shards > 1:
        said.append(
            f"{planned.shards:,} ClickHouse shards: Sluice's tables are those of one server. Put its own cluster "
            "(ReplicatedMergeTree, Distributed) below them, keep fewer days, or share the load between groups."
        )
    return said


def in_bytes(count: float) -> str:
    """Return a number of bytes in a unit of a thousand, to three digits.

    >>> in_bytes(512), in_bytes(1_500), in_bytes(3.2e13)
    ('512 B', '1.5 kB', '32 TB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.10g} EB"
