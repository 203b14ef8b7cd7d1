"""What a process holds is read from /proc while it runs: its memory and its open files."""

import os
from pathlib import Path
from statistics import median


def resident_mb(pid: int) -> float:
    """Return how much memory a process has, in MB; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, IndexError):
        return 0.0


def open_files(pid: int) -> int:
    """Count the files and sockets that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def growth(samples: list[tuple[float, float]], since_s: float, span_s: float = 60.0) -> float:
    """Return by what share a curve rose above its level at some time: 0.05 where 5% were added, at most, by then.

    Levels are medians of spans, so that one high sample is no rise.

    Args:
        samples: seconds since the begin, and the value then; in order.
        since_s: when the level is taken, over one span; there has to be a sample in it.
    """
    spans: dict[int, list[float]] = {}
    for at_s, value in samples:
        if at_s >= since_s:
            spans.setdefault(int((at_s - since_s) // span_s), []).append(value)
    level, *later = [median(values) for _, values in sorted(spans.items())]
    return max(later, default=level) / level - 1
