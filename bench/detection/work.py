"""Jobs of several sections go to two processes of one thread each; a section's results come back in order."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from threadpoolctl import threadpool_limits

_PROCESSES = 2
Job = Callable[[], Any]  # can be pickled


def done(sections: Mapping[str, Sequence[Job]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield each section, in order, with its jobs' results, when it is complete; how far all are is shown meanwhile.

    What a job raises is raised here.
    """
    columns = TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(_PROCESSES, threadpool_limits, (1,)) as pool,
        Progress(*columns, console=Console(stderr=True), refresh_per_second=2) as progress,
    ):
        pending = {}
        for section, jobs in sections.items():
            advance = partial(_advance, progress, progress.add_task(section, total=len(jobs)))
            pending[section] = [pool.apply_async(_called, (job,), callback=advance) for job in jobs]
        for section, results in pending.items():
            yield section, [result.get() for result in results]


def _advance(progress: Progress, bar: TaskID, _: Any) -> None:
    progress.advance(bar)


def _called(job: Job) -> Any:
    return job()
