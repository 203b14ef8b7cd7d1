"""All detectors of one segment: measurements go in, each once; scores and signals come out; the state is bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import anomaly
from detectors.afterwards import Afterwards
from detectors.anomaly import RobustMahalanobis
from detectors.base import Estimate, Gone, Measurements, Opening, Signal
from detectors.budget import Budget
from detectors.cases import Cases
from detectors.drift import Drift, Taken
from detectors.episodes import SPREAD, Alarm
from detectors.held import LATEST, Held, part
from detectors.learned import Shapes
from detectors.minutes import MinuteWatch
from detectors.packed import pack, unpack
from detectors.recent import Recent
from detectors.sealed import NO_STATE, StateRefused
from detectors.text_watch import Said, TextWatch

VERSION = 6  # of the state: raise it when what is kept changes its meaning
OBEYED = 64  # commands that are remembered, so that what Kafka delivers twice is obeyed once
_MINUTE = ("minute silence", "minute level", SPREAD)  # by what minutes are watched
_NEVER = np.iinfo(np.int64).min
Action = Literal["accept", "pin", "unpin", "reset"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was watched, in order of event time: the answered inferences with their times (int64[n], nanoseconds) and
    `scores` (float64[n], in (0, 1), NaN while there is nothing to compare with), and the signals, in order."""

    inference_id: list[str]
    time_unix_nano: NDArray[np.int64]
    scores: NDArray[np.float64]
    signals: list[Signal]


class Resting:
    """What stays awake of a bank whose state is kept: its minutes, and how far it knows that event time has come.

    `shaped` says whether it has a week that a young segment may lean on.
    """

    __slots__ = ("_minutes", "latest", "shaped")

    def __init__(self, minutes: MinuteWatch, latest: int, shaped: bool) -> None:
        self._minutes = minutes
        self.latest = latest
        self.shaped = shaped

    def hear(self, reached: int) -> bool:
        """Hear how far event time has come elsewhere; return whether the bank has something to say about it."""
        if reached <= self.latest:
            return False
        self.latest = reached
        return bool(self._minutes.advance(reached))


