"""The workers' wall clock jumps, by libfaketime; what counts seconds goes on, as it does when a real clock is set."""

from collections.abc import Mapping
from pathlib import Path

from streams.settings import Settings
from streams.stack import LocalWorker

READ_EVERY_S = 1  # by libfaketime: how soon a jump is seen


class Clock:
    """How far the workers' clock is off, in a file that they read again and again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """Put the clock so far ahead of the machine's, or behind it; 0 sets it right."""
        self._file.write_text(f"{seconds:+d}\n")

    def environment(self) -> Mapping[str, str]:
        """Return what a process needs in its environment to go by this clock; nothing where libfaketime is absent."""
        library = faketime()
        if library is None:
            return {}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(READ_EVERY_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


class ShiftedWorker(LocalWorker):
    """A worker that goes by such a clock."""

    def __init__(self, settings: Settings, log: Path, clock: Clock) -> None:
        super().__init__(settings, log)
        self._clock = clock

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), **self._clock.environment()}


def faketime() -> Path | None:
    """Find libfaketime where Debian's package of that name puts it; None where it is not installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
