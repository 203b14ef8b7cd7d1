"""Ids of people pass through, and leave as names that nobody can turn back without the key."""

import hmac
import re
from functools import lru_cache

PSEUDONYM = re.compile("u_[0-9a-f]{32}")
USERS = 10_000  # whose names are remembered: the same few come again and again


class Pseudonyms:
    """Names people by HMAC-SHA256 of their ids: the same id and key give the same name, on every machine and day."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._users = lru_cache(maxsize=USERS)(self._named)

    def of_user(self, user_id: str) -> str:
        """Return `u_` and 32 hex digits, 128 bits, so that two people never share a name by chance."""
        return self._users(user_id)

    def _named(self, user_id: str) -> str:
        return f"u_{self._digest('user', user_id)[:32]}"

    def of_text(self, text: str) -> str:
        """Return 16 hex digits that are the same for equal texts, and say nothing else about them."""
        return self._digest("text", text)[:16]

    def _digest(self, purpose: str, value: str) -> str:
        # The purpose keeps a text that reads like somebody's id from getting that person's name.
        message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()
