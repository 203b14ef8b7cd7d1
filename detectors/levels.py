"""Rates and numbers of a segment go in, with their times; which of them left what their hour expects comes out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import alternatives
from detectors.base import Opening
from detectors.budget import Budget
from detectors.learned import HOURS, Learned, Shapes, learned
from detectors.metrics import Kind, Metric, metric_of
from detectors.normal_scores import NormalScores
from detectors.onsets import Onsets
from detectors.reference import SeasonalReference
from detectors.scales import SURE, estimate, log_odds, scaled, share_estimate
from detectors.second_opinion import SecondOpinion
from detectors.shiryaev_roberts import ShiryaevRoberts, Weighed
from detectors.trail import COUNT, EXPECTED, SCORE, SQUARE, VALUE, Trail

DETECTOR = "e-sr"
_DAY = 1 / 7
_BACK = math.log(1e5)  # evidence at which a change is over: of one that lasts it is said once in as many rows, at most
_MOST_SCORE, _MOST_ODDS = 0.5, math.log(4.0)


@dataclass(frozen=True, slots=True)
class Span:
    """Rows that were weighed and not yet taken over: n rows, S streams.

    `excess` is log evidence less the threshold, `back` the same for open streams' return, both float64[n, S] and -inf
    where there is nothing to say (`weighed_back` is None where no stream is open); `scores` are residuals as normal
    scores, NaN where not known.
    """

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    scores: NDArray[np.float64]
    excess: NDArray[np.float64]
    back: NDArray[np.float64]
    weighed: Weighed
    weighed_back: Weighed | None


class Levels:
    """Watches the level of each scalar metric of a segment against its own week.

    A value's expectation is read from the reference (`detectors.reference`); what is left of a number goes through its
    own distribution into a normal score; likelihood ratios of alternatives beyond a learned band
    (`detectors.alternatives`) feed an e-detector (`detectors.shiryaev_roberts`). A stream that has fired is open: it is
    watched for its return, against the reference as it was, and learns nothing until it is back or the new level is
    accepted. `parent` has shapes of weeks (`shapes`) of segments like this one, for what it has not seen itself.
    """

    def __init__(self, budget: Budget, parent: Shapes | None = None) -> None:
        self.budget = budget
        self._parent = dict(parent or {})  # shapes of weeks for metrics that have not come yet
        self.metrics: list[Metric] = []
        self._rates = np.zeros(0, np.bool_)  # which of them are
        self.reference = SeasonalReference(HOURS)
        self.trail = Trail()
        self.open = np.zeros(0)  # half of the change of an open stream, else 0
        self.pinned = np.zeros(0, np.bool_)
        self._scores = NormalScores()
        self._detectors = ShiryaevRoberts(alternatives.ALTERNATIVES)
        self._onsets = Onsets(alternatives.ALTERNATIVES)
        self._back = ShiryaevRoberts(1)
        self._second = SecondOpinion()
        self._thresholds = np.zeros(0)

    def columns(self, values: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
        """Put n rows' values, by name, on the scales that are watched: float64[n, S], NaN where not known."""
        known = {metric.name for metric in self.metrics}
        new = {name: ~np.isnan(column) for name, column in values.items() if name not in known}
        # In the order in which they came: how rows are cut into blocks must not show in the order of streams.
        came = sorted((int(told.argmax()), name) for name, told in new.items() if told.any())
        self._grow([metric for _, name in came if (metric := metric_of(name))])
        absent = np.full(n, np.nan)
        columns = [scaled(metric, values.get(metric.name, absent)) for metric in self.metrics]
        return np.column_stack(columns) if columns else np.empty((n, 0))

    def _grow(self, metrics: list[Metric]) -> None:
        """Add streams."""
        if not metrics:
            return
        self.metrics += metrics
        self.reference.grow(len(metrics))
        self.trail.grow(len(metrics))
        self._scores.grow(len(metrics))
        self._second.grow([metric.name == "incorrect" for metric in metrics])
        self._detectors.grow(np.stack([alternatives.believed(metric) for metric in metrics]))
        self._onsets.grow(len(metrics))
        self._back.grow(np.ones((len(metrics), 1)))
        self.open = np.append(self.open, np.zeros(len(metrics)))
        self.pinned = np.append(self.pinned, np.zeros(len(metrics), np.bool_))
        self._rates = np.append(self._rates, [metric.kind is Kind.RATE for metric in metrics])
        self._thresholds = np.append(self._thresholds, np.full(len(metrics), np.inf))
        for stream, metric in enumerate(self.metrics):
            if metric.name in self._parent:
                self.reference.lean(stream, self._parent.pop(metric.name))

    def shapes(self) -> Shapes:
        """Return the shape of each metric's week, where all of a week has been seen: a young segment may lean on it."""
        known = {metric.name: self.reference.shape(stream) for stream, metric in enumerate(self.metrics)}
        return {name: shape for name, shape in known.items() if shape is not None}

    @property
    def watched(self) -> int:
        """How many streams have a reference."""
        return int((self.reference.spread > 0).sum())

    def advance(self, time: int, *, begin: bool = False) -> list[str]:
        """Tell that events have reached a time; `begin` learns at once. Return the metrics that were learned anew."""
        anew = self.reference.advance(time) + (self.reference.begin() if begin else [])
        for stream in anew:
            self._scores.settle(stream)
        return [self.metrics[stream].name for stream in anew]

    def arm(self) -> None:
        """Work out thresholds again: a reference, or how many streams there are, has changed."""
        pace = zip(self.reference.a_week().tolist(), self.reference.share_seen().tolist(), strict=True)
        for stream, (metric, (a_week, seen)) in enumerate(zip(self.metrics, pace, strict=True)):
            known = self.reference.spread[stream] > 0
            self._thresholds[stream] = self.budget.log_threshold(metric.kind, a_week, seen) if known else np.inf

    def weigh(self, times: NDArray[np.int64], values: NDArray[np.float64]) -> Span:
        """Weigh the next n rows, of one hour and at most `room`; nothing is taken over until `keep`."""
        reference, rates = self.reference, self._rates
        expected, error = reference.expected(times)
        known = ~np.isnan(values) & (reference.spread > 0)
        spread = np.where(rates, alternatives.rate_spread(reference.centre), reference.spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(known, (values - expected) / spread, np.nan)
        ratios = np.zeros((*values.shape, alternatives.ALTERNATIVES))
        if rates.any():
            width = alternatives.band(error[:, rates], reference.wobble[rates])
            ratios[:, rates] = alternatives.rate_ratios(values[:, rates], expected[:, rates], width)
        numbers = np.flatnonzero(~rates & (reference.spread > 0))
        scores[:, numbers] = self._scores.scored(numbers, scores[:, numbers])
        if not rates.all():
            spreads = np.where(reference.spread > 0, reference.spread, 1.0)[~rates]
            wobble = reference.wobble[~rates] / spreads
            width = alternatives.band(error[:, ~rates] / spreads, wobble)
            ratios[:, ~rates] = alternatives.score_ratios(scores[:, ~rates], width, wobble)
        weighed = self._detectors.weigh(ratios, known & (self.open == 0))
        excess = np.where(self.open == 0, weighed.evidence - self._thresholds, -np.inf)
        returned, weighed_back = self._return(values, scores, expected, known)
        return Span(times, values, expected, scores, excess, returned, weighed, weighed_back)

    def _return(
        self,
        values: NDArray[np.float64],
        scores: NDArray[np.float64],
        expected: NDArray[np.float64],
        known: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], Weighed | None]:
        """Weigh the return of streams that are open, if any is."""
        opened = self.open != 0
        if not opened.any():
            return np.full(values.shape, -np.inf), None
        ratios = np.zeros((*values.shape, 1))
        for stream in np.flatnonzero(opened).tolist():
            ratios[:, stream, 0] = alternatives.return_ratios(
                values[:, stream], scores[:, stream], expected[:, stream], self.open[stream], bool(self._rates[stream])
            )
        weighed = self._back.weigh(ratios, known & opened)
        return np.where(opened & known, weighed.evidence - _BACK, -np.inf), weighed

    @property
    def room(self) -> int:
        """How many rows may be weighed at once."""
        return self._detectors.room

    def keep(self, span: Span, rows: int) -> None:
        """Take over the first rows of a span: they are watched, and wait to be learned."""
        values, scores, times = span.values[:rows], span.scores[:rows], span.times[:rows]
        self._onsets.extend(span.weighed.sums[1 : rows + 1], times, over=rows == self.room)
        self._detectors.keep(span.weighed, rows)
        if span.weighed_back is None:
            self._back.skip(rows)
        else:
            self._back.keep(span.weighed_back, rows)
        self.reference.learn(times, values)
        known = ~np.isnan(scores)
        z = np.where(known, scores, 0.0)
        self._second.update(np.stack([known, z], axis=2))
        v, e = np.where(known, values, 0.0), np.where(known, span.expected[:rows], 0.0)
        self.trail.extend(np.stack([known, z, z * z, v, e], axis=2))
        # In the first day, expectations are guesses, and what is left of a value says more about them than about it.
        judged = (self.reference.spread > 0) & (self.reference.share_seen() >= _DAY) & ~self.reference.held
        numbers = np.flatnonzero(~self._rates & judged)
        residuals = (values[:, numbers] - span.expected[:rows, numbers]) / self.reference.spread[numbers]
        self._scores.learn(numbers, residuals)

    def opening(self, stream: int, span: Span, row: int) -> Opening | None:
        """Open a stream that fired at a row of the span, now that its rows up to there are kept, and say what it is.

        None where nothing is known since it began: then it is watched anew.
        """
        weights, sums = self._detectors.weights[stream], self._detectors.sums[stream]
        since, time = self._onsets.since(stream, sums, weights, int(span.times[row]))
        log10_e = float(span.weighed.evidence[row, stream]) / math.log(10.0)
        self._begin(stream)
        told = self.trail.since(stream, since)
        count = int(told[COUNT])
        if not count:
            return None
        metric, after = self.metrics[stream], told / count
        score = after[SCORE]
        error = float(self.reference.expected(span.times[row : row + 1])[1][0, stream])
        uncertain = SURE * math.hypot(error, float(self.reference.wobble[stream]))
        before = estimate(metric, after[EXPECTED], uncertain, int(self.reference.learned(stream)))
        if metric.kind is Kind.RATE:
            moved = log_odds(after[VALUE], count) - log_odds(after[EXPECTED], np.inf)
            seen = share_estimate(float(after[VALUE]), count)
        else:
            moved = score
            scatter = math.sqrt(max(after[SQUARE] - score**2, 1e-6)) * float(self.reference.spread[stream])
            seen = estimate(metric, after[VALUE], SURE * scatter / math.sqrt(count), count)
        # What was noticed early looks larger than it is: the way back is tested against no more than so much of it.
        most = _MOST_ODDS if metric.kind is Kind.RATE else _MOST_SCORE
        self.open[stream] = float(np.clip(moved, -most, most)) / 2
        self._back.reset(stream)
        self.trail.begin(stream, told)
        self._hold(stream)
        self.reference.forget(stream, time)
        self._scores.forget(stream)
        return Opening(
            metric=metric.name,
            detector=DETECTOR,
            subject="",
            direction="up" if moved > 0 else "down",
            before=before,
            after=seen,
            log10_e=log10_e,
            seconded=self._second.seen[stream] > since,
            learning=bool(self.reference.share_seen()[stream] < 1),
            since_row=since,
            since_unix_nano=time,
        )

    def _begin(self, stream: int) -> None:
        """Weigh a stream anew."""
        self._detectors.reset(stream)
        self._onsets.forget(stream)

    def close(self, stream: int) -> None:
        """A stream is back, or what it has become is accepted: it is watched for changes again."""
        self.open[stream] = 0.0
        self._begin(stream)
        self._back.reset(stream)
        self.trail.forget(stream)
        self._second.forget(stream)
        self._hold(stream)

    def accept(self, stream: int) -> None:
        """Make the level that an open stream has now the one that is expected."""
        sums = self.trail.sums(stream)
        if self.open[stream] and sums[COUNT]:
            self.reference.accept(stream, float((sums[VALUE] - sums[EXPECTED]) / sums[COUNT]), float(sums[COUNT]))
        self.close(stream)

    def pin(self, stream: int, pinned: bool) -> None:
        """Keep a stream's reference as it is, or let it go on learning."""
        self.pinned[stream] = pinned
        self._hold(stream)

    def reset(self, stream: int) -> None:
        """Forget all that was learned of a stream."""
        self.pinned[stream] = False
        self.close(stream)
        self.reference.reset(stream)
        self._scores.reset(stream)

    def learned(self, stream: int) -> Learned | None:
        """Return a stream's week; None where there is none yet."""
        return learned(
            self.metrics[stream], self.metrics[stream].name, self.reference, stream, bool(self.pinned[stream])
        )

    def _hold(self, stream: int) -> None:
        self.reference.held[stream] = bool(self.open[stream]) or bool(self.pinned[stream])

    def state(self) -> dict[str, Any]:
        return {
            "metrics": [metric.name for metric in self.metrics],
            "parent": self._parent,
            "open": self.open,
            "pinned": self.pinned,
            "thresholds": self._thresholds,
            "reference": self.reference.state(),
            "trail": self.trail.state(),
            "scores": self._scores.state(),
            "detectors": self._detectors.state(),
            "onsets": self._onsets.state(),
            "back": self._back.state(),
            "second": self._second.state(),
        }

    @classmethod
    def restore(cls, budget: Budget, state: Mapping[str, Any]) -> "Levels":
        levels = cls(budget, state["parent"])
        levels.metrics = [metric for name in state["metrics"] if (metric := metric_of(name))]
        levels._rates = np.array([metric.kind is Kind.RATE for metric in levels.metrics], np.bool_)
        levels.open, levels.pinned = state["open"], state["pinned"]
        levels._thresholds = state["thresholds"]
        levels.reference = SeasonalReference.restore(HOURS, state["reference"])
        levels.trail = Trail.restore(state["trail"])
        levels._scores.restore(state["scores"])
        levels._detectors.restore(state["detectors"])
        levels._onsets.restore(state["onsets"])
        levels._back.restore(state["back"])
        levels._second = SecondOpinion.restore(state["second"])
        return levels
