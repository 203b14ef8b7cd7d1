"""A reference becomes a small drawing of its week: a line of bars for each day, with what is expected and the band."""

import math
from collections.abc import Sequence

from streams.events import ReferenceRow
from streams.readable import amount, harmless, moment

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BARS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"
NARROW = 18  # columns of a range, at least


def lines(row: ReferenceRow) -> list[str]:
    """Return a reference as lines for a terminal."""
    known = [value for value in row.expected if math.isfinite(value)]
    weeks = f"{row.weeks:.3g} week{'' if row.weeks == 1 else 's'}, {row.events:,} events"
    lowest, highest = (min(known), max(known)) if known else (0.0, 0.0)
    days = [range(24 * n, 24 * n + 24) for n in range(7)]
    return [
        f"{harmless(row.metric)} of {harmless(row.segment)}",
        f"  {harmless(row.state)}; learned from {weeks} up to {moment(row.said_unix_nano)}",
        f"  UTC  {'0':6}{'6':6}{'12':6}{'18':6}  {'expected':{NARROW}}  band",
        *(
            f"  {day}  {_bars([row.expected[hour] for hour in hours], lowest, highest)}  "
            f"{_range(row.metric, row.expected, row.expected, hours):{NARROW}}  "
            f"{_range(row.metric, row.band_low, row.band_high, hours)}"
            for day, hours in zip(DAYS, days, strict=True)
        ),
    ]


def _bars(values: Sequence[float], lowest: float, highest: float) -> str:
    return "".join(_bar(value, lowest, highest) for value in values)


def _bar(value: float, lowest: float, highest: float) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    if highest == lowest:
        return BARS[len(BARS) // 2]
    return BARS[round((value - lowest) / (highest - lowest) * (len(BARS) - 1))]


def _range(metric: str, lows: Sequence[float], highs: Sequence[float], hours: range) -> str:
    """Return from where to where a day's values go."""
    low = min((lows[hour] for hour in hours if math.isfinite(lows[hour])), default=math.nan)
    high = max((highs[hour] for hour in hours if math.isfinite(highs[hour])), default=math.nan)
    return f"{amount(metric, low)} to {amount(metric, high)}" if math.isfinite(low + high) else "unknown"
