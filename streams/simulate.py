"""A plan becomes the records that a fleet of gateways would produce, to Kafka or into a file."""

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from streams.kafka import Connection
from streams.produce import Produced, Record, Speed, produce
from streams.progress import progress
from streams.scenarios import Truth
from streams.traffic.plan import Plan
from streams.traffic.schedule import Schedule


def simulate(plan: Plan) -> tuple[Iterator[Record], Truth]:
    """Return the plan's records in the order in which they are produced, and the truth, which grows with them.

    A record's Kafka timestamp is its event time plus what the way took, so that a past week looks as it looked then.
    The same plan gives the same bytes.
    """
    schedule = Schedule(plan)
    return schedule.records(), schedule.truth


async def to_kafka(
    plan: Plan, kafka: Connection, topic_prefix: str = "", speed: Speed = "max"
) -> tuple[Truth, Produced]:
    """Produce a simulation, with progress on stderr. Raises KafkaUnreachable."""
    records, truth = simulate(plan)
    with progress("Simulating", plan.inferences) as show:
        produced = await produce(records, kafka, topic_prefix, speed, lambda sent: show(truth.inferences, sent))
    return truth, produced


def to_file(plan: Plan, path: Path) -> tuple[Truth, Counter[str]]:
    """Write a simulation for `replay`, one record a line, gzip when the name ends in .gz; progress on stderr.

    A record that cannot be a line, since it is empty or has a line break in it, is left out.

    Returns:
        The truth, and the number of records left out by topic.
    """
    records, truth = simulate(plan)
    left_out: Counter[str] = Counter()
    with ExitStack() as stack:
        out: BinaryIO = stack.enter_context(path.open("wb"))
        if path.suffix == ".gz":  # without name and time in its header: the same plan gives the same file
            out = cast("BinaryIO", stack.enter_context(gzip.GzipFile("", "wb", 4, out, mtime=0)))
        show = stack.enter_context(progress("Simulating", plan.inferences))
        for number, record in enumerate(records):
            if not record.value or b"\n" in record.value:
                left_out[record.topic] += 1
            else:
                out.write(record.value + b"\n")
            if number % 1000 == 0:
                show(truth.inferences, number)
    return truth, left_out
