"""What users, keys or tenants of a shard use goes in, each row once; out come the few who use far more than usual."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone, Measurements, Signal, Words
from detectors.held import LATEST, Held, select
from detectors.packed import pack, unpack
from detectors.rolling import HOUR_NS, SHIFT_NS, SPANS, WEEK, Piece, Rolling
from detectors.sealed import NO_STATE, StateRefused
from detectors.usage_level import Calls, Quantity
from detectors.usage_signals import Place, UsageSignals
from detectors.usage_watch import Opening, UsageWatch

VERSION = 1
KINDS = ("user", "key", "tenant")
QUANTITIES = (
    Quantity("usage.tokens", "tokens", quantum=1 / 16),
    Quantity("usage.cost_usd", "cost_usd", quantum=1e-8),
    Quantity("usage.errors", "errors", quantum=2**-10, counted=True, of_calls=True),
    Quantity("usage.feedback", "feedback", quantum=2**-10, counted=True),
)
LOG_THRESHOLD = 10.0  # exp(-10) an hour is a false alarm of a quantity in 131 weeks
_CALL = 2.0**10  # quanta
_WEEK_NS = 168 * HOUR_NS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was watched, in order of event time, with the signals that opened, were joined or closed."""

    inference_id: list[str]
    time_unix_nano: NDArray[np.int64]
    signals: list[Signal]


