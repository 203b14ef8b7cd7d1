"""How far a peer is with its backlog: it says when it begins to run, when the first event comes, and when all are done.

Each line on standard output ends with the seconds of CPU (user and system, all threads) that the process had taken by
then. Start-up is before the first line; joining the group and the first fetches are after it.
"""

import threading
import time


class Backlog:
    """Counts the events that are done, from any thread."""

    def __init__(self, events: int) -> None:
        self._left = events
        self._begun = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Say that the job is built and runs from here on."""
        _say("start")

    def took(self, events: int) -> None:
        """Count events that are stored and watched."""
        with self._lock:
            if not self._begun:
                self._begun = True
                _say("first")
            self._left -= events
            if self._left == 0:
                _say("done")


def _say(what: str) -> None:
    print(what, time.process_time(), flush=True)
