"""Wrong passwords are counted by the address that they come from; who has shown too many waits."""

from collections.abc import Callable
from time import monotonic

from aiohttp import web

TRIES = 20  # at once
EVERY_S = 3.0  # in which an address gets one more
ADDRESSES = 10_000  # that are remembered, about 100 bytes each


class Attempts:
    """Lets an address try a password TRIES times, and then once in EVERY_S seconds: 10 million a year.

    Behind a proxy all people have one address.

    Args:
        now: seconds, of a clock that only goes on.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._until: dict[str, float] = {}  # when an address will have all its tries again

    def require_left(self, address: str | None) -> None:
        """Raise HTTPTooManyRequests for an address that has none left."""
        wait = self._until.get(address or "", 0.0) - self._now() - (TRIES - 1) * EVERY_S
        if wait > 0:
            raise web.HTTPTooManyRequests(
                text="Too many wrong passwords came from this address: wait a few seconds.\n",
                headers={"Retry-After": str(int(wait) + 1)},
            )

    def failed(self, address: str | None) -> None:
        """Count a wrong password."""
        now = self._now()
        if len(self._until) >= ADDRESSES:
            self._until = {name: until for name, until in self._until.items() if until > now}
        if len(self._until) < ADDRESSES or address in self._until:
            self._until[address or ""] = max(self._until.get(address or "", 0.0), now) + EVERY_S
