"""A finding becomes a page: what the terminal says of it, drawn; of inferences it names ids alone."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from detectors.metrics import metric_of
from sinks.findings import Incident, Standing
from streams.events import SHORT, Finding
from streams.finding_page import advice, facts
from streams.readable import harmless

HEAVY = ("users/", "keys/", "tenants/")  # segments of whoever uses much, as alerts tell them apart
# Drawn apart from the other facts.
APART = ("before", "after", "carried by", "e.g. before", "e.g. after")
WIDTH, MARGIN = 600.0, 12.0  # of the drawing, in its own units


@dataclass(frozen=True, slots=True)
class Span:
    """A mean and its interval, as places on the drawing, and in words."""

    name: str
    words: str
    low: float
    mean: float
    high: float


def page(standing: Standing, incident: Incident | None) -> dict[str, Any]:
    """Return what the template `finding.html` shows."""
    found = standing.finding
    known: dict[str, list[str]] = {}
    for name, value in facts(standing, incident):
        known.setdefault(name, []).append(value)
    return {
        "state": standing.state,
        "about": f"{found.about} {'changed' if found.direction == 'other' else found.direction}",
        "metric": harmless(found.metric),
        "meaning": known_metric.meaning if (known_metric := metric_of(found.metric, words=bool(found.subject))) else "",
        "segment": harmless(found.segment),
        "short": found.finding_id[:SHORT],
        "advice": advice(standing, incident),
        "facts": {name: values for name, values in known.items() if name not in APART},
        "before": known["before"][0],
        "after": known["after"][0],
        "spans": spans(found),
        "slices": [(harmless(f"{each.dimension}={each.value}"), each.share) for each in found.slices],
        "examples": {"before": known.get("e.g. before", []), "after": known.get("e.g. after", [])},
        "runbook": f"docs/runbooks/{'cost' if found.segment.startswith(HEAVY) else 'finding'}.md",
    }


def spans(found: Finding) -> list[Span]:
    """Place both means and their intervals on one axis; nothing where one of them is unknown, or no interval."""
    ends = (found.low_before, found.mean_before, found.high_before, found.low_after, found.mean_after, found.high_after)
    if not all(map(isfinite, ends)) or ends[0] == ends[2] or ends[3] == ends[5]:
        return []
    least, most = min(ends), max(ends)
    scale = (WIDTH - 2 * MARGIN) / (most - least or 1.0)
    placed = [round(MARGIN + (each - least) * scale, 1) for each in ends]
    means = (found.amount(mean) for mean in (found.mean_before, found.mean_after))
    return [
        Span(name, words, *places)
        for name, words, places in zip(("before", "after"), means, (placed[:3], placed[3:]), strict=True)
    ]
