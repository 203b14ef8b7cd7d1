"""Numbers, times and strangers' words become what a person reads: in a metric's unit, and harmless to a terminal."""

import math
from datetime import UTC, datetime

from detectors.metrics import Kind, metric_of

_SHARES = ("repetition",)  # positive, and yet a share
_UNITS = {
    "duration_s": "{} s",
    "time_to_first_chunk_s": "{} s",
    "tokens_per_s": "{} tokens/s",
    "cost_usd": "${}",
}


def harmless(text: str) -> str:
    r"""Show what a terminal would obey, or nobody could see, as its escape: control characters, ANSI, bidi marks.

    >>> harmless("a\x1b[31mb\n\u202ec 小")
    'a\\x1b[31mb\\n\\u202ec 小'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def moment(time_unix_nano: int) -> str:
    """Return a time in UTC to the second.

    >>> moment(1_762_992_000_000_000_000)
    '2025-11-13T00:00:00Z'
    """
    return f"{datetime.fromtimestamp(time_unix_nano // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def amount(metric: str, value: float, subject: str = "") -> str:
    """Return a metric's value in its unit, to three digits; rates, and the share of a class, in percent.

    >>> amount("error", 0.02139), amount("duration_s", 1.7615), amount("output_tokens", 1534.2)
    ('2.14%', '1.76 s', '1,530')
    >>> amount("finish_reason", 0.5, "length"), amount("cost_usd", float("nan"))
    ('50%', 'unknown')
    """
    if not math.isfinite(value):
        return "unknown"
    known = metric_of(metric, words=bool(subject))
    if metric in _SHARES or (known and known.kind in (Kind.RATE, Kind.CATEGORY)):
        return f"{_three_digits(100 * value)}%"
    return _UNITS.get(metric, "{}").format(_three_digits(value))


def times(before: float, after: float) -> str:
    """Return by how much something grew or shrank as a factor, or nothing where that says nothing.

    >>> times(2.0, 5.0), times(0.0, 1.0)
    ('2.5 times', '')
    """
    well = math.isfinite(before) and math.isfinite(after) and before > 0 and after > 0
    return f"{_three_digits(after / before)} times" if well and after / before < 1e6 else ""


def _three_digits(value: float) -> str:
    """Return a number without an exponent where a person would write none."""
    if value == 0 or not 1e-4 <= abs(value) < 1e12:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    rounded = round(value, 2 - math.floor(math.log10(abs(value))))
    plain = f"{rounded:,.{digits}f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
