"""`make profile`: where the CPU of an event goes, by part of the walk; both stages in one process, sampled by py-spy.

A sample counts for the innermost of its frames that belongs to a part, so that what pydantic, Arrow or numpy take is
counted where they are called.
"""

import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.records import native_records
from bench.walk import Walk, blocks, fetches
from streams.settings import load

# By the beginning of a module's path; the first that fits a frame, from the innermost on.
PARTS = {
    "streams/redaction": "redaction",
    "streams/pseudonyms": "redaction",
    "streams/gateways": "decoding and validating",
    "streams/measure/packing": "measurements: packing and unpacking",
    "streams/measure/rows": "measurements: columns by segment",
    "streams/measure/columns": "measurements: columns by segment",
    "streams/measure/texts": "measurements: texts",
    "streams/measure": "measuring content",
    "streams/usage": "usage by shard",
    "sinks/columns": "columns for ClickHouse",
    "clickhouse_connect": "packing inserts",
    "sinks/prometheus": "metrics",
    "sinks/histograms": "metrics",
    "streams/ingest": "reading: what is left",
    "detectors/text": "detectors: texts",
    "detectors/packed": "detectors: keeping state",
    "detectors/sealed": "detectors: keeping state",
    "detectors": "detectors",
    "streams": "the rest of the walk",
    "aiokafka": "fetch",
    "bench/walk": "fetch",
}
BESIDE = ("fetches (bench/walk.py", "native_records (", "_find_and_load (")  # what is done before the walk
RATE = 250  # samples a second
INFERENCES = 24_000
FETCHES = 16  # in a block: a second's worth at full load


def part_of(stack: str) -> str | None:
    """Return the part that a stack of py-spy's raw format (outermost first) belongs to; None for none of the walk."""
    frames = stack.split(";")
    if any(frame.startswith(BESIDE) for frame in frames):
        return None
    for frame in reversed(frames):
        for path, part in PARTS.items():
            if f"({path}" in frame or f"/{path}" in frame:
                return part
    return None


def shares(lines: Iterable[str]) -> Counter[str]:
    """Count the samples of each part; `lines` are of py-spy's raw format, a stack and a count each."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        part = part_of(stack)
        if part is not None:
            counted[part] += int(count)
    return counted


async def walk(seconds: float) -> None:
    """Walk over the same fetches, each time from the start, for some seconds of CPU."""
    cut = list(blocks(fetches(native_records(INFERENCES, seed=7)), FETCHES))
    gc.collect()
    gc.freeze()
    gc.disable()  # as the worker does
    began = time.process_time()
    while time.process_time() - began < seconds:
        walked = Walk(load(state_key="k" * 32))
        for block in cut:
            await walked.take(block)
        await walked.checkpoint()
        gc.collect()


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Of CPU, to sample for.")
@click.option("--walk", "alone", is_flag=True, help="Walk, and print nothing: what is sampled.")
def main(seconds: float, alone: bool) -> None:
    """Sample the walk and print a table of its parts."""
    if alone:
        asyncio.run(walk(seconds))
        return
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "stacks")
        sampler = [str(Path(sys.executable).with_name("py-spy")), "record", "--format", "raw", "--rate", str(RATE)]
        sampled = [sys.executable, "-W", "ignore", "-m", "bench.profile", "--walk", "--seconds", str(seconds)]
        command = [*sampler, "--output", str(raw), "--", *sampled]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own
        counted = shares(raw.read_text(encoding="utf-8").splitlines())
    table = Table("part", "share of the walk's CPU", title=f"{counted.total():,} samples")
    for part, count in counted.most_common():
        table.add_row(part, f"{count / counted.total():.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
