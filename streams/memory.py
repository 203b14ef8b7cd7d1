"""What a worker's memory is made of: garbage goes by the clock, threads share one heap, and pandas stays out."""

import ctypes
import gc
import sys
from importlib.abc import MetaPathFinder

import faust
import pyarrow as pa
from clickhouse_connect.driver import options

COLLECT_S = 30.0
_M_ARENA_MAX = -8  # mallopt(3)
_LIBC = ctypes.CDLL(None)


def stay_small() -> None:
    """Keep the memory of this process small: what a worker does before all else, and whoever measures what it takes."""
    share_one_heap()
    leave_pandas_out()


def share_one_heap() -> None:
    """Let all threads that are yet to come allocate from one heap, where the C library is glibc.

    It gives each thread a heap of its own, up to eight a core, which keeps what its largest block once took: measured,
    194 MB that nothing used, of 317. Threads hold Python's lock while they allocate, so that they do not wait. Arrow is
    told when `sluice` begins (`streams.cli.group`).
    """
    if mallopt := getattr(_LIBC, "mallopt", None):
        mallopt(_M_ARENA_MAX, 1)


def leave_pandas_out() -> None:
    """Let Arrow and ClickHouse's client find no pandas: each loads it, 64 MB, at the first list that it is given, to
    ask whether that is a Series.

    They look once. Whoever imports pandas afterwards gets it; to them its frames are objects like others.
    """
    nowhere = _NoPandas()
    sys.meta_path.insert(0, nowhere)
    try:
        pa.array([None])
        _ = options.pd
    finally:
        sys.meta_path.remove(nowhere)


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object, **__: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(name=fullname)


def collect_by_the_clock(app: faust.App) -> None:
    """Let a worker collect garbage every COLLECT_S seconds instead of after every 700 new objects.

    A block keeps thousands of events alive until it is confirmed, and each automatic collection walks through all of
    them: measured, two thirds of the cost of reading an event. Objects without cycles, which events are, are freed at
    once as ever; cycles wait for the clock. What is alive when the worker starts is left out of every collection. What
    glibc keeps and nobody uses goes back to the system at the same time.
    """

    app.task(_freeze)
    app.timer(COLLECT_S)(_collect)


async def _freeze() -> None:
    gc.collect()
    gc.freeze()
    gc.disable()


async def _collect() -> None:
    gc.collect()
    # Blocks leave holes, which glibc keeps: measured, 66 of 522 MB after a quarter of an hour, and rising.
    if trim := getattr(_LIBC, "malloc_trim", None):
        trim(0)