class SegmentBank:
    """The detectors of one segment and what they have seen.

    Every row is counted once (`detectors.held`), so a restart, a rebalance or a replay gives the same signals at the
    same inferences, and how the rows are cut into blocks changes nothing.

    Parameters
    ----------
    budget
        How many false alarms are accepted.
    parent
        The shapes of the weeks of segments like this one, to lean on while it is young.

    >>> rng = np.random.default_rng(2)
    >>> def answers(first, n, seconds):
    ...     return Measurements(
    ...         source=np.zeros(n, np.int64),
    ...         position=np.arange(first, first + n),
    ...         time_unix_nano=np.arange(first, first + n) * 10**9,
    ...         inference_id=[f"inference-{i}" for i in range(first, first + n)],
    ...         values={"error": np.zeros(n), "duration_s": seconds * rng.lognormal(0, 0.3, n)},
    ...     )
    >>> bank = SegmentBank(Budget(segments=100, false_alarms=1.0))
    >>> bank.process(answers(0, 4000, seconds=0.8)).signals
    []
    >>> slower = answers(4000, 1000, seconds=1.6)
    >>> signal, *_ = bank.process(slower).signals
    >>> signal.metric, signal.direction, signal.inference_id, signal.since_event
    ('duration_s', 'up', 'inference-4017', 3997)
    >>> f"{signal.before.mean:.1f} s -> {signal.after.mean:.1f} s"
    '0.8 s -> 1.6 s'
    >>> SegmentBank.loads(bank.dumps(), bank.budget).process(slower).inference_id  # twice is once
    []
    """

    def __init__(self, budget: Budget, parent: Shapes | None = None) -> None:
        self.budget = replace(budget, streams=1)
        self.held = Held()
        self.drift = Drift(self.budget, parent)
        self.learned: set[str] = set()  # metrics whose reference is another than when this was last emptied
        self._afterwards = Afterwards()
        self._anomaly = RobustMahalanobis()
        self._minutes = MinuteWatch()
        self._texts = TextWatch(self.budget)
        self._recent = Recent()
        self._cases = Cases()
        self._obeyed: list[str] = []
        self.latest = _NEVER  # event time, nanoseconds

    def process(self, measurements: Measurements) -> Verdict:
        """Take the next block of any size and watch it at once."""
        self.take(measurements)
        return self.release()

    def take(self, measurements: Measurements) -> None:
        """Hold what was not seen before, until `release`."""
        self.held.take(measurements)

    @property
    def holds(self) -> int:
        """How many rows wait for their release."""
        return len(self.held)

    @property
    def fresh(self) -> bool:
        """Whether nothing has been taken yet."""
        return not self.held.seen

    def unplace(self) -> None:
        """Forget places in Kafka, and what waits: for a state that goes on where another Kafka begins."""
        self.held = Held()

    def rest(self) -> Resting:
        """Return what stays awake when its state is kept, and it is dropped. It has to hold no row.

        Woken from its state, it is told by `release` what it missed: with the same signals as if it had stayed awake.
        """
        return Resting(self._minutes, self.latest, bool(self.drift.levels.shapes()))

    def release(self, until: int = LATEST, reached: int = _NEVER) -> Verdict:
        """Score and watch, in order of event time, what is held and not later than `until`, nanoseconds.

        `reached` is how far event time has come elsewhere: a segment that stops is noticed by it.
        """
        rows = self.held.release(until)
        answered = np.flatnonzero(~np.isnan(rows.values.get("error", np.full(len(rows.inference_id), np.nan))))
        scores = self._anomaly.score_learn_many(
            anomaly.levels({name: column[answered] for name, column in rows.values.items()}, len(answered))
        )
        signals = list(self._watch(rows))
        reached = min(until, reached)
        # What still waits is later than `until`. Feedback may always wait: that is no answer.
        if reached > self.latest:
            self.latest = reached
            signals += self._minute_signals(self._minutes.advance(reached), self._recent.rows - 1)
        ids = [rows.inference_id[row] for row in answered.tolist()]
        return Verdict(ids, rows.time_unix_nano[answered], scores, signals)

    def obey(self, command_id: str, action: Action, metric: str, time: int) -> list[Signal]:
        """Do what a person says about a metric, or about all ("*"); what was obeyed before changes nothing."""
        if command_id in self._obeyed:
            return []
        self._obeyed = [*self._obeyed, command_id][-OBEYED:]
        signals: list[Signal | None] = []
        for name in ["traffic", *self.drift.names(), *self._texts.sides()] if metric == "*" else [metric]:
            if action in ("accept", "reset"):
                detectors = (*self._texts.accept(name), *self.drift.detectors(name), *_MINUTE)
                getattr(self.drift, action)(name)
                self._minutes.accept(name)
                signals += [self._cases.returned(name, each, max(time, self.latest)) for each in detectors]
            else:
                self.drift.pin(name, pinned=action == "pin")
            self.learned.add(name)
        return [signal for signal in signals if signal]

    def forget(self, gone: Gone, name: Callable[[Signal], str]) -> int:
        """Forget inferences by their ids, wherever they wait or are examples; return how often there was one.

        What was learned of their numbers stays. `name` says what a finding is called, before it loses its inference.
        """
        return self.held.forget(gone) + self._recent.forget(gone) + self._cases.forget(gone, name)

    def _watch(self, rows: Measurements) -> Iterator[Signal]:
        values = self._afterwards.among(rows.values, len(rows.inference_id))
        for taken in self.drift.walk(rows.time_unix_nano, values, rows.words):
            piece = part(rows, taken.start, taken.stop)
            first = self._recent.rows
            times = np.maximum.accumulate(np.maximum(piece.time_unix_nano, self.latest))
            self._recent.extend(piece.inference_id, times, taken.scores, piece.words)
            self.learned |= set(taken.learned)
            minutes = self._take_minutes(piece, times, first)
            texts = sorted(self._texts.take(piece, first), key=lambda said: (said.row, said.side))
            # Row by row, as if they had come one by one.
            for row in sorted({*(row for row, _ in minutes), *(said.row for said in texts)}):
                yield from self._minute_signals([alarm for at, alarm in minutes if at == row], row)
                for said in texts:
                    if said.row == row:
                        yield from self._text_signals(said, piece, first)
            yield from self._drift_signals(taken, piece, first)
            self.latest = int(times[-1])

    def _take_minutes(self, piece: Measurements, times: NDArray[np.int64], first: int) -> list[tuple[int, Alarm]]:
        """Return alarms with the row that ended their minute: the first answer of a later one."""
        unknown = np.full(len(times), np.nan)
        self._minutes.log_threshold = self.budget.log_weekly(11)
        columns = [piece.values.get(name, unknown) for name in ("error", "duration_s", "output_tokens")]
        answered = ~np.isnan(columns[0])
        error, duration, tokens = (column[answered] for column in columns)
        alarms = self._minutes.take(times[answered], error, duration, tokens)
        ends = np.searchsorted(times[answered], np.array([alarm.said_unix_nano for alarm in alarms], np.int64))
        return list(zip((np.flatnonzero(answered)[ends] + first).tolist(), alarms, strict=True))

    def _drift_signals(self, taken: Taken, piece: Measurements, first: int) -> Iterator[Signal]:
        row, said = first + len(piece.inference_id) - 1, piece
        time = int(said.time_unix_nano[-1])
        for metric, detector in taken.returned:
            closed = self._cases.returned(metric, detector, time)
            if closed:
                yield closed
        latest: dict[str, Signal] = {}
        for opening in taken.opened:
            stream = self.drift.stream(opening.metric)
            signal = self._cases.opened(self._signal(opening, row, time, said.inference_id[-1], stream))
            latest[f"{signal.metric} {signal.inference_id}"] = signal
        yield from latest.values()

    def _signal(self, opening: Opening, row: int, time: int, inference_id: str, stream: int | None) -> Signal:
        return Signal(
            state="open",
            metric=opening.metric,
            detector=opening.detector,
            subject=opening.subject,
            direction=opening.direction,
            before=opening.before,
            after=opening.after,
            log10_e=opening.log10_e,
            seconded=opening.seconded,
            learning=opening.learning,
            event=row,
            since_event=opening.since_row,
            time_unix_nano=time,
            said_unix_nano=time,
            since_unix_nano=opening.since_unix_nano,
            inference_id=inference_id,
            examples_before=self._recent.before(opening.since_row),
            examples_after=self._recent.after(opening.since_row, row, stream, opening.direction),
            slices=self._recent.slices(stream, opening.since_row) if stream is not None else (),
            versions=self._recent.versions(opening.since_unix_nano, time),
        )

    def _text_signals(self, said: Said, piece: Measurements, first: int) -> Iterator[Signal]:
        at = said.row - first
        time, inference_id = int(piece.time_unix_nano[at]), piece.inference_id[at]
        if said.opening is None:
            closed = self._cases.returned(said.side, said.detector, time)
            if closed:
                yield closed
        else:
            yield self._cases.opened(self._signal(said.opening, said.row, time, inference_id, None))

    def _minute_signals(self, alarms: list[Alarm], row: int) -> Iterator[Signal]:
        """Say alarms that became known at a row. They are about the last inference before their minute's end."""
        for alarm in alarms:
            metric, detector = ("traffic" if alarm.number == "answers" else alarm.number), f"minute {alarm.kind}"
            if alarm.state == "returned":
                closed = self._cases.returned(metric, detector, alarm.said_unix_nano)
                if closed:
                    yield closed
                continue
            last = self._recent.row_at(alarm.said_unix_nano, row) - 1
            since = self._recent.row_at(alarm.since_unix_nano, row)
            opening = Opening(
                metric=metric,
                detector=detector,
                subject="",
                direction=alarm.direction,
                before=Estimate(alarm.expected, alarm.expected, alarm.expected, 0),
                after=Estimate(alarm.seen, alarm.seen, alarm.seen, 0),
                log10_e=alarm.log10_evidence,
                seconded=False,
                learning=False,
                since_row=since,
                since_unix_nano=alarm.since_unix_nano,
            )
            inference_id = next(reversed(self._recent.before(last + 1)), "")  # none where all were forgotten
            signal = self._signal(opening, last, alarm.time_unix_nano, inference_id, None)
            yield self._cases.opened(replace(signal, said_unix_nano=alarm.said_unix_nano))

    def dumps(self) -> bytes:
        """Return the whole state. Seal it before it leaves (`detectors.sealed`): River's part of it is a pickle."""
        return pack(
            {
                "version": VERSION,
                "held": self.held.state(),
                "drift": self.drift.state(),
                "afterwards": self._afterwards.state(),
                "anomaly": self._anomaly.state(),
                "minutes": self._minutes.state(),
                "texts": self._texts.state(),
                "recent": self._recent.state(),
                "cases": self._cases.state(),
                "obeyed": self._obeyed,
                "latest": self.latest,
            }
        )

    @classmethod
    def loads(cls, payload: bytes, budget: Budget) -> "SegmentBank":
        """Read what `dumps` wrote and `unseal` has checked. Raises StateRefused for anything else."""
        state = unpack(payload)
        version = state.get("version")
        if type(version) is not int or version != VERSION:
            raise StateRefused(
                f"The state is of version {version!r:.40}, this Sluice reads {VERSION}: run one version on all "
                "workers; after an upgrade the segment learns anew."
            )
        try:
            return cls._restored(state, budget)
        except NO_STATE as wrong:
            raise StateRefused(
                f"This is no segment's state ({type(wrong).__name__}): nothing to repair, it learns anew."
            ) from None

    @classmethod
    def _restored(cls, state: Mapping[str, Any], budget: Budget) -> "SegmentBank":
        bank = cls(budget)
        bank.held = Held.restore(state["held"])
        bank.drift = Drift.restore(bank.budget, state["drift"])
        bank._afterwards = Afterwards.restore(state["afterwards"])
        bank._anomaly = RobustMahalanobis.restore(state["anomaly"])
        bank._minutes = MinuteWatch.restore(state["minutes"])
        bank._texts = TextWatch.restore(bank.budget, state["texts"])
        bank._recent, bank._cases = Recent.restore(state["recent"]), Cases.restore(state["cases"])
        bank._obeyed, bank.latest = list(state["obeyed"]), state["latest"]
        return bank
