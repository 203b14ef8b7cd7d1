"""The truth is planted, and what is picked is exactly what the reasons say."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Reason
from sinks.review.choose import Pick
from sinks.review.parents import Parents
from sinks.review.policy import Budget, Caps, FindingSection, Policy, Quotas
from sinks.review.select import select
from sinks.review.snapshot import Funnel, snapshot
from sinks.review.windows import WEEK, Window
from tests.sinks.review.planting import (
    MONDAY,
    NEXT_MONDAY,
    Row,
    feedback,
    finding,
    hour,
    inference,
    plant,
    request,
    response,
    score,
    thumb_down,
)

W46 = Window.week("2026-W46")
NOTHING = dict.fromkeys(Reason, 0)
NO_CAPS = Caps(per_user=100_000, per_topic=100_000)


def chosen(client: Client, policy: Policy, window: Window = W46) -> list[Pick]:
    with snapshot(client, window, window.end + timedelta(days=1), Parents(), "test") as shot:
        return list(select(shot, policy).picks)


def picked(
    client: Client, window: Window = W46, *, seed: int = 0, before: int = 5, after: int = 5, **quotas: int
) -> dict[str, Pick]:
    policy = _policy(seed, before=before, after=after, **quotas)
    return {pick.inference_id: pick for pick in chosen(client, policy, window)}


def _policy(seed: int, before: int = 5, after: int = 5, **quotas: int) -> Policy:
    return Policy(
        seed=seed,
        budget=Budget(items=100_000),
        caps=NO_CAPS,
        quotas=Quotas(**(NOTHING | quotas)),
        finding=FindingSection(before=before, after=after),
    )


def funnel(client: Client, window: Window = W46) -> Funnel:
    with snapshot(client, window, window.end, Parents(), "test") as shot:
        return shot.funnel


def many(count: int, *, hours: float = 160) -> list[Row]:
    parts = (inference(f"i{n:04d}", hour(n * hours / count), anomaly=n / count) for n in range(count))
    return [part for each in parts for part in each]


# --- what is eligible ---


def test_a_window_is_half_open_and_counts_an_inference_by_its_first_event(client: Client) -> None:
    tick = timedelta(microseconds=1)
    plant(client, inference("first", MONDAY) + inference("last", NEXT_MONDAY - tick))
    plant(client, inference("before", MONDAY - tick) + inference("after", NEXT_MONDAY))
    plant(client, [request("unanswered", hour(1)), response("unasked", hour(2)), score("scored only", hour(3), 0.9)])
    assert picked(client, control=100).keys() == {"first", "last", "unanswered", "unasked"}


def test_halves_in_neighbouring_weeks_are_one_inference_of_the_earlier(client: Client) -> None:
    plant(client, [response("over", NEXT_MONDAY + timedelta(minutes=1)), request("over", hour(167.9))])
    plant(client, [score("over", NEXT_MONDAY + timedelta(minutes=1), 0.7)])
    assert picked(client, anomaly=10).keys() == {"over"}
    assert picked(client, Window.week("2026-W47"), control=10, anomaly=10) == {}


def test_synthetic_traffic_never_enters_even_where_one_part_alone_says_so(client: Client) -> None:
    plant(client, inference("probe", hour(1), anomaly=1.0, synthetic=True) + inference("real", hour(2)))
    plant(client, [request("half", hour(3), synthetic=True), response("half", hour(3)), score("half", hour(3), 0.9)])
    plant(client, [request("over", hour(167.9)), response("over", NEXT_MONDAY, synthetic=True)])
    plant(client, [thumb_down("f1", "probe", hour(4)), thumb_down("f2", "half", hour(4))])
    plant(client, [thumb_down("f3", "real", hour(4), synthetic=True), finding("d", "half", hour(3))])
    assert (funnel(client).inferences, funnel(client).synthetic) == (4, 3)
    assert picked(client, control=10).keys() == {"real"}
    assert picked(client, negative_feedback=10, anomaly=10) == {}
    assert picked(client, finding=10) == {}


def test_a_window_reads_the_partitions_beside_it_and_no_others(client: Client) -> None:
    for week in range(-3, 4):
        plant(client, [request(f"w{week}", MONDAY + week * WEEK)])
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        weeks = "week BETWEEN {first_week:Date} AND {last_week:Date}"
        plan = shot.read(f"EXPLAIN indexes = 1 SELECT * FROM inference_parts FINAL WHERE {weeks}")  # noqa: S608  ours
    assert next(line.strip() for (line,) in plan if "Parts: " in line) == "Parts: 3/7"


# --- negative feedback ---

STARS = {"name": "user.rating", "score_low": 1.0, "score_high": 5.0}
HALVES = {"name": "user.rating", "score_low": -1.0, "score_high": 1.0}


NEGATIVE: dict[str, dict[str, Any]] = {
    "boolean 0": {"score": 0.0, "data_type": "boolean", "name": "helpful"},
    "thumb 0": {"score": 0.0},
    "thumb -1": {"score": -1.0},
    "2 of 5, the quarter's edge": {"score": 2.0} | STARS,
    "-0.5 of ±1": {"score": -0.5} | HALVES,
}
OTHER: dict[str, dict[str, Any]] = {
    "boolean 1": {"score": 1.0, "data_type": "boolean"},
    "0 of an unknown range": {"score": 0.0, "name": "tone"},
    "2.01 of 5": {"score": 2.01} | STARS,
    "5 of 5": {"score": 5.0} | STARS,
    "0 of ±1": {"score": 0.0} | HALVES,
    "thumb taken back": {"score": 0.0, "score_low": -1.0, "score_high": 1.0},
    "words": {"explanation": "meh"},
    "implicit": {"score": 0.0, "data_type": "boolean", "rater_kind": "implicit"},
    "llm": {"score": 0.0, "data_type": "boolean", "rater_kind": "llm"},
    "code": {"score": 0.0, "data_type": "boolean", "rater_kind": "code"},
    "unknown": {"correction": '"x"', "rater_kind": "unknown"},
    "withdrawn": {"score": 0.0, "data_type": "boolean", "deleted": True},
    "synthetic": {"score": 0.0, "data_type": "boolean", "synthetic": True},
}


def test_what_a_person_rates_down_is_negative_and_nothing_else(client: Client) -> None:
    plant(client, [row for said in NEGATIVE | OTHER for row in inference(said, hour(1))])
    plant(client, [feedback(said, said, hour(2), **of) for said, of in (NEGATIVE | OTHER).items()])
    assert picked(client, negative_feedback=100).keys() == NEGATIVE.keys()


def test_feedback_counts_until_the_window_closes(client: Client) -> None:
    closes = NEXT_MONDAY + timedelta(days=1)
    plant(client, [part for name in "abcd" for part in inference(name, hour(160))])
    plant(client, [thumb_down("in", "a", hour(161)), thumb_down("after", "b", closes - timedelta(seconds=1))])
    plant(client, [thumb_down("too late", "c", closes), thumb_down("clock behind", "d", MONDAY - timedelta(days=1))])
    assert picked(client, negative_feedback=10).keys() == {"a", "b", "d"}


def test_the_last_word_of_a_feedback_holds(client: Client) -> None:
    plant(client, inference("a", hour(1)) + inference("b", hour(1)) + inference("c", hour(1)))
    up = {"score": 1.0, "data_type": "boolean"}
    plant(client, [feedback("f1", "a", hour(4), **up), thumb_down("f2", "b", hour(4)), thumb_down("f3", "c", hour(2))])
    plant(client, [thumb_down("f1", "a", hour(2)), feedback("f2", "b", hour(2), **up)])
    plant(client, [thumb_down("f3", "c", hour(3), deleted=True)])
    assert picked(client, negative_feedback=10).keys() == {"b"}


# --- anomalies ---


def test_the_highest_scores_are_picked_and_unscored_inferences_are_not(client: Client) -> None:
    plant(client, [*many(50), *inference("unscored", hour(1))])
    assert picked(client, anomaly=3).keys() == {"i0047", "i0048", "i0049"}
    assert len(picked(client, anomaly=100)) == 50


def test_ties_are_broken_by_the_key_and_not_by_time_or_name(client: Client) -> None:
    plant(client, [part for n in range(200) for part in inference(f"i{n:04d}", hour(n / 2), anomaly=0.5)])
    first, again, other = (picked(client, anomaly=20, seed=seed).keys() for seed in (1, 1, 2))
    assert first == again
    assert len(first & other) < 10
    assert len({name for name in first if name < "i0100"} | {name for name in other if name < "i0100"}) in range(8, 33)


# --- findings ---


def positions(picks: dict[str, Pick], finding_id: str) -> dict[str, int]:
    return {
        name: around.position
        for name, pick in picks.items()
        for around in pick.findings
        if around.finding_id == finding_id
    }


def test_neighbours_of_a_findings_inference_are_picked_by_event_time_in_its_segment(client: Client) -> None:
    others = [part for n in range(50) for part in inference(f"x{n}", hour(n + 0.5), segment="other/-/-/-")]
    plant(client, [*many(100, hours=100), *others, finding("d", "i0040", hour(40)), request("open", hour(40.1))])
    plant(client, [finding("e", "x41", hour(41.5), segment="other/-/-/-")])
    picks = picked(client, finding=100, before=3, after=2)
    here = {"i0037": -3, "i0038": -2, "i0039": -1, "i0040": 0, "i0041": 1, "i0042": 2}
    there = {"x38": -3, "x39": -2, "x40": -1, "x41": 0, "x42": 1, "x43": 2}
    assert positions(picks, "d") == here
    assert positions(picks, "e") == there
    assert picks.keys() == here.keys() | there.keys()
    assert {around.metric for pick in picks.values() for around in pick.findings} == {"duration_s"}


def test_an_item_near_two_findings_is_one_item_that_names_both(client: Client) -> None:
    plant(client, [*many(100), finding("d1", "i0040", hour(64)), finding("d2", "i0042", hour(68), metric="error")])
    picks = picked(client, finding=100, before=1, after=1)
    assert [(a.finding_id, a.metric, a.position) for a in picks["i0041"].findings] == [
        ("d1", "duration_s", 1),
        ("d2", "error", -1),
    ]
    assert len(picks) == 5


def test_a_short_quota_keeps_what_lies_nearest_to_each_finding(client: Client) -> None:
    plant(client, [*many(300), *(finding(f"d{n}", f"i{n:04d}", hour(80)) for n in (50, 100, 150, 200))])
    picks = picked(client, finding=12, before=5, after=5)
    distances = Counter(abs(around.position) for pick in picks.values() for around in pick.findings)
    assert distances == {0: 4, 1: 8}


def test_neighbours_stop_at_the_windows_edge_and_foreign_findings_add_nothing(client: Client) -> None:
    plant(client, many(100) + inference("before", MONDAY - timedelta(hours=1)))
    plant(client, [finding("edge", "i0000", MONDAY), finding("last week", "before", MONDAY - timedelta(hours=1))])
    plant(client, [finding("lost", "never stored", hour(5))])
    picks = picked(client, finding=100, before=2, after=2)
    assert picks.keys() == {"i0000", "i0001", "i0002"}
    assert {around.finding_id for pick in picks.values() for around in pick.findings} == {"edge"}


# --- the control ---


def drawn(client: Client, seeds: Sequence[int], **quotas: int) -> list[list[Pick]]:
    """Return the picks of each seed, all of one snapshot."""
    with snapshot(client, W46, W46.end + timedelta(days=1), Parents(), "test") as shot:
        return [list(select(shot, _policy(seed, **quotas)).picks) for seed in seeds]


def controls(batches: Sequence[Sequence[Pick]]) -> list[set[str]]:
    return [{pick.inference_id for pick in picks if Reason.CONTROL in pick.reasons} for picks in batches]


def test_the_control_is_uniform(client: Client) -> None:
    plant(client, many(2000))
    seeds, count = range(30), 200
    found = controls(drawn(client, seeds, control=count))
    assert {len(each) for each in found} == {count}
    times = Counter(name for each in found for name in each)
    expected = len(seeds) * count / 2000
    # By tenths of the week: χ² with 9 degrees of freedom is over 27.9 once in a thousand.
    tenths = [sum(times[f"i{n:04d}"] for n in range(low, low + 200)) for low in range(0, 2000, 200)]
    assert sum((tenth - 200 * expected) ** 2 / (200 * expected) for tenth in tenths) < 27.9
    # By inference: draws of different seeds are independent, so that each one's count is binomial; variance 4000.
    spread = sum((times[f"i{n:04d}"] - expected) ** 2 for n in range(2000)) / (expected * (1 - count / 2000))
    assert 1684 < spread < 2316


def test_the_control_is_independent_of_other_reasons(client: Client) -> None:
    plant(client, many(2000))
    plant(client, [thumb_down(f"f{n}", f"i{n:04d}", hour(161)) for n in range(0, 2000, 5)])
    alone = controls(drawn(client, range(10), control=200))
    assert controls(drawn(client, range(10), control=200, anomaly=200)) == alone
    batches = drawn(client, range(10), control=200, negative_feedback=200)
    assert controls(batches) == alone
    both = sum(len(pick.reasons) == 2 for picks in batches for pick in picks)
    assert 140 < both < 260  # a tenth of the 200 in each batch is expected; one hash for both reasons would give 400


def test_the_control_knows_its_inclusion_probability(client: Client) -> None:
    plant(client, many(40))
    some = picked(client, control=10, anomaly=5)
    assert {p.probabilities[Reason.CONTROL] for p in some.values() if Reason.CONTROL in p.reasons} == {0.25}
    assert {p.control_weight for p in some.values() if Reason.CONTROL in p.reasons} == {4.0}
    assert {p.control_weight for p in some.values() if Reason.CONTROL not in p.reasons} == {None}
    short = chosen(client, Policy(budget=Budget(items=4), caps=NO_CAPS, quotas=Quotas(**(NOTHING | {"control": 10}))))
    assert {(p.probabilities[Reason.CONTROL], p.control_weight) for p in short} == {(0.1, 10.0)}
    everything = picked(client, control=100)
    assert len(everything) == 40
    assert {(p.probabilities[Reason.CONTROL], p.control_weight) for p in everything.values()} == {(1.0, 1.0)}


# --- together ---


def test_an_item_of_several_reasons_is_one_item(client: Client) -> None:
    plant(client, [*many(20), thumb_down("f", "i0019", hour(161)), finding("d", "i0019", hour(160))])
    picks = chosen(client, Policy())
    assert len(picks) == len({pick.inference_id for pick in picks}) == 20
    (it,) = (pick for pick in picks if pick.inference_id == "i0019")
    assert it.reasons == sorted(it.reasons) == ["anomaly", "control", "finding", "negative_feedback"]


def test_items_lie_in_the_order_of_a_hash_so_that_any_beginning_is_fair(client: Client) -> None:
    plant(client, many(400))
    quotas = Quotas(control=100, anomaly=100)
    picks = chosen(client, Policy(quotas=quotas))
    names = [pick.inference_id for pick in picks]
    assert names != sorted(names)
    assert names != [pick.inference_id for pick in chosen(client, Policy(quotas=quotas, seed=1))]
    first_half = picks[: len(picks) // 2]
    assert 35 < sum(Reason.CONTROL in pick.reasons for pick in first_half) < 65


def test_values_never_become_sql(client: Client) -> None:
    evil = "x'); DROP TABLE inference_parts; --"
    at: datetime = hour(1)
    plant(client, [*inference(evil, at, anomaly=0.9), thumb_down("f'", evil, at), finding("d'", evil, at)])
    quotas = {"control": 5, "negative_feedback": 5, "anomaly": 5, "finding": 5}
    assert picked(client, W46, **quotas)[evil].reasons == sorted(quotas)
