"""A finding stands as it was last said, whoever says it again; people's words, and what belongs together."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import permutations
from uuid import uuid4

import pytest

from sinks import columns
from sinks.clickhouse import ClickHouse, migrate
from sinks.findings import Carrier, NoSuchFinding, acknowledge, incidents, listed, one
from streams.events import Finding, Moved
from tests.sinks.found import FULL, MINUTE, NOON, began, found, over
from tests.sinks.review.planting import MONDAY, hour, plant, request, response

HOSTILE = "a'b\\c\td\ne\x1b[31m; DROP TABLE findings --  小"


@pytest.fixture
def empty(clickhouse_url: str) -> Iterator[ClickHouse]:
    """A database without rows."""
    sink = ClickHouse(f"{clickhouse_url}/findings_{uuid4().hex}")
    migrate(sink.client)
    yield sink
    sink.client.command(f"DROP DATABASE {sink.client.database}")
    sink.close()


def say(sink: ClickHouse, *statements: Finding) -> None:
    """Store statements, each in an insert of its own."""
    for each in statements:
        sink.insert("finding_events", columns.finding_rows([each]))


def standing(sink: ClickHouse) -> list[tuple[str, str]]:
    return [(each.finding.finding_id, each.state) for each in listed(sink.client, closed=True)]


def test_what_comes_back_is_what_was_said(empty: ClickHouse) -> None:
    odd = found("odd", segment=HOSTILE, subject=HOSTILE, mean_after=float("inf"), slices=[], versions=[], also=[])
    say(empty, FULL, odd)
    assert one(empty.client, FULL.finding_id).finding == FULL
    assert one(empty.client, "odd").finding == odd


JOINED = FULL.model_copy(
    update={
        "said_unix_nano": FULL.said_unix_nano + 1,
        "also": [*FULL.also, Moved(metric="duration_s", direction="up", before=1.0, after=2.0)],
    }
)
CLOSED = over(FULL, 60)


@pytest.mark.parametrize("order", list(permutations([FULL, JOINED, CLOSED])))
def test_the_last_statement_holds_in_whatever_order_and_however_often(
    sink: ClickHouse, order: Sequence[Finding]
) -> None:
    name = uuid4().hex
    mine = [each.model_copy(update={"finding_id": name}) for each in order]
    say(sink, *mine[:2])
    latest = max(mine[:2], key=lambda each: each.said_unix_nano)
    assert one(sink.client, name).finding == latest
    say(sink, *mine, *mine)
    assert one(sink.client, name).finding == CLOSED.model_copy(update={"finding_id": name})
    assert one(sink.client, name).state == "closed"


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_of_one_moment_that_which_closes_holds_then_that_which_names_more(
    sink: ClickHouse, turned: bool
) -> None:
    def last(*statements: Finding) -> Finding:
        name = uuid4().hex
        mine = [each.model_copy(update={"finding_id": name, "said_unix_nano": NOON}) for each in statements]
        say(sink, *reversed(mine) if turned else mine)
        return one(sink.client, name).finding

    assert last(JOINED, CLOSED).state == "closed"
    assert len(last(FULL, JOINED).also) == 2


def test_open_ones_come_first_then_the_latest(empty: ClickHouse) -> None:
    say(empty, began("a", 0), began("b", 5), began("c", 9), over(began("c", 9), 10), began("d", 7))
    acknowledge(empty.client, "d", "ann", "", NOON)
    assert standing(empty) == [("b", "open"), ("a", "open"), ("d", "acknowledged"), ("c", "closed")]
    assert [each.finding.finding_id for each in listed(empty.client)] == ["b", "a", "d"]


def test_a_segment_is_found_by_a_part_of_its_name_taken_as_it_is(empty: ClickHouse) -> None:
    say(empty, began("a", 0), began("b", 1, segment="chat|%|x|-"), began("c", 2, segment=HOSTILE))

    def of(segment: str) -> list[str]:
        return [each.finding.finding_id for each in listed(empty.client, segment=segment)]

    assert (of("aurora"), of("%"), of("_"), of("a'b\\c\td\n"), of("|")) == (["a"], ["b"], [], ["c"], ["b", "a"])


def test_the_last_word_of_a_person_holds_and_closing_goes_over_it(empty: ClickHouse) -> None:
    say(empty, began("a", 0))
    acknowledge(empty.client, "a", "bob", HOSTILE, NOON + 2)
    acknowledge(empty.client, "a", "ann", "earlier", NOON + 1)
    seen = one(empty.client, "a")
    assert (seen.state, seen.by, seen.note, seen.acknowledged_unix_nano) == ("acknowledged", "bob", HOSTILE, NOON + 2)
    say(empty, over(began("a", 0), 9))
    seen = one(empty.client, "a")
    assert (seen.state, seen.by, seen.finding.state) == ("closed", "bob", "closed")


def test_an_id_may_be_shortened_as_long_as_it_is_one(empty: ClickHouse) -> None:
    say(empty, began("abc1", 0), began("abc2", 0), began("abc", 0), began("x%", 0))
    assert one(empty.client, "x").finding.finding_id == "x%"
    assert one(empty.client, "abc").finding.finding_id == "abc", "whole, it is itself"
    with pytest.raises(NoSuchFinding, match=r"More than one .* begins with 'ab': give more of it \(abc, abc1, abc2"):
        one(empty.client, "ab")
    for wrong in ("", "y", "%", "x%%"):
        with pytest.raises(NoSuchFinding, match=r"No finding's id begins with .*`sluice findings --all` lists them"):
            one(empty.client, wrong)


# --- incidents ---


def segment(n: int, model: str) -> str:
    return f"service-{n}|/v{n % 3}|{model}|{'staging' if n % 10 == 0 else 'production'}"


def watch(sink: ClickHouse, segments: Sequence[str], at: datetime = MONDAY) -> None:
    """Store an answer of each segment."""
    plant(sink.client, [response(f"{at} {each}", at, segment=each) for each in segments])


def outage(sink: ClickHouse) -> list[Finding]:
    """Watch 60 segments of six models; nine of the ten of aurora change within minutes, one of them twice."""
    models = ("aurora", "basalt", "cobalt", "delta", "ember", "flint")
    watch(sink, [segment(n, model) for model in models for n in range(10)])
    hit = [began(f"f{n}", n / 2, segment=segment(n, "aurora")) for n in range(1, 10)]
    hit.append(began("g1", 3, segment=segment(1, "aurora"), metric="duration_s"))
    say(sink, *hit)
    return hit


def test_what_begins_together_in_several_segments_is_one_incident_and_says_what_they_share(empty: ClickHouse) -> None:
    outage(empty)
    say(empty, began("apart", 60, segment=segment(3, "basalt")), began("alone", -60, segment="other"))
    (incident,) = incidents(empty.client)
    assert (incident.incident_id, incident.state, incident.closed_unix_nano) == ("f1", "open", 0)
    assert (incident.findings, incident.segments, incident.segments_watched) == (10, 9, 60)
    assert incident.metrics == ["duration_s", "error"]
    assert incident.since_unix_nano == NOON + MINUTE // 2
    assert incident.opened_unix_nano == NOON + MINUTE // 2 + 2 * MINUTE
    assert incident.finding_ids == ["f1", "f2", "f3", "f4", "f5", "f6", "g1", "f7", "f8", "f9"]
    assert incident.carried[0] == Carrier("model", "aurora", segments=9, of=10, findings=10)
    assert Carrier("environment", "production", segments=9, of=54, findings=10) in incident.carried[1:]
    assert {each.dimension for each in incident.carried[2:]} == {"route"}
    assert "service" not in {each.dimension for each in incident.carried}, "one segment of each, which explains nothing"


def test_the_order_of_coming_changes_no_incident(empty: ClickHouse) -> None:
    hit = outage(empty)
    before = incidents(empty.client)
    say(empty, *reversed(hit))
    assert incidents(empty.client) == before


def test_a_finding_that_is_noticed_later_does_not_rename_the_incident(empty: ClickHouse) -> None:
    outage(empty)
    say(empty, began("0", -1, segment=segment(0, "aurora"), time_unix_nano=NOON + 30 * MINUTE))
    (incident,) = incidents(empty.client)
    assert (incident.incident_id, incident.segments, incident.finding_ids[0]) == ("f1", 10, "0")


@pytest.mark.parametrize(
    ("apart", "closed_after", "together"),
    [(14.0, None, True), (15.0, None, True), (15.1, None, False), (8.0, 10.0, True), (10.1, 10.0, False)],
)
def test_what_begins_a_quarter_of_an_hour_later_or_after_the_end_is_another(
    empty: ClickHouse, apart: float, closed_after: float | None, together: bool
) -> None:
    first = began("a", 0)
    say(empty, first, *([over(first, closed_after)] if closed_after else []))
    say(empty, began("b", apart, segment="other"))
    assert bool(incidents(empty.client)) is together


def test_several_metrics_of_one_segment_are_no_incident_over_segments(empty: ClickHouse) -> None:
    say(empty, began("a", 0), began("b", 1, metric="duration_s"))
    assert incidents(empty.client, closed=True) == []


def test_an_incident_is_over_when_all_of_it_is_and_seen_when_all_that_is_open_is(empty: ClickHouse) -> None:
    a, b = began("a", 0), began("b", 1, segment="other")
    say(empty, a, b)

    def stands() -> tuple[str, int]:
        (incident,) = incidents(empty.client, closed=True)
        return incident.state, incident.closed_unix_nano

    assert stands() == ("open", 0)
    say(empty, over(a, 30))
    assert stands() == ("open", 0)
    acknowledge(empty.client, "b", "ann", "", NOON)
    assert stands() == ("acknowledged", 0)
    say(empty, over(b, 60))
    assert stands() == ("closed", b.since_unix_nano + 60 * MINUTE)
    assert incidents(empty.client) == []


def test_segments_are_held_against_those_of_the_day_and_the_day_before(empty: ClickHouse) -> None:
    known = [segment(n, "aurora") for n in range(1, 4)]
    watch(empty, known)
    for day, n in ((-2, 1), (-1, 2), (0, 3), (1, 1)):
        watch(empty, [f"{day}-{i}|-|basalt|-" for i in range(n)], hour(24 * day + 11))
    say(empty, *(began(f"f{n}", n, segment=each) for n, each in enumerate(known)))
    (incident,) = incidents(empty.client)
    assert incident.segments_watched == 2 + 3 + len(known)


def test_segments_of_which_no_answer_is_stored_yet_are_among_the_watched(empty: ClickHouse) -> None:
    say(empty, *(began(f"f{n}", n, segment=segment(n, "aurora")) for n in range(3)))
    (incident,) = incidents(empty.client)
    assert (incident.segments, incident.segments_watched, incident.carried) == (3, 3, []), "all that there is"


def test_names_that_are_not_of_four_parts_are_counted_and_not_taken_apart(empty: ClickHouse) -> None:
    say(empty, began("a", 0, segment="other"), began("b", 1, segment="a|b|c|d|e"), began("c", 2, segment=HOSTILE))
    (incident,) = incidents(empty.client)
    assert (incident.segments, incident.carried) == (3, [])


def test_synthetic_traffic_is_not_watched(empty: ClickHouse) -> None:
    plant(empty.client, [response("p", MONDAY, segment="probe|-|-|-", synthetic=True), request("q", MONDAY)])
    assert empty.client.query("SELECT * FROM segments").result_rows == []
    watch(empty, ["a"])
    assert empty.client.query("SELECT * FROM segments").result_rows == [("a", MONDAY.date())]
