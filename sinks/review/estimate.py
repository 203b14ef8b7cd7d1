"""Decisions on the control go in, each with its weight; out comes what share of all traffic is so, with an interval."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from scipy.special import betaincinv

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Weighed:
    """An item of the control: how many eligible inferences it stands for, and whether it is what is asked about."""

    weight: float
    is_one: bool


@dataclass(frozen=True)
class Estimate:
    """A share of all eligible inferences, with its interval at 95%; `effective` items of one weight would tell as much
    as the `items` did. Without an item nothing is known: 0 to 1."""

    rate: float
    low: float
    high: float
    items: int
    effective: float


def estimate(control: Iterable[Weighed], unjudged: float = 0.0) -> Estimate:
    """Estimate a share without bias from the whole of the traffic's point of view.

    Of what stands for `unjudged` eligible inferences nobody can say what it is: the interval takes in that none of it
    is what is asked about, and that all of it is; the rate is that of the others.

    The rate is Horvitz and Thompson's (JASA 47, 1952) in Hájek's form, weighted ones over all weights. The interval is
    Clopper and Pearson's exact one for as many items as would tell as much with equal weights (Kish's effective size),
    as Korn and Graubard propose for shares near 0 (Survey Methodology 24, 1998).

    >>> of = estimate([Weighed(10.0, is_one=n < 3) for n in range(100)])
    >>> round(of.rate, 3), round(of.low, 3), round(of.high, 3)
    (0.03, 0.006, 0.085)
    """
    items = list(control)
    total = sum(each.weight for each in items)
    if not total:
        return Estimate(0.0, 0.0, 1.0, 0, 0.0)
    rate = sum(each.weight for each in items if each.is_one) / total
    effective = total**2 / sum(each.weight**2 for each in items)
    ones, tail = rate * effective, (1 - CONFIDENCE) / 2
    low = float(betaincinv(ones, effective - ones + 1, tail)) if ones > 0 else 0.0
    high = float(betaincinv(ones + 1, effective - ones, 1 - tail)) if ones < effective else 1.0
    known = total / (total + unjudged)
    return Estimate(rate, low * known, high * known + 1 - known, len(items), effective)


def wilson(ones: int, n: int, z: float) -> tuple[float, float]:
    """Return Wilson's score interval of a rate, at `z` standard deviations (E. B. Wilson, JASA 22, 1927)."""
    rate, width = ones / n, z * z / n
    middle, reach = rate + width / 2, z * sqrt(rate * (1 - rate) / n + width / (4 * n))
    return (middle - reach) / (1 + width), (middle + reach) / (1 + width)
