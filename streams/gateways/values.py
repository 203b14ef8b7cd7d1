"""What a sloppy sender wrote becomes what the contract takes, or None: one odd field never costs an inference."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from streams.gateways.base import short

LONGEST_NUMBER = 19  # digits of the greatest count
MOST_ALIASES = 32
_PROBES = ("synthetic", "x-synthetic", "canary", "x-canary")
_NO = ("", "none", "false", "0")


def count(value: object) -> int | None:
    """Read a number of things, 0 or more; gateways also write it as a string, or with a fraction of 0."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def number(value: object) -> float | None:
    """Read a finite number, also out of a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def seconds(milliseconds: object) -> float | None:
    """Make milliseconds a length of time in seconds; a negative one is not known."""
    read = number(milliseconds)
    return None if read is None or read < 0 else read / 1000


def flag(value: object) -> bool | None:
    """Read yes or no, also out of the strings true and false."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    return value if isinstance(value, bool) else None


def word(value: object) -> str | None:
    """Read a name or an id within the length that the contract allows; an empty one is none."""
    return short(value) if isinstance(value, str) and value else None


def fields(value: object) -> dict[str, Any]:
    """Read an object; what is none has no fields."""
    return value if isinstance(value, dict) else {}


def aliases(*named: Iterable[str]) -> list[str]:
    """Join lists of prefixed ids in their order, each once, as many and as long as the contract allows."""
    return [short(each) for each in dict.fromkeys(each for names in named for each in names)][:MOST_ALIASES]


def known(said: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known, so that it does not hide what another place says."""
    return {name: value for name, value in said.items() if value is not None}


def probe(said: Mapping[str, Any]) -> bool:
    """Tell whether names of headers, in lower case, or of labels mark traffic that no person asked for."""
    marks = (said[name] for name in _PROBES if name in said)
    return any(str(mark).lower() not in _NO for mark in marks)
