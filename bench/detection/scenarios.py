"""A seed and the sizes of a run go in; out come the races to be run: which streams, and who watches each of them.

All competitors of a scenario see the same streams; who costs more sees fewer of them, or their beginnings.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from bench.detection import ours, rivers
from bench.detection.race import Competitor
from bench.detection.scores import HORIZON, Run
from bench.detection.streams import DAY, METRICS, NULLS, SWAP, Change, Metric, Stream, World, stream

IID, SEASON, WOBBLE = NULLS
SUDDEN_IID, SUDDEN_WOBBLE, RAMP = "sudden, iid", "sudden, season+wobble", "ramp, season"
FLEET, FLEET_WEEKEND = "fleet", "fleet with weekends"
WEEK = 7 * DAY
FLEET_RIVALS = ("River ADWIN 1e-6 on residuals", "CUSUM k .1 h 60 on residuals")
_BOUNDS = ("always fires, every 100 events", "never fires")
_TOUCHED_BY_WEEKENDS: tuple[Metric, ...] = ("latency", "tokens")
_LONG = 600_000  # events of a stream at rest for Sluice
_SHORT = 100_000  # of its beginning for the others
_AT_REST = 3  # streams of each kind that they see
_AT_REST_S, _CHANGED_S = 1.0, 4.0  # of CPU on one stream
_SLOW = "KSWIN"
_REST, _SUDDEN, _SLOW_RAMP, _SEGMENT = range(4)  # seeds of different sections never meet


@dataclass(frozen=True, slots=True)
class Setup:
    """What the world is like and how much of it is drawn.

    Args:
        events: events at rest that Sluice sees, for each metric and kind of rest.
        changes: streams with a change that Sluice sees, for each metric and kind of change; `rivals` and `slow` are how
            many of them the others see, and those that take 150 microseconds an event.
        peers: how many of them the peers of other environments see.
        segments: of the fleet.
        text_runs: streams for each change of texts; `text_events` are texts at rest, for each kind of rest.
    """

    seed: int
    wobble: float = 0.03
    weekend: float = 0.94
    ramp: int = 20_000
    swap: dict[str, float] = field(default_factory=lambda: dict(SWAP))
    events: int = 3_000_000
    segments: int = 100
    changes: int = 40
    rivals: int = 5
    slow: int = 3
    peers: int = 2
    text_runs: int = 20
    text_events: int = 90_000


QUICK = Setup(seed=0, events=100_000, segments=2, changes=3, rivals=1, slow=0, peers=1, text_runs=2, text_events=4_000)


@dataclass(frozen=True, slots=True)
class Entry:
    """A competitor's name, its limit in seconds of CPU, the events after the reference that it sees (None: all), and
    whether it is given the reference beforehand, or learns from nothing. `milder` is the same detector with a lower
    threshold, and stands before it: where that never fired, this one need not be run."""

    name: str
    limit_s: float = math.inf
    live: int | None = None
    learns: bool = False
    milder: str | None = None


_LEARNERS = (Entry(ours.PER_MILLION, learns=True), Entry(ours.WEEKLY, learns=True, milder=ours.PER_MILLION))


@dataclass(frozen=True, slots=True)
class Race:
    """One stream, and who watches it; calling it says what came of that."""

    scenario: str
    metric: Metric
    world: World
    live: int
    change: Change | None
    seeds: tuple[int, ...]
    entries: tuple[Entry, ...]

    def stream(self) -> Stream:
        return stream(self.metric, self.world, np.random.default_rng(self.seeds), self.live, self.change)

    def __call__(self) -> list[Run]:
        of = self.stream()
        runs: dict[str, Run] = {}
        for entry in self.entries:
            milder = runs.get(entry.milder or "")
            if milder is not None and not milder.watched.alarms:
                runs[entry.name] = replace(milder, competitor=entry.name)
            elif of.metric in _by_name()[entry.name].metrics:
                runs[entry.name] = self._run(entry, of)
        return list(runs.values())

    def _run(self, entry: Entry, of: Stream) -> Run:
        shown = replace(beginning(of, entry.live), reference=0 if entry.learns else of.reference)
        watched = _by_name()[entry.name].run(shown, entry.limit_s)
        if entry.learns:  # the week of learning costs what others do before the clock runs
            watched = replace(watched, cpu_s=watched.cpu_s * (1 - of.reference / watched.until))
        return Run(entry.name, of.metric, self.scenario, of.reference, of.change_at, watched)


def beginning(of: Stream, live: int | None) -> Stream:
    """Return a stream with at most so many events after the reference."""
    end = None if live is None else of.reference + live
    return replace(of, values=of.values[:end], times=of.times[:end])


@cache
def _by_name() -> dict[str, Competitor]:
    return {each.name: each for each in (*ours.competitors(), *rivers.competitors())}


def nulls(setup: Setup) -> Iterator[Race]:
    """Yield streams at rest."""
    kinds = {**NULLS, WOBBLE: World(wobble=setup.wobble)}
    live = min(_LONG, setup.events)
    for at, (scenario, world) in enumerate(kinds.items()):
        for metric, number in _numbered(math.ceil(setup.events / live)):
            entries = list(_LEARNERS)
            entries += [Entry(each, _AT_REST_S, _SHORT) for each in _rivals(setup, number) if number < _AT_REST]
            yield Race(scenario, metric, world, live, None, _seeds(setup, _REST, at, metric, number), tuple(entries))


def changes(setup: Setup) -> Iterator[Race]:
    """Yield streams in which something changes."""
    kinds = {
        SUDDEN_IID: (_SUDDEN, NULLS[IID], 0),
        SUDDEN_WOBBLE: (_SUDDEN, World(wobble=setup.wobble), 0),
        RAMP: (_SLOW_RAMP, NULLS[SEASON], setup.ramp),
    }
    for at, (scenario, (section, world, ramp)) in enumerate(kinds.items()):
        for metric, number in _numbered(setup.changes):
            entries = [Entry(each.name) for each in ours.competitors()]
            entries += [Entry(each, _CHANGED_S) for each in _rivals(setup, number)]
            change = Change(setup.swap[metric], ramp)
            seeds = _seeds(setup, section, at, metric, number)
            yield Race(scenario, metric, world, HORIZON, change, seeds, tuple(entries))


def fleets(setup: Setup) -> Iterator[Race]:
    """Yield the segments of the fleet, a week each after the week in which Sluice learns."""
    entries = [*_LEARNERS, *(Entry(name) for name in (*_BOUNDS, *FLEET_RIVALS))]
    for at, (scenario, weekend) in enumerate(((FLEET, 1.0), (FLEET_WEEKEND, setup.weekend))):
        world = World(wobble=setup.wobble, weekend=weekend)
        for metric, number in _numbered(setup.segments):
            if weekend == 1.0 or metric in _TOUCHED_BY_WEEKENDS:
                seeds = _seeds(setup, _SEGMENT, at, metric, number)
                yield Race(scenario, metric, world, WEEK, None, seeds, tuple(entries))


def for_peers(setup: Setup, metrics: Sequence[Metric]) -> Iterator[tuple[str, Stream]]:
    """Draw the first streams of each kind, with their scenario: of those at rest only the beginning."""
    for race in nulls(setup):
        if race.metric in metrics and race.seeds[-1] == 0:
            yield race.scenario, beginning(race.stream(), _SHORT)
    for race in changes(replace(setup, changes=setup.peers)):
        if race.metric in metrics and race.scenario != RAMP:
            yield race.scenario, race.stream()


def _rivals(setup: Setup, number: int) -> list[str]:
    """Return who, besides Sluice, sees the stream of this number."""
    names = [each.name for each in rivers.competitors()]
    return [name for name in names if number < (setup.slow if _SLOW in name else setup.rivals)]


def _numbered(streams: int) -> Iterator[tuple[Metric, int]]:
    return ((metric, number) for metric in METRICS for number in range(streams))


def _seeds(setup: Setup, section: int, at: int, metric: Metric, number: int) -> tuple[int, ...]:
    return setup.seed, section, at, METRICS.index(metric), number
