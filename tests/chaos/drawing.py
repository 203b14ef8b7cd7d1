"""A curve over time becomes a small picture in SVG: one line, its axes, and what it shows in words."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 180, 56, 34, 26
POINTS = 300  # of a line at most: more than a reader sees, few enough for a small file


def curve(title: str, samples: Sequence[tuple[float, float]]) -> str:
    """Return the picture of a curve from zero up.

    Args:
        title: what is shown, with its unit.
        samples: seconds since the begin and the value then, in order; two or more.
    """
    thin = samples[:: max(1, len(samples) // POINTS)]
    end_s, top = samples[-1][0], max(max(value for _, value in samples), 1.0)
    right, floor = WIDTH - 16, HEIGHT - BOTTOM

    def x(at_s: float) -> float:
        return LEFT + (right - LEFT) * at_s / end_s

    def y(value: float) -> float:
        return floor - (floor - TOP) * value / top

    line = " ".join(f"{x(at_s):.1f},{y(value):.1f}" for at_s, value in thin)
    levels = "".join(
        f'<path d="M{LEFT} {y(value):.1f}H{right}" stroke="#ddd"/>'
        f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
        for value in (0.0, top / 2, top)
    )
    minutes = "".join(
        f'<text x="{x(60 * minute):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{minute:g}</text>'
        for minute in _minutes(end_s / 60)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="#444">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
        f'<text x="{LEFT}" y="18" font-size="13" fill="#111">{escape(title)}, by minutes</text>\n{levels}\n{minutes}\n'
        f'<polyline points="{line}" fill="none" stroke="#1f6f8b" stroke-width="1.5"/>\n</svg>\n'
    )


def _minutes(whole: float) -> list[float]:
    """Return where the axis of time is labelled: five times, at round minutes where there are so many."""
    step = whole / 4 if whole < 8 else round(whole / 4)
    return [round(step * number, 1) for number in range(5) if step * number <= whole]
