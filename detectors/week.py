"""Means of a week's bins go in; what the week is like at rest comes out: a level for each bin, how sure it is of that,
and how much hours differ for no reason."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from threadpoolctl import ThreadpoolController

WEEK_NS = 7 * 24 * 3_600_000_000_000
_MONDAY_NS = 4 * 24 * 3_600_000_000_000  # 1970-01-05, a Monday
_COMPONENTS = 4  # of the prior that are fitted: day, day of the week, rough, wobble
_FIRST = np.array([0.03, 0.003, 0.001, 0.002])  # their variances to begin with, in variances of a value
_UNSEEN = np.array([1.0, 0.02, 0.0, 0.004])  # their least while not all hours, or days, have been seen
_LEANING = 0.1  # share of that doubt that is left where there is a parent to lean on
_LEAST = 1e-7
_REACH = 1.5  # of the daily curve, in radians of a day: about six hours
_SURE = 1.0  # variance of the overall level before anything is seen
_ROUNDS, _CLOSE = 30, 0.02
_ONE_THREAD = ThreadpoolController()  # a second one costs these small matrices ten times what it saves


@dataclass(frozen=True, slots=True)
class Fit:
    """A week at rest, in standard deviations of a single value, relative to `centre`.

    `level` and `error` (float64[bins]) are posterior mean and standard error of each bin's level, `wobble` is the
    standard deviation of what events of one bin share beside that, `variances` (float64[4]) are what the next fit
    begins with.
    """

    level: NDArray[np.float64]
    error: NDArray[np.float64]
    wobble: float
    variances: NDArray[np.float64]


def place(times: NDArray[np.int64], bins: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return, for each time, the bin whose middle was last passed and how far it is to the next, in [0, 1).

    Levels are read between the middles of bins, on a straight line: a season does not jump on the hour.

    >>> place(np.array([_MONDAY_NS, _MONDAY_NS + 3 * WEEK_NS // 336]), 168)
    (array([167,   1]), array([0.5, 0. ]))
    """
    at = (times - _MONDAY_NS) % WEEK_NS / (WEEK_NS // bins) - 0.5
    below = np.floor(at)
    return below.astype(np.intp) % bins, at - below


def bin_number(times: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Number the bins since the first Monday of 1970; modulo `bins` it is the bin of the week."""
    numbers: NDArray[np.int64] = (times - _MONDAY_NS) // (WEEK_NS // bins)
    return numbers


def fit(
    mean: NDArray[np.float64],
    count: NDArray[np.float64],
    spent: NDArray[np.float64],
    first: NDArray[np.float64] | None,
    *,
    leans: bool,
) -> Fit:
    """Fit a week to the means of its bins.

    A Gaussian process: one overall level, plus a smooth daily curve, plus an effect of the day of the week, plus
    wobble, which is rough over a few hours or free in each bin and does not come again. What is small is shrunk
    to what is above it: a bin to its hour of the day, that to the level. The variances of the parts are those that
    make the data likeliest (REML, by the fixed-point iteration of Harville), so that a stream without a season gets
    none, and errs less.

    Args:
        mean: float64[bins], the mean value of each bin less a centre, in standard deviations of a value.
        count: float64[bins], values that each mean is over, 0 where nothing was seen.
        spent: float64[bins] in (0, 1], the share of wobble that is left in each mean: 1 after one week, 1/2 after two.
        first: the variances of a former fit, to begin with.
        leans: whether a parent's week has been taken off: then hours that have not been seen are less in doubt.

    David A. Harville. Maximum likelihood approaches to variance component estimation. JASA 72, 1977. · Carl Edward
    Rasmussen, Christopher Williams. Gaussian Processes for Machine Learning, 2006, chapter 2.
    """
    with _ONE_THREAD.limit(limits=1):
        return _fitted(mean, count, spent, _FIRST if first is None else first, leans=leans)


def _fitted(
    mean: NDArray[np.float64],
    count: NDArray[np.float64],
    spent: NDArray[np.float64],
    first: NDArray[np.float64],
    *,
    leans: bool,
) -> Fit:
    seen = np.flatnonzero(count > 0)
    bins = len(mean)
    daily, weekday, rough = _kernels(bins)
    # Of the hours that have been seen, alone: a young segment has one or two, and learns often.
    among, left = np.ix_(seen, seen), spent[seen]
    wobble = rough[among] * np.sqrt(np.outer(left, left))
    here = np.stack([daily[among], weekday[among], wobble, np.diag(left)], axis=2).transpose(2, 0, 1)
    noise = np.diag(1.0 / count[seen])
    y = mean[seen]
    least = _least(seen, bins, leans=leans)
    variances = np.maximum(first, least)
    for _ in range(_ROUNDS):
        inverse = _inverse(_SURE + np.tensordot(variances, here, 1) + noise)
        solved = inverse @ y
        pulls = here @ solved @ solved
        weights = (inverse * here).sum(axis=(1, 2))
        grown = pulls / weights
        # What has to shrink shrinks twice as fast: a variance that is none would take a hundred rounds.
        before, variances = variances, np.maximum(variances * np.where(grown < 1, grown**2, grown), least)
        if np.all(np.abs(variances - before) < _CLOSE * variances + 1e-6):
            break
    inverse = _inverse(_SURE + np.tensordot(variances, here, 1) + noise)
    # Until each day has been seen, how one differs is not told from chance: it is a doubt about any, and no level.
    whole_week = len(set((seen // (bins // 7)).tolist())) == 7
    days = variances[1] if whole_week else 0.0
    reach = _SURE + variances[0] * daily[:, seen] + days * weekday[:, seen]
    level = reach @ (inverse @ y)
    doubt = 0.0 if whole_week else variances[1]
    prior = _SURE + variances[0] * daily.diagonal() + days * weekday.diagonal()
    error = np.sqrt(np.maximum(prior - (reach @ inverse * reach).sum(axis=1), 0.0) + doubt)
    return Fit(level, error, float(np.sqrt(variances[2] + variances[3])), variances)


def _inverse(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a positive definite matrix, by Cholesky: half the cost of any matrix's inverse."""
    factor, _ = dpotrf(positive, lower=True)
    half, _ = dpotri(factor, lower=True)
    lower = np.tril(half)
    return np.asarray(lower + lower.T - np.diag(lower.diagonal()))


def _least(seen: NDArray[np.intp], bins: int, *, leans: bool) -> NDArray[np.float64]:
    """While some hours of the day, or days, have not been seen, they may differ from what has been."""
    day = bins // 7
    hours, days = len(set((seen % day).tolist())) < day, len(set((seen // day).tolist())) < 7
    return np.where([hours, days, False, hours], _UNSEEN * (_LEANING if leans else 1.0), _LEAST)


@cache
def _kernels(bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how much two bins have in common: by hour of the day, by day of the week, and by being near."""
    hours = np.arange(bins) * (168 / bins)
    apart = np.abs(hours[:, None] - hours)
    # Matérn 3/2 on a circle: of a curve that is smoother than that, a morning would foretell the evening.
    chord = 2 * np.sqrt(3.0) / _REACH * np.abs(np.sin(np.pi * apart / 24))
    daily = (1 + chord) * np.exp(-chord)
    weekday = (hours[:, None] // 24 == hours // 24).astype(np.float64)
    around = np.minimum(apart, 168 - apart)
    return daily, weekday, np.exp(-(around**2) / 8)
