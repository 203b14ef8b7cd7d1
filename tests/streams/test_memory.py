"""A worker's threads share one heap, and large packages that nobody in it uses are not loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A process of its own: what was said to its C library cannot be taken back.
HEAPS = """
import ctypes, sys, threading
from streams.memory import share_one_heap
if sys.argv[2] == "shared":
    share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.free.argtypes = libc.fclose.argtypes = [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
all_there = threading.Barrier(5)
def take():
    taken = libc.malloc(10_000)
    all_there.wait()
    libc.free(taken)
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads: thread.start()
all_there.wait()
for thread in threads: thread.join()
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt(3) is glibc's")
def test_threads_take_from_one_heap(tmp_path: Path) -> None:
    def heaps(how: str) -> int:
        said = tmp_path / how
        subprocess.run([sys.executable, "-c", HEAPS, str(said), how], check=True, timeout=60)
        return said.read_text(encoding="utf-8").count("<heap nr=")

    imported = 2  # the main thread's, and that of a library's thread which an import has started
    assert heaps("each their own") > imported
    assert heaps("shared") <= imported


PACKED = """
import sys
if sys.argv[1] == "sluice":
    from streams.cli.group import main
from streams import worker
import pyarrow as pa
rows = pa.table({"a": ["text"] * 50_000})
sink = pa.BufferOutputStream()
with pa.ipc.new_file(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file:
    file.write_table(rows)
its_own, the_heap = pa.mimalloc_memory_pool(), pa.system_memory_pool()
print(pa.default_memory_pool().backend_name, its_own.max_memory(), the_heap.max_memory() > 0)
"""


def test_what_arrow_packs_for_clickhouse_takes_from_that_heap_too() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}

    def packed(who: str) -> list[str]:
        command = [sys.executable, "-c", PACKED, who]
        ran = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True, env=environment)
        return ran.stdout.split()

    backend, its_own, _ = packed("another")
    assert backend != "system"
    assert backend != "mimalloc" or int(its_own) > 0
    assert packed("sluice") == ["system", "0", "True"]


HOLES = """
import asyncio, ctypes, sys
from pathlib import Path
from streams import memory
def resident_mb():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
taken = [libc.malloc(12_000) for _ in range(10_000)]
for each in taken: ctypes.memset(each, 1, 12_000)
for number, each in enumerate(taken):
    if number % 10: libc.free(each)
before = resident_mb()
asyncio.run(memory._collect())
print(before - resident_mb())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc_trim(3) is glibc's")
def test_holes_between_what_is_in_use_go_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", HOLES], check=True, timeout=60, capture_output=True, text=True).stdout
    assert float(said) > 60, "of 120 MB, a tenth of which is in use, here and there"


LEFT_OUT = """
import sys
import pyarrow as pa
from streams import memory, worker
memory.leave_pandas_out()
assert pa.array(["a", None]).to_pylist() == ["a", None]
print(*[name for name in ("pandas", "scipy.integrate", "scipy.stats._stats_py") if name in sys.modules])
from scipy import stats
import pandas
print(stats.norm.cdf(0.0), pandas.Series([1]).sum())
"""


def test_a_worker_is_without_the_large_packages_that_its_own_bring_and_others_still_get_them() -> None:
    command = [sys.executable, "-W", "error", "-c", LEFT_OUT]
    said = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout
    assert said.splitlines() == ["", "0.5 1"]
