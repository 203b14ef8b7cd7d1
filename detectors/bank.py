"""All detectors of one segment: measurements go in, each once; scores and signals come out; the state is bytes."""

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly import RobustMahalanobis
from detectors.base import METRICS, DriftWatch, Measurements, Signal, levels, natural
from detectors.drift import DELTA, Adwin
from detectors.sealed import StateRefused
from detectors.trail import Trail

WATCHED = ("error", "duration_s", "output_tokens", "output_chars")
_COLUMNS = [METRICS.index(metric) for metric in WATCHED]
LATEST = np.iinfo(np.int64).max
HELD_BYTES = 600_000
# A pickle of other classes, ours or River's, may be read wrong without a word: raise the number when ours change.
_HEADER = f"sluice segment state 3, river {version('river')}\n".encode()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was watched, in order of event time: the inferences with their times (int64[n], nanoseconds) and `scores`
    (float64[n], in (0, 1), NaN while there is nothing to compare with), and the signals that fired."""

    inference_id: list[str]
    time_unix_nano: NDArray[np.int64]
    scores: NDArray[np.float64]
    signals: list[Signal]


@dataclass(frozen=True, slots=True)
class _Held:
    """Rows taken and not watched yet, in order of taking: times (int64[n]), levels (float64[n, 6]), ids."""

    times: NDArray[np.int64]
    rows: NDArray[np.float64]
    ids: list[str]


class SegmentBank:
    """The detectors of one segment and what they have seen.

    Every response is counted once: `seen` holds the last position of each source, and rows up to it are
    dropped, so a restart, a rebalance or a replay gives the same signals at the same inferences. How the rows are cut
    into blocks changes nothing.

    Parameters
    ----------
    delta
        ADWIN's confidence, in (0, 1); see `detectors.drift.Adwin`.
    watches
        What watches each metric of WATCHED; without it, ADWIN.

    >>> rng = np.random.default_rng(2)
    >>> def answers(first, n, seconds):
    ...     return Measurements(
    ...         source=np.zeros(n, np.int64),
    ...         position=np.arange(first, first + n),
    ...         time_unix_nano=np.arange(first, first + n) * 10**9,
    ...         inference_id=[f"inference-{i}" for i in range(first, first + n)],
    ...         values={"error": np.zeros(n), "duration_s": seconds * rng.lognormal(0, 0.3, n)},
    ...     )
    >>> bank = SegmentBank()
    >>> bank.process(answers(0, 4000, seconds=0.8)).signals
    []
    >>> slower = answers(4000, 1000, seconds=1.6)
    >>> signal, = bank.process(slower).signals
    >>> signal.metric, signal.direction, signal.inference_id, signal.since_event
    ('duration_s', 'up', 'inference-4031', 4000)
    >>> f"{signal.mean_before:.1f} s -> {signal.mean_after:.1f} s"
    '0.8 s -> 1.6 s'
    >>> SegmentBank.loads(bank.dumps()).process(slower).inference_id  # twice is once
    []
    """

    def __init__(self, delta: float = DELTA, watches: Mapping[str, DriftWatch] | None = None) -> None:
        self.delta = delta
        self.seen: dict[int, int] = {}
        self._anomaly = RobustMahalanobis()
        self._watches = dict(watches) if watches is not None else {metric: Adwin(delta) for metric in WATCHED}
        self._trail = Trail(len(WATCHED))
        self._held = _Held(np.empty(0, np.int64), np.empty((0, len(METRICS))), [])
        if not set(WATCHED).issuperset(self._watches):
            raise ValueError(f"Only {', '.join(WATCHED)} are watched, not all of {', '.join(self._watches)}")

    def process(self, measurements: Measurements) -> Verdict:
        """Take the next block of any size and watch it at once."""
        self.take(measurements)
        return self.release()

    def take(self, measurements: Measurements) -> None:
        """Hold what was not seen before, until `release`."""
        new = self._unseen(measurements.source, measurements.position)
        rows = levels(measurements.values, len(measurements.inference_id))[new]
        held = self._held
        self._held = _Held(
            np.concatenate([held.times, measurements.time_unix_nano[new]]),
            np.concatenate([held.rows, rows]),
            held.ids + [measurements.inference_id[row] for row in new.tolist()],
        )

    @property
    def holds(self) -> int:
        """How many rows wait for their release."""
        return len(self._held.ids)

    def release(self, until: int = LATEST) -> Verdict:
        """Score and watch, in order of event time, what is held and not later than `until`, nanoseconds.

        Sources are read an hour of one and then the same hour of the next. Taken as they come, a change
        would begin and end with every fetch while a worker catches up; whoever knows how far all of them have come
        releases what is complete. Rows over HELD_BYTES are released early, the oldest first: state has to fit into a
        message.
        """
        held, order = self._held, np.argsort(self._held.times, kind="stable")
        complete = int(np.searchsorted(held.times[order], until, side="right"))
        ready = order[: max(complete, self.holds - self._room())]
        waiting = np.sort(order[len(ready) :])
        ids = [held.ids[row] for row in ready.tolist()]
        rows, times = held.rows[ready], held.times[ready]
        self._held = _Held(held.times[waiting], held.rows[waiting], [held.ids[row] for row in waiting.tolist()])
        scores = self._anomaly.score_learn_many(rows)
        return Verdict(ids, times, scores, self._watch(rows[:, _COLUMNS], times, ids))

    def _room(self) -> int:
        longest = max(map(len, self._held.ids), default=0)
        return HELD_BYTES // (longest + self._held.rows.itemsize * (len(METRICS) + 1))

    def rearm(self, delta: float) -> None:
        """Watch with this delta from here on; where it is another one, ADWIN starts anew, and all else stays."""
        if delta != self.delta:
            self.delta = delta
            self._watches = {metric: Adwin(delta) for metric in WATCHED}
            for column in range(len(WATCHED)):
                self._trail.forget(column)

    def dumps(self) -> bytes:
        """Return the whole state. Seal it before it leaves (`detectors.sealed`): it is a pickle."""
        return _HEADER + zlib.compress(pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL), level=1)

    @classmethod
    def loads(cls, payload: bytes) -> "SegmentBank":
        """Read what `dumps` wrote and `unseal` has checked. Raises StateRefused for another version's state."""
        header, line, pickled = payload.partition(b"\n")
        if header + line != _HEADER:
            raise StateRefused(
                f"The state was written as {header[:60]!r}, this Sluice reads {_HEADER[:-1]!r}: "
                "run one version on all workers; after an upgrade the segment learns anew."
            )
        bank: SegmentBank = pickle.loads(zlib.decompress(pickled))  # noqa: S301  # its signature has been checked
        return bank

    def _unseen(self, source: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that are new, in order, and remember them."""
        new = np.zeros(len(position), np.bool_)
        for each in set(source.tolist()):
            rows = np.flatnonzero(source == each)
            reached = np.maximum.accumulate(np.concatenate(([self.seen.get(each, -1)], position[rows])))
            new[rows] = position[rows] > reached[:-1]
            self.seen[each] = int(reached[-1])
        return np.flatnonzero(new)

    def _watch(self, rows: NDArray[np.float64], times: NDArray[np.int64], ids: list[str]) -> list[Signal]:
        """Feed the drift detectors, and where one fires ask the trail, brought up to that row, what changed."""
        fired = sorted(
            (row, column)
            for metric, watch in self._watches.items()
            for column in [WATCHED.index(metric)]
            for row in watch.watch(rows[:, column])
        )
        signals, start = [], 0
        for row, column in fired:
            self._trail.extend(rows[start : row + 1], times[start : row + 1], ids[start : row + 1])
            start = row + 1
            signals += self._signals(column, int(times[row]), ids[row])
            self._trail.forget(column)
        self._trail.extend(rows[start:], times[start:], ids[start:])
        return signals

    def _signals(self, column: int, time: int, inference_id: str) -> list[Signal]:
        """Say what the trail knows of a change that was noticed at its newest inference."""
        change = self._trail.change(column)
        if change is None:
            return []
        metric = WATCHED[column]
        return [
            Signal(
                metric=metric,
                detector=self._watches[metric].name,
                direction="up" if change.mean_after > change.mean_before else "down",
                mean_before=natural(metric, change.mean_before),
                mean_after=natural(metric, change.mean_after),
                count_before=change.count_before,
                count_after=change.count_after,
                event=self._trail.events - 1,
                since_event=change.since_event,
                time_unix_nano=time,
                since_unix_nano=change.since_unix_nano,
                inference_id=inference_id,
                examples_before=change.examples_before,
                examples_after=change.examples_after,
            )
        ]