class UsageBank:
    """Watches one shard's users, keys or tenants, in memory that does not grow with how many they are.

    Blocks hold a column of words, named for what they are about (KINDS), and of the numbers "tokens", "cost_usd",
    "errors" and "feedback" (0 or 1) what is known; "errors" is known of every call and of nothing else. Rows that name
    nobody are dropped. How rows are cut into blocks, restarts and replays change no signal. Nothing is said in the
    first two days of a quantity. A user's quantities that go over their limits together are one incident.

    Measured on seeds that nothing was chosen by: users by Zipf's law (1.1), a day's season of 60%, tokens log-normal
    (0.9), 4 weeks of 4 quantities. Signals are those of 100 quantities in a week with nothing wrong. Minutes are the
    median until the k-th user, calling 50 times as much for 6 hours, is named (5 runs, 8 of the small shard):

    ====================================  ======  =======  ==================================================
    a shard's calls a day                 shards  signals  minutes, k = 3, 10, 30, 100, 300
    ====================================  ======  =======  ==================================================
    20,000                                    10      0.6  3, 8, 22, 83, never
    20,000, in runs of 6 on average           10      0.6
    1,250                                     40      0.8  23, 56, 199 (and 1 of 8 missed), never, never
    1,250, in runs of 6 on average            40      0.0
    ====================================  ======  =======  ==================================================

    Who is never named takes less than about 3% of a busy shard even then. 600 errors of a key in an hour are named
    after 2 minutes, 300 thumbs in ten minutes after 1, both by the 21st. All quantities together take 3.7 µs a row in
    blocks of 1,000 (5.5 at 1,250 a day), 30 to 60 KB of state and 1.2 MB of memory.

    Parameters
    ----------
    log_threshold
        -log of the accepted chance that an hour of a quantity at rest gives a false alarm; may be set at any time.
    """

    def __init__(self, log_threshold: float = LOG_THRESHOLD) -> None:
        self.log_threshold = log_threshold
        self.events = 0
        self._held = Held()
        self._time = 0
        self._calls = Rolling()
        self._watches = [UsageWatch(quantity) for quantity in QUANTITIES]
        self._said = UsageSignals()

    @property
    def holds(self) -> int:
        """How many rows wait for their release."""
        return len(self._held)

    @property
    def fresh(self) -> bool:
        """Whether nothing has been taken yet."""
        return not self._held.seen

    def unplace(self) -> None:
        """Forget places in Kafka, and what waits: for a state that goes on where another Kafka begins."""
        self._held = Held()

    def take(self, block: Measurements) -> None:
        """Hold what was not seen before, until `release`."""
        self._held.take(block)

    def release(self, until: int = LATEST) -> Verdict:
        """Watch, in order of event time, what is held and not later than `until`, nanoseconds."""
        rows = self._held.release(until)
        who = next((rows.words[kind] for kind in KINDS if kind in rows.words), None)
        if who is None:
            return Verdict([], np.empty(0, np.int64), [])
        named = select(rows, np.flatnonzero(who.codes >= 0))
        who = next(named.words[kind] for kind in KINDS if kind in named.words)
        times = np.maximum.accumulate(np.maximum(named.time_unix_nano, self._time))
        shifts = times // SHIFT_NS
        signals: list[Signal] = []
        for start in np.flatnonzero(np.diff(shifts, prepend=-1)).tolist():
            stop = int(np.searchsorted(shifts, shifts[start], side="right"))
            self._turn(int(shifts[start]))
            minute = times[start:stop] % SHIFT_NS // (HOUR_NS // 60)
            ids, codes = named.inference_id[start:stop], who.codes[start:stop]
            piece = Piece(self.events, times[start:stop], minute, Words(codes, who.labels), ids)
            signals += self._watch(piece, {name: column[start:stop] for name, column in named.values.items()})
        return Verdict(named.inference_id, named.time_unix_nano, signals)

    def forget(self, gone: Gone, name: Callable[[Signal], str]) -> int:
        """Forget users and inferences by their ids, wherever they are; return how often there was one.

        `name` says what a finding is called, before it loses its inference.
        """
        watched = sum(watch.forget(gone) for watch in self._watches)
        return self._held.forget(gone) + self._calls.heavy.forget(gone) + watched + self._said.forget(gone, name)

    def dumps(self) -> bytes:
        """Return the whole state."""
        calls, watches = self._calls.state(), [watch.state() for watch in self._watches]
        numbers: dict[str, int] = {}
        for heavy in _summaries(calls, watches):  # mostly of the same users, whose names are most of the state
            heavy["users"] = np.array([numbers.setdefault(user, len(numbers)) for user in heavy["users"]], np.int32)
        state: dict[str, Any] = {
            "version": VERSION,
            "log_threshold": self.log_threshold,
            "events": self.events,
            "time": self._time,
        }
        state |= {"calls": calls, "watches": watches, "users": list(numbers), "said": self._said.state()}
        return pack(state | {"held": self._held.state()})

    @classmethod
    def loads(cls, payload: bytes) -> "UsageBank":
        """Read what `dumps` wrote. Raises StateRefused for anything else."""
        state = unpack(payload)
        version = state.get("version")
        if type(version) is not int or version != VERSION:
            raise StateRefused(f"Usage of version {version!r:.40}, this Sluice reads {VERSION}: it learns anew.")
        try:
            for heavy in _summaries(state["calls"], state["watches"]):
                heavy["users"] = [state["users"][number] for number in heavy["users"]]
            bank = cls(state["log_threshold"])
            bank.events, bank._time = state["events"], state["time"]
            bank._held, bank._calls = Held.restore(state["held"]), Rolling.restore(state["calls"])
            pairs = zip(QUANTITIES, state["watches"], strict=True)
            bank._watches = [UsageWatch.restore(quantity, watch) for quantity, watch in pairs]
            bank._said = UsageSignals.restore(state["said"])
        except NO_STATE as wrong:
            raise StateRefused(
                f"This is no usage ({type(wrong).__name__}): nothing to repair, it learns anew."
            ) from None
        return bank

    def _turn(self, shift: int) -> None:
        """Begin a shift, if it is another one than that of the latest row."""
        latest = self._time // SHIFT_NS
        if shift > latest:
            passed = shift - latest if self.events else 0
            for watch in self._watches:
                watch.turn(shift, passed, shift * SHIFT_NS)
            self._calls.turn(shift, passed)

    def _watch(self, piece: Piece, values: dict[str, NDArray[np.float64]]) -> Iterator[Signal]:
        """Watch rows of one shift."""
        self.events += len(piece)
        self._time = int(piece.time_unix_nano[-1])
        unknown = np.full(len(piece), np.nan)
        calls = self._count(piece, np.flatnonzero(values.get("errors", unknown) >= 0))
        said = [
            (row, number, user, opening)
            for number, watch in enumerate(self._watches)
            for row, user, opening in watch.watch(
                piece, values.get(QUANTITIES[number].column, unknown), calls, self.log_threshold
            )
        ]
        for row, number, user, opening in sorted(said, key=lambda each: each[:3]):
            metric, time = QUANTITIES[number].metric, int(piece.time_unix_nano[row])
            if opening is None:
                signal = self._said.closed(user, metric, time)
            else:
                place = Place(
                    piece.event + row, time, piece.inference_id[row], self._calls_of(user, row, opening, calls)
                )
                signal = self._said.opened(user, metric, opening, place, learning=time - self._calls.start < _WEEK_NS)
            if signal is not None:
                yield signal

    def _calls_of(self, user: str, row: int, opening: Opening, calls: Calls) -> tuple[int, int]:
        """Return a user's calls of the last week, faded, and of the window that is over its limit."""
        usual, now = self._calls.heavy.count(user)[WEEK] / _CALL, calls.least[row] * SPANS
        return round(float(usual)), round(float(now[opening.window]))

    def _count(self, piece: Piece, rows: NDArray[np.int64]) -> Calls:
        """Count the calls, at `rows`, of their users."""
        calls, least = self._calls, np.zeros((len(piece), len(SPANS)))
        most = np.zeros_like(least)
        if len(rows):
            calls.known_from(int(piece.time_unix_nano[rows[0]]))
        while len(rows):
            fit = calls.heavy.fits(Words(piece.who.codes[rows], piece.who.labels))
            now, rows = rows[:fit], rows[fit:]
            minute = piece.minute[now]
            had, _ = calls.add(Words(piece.who.codes[now], piece.who.labels), minute, np.full(fit, _CALL))
            least[now] = calls.rates(had, minute) / _CALL
            most[now] = calls.rates(had + calls.heavy.missing, minute) / _CALL
            if len(rows):
                calls.heavy.prune()
        return Calls(least, most, float(calls.usual(calls.totals[None])[0]) / _CALL)


def _summaries(calls: dict[str, Any], watches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [calls["heavy"], *(watch["level"]["rolling"]["heavy"] for watch in watches)]
