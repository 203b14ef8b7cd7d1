"""Tokens and passwords are compared; wrong ones are counted by their address, and who has shown too many waits."""

import hmac
from collections.abc import Callable, Sequence
from time import monotonic

from aiohttp import web

TRIES = 20  # at once
EVERY_S = 3.0  # in which an address gets one more
ADDRESSES = 10_000  # that are remembered, about 100 bytes each


class TooMany(web.HTTPTooManyRequests):
    """An address has no tries left, and gets one in `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            text="Too many wrong passwords or tokens came from this address: wait a few seconds.\n",
            headers={"Retry-After": str(wait_s)},
        )
        self.wait_s = wait_s


def is_known(shown: Sequence[str], known: Sequence[bytes]) -> bool:
    """Whether one of what a request shows is one of the secrets. The time it takes tells nothing."""
    given = [each.encode(errors="surrogateescape") for each in shown]
    # A sum, where any() would end at the first that is right: each pair is compared.
    return sum(hmac.compare_digest(each, secret) for each in given for secret in known) > 0


class Attempts:
    """Lets an address try a secret TRIES times, and then once in EVERY_S seconds: 10 million a year.

    No address waits for another; but behind a proxy all people, and all senders, have one address.

    Args:
        now: seconds, of a clock that only goes on.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._until: dict[str, float] = {}  # when an address will have all its tries again

    def admits(self, address: str | None, shown: Sequence[str], known: Sequence[bytes]) -> bool:
        """Whether one of what a request shows is known. To show nothing is no try. Raises TooMany.

        An address that waits is not heard, whatever it shows: were the right one let in, it could be guessed on.
        """
        self.require_left(address)
        if is_known(shown, known):
            return True
        if shown:
            self.failed(address)
        return False

    def require_left(self, address: str | None) -> None:
        """Raise TooMany for an address that has none left."""
        wait = self._until.get(address or "", 0.0) - self._now() - (TRIES - 1) * EVERY_S
        if wait > 0:
            raise TooMany(int(wait) + 1)

    def failed(self, address: str | None) -> None:
        """Count a wrong one."""
        now = self._now()
        if len(self._until) >= ADDRESSES:
            self._until = {name: until for name, until in self._until.items() if until > now}
        if len(self._until) < ADDRESSES or address in self._until:
            self._until[address or ""] = max(self._until.get(address or "", 0.0), now) + EVERY_S
