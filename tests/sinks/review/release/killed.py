"""Run as a process of its own: releases, or takes erased items out of a release, and is killed at every step of it.

`python -m tests.sinks.review.release.killed release|supersede START OUT` does the work in copies of START, `OUT/0` and
on: in copy n a child is killed right before the n-th time that it changes anything in a file system. It prints how many
were killed; the child of the last copy was not.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sinks.review.release.release import release
from sinks.review.release.superseding import supersede
from tests.sinks.review.deciding import NAME, minute

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
Work = Callable[[Path], object]


def released(at: Path) -> object:
    return release([at / "batches" / NAME], at / "releases", "2", "bea", minute(6000))


def superseded(at: Path) -> object:
    return supersede(at / "releases", "1", frozenset({"i002"}), "cy", minute(6001))


WORK: dict[str, Work] = {"release": released, "supersede": superseded}


def die_before_change(number: int, folder: Path) -> None:
    """Have this process killed right before it changes something in a folder for the n-th time, from 0."""
    changes = count()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and set("wa+") & set(arguments[1])
        if (writes or event in CHANGES) and str(arguments[0]).startswith(str(folder)) and next(changes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def killed(work: Work, number: int, at: Path) -> bool:
    """Do some work in a child, and say whether it was killed before it was done."""
    child = os.fork()
    if child == 0:
        die_before_change(number, at)
        work(at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("the child failed by itself")
    return os.WIFSIGNALED(status)


def main(work: Work, start: Path, out: Path) -> None:
    for number in count():
        shutil.copytree(start, out / str(number))
        if not killed(work, number, out / str(number)):
            print(number)
            return


if __name__ == "__main__":
    main(WORK[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3]))
