"""All that reads what others wrote, by name: decoders of gateways' formats, and readers."""

import atexit
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Protocol

from bench.fuzz.checks import Checker
from bench.fuzz.hostile_records import Hostile
from bench.fuzz.readers import archive, batch, imports, worker
from bench.fuzz.readers.reader import Reader, Reading
from bench.fuzz.seeds import Seed
from bench.fuzz.tally import Tally
from streams.gateways.formats import FORMATS

READERS: Mapping[str, Reader] = {**imports.READERS, **batch.READERS, **worker.READERS, **archive.READERS}
NAMES = (*FORMATS, *READERS)


class Target(Protocol):
    """Something that is fed."""

    hostile: Hostile
    tally: Tally

    def wrong(self, record: Seed, *, thoroughly: bool) -> str | None:
        """Count an input, and say what is wrong with how it is read; None where nothing is."""


def target(name: str, *, floods: float, timed: bool) -> Target:
    """Return a target by its name; `timed` decoders are held to their milliseconds, on a machine that is quiet."""
    if name in FORMATS:
        return Checker(name, floods=floods, timed=timed)
    return Reading(READERS[name], _scratch(), floods=floods)


def _scratch() -> Path:
    """Make a folder that is gone with this process, in memory where there is such a place: readers are measured, not
    disks."""
    memory = Path("/dev/shm")  # noqa: S108  # a folder of its own there
    folder = mkdtemp(prefix="sluice-fuzz-", dir=memory if memory.is_dir() else None)
    atexit.register(rmtree, folder, ignore_errors=True)
    return Path(folder)
