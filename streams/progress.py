"""How far a long command has come: a bar where a person looks, else a plain line every few seconds."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS = 5.0

Show = Callable[[float, int], None]  # done so far, in the unit of the total; records sent so far


@contextmanager
def progress(
    what: str, total: float, *, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Show]:
    """Give a function to call with (done, records); it may be called often.

    Args:
        what: a word or two before the figures.
        total: what `done` reaches in the end, above 0.
        out: where to write; stderr when not given, so that a command's output stays clean.
        clock: seconds, monotonic.
    """
    out = out or sys.stderr
    with (_bar if out.isatty() else _lines)(what, total, out, clock) as show:
        yield show


@contextmanager
def _bar(what: str, total: float, out: TextIO, clock: Callable[[], float]) -> Iterator[Show]:
    began = clock()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=out), transient=True) as bar:
        task = bar.add_task(what, total=total, figures="")
        yield lambda done, records: bar.update(task, completed=done, figures=_figures(records, clock() - began))


@contextmanager
def _lines(what: str, total: float, out: TextIO, clock: Callable[[], float]) -> Iterator[Show]:
    began = last = clock()

    def show(done: float, records: int) -> None:
        nonlocal last
        if clock() - last >= LINE_SECONDS:
            last = clock()
            print(f"{what}: {done / total:.0%}, {_figures(records, last - began)}", file=out, flush=True)

    yield show


def _figures(records: int, seconds: float) -> str:
    return f"{records:,} records, {records / max(seconds, 0.001):,.0f} a second"
