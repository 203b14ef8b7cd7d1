"""A seed makes the same races for everybody, and a world's settings reach its streams."""

from dataclasses import replace

import numpy as np
import pytest

from bench.detection import scenarios
from bench.detection.ours import PER_MILLION, WEEKLY, Ours, competitors, cost_together
from bench.detection.scenarios import FLEET, FLEET_WEEKEND, QUICK, RAMP, SUDDEN_IID, WEEK, WOBBLE, Entry, Race, Setup
from bench.detection.streams import METRICS, Change, World, sized, stream

SMALL = World(day=1500)


def _race(entries: tuple[Entry, ...], change: Change | None = None, live: int = 3000) -> Race:
    return Race("small", "latency", SMALL, live, change, (1, 2), entries)


def test_no_two_streams_are_drawn_with_the_same_seeds() -> None:
    races = [*scenarios.nulls(QUICK), *scenarios.changes(QUICK), *scenarios.fleets(QUICK)]
    assert len({race.seeds for race in races}) == len(races)
    assert {race.seeds[0] for race in races} == {QUICK.seed}


def test_settings_reach_the_streams() -> None:
    setup = Setup(3, wobble=0.01, weekend=0.5, ramp=7, swap={"error": 9, "latency": 8, "tokens": 7, "mix": 0.1})
    assert {race.world.wobble for race in scenarios.nulls(setup) if race.scenario == WOBBLE} == {0.01}
    weekends = {(race.scenario, race.world.weekend) for race in scenarios.fleets(setup)}
    assert weekends == {(FLEET, 1.0), (FLEET_WEEKEND, 0.5)}
    changed = {(race.metric, race.change) for race in scenarios.changes(setup) if race.scenario == RAMP}
    assert ("latency", Change(8, 7)) in changed
    assert all(
        race.change and race.change.ramp == 0 for race in scenarios.changes(setup) if race.scenario == SUDDEN_IID
    )


def test_as_many_events_at_rest_are_drawn_as_asked_for() -> None:
    setup = Setup(3, events=1_500_000)
    drawn = [race.live for race in scenarios.nulls(setup) if (race.scenario, race.metric) == (WOBBLE, "mix")]
    assert sum(drawn) >= 1_500_000


def test_peers_see_what_the_others_see() -> None:
    shown = dict(scenarios.for_peers(replace(QUICK, events=20_000), ["error"]))
    theirs = shown[SUDDEN_IID]
    ours = next(race for race in scenarios.changes(QUICK) if (race.scenario, race.metric) == (SUDDEN_IID, "error"))
    assert np.array_equal(theirs.values, ours.stream().values)


def test_the_beginning_of_a_stream_is_what_the_slow_see() -> None:
    (short,) = _race((Entry("never fires", live=700),))()
    assert short.watched.until == short.reference + 700


def test_who_learns_from_nothing_is_judged_after_the_week_all_the_same() -> None:
    always = "always fires, every 100 events"
    (told,), (learning,) = _race((Entry(always),))(), _race((Entry(always, learns=True),))()
    assert told.reference == learning.reference == 7 * 1500
    assert len(learning.watched.alarms) == len(told.watched.alarms) + 7 * 1500 // 100


def test_the_stricter_setting_is_not_run_where_the_milder_never_fired_and_says_what_it_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mild = Entry(PER_MILLION, learns=True)
    saved = _race((mild, Entry(WEEKLY, learns=True, milder=PER_MILLION)))()
    run = _race((mild, Entry(WEEKLY, learns=True)))()
    assert [each.competitor for each in saved] == [PER_MILLION, WEEKLY]
    assert [each.watched.alarms for each in saved] == [each.watched.alarms for each in run] == [(), ()]
    monkeypatch.setattr(Ours, "watch", lambda *_: [0])
    assert len(_race((mild, Entry(WEEKLY, learns=True, milder=PER_MILLION)))()[1].watched.alarms) > 1


@pytest.mark.parametrize("metric", METRICS)
def test_sluice_notices_every_kind_of_change_and_cuts_change_nothing(metric: str) -> None:
    (each,) = [known for known in METRICS if known == metric]
    of = stream(each, World(day=4000), np.random.default_rng(5), 20_000, sized(each))
    per_million, weekly = competitors()
    assert (weekly.name, per_million.name) == (WEEKLY, PER_MILLION)
    watched = weekly.run(of)
    assert of.change_at is not None
    assert watched.alarms
    assert watched.alarms[-1] >= of.change_at
    watcher = weekly.start(each, of.values[: of.reference], of.times[: of.reference])
    whole = watcher.watch(of.values[of.reference : watched.until], of.times[of.reference : watched.until])
    assert tuple(of.reference + row for row in whole) == watched.alarms


def test_a_stream_with_a_change_ends_when_it_is_noticed() -> None:
    (run,) = _race((Entry("always fires, every 100 events"),), sized("latency"), 5000)()
    assert run.change_at is not None
    assert run.watched.until - run.change_at < 2000
    assert not run.watched.cut_off


def test_a_cost_is_told() -> None:
    assert 0 < cost_together(seed=1, live=2000) < 1000


def test_a_week_is_a_week_of_events() -> None:
    assert {race.live for race in scenarios.fleets(QUICK)} == {WEEK}
