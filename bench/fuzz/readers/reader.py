"""Whatever reads what it did not write takes hostile inputs, and gives a value or refuses in words: nothing else."""

import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.fuzz.checks import where
from bench.fuzz.hostile_records import Hostile, Template
from bench.fuzz.seeds import Seed
from bench.fuzz.tally import Tally

Read = Callable[[bytes], object]
Template_ = Callable[[bytes], Template]

S_PER_MEGABYTE = 5.0  # of CPU that an input may take besides
HANGS_S = 60.0  # by the clock, after which an input is given up: a timer of CPU would make that clock coarse
LEAST, MOST = 24, 1500  # characters in which a refusal can name the cure, paths included; more would quote the input
_MARKS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # a terminal would obey these


@dataclass(frozen=True)
class Reader:
    """A place that reads bytes of others.

    `seeds` makes real inputs, and `reads` what reads one, both in a folder of their own; `template` is how hostile ones
    are made of them. `refusals` are all that may be raised. `seconds` of CPU an input may take, however short it is, on
    a machine that others use, too.
    """

    seeds: Callable[[Path], Sequence[bytes]]
    template: Template_
    reads: Callable[[Path], Read]
    refusals: tuple[type[Exception], ...] = ()
    seconds: float = 0.5


class Hangs(BaseException):
    """An input takes too long: raised within whatever is at it, which must not take it for an error of its own."""


class Reading:
    """Checks inputs of one reader, in an empty folder."""

    def __init__(self, reader: Reader, scratch: Path, *, floods: float) -> None:
        self.tally = Tally()
        self._reader = reader
        (scratch / "seeds").mkdir()
        (scratch / "read").mkdir()
        known = [(Seed(seed, ()), reader.template(seed)) for seed in reader.seeds(scratch / "seeds")]
        self.hostile = Hostile(known, floods=floods)
        self._read = reader.reads(scratch / "read")

    def wrong(self, record: Seed, *, thoroughly: bool) -> str | None:  # noqa: ARG002  # every input is, here
        """Say what is wrong with how an input is read; None where nothing is."""
        self.tally.inputs += 1
        began = time.process_time()
        try:
            with _given_up():
                self._read(record.value)
        except self._reader.refusals as refusal:
            self.tally.refused[type(refusal).__name__] += 1
            told = _told(refusal)
        except (Exception, Hangs) as broken:  # whatever it is, it is what is looked for
            return f"{type(broken).__name__}: {str(broken)[:200]!r} {where(broken)}"
        else:
            self.tally.read += 1
            told = None
        took_s = time.process_time() - began
        self.tally.slowest_ms = max(self.tally.slowest_ms, took_s * 1e3)
        allowed_s = self._reader.seconds + S_PER_MEGABYTE * len(record.value) / 1e6
        return told or (f"slow: {took_s:.2f} s for {len(record.value):,} bytes" if took_s > allowed_s else None)


def _told(refusal: Exception) -> str | None:
    """Say what is wrong with the words of a refusal."""
    words = str(refusal)
    if not LEAST <= len(words) <= MOST:
        return f"{type(refusal).__name__} says {len(words)} characters: {words[:200]!r}"
    if mark := _MARKS.search(words):
        return f"{type(refusal).__name__} tells a terminal {mark[0]!r}: {words[:200]!r}"
    return None


@contextmanager
def _given_up() -> Iterator[None]:
    """Raise Hangs in what takes too long. What never comes back from C is for `run`."""
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _hangs(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Hangs(f"after {HANGS_S} s")
