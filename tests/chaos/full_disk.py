"""`python -m tests.chaos.full_disk URL FOLDER` cuts a batch onto a disk that is full, then onto the same with room.

It runs under `unshare`, in mounts of its own, so that the disk, a small tmpfs, is gone however the process ends.
"""

import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sinks.clickhouse import connect
from sinks.review.cut import cut
from sinks.review.manifest import verify
from sinks.review.policy import Policy
from sinks.review.refusals import UnusableFolder
from sinks.review.windows import Window
from tests.whole.events import SECOND_NS, START_NS

DISK = "8m"
LEFT = 16 * 1024  # bytes that are free where the disk is full: enough to begin a batch, too little to end one
WINDOW_S = 60
OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")


def missing() -> str | None:
    """What keeps a disk from being filled here; None when nothing does."""
    tried = subprocess.run(
        [*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True, text=True
    )
    return f"no disk of its own can be mounted: {tried.stderr.strip()}" if tried.returncode else None


def cut_on_a_full_disk(clickhouse_url: str, folder: Path) -> None:
    """Cut the load's first minute onto a full disk, and with room. Raises AssertionError where that goes wrong."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [*OWN_MOUNTS, sys.executable, "-m", "tests.chaos.full_disk", clickhouse_url, str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def main(clickhouse_url: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    begin = datetime.fromtimestamp(START_NS // SECOND_NS, UTC)
    window, out = Window(begin, begin + timedelta(seconds=WINDOW_S)), folder / "batches"
    client = connect(clickhouse_url)
    filler = folder / "filler"
    _fill(filler)
    try:
        cut(client, window, Policy(), out, timedelta(0))
    except UnusableFolder as full:
        assert f"The disk of {out} is full" in str(full)  # noqa: PT017  # this is no test of pytest's
    else:
        raise AssertionError("a batch was cut onto a full disk")
    assert [path.name for path in out.iterdir()] == [".lock"], "nothing of a batch is left"
    filler.unlink()
    result = cut(client, window, Policy(), out, timedelta(0))
    assert verify(result.path).counts.items == result.counts.items > 0


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        with suppress(OSError):
            while file.write(bytes(4096)):
                pass
        file.truncate(file.tell() - LEFT)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
