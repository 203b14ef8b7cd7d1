"""Dots become marks of a drawing: each reason has a colour and a shape, so that either tells them apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sinks.review.candidates import Reason
from sinks.review.report.survey import Dot

WIDTH, HEIGHT, MARGIN = 900, 480, 14

# Who would read a batch asks what a reason is for; the sentence is shown wherever the reason is explained.
MEANINGS = {
    Reason.CONTROL: "Drawn by chance from all. The only items from which rates of the whole traffic may be estimated.",
    Reason.CORRECTION: "A person corrected or edited the answer.",
    Reason.PREFERENCE: "There are several answers to one prompt, and people preferred one.",
    Reason.NEGATIVE_FEEDBACK: "A person rated the answer down.",
    Reason.DISCOVERY: "Its topic is new: the weeks before do not know it.",
    Reason.ANOMALY: "Its measurements are the strangest of the week.",
    Reason.FINDING: "It lies just before or after a change that a detector found.",
    Reason.WORST_SLICE: "It failed in a part of the traffic that fails most.",
    Reason.DISAGREEMENT: "What is known about it contradicts itself.",
    Reason.RECURRING_TOPIC: "A rare topic that comes back week after week.",
}

# Paths around 0/0, of about equal area.
SHAPES = {
    Reason.CONTROL: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
    Reason.CORRECTION: "M-4-4H4V4H-4z",
    Reason.PREFERENCE: "M0-6L5.5 4.5H-5.5z",
    Reason.NEGATIVE_FEEDBACK: "M0 6L5.5-4.5H-5.5z",
    Reason.DISCOVERY: "M0-6.5L1.6-2L6.2-2L2.5 .9L3.9 5.4L0 2.7L-3.9 5.4L-2.5 .9L-6.2-2L-1.6-2z",
    Reason.ANOMALY: "M0-6L5 0L0 6L-5 0z",
    Reason.FINDING: "M-1.6-5.5H1.6V-1.6H5.5V1.6H1.6V5.5H-1.6V1.6H-5.5V-1.6H-1.6z",
    Reason.WORST_SLICE: "M-5.5-2.6H5.5V2.6H-5.5z",
    Reason.DISAGREEMENT: "M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0z",
    Reason.RECURRING_TOPIC: "M-2.6-5H2.6L5.4 0L2.6 5H-2.6L-5.4 0z",
}


@dataclass(frozen=True)
class Mark:
    """A dot in the drawing's units; its colour and shape are those of `reason`, the most telling one of its item."""

    dot: Dot
    x: float
    y: float
    reason: Reason


def marks(dots: Sequence[Dot]) -> list[Mark]:
    """Place dots into the drawing, stretched to fill it."""
    if not dots:
        return []
    across, down = _stretch([dot.x for dot in dots], WIDTH), _stretch([-dot.y for dot in dots], HEIGHT)
    return [Mark(dot, x, y, _telling(dot)) for dot, x, y in zip(dots, across, down, strict=True)]


def legend(dots: Sequence[Dot]) -> list[tuple[Reason, int]]:
    """Return the reasons on the map with their numbers of dots; one of several reasons counts in each."""
    counted = Counter(reason for dot in dots for reason in dot.reasons)
    return [(reason, counted[reason]) for reason in Reason if counted[reason]]


def _telling(dot: Dot) -> Reason:
    """Return the first reason that says something of the item itself, which the control's draw does not."""
    reasons = [reason for reason in Reason if reason in dot.reasons]
    return next((reason for reason in reasons if reason is not Reason.CONTROL), Reason.CONTROL)


def _stretch(values: Sequence[float], size: int) -> list[float]:
    least, most = min(values), max(values)
    span = (most - least) or 1.0
    return [round(MARGIN + (size - 2 * MARGIN) * (value - least) / span, 1) for value in values]
