"""Words of one metric of a segment go in; when they no longer come in the shares that their hour expects comes out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.alternatives import band
from detectors.base import Opening, Words
from detectors.budget import Budget
from detectors.learned import Learned, learned
from detectors.metrics import Kind, Metric
from detectors.reference import SeasonalReference
from detectors.scales import share_estimate

CLASSES = 8  # words that are watched apart, the first that come; all others are one
OTHER = "other"
DETECTOR = "mix e-sr"
_BINS = 56  # of a week: three hours each
_STRETCH = 64  # words for which a bet stays as it is
_MOMENT_NS = 600_000_000_000  # ten minutes, for which the expected shares stay as they are
_SPACING = np.repeat([_STRETCH, 8 * _STRETCH], 8)  # words between two beginnings; eight bets of each are alive
_WEIGHTS = _SPACING / 2  # a beginning stands for the words up to the next; two scales, each believed in by half
_BELIEVED = 60.0  # words that the expected shares count for in a bet
_LEAST = 1e-4  # of a share
_STEPS = 2.0**20
_BACK = math.log(1e5)  # of a change that lasts it is said at most once in as many words that it is over


@dataclass
class Bets:
    """Sixteen bets on what the shares have become, each from another beginning: eight within the last 512 words, eight
    within the last 4,096.

    Words `seen` and `expected` since (float64[16, C] both), log `evidence`, and where each began. `fresh` (float64[2,
    C]) are those of the open stretch; `back`, of an open metric, log evidence of its return, and whether there is any.
    """

    seen: NDArray[np.float64]
    expected: NDArray[np.float64]
    evidence: NDArray[np.float64]
    row: NDArray[np.int64]
    time: NDArray[np.int64]
    fresh: NDArray[np.float64]
    back: NDArray[np.float64]
    known: int = 0  # words since the beginning of all

    @classmethod
    def none(cls) -> "Bets":
        n, c = len(_SPACING), CLASSES + 1
        numbers = np.zeros(n, np.int64)
        return cls(
            np.zeros((n, c)), np.zeros((n, c)), np.zeros(n), numbers, numbers.copy(), np.zeros((2, c)), np.zeros(2)
        )

    def copied(self) -> "Bets":
        """Return the same bets, which may be changed apart."""
        return Bets(
            self.seen.copy(),
            self.expected.copy(),
            self.evidence.copy(),
            self.row.copy(),
            self.time.copy(),
            self.fresh.copy(),
            self.back.copy(),
            self.known,
        )

    def begin(self, row: int, time: int) -> None:
        """At the beginning of a stretch: take up the last one, and begin the bets whose turn it is."""
        self.seen += self.fresh[0]
        self.expected += self.fresh[1]
        self.fresh[:] = 0.0
        for each in range(len(_SPACING)):
            spacing = int(_SPACING[each])
            if self.known % spacing == 0 and self.known // spacing % 8 == each % 8:
                self.seen[each] = self.expected[each] = self.evidence[each] = 0.0
                self.row[each], self.time[each] = row, time


@dataclass(frozen=True, slots=True)
class MixSpan:
    """Rows that were weighed: codes as watched, `excess` and `back` as in `detectors.levels.Span` (float64[n]), and the
    bets after all of them."""

    times: NDArray[np.int64]
    codes: NDArray[np.intp]
    excess: NDArray[np.float64]
    back: NDArray[np.float64]
    bets: Bets


class Mix:
    """Watches the shares of words against their own week.

    An e-detector with plug-in alternatives: each bet is the shares as they were seen since its beginning, more than was
    expected then, frozen for 64 words, against the shares within the band that are nearest to it. A bet whose
    beginning stands for w words has weight w. So any change of the mix is an alternative, and none has to be named; the
    one from soon after the change wins.

    Jaehyeok Shin, Aaditya Ramdas, Alessandro Rinaldo. E-detectors. 2024 (section 5, mixtures of baseline increments). ·
    Tyron Lardy, Peter Grünwald, Peter Harremoës. Reverse information projections and optimal e-statistics. 2024.
    """

    def __init__(self, metric: Metric, budget: Budget, rows: int) -> None:
        self.metric = metric
        self.budget = budget
        self.labels: list[str] = []
        self.reference = SeasonalReference(_BINS)
        self.reference.grow(CLASSES + 1)
        self.change: NDArray[np.float64] | None = None  # of an open metric: how much the shares have changed
        self.pinned = False
        self.rows = rows  # of the segment
        self._changed = 0.0  # words that it is known from
        self._threshold = math.inf
        self._bets = Bets.none()

    def column(self, words: Words) -> NDArray[np.intp]:
        """Return the codes as they are watched, intp[n]: places of `labels`, CLASSES for others, -1 for not known."""
        for code in dict.fromkeys(words.codes.tolist()):
            if code >= 0 and words.labels[code] not in self.labels and len(self.labels) < CLASSES:
                self.labels.append(words.labels[code])
        places = [self.labels.index(label) if label in self.labels else CLASSES for label in words.labels]
        return np.array([*places, -1], np.intp)[words.codes]

    @property
    def watched(self) -> bool:
        """Say whether there is a reference."""
        return bool((self.reference.spread > 0).all())

    def advance(self, time: int, *, begin: bool = False) -> bool:
        """Tell that events have reached a time; `begin` learns at once. Return whether a reference is another now."""
        return bool(self.reference.advance(time) + (self.reference.begin() if begin else []))

    def arm(self) -> None:
        """Work out the threshold again."""
        a_week, seen = float(self.reference.a_week()[0]), float(self.reference.share_seen()[0])
        self._threshold = self.budget.log_threshold(Kind.CATEGORY, a_week, seen) if self.watched else math.inf

    def weigh(self, times: NDArray[np.int64], codes: NDArray[np.intp]) -> MixSpan:
        """Weigh the next n rows, of one hour; nothing is taken over until `keep`."""
        excess, back = np.full(len(codes), -np.inf), np.full(len(codes), -np.inf)
        bets = self._bets.copied()
        if self.watched:
            rows = np.flatnonzero(codes >= 0)
            moments = times[rows] // _MOMENT_NS
            start = 0
            while start < len(rows):
                piece = rows[start : start + _STRETCH - bets.known % _STRETCH]
                piece = piece[: np.append(moments[start : start + len(piece)] != moments[start], True).argmax()]
                evidence = self._bet(bets, times[piece], codes[piece], self.rows + int(piece[0]))
                (excess if self.change is None else back)[piece] = evidence
                start += len(piece)
        return MixSpan(times, codes, excess, back, bets)

    def keep(self, span: MixSpan, rows: int) -> None:
        """Take over the first rows of a span: they are watched, and wait to be learned."""
        if rows < len(span.codes):
            span = self.weigh(span.times[:rows], span.codes[:rows])
        self._bets = span.bets
        self.rows += rows
        told = np.full((rows, CLASSES + 1), np.nan)
        known = np.flatnonzero(span.codes >= 0)
        told[known] = 0.0
        told[known, span.codes[known]] = 1.0
        self.reference.learn(span.times, told)

    def _bet(self, bets: Bets, times: NDArray[np.int64], codes: NDArray[np.intp], row: int) -> NDArray[np.float64]:
        """Take words within one stretch and moment; return the evidence less its threshold after each."""
        level, error = self.reference.expected(times[:1] // _MOMENT_NS * _MOMENT_NS + _MOMENT_NS // 2)
        p = _shares(level[0])
        if self.change is not None:
            return _returned(bets, np.log(p / _shares(p + self.change / 2))[codes]) - _BACK
        if bets.known % _STRETCH == 0:
            bets.begin(row, int(times[0]))
        table = _ratios(p, band(error[0], self.reference.wobble), bets)
        evidence = np.add.accumulate(np.concatenate([bets.evidence[None], table[:, codes].T]))[1:]
        bets.evidence = evidence[-1].copy()
        bets.known += len(codes)
        bets.fresh[0] += np.bincount(codes, minlength=CLASSES + 1)
        # In steps so that sums are exact: they must not depend on how rows are cut into blocks.
        bets.fresh[1] += np.rint(p * _STEPS) / _STEPS * len(codes)
        greatest = evidence.max(axis=1)
        total = np.log((_WEIGHTS * np.exp(evidence - greatest[:, None])).sum(axis=1)) + greatest
        return np.asarray(total - self._threshold)

    def opening(self, span: MixSpan, row: int) -> Opening:
        """Open the metric, which fired at a row of the span that is kept, and say what it is."""
        bets, level = self._bets, self.reference.expected(span.times[row : row + 1])[0][0]
        best = int((bets.evidence + np.log(_SPACING)).argmax())
        seen, expected = bets.seen[best] + bets.fresh[0], bets.expected[best] + bets.fresh[1]
        n = max(float(seen.sum()), 1.0)
        told = (seen - expected) / np.sqrt(np.maximum(expected, 1.0))
        most = int(np.abs(told).argmax())
        self.change, self._changed = (seen - expected) / n, n
        since, time = int(bets.row[best]), int(bets.time[best])
        log10_e = (float(span.excess[row]) + self._threshold) / math.log(10.0)
        self._bets = Bets.none()
        self.reference.held[:] = True
        for each in range(CLASSES + 1):
            self.reference.forget(each, time)
        return Opening(
            metric=self.metric.name,
            detector=DETECTOR,
            subject=self.labels[most] if most < len(self.labels) else OTHER,
            direction="up" if told[most] > 0 else "down",
            before=share_estimate(float(_shares(level)[most]), int(self.reference.learned(most))),
            after=share_estimate(float(seen[most]) / n, int(n)),
            log10_e=log10_e,
            seconded=False,
            learning=bool(self.reference.share_seen()[0] < 1),
            since_row=since,
            since_unix_nano=time,
        )

    def close(self) -> None:
        """The mix is back, or what it has become is accepted: it is watched for changes again."""
        self.change = None
        self._bets = Bets.none()
        self.reference.held[:] = self.pinned

    def accept(self) -> None:
        """Make the shares of an open metric those that are expected."""
        if self.change is not None:
            for each, shift in enumerate(self.change.tolist()):
                self.reference.accept(each, shift, self._changed)
        self.close()

    def learned(self) -> list[Learned]:
        """Return the week of each word's share, as `metric=word`."""
        weeks = [
            learned(self.metric, f"{self.metric.name}={label}", self.reference, each, self.pinned)
            for each, label in enumerate(self.labels)
        ]
        return [week for week in weeks if week is not None]

    def pin(self, pinned: bool) -> None:
        """Keep the reference as it is, or let it go on learning."""
        self.pinned = pinned
        self.reference.held[:] = pinned or self.change is not None

    def reset(self) -> None:
        """Forget all that was learned."""
        self.pinned = False
        for each in range(CLASSES + 1):
            self.reference.reset(each)
        self.close()

    def state(self) -> dict[str, Any]:
        return {
            "metric": self.metric.name,
            "labels": self.labels,
            "change": self.change,
            "changed": self._changed,
            "pinned": self.pinned,
            "rows": self.rows,
            "threshold": self._threshold,
            "reference": self.reference.state(),
            "bets": vars(self._bets),
        }

    @classmethod
    def restore(cls, metric: Metric, budget: Budget, state: Mapping[str, Any]) -> "Mix":
        mix = cls(metric, budget, state["rows"])
        mix.labels, mix.change, mix.pinned = list(state["labels"]), state["change"], state["pinned"]
        mix._changed, mix._threshold = state["changed"], state["threshold"]
        mix.reference = SeasonalReference.restore(_BINS, state["reference"])
        mix._bets = Bets(**state["bets"])
        return mix


def _shares(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares that are positive and together 1."""
    least = np.maximum(p, _LEAST)
    shares: NDArray[np.float64] = least / least.sum(axis=-1, keepdims=True)
    return shares


def _ratios(p: NDArray[np.float64], width: NDArray[np.float64], bets: Bets) -> NDArray[np.float64]:
    """Return the log ratios of each bet for each class, float64[16, C]."""
    since = bets.seen.sum(axis=1, keepdims=True)
    bet = _shares(p + (bets.seen - bets.expected) / (_BELIEVED + since))
    nearest = _shares(np.clip(bet, p - width, p + width))
    ratios: NDArray[np.float64] = np.log(bet / nearest)
    return ratios


def _returned(bets: Bets, ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take log ratios for the return of an open metric, and return the evidence after each (Shiryaev-Roberts)."""
    total, begun = bets.back.tolist()
    evidence = np.empty(len(ratios))
    for at, ratio in enumerate(ratios.tolist()):
        evidence[at] = total = math.log1p(math.exp(min(total, 700.0))) + ratio if begun else ratio
        begun = 1.0
    bets.back[:] = total, begun
    return evidence
