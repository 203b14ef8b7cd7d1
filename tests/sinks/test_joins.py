"""What only the store can join: feedback with its inference, two accounts of one call, requests without a response."""

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

import pytest

from sinks import columns
from sinks.clickhouse import ClickHouse
from sinks.joins import Asked, Joins, Meant, Overdue, Spoken, began_ns
from streams.events import Feedback, InferenceRequest, InferenceResponse, Received
from tests.streams.test_events import FEEDBACK, NOON, REQUEST, RESPONSE

NOW_MS = time.time_ns() // 1_000_000
MINUTE_NS = 60 * 10**9
WEEK_NS = 7 * 24 * 60 * MINUTE_NS
SCORE = "gen_ai.evaluation.score.value"


TABLES = ("inference_parts", "accounts", "aliases", "awaited", "feedback_events", "timeouts_found")


@pytest.fixture(autouse=True)
def _empty(sink: ClickHouse) -> None:
    for table in TABLES:
        sink.client.command(f"TRUNCATE TABLE {table}")


def received(*events: Any, ingest_ms: int = NOW_MS) -> Received[Any]:
    n = len(events)
    return Received(list(events), [f"t/0/{i}" for i in range(n)], [ingest_ms] * n, [0] * n, list(range(n)))


def request(inference_id: str, **change: Any) -> InferenceRequest:
    return InferenceRequest.model_validate(REQUEST | {"inference_id": inference_id} | change)


def response(inference_id: str, **change: Any) -> InferenceResponse:
    return InferenceResponse.model_validate(RESPONSE | {"inference_id": inference_id} | change)


def said(feedback_id: str, **change: Any) -> Feedback:
    bare = {name: value for name, value in FEEDBACK.items() if name not in ("inference_id", "aliases")}
    return Feedback.model_validate(bare | {"event_id": f"e-{feedback_id}", "feedback_id": feedback_id} | change)


def ask(sink: ClickHouse, *requests: InferenceRequest, ingest_ms: int = NOW_MS) -> None:
    sink.insert("inference_parts", columns.request_parts(received(*requests, ingest_ms=ingest_ms)))


def answer(sink: ClickHouse, *responses: InferenceResponse) -> None:
    n = len(responses)
    sink.insert("inference_parts", columns.response_parts(received(*responses), ["s"] * n, [None] * n))


def tell(sink: ClickHouse, *feedback: Feedback, ingest_ms: int = NOW_MS) -> None:
    sink.insert("feedback_events", columns.feedback_rows(received(*feedback, ingest_ms=ingest_ms)))


def rows(sink: ClickHouse, query: str) -> list[Any]:
    return list(sink.client.query(query).result_rows)


def about(sink: ClickHouse) -> dict[str, list[tuple[str | None, int]]]:
    """What each piece of feedback is about, and how many inferences that is."""
    found = rows(sink, "SELECT feedback_id, inference_id, targets FROM feedback ORDER BY feedback_id, inference_id")
    grouped = itertools.groupby(found, key=lambda row: row[0])
    return {feedback_id: [(target, targets) for _, target, targets in each] for feedback_id, each in grouped}


class TestFeedback:
    def test_it_finds_its_inference_by_any_id_and_by_the_most_telling_first(self, sink: ClickHouse) -> None:
        ask(
            sink,
            request("a", trace_id="1" * 32, span_id="a" * 16, aliases=["call:c-1"]),
            request("b", trace_id="1" * 32, **{"gen_ai.conversation.id": "talk"}),
            request("c", **{"gen_ai.conversation.id": "talk"}),
        )
        answer(sink, response("a", **{"gen_ai.response.id": "chatcmpl-1"}))
        tell(
            sink,
            said("by-id", inference_id="a"),
            said("by-id-and-more", inference_id="a", aliases=["sess:talk"]),
            said("by-response", aliases=["resp:chatcmpl-1"]),
            said("by-call", aliases=["call:c-1", "trace:" + "1" * 32]),
            said("by-span", aliases=["span:" + "a" * 16]),
            said("by-trace", aliases=["trace:" + "1" * 32]),
            said("by-conversation", **{"gen_ai.conversation.id": "talk"}),
            said("unknown", aliases=["resp:chatcmpl-2"]),
            said("unknown-id", inference_id="z"),
            said("unknown-id-known-trace", inference_id="z", aliases=["span:" + "a" * 16]),
        )
        assert about(sink) == {
            "by-id": [("a", 1)],
            "by-id-and-more": [("a", 1)],
            "by-response": [("a", 1)],
            "by-call": [("a", 1)],
            "by-span": [("a", 1)],
            "by-trace": [("a", 2), ("b", 2)],
            "by-conversation": [("b", 2), ("c", 2)],
            "unknown": [(None, 0)],
            "unknown-id": [("z", 0)],
            "unknown-id-known-trace": [("a", 1)],
        }

    def test_it_may_come_before_its_inference_and_a_month_after(self, sink: ClickHouse) -> None:
        month = 30 * 24 * 60 * MINUTE_NS
        tell(sink, said("early", aliases=["resp:r"]), said("late", aliases=["resp:r"], time_unix_nano=NOON + month))
        assert about(sink) == {"early": [(None, 0)], "late": [(None, 0)]}
        answer(sink, response("a", **{"gen_ai.response.id": "r"}))
        assert about(sink) == {"early": [("a", 1)], "late": [("a", 1)]}

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_the_last_word_holds_in_whatever_order_it_comes(self, sink: ClickHouse, order: Sequence[int]) -> None:
        name = f"f{order}"
        # The last two are of the same microsecond, as clients without a clock of their own send them.
        sent = [("1", 0, 1.0), ("2", 2_048, 0.25), ("3", 2_048, 0.75)]
        words = [
            said(
                name,
                inference_id="a",
                event_id=id_,
                time_unix_nano=NOON + at,
                **{"gen_ai.evaluation.score.value": score},
            )
            for id_, at, score in sent
        ]
        for each in order:
            tell(sink, words[each])
            tell(sink, words[each])
        ((score,),) = rows(sink, f"SELECT score FROM feedback WHERE feedback_id = '{name}'")  # noqa: S608  # our own
        assert score == 0.25, "the same of the two in every order"

    def test_what_is_withdrawn_is_gone_and_what_is_said_anew_is_back(self, sink: ClickHouse) -> None:
        tell(sink, said("f", inference_id="a", time_unix_nano=NOON + MINUTE_NS, **{"feedback.deleted": True}))
        tell(sink, said("f", inference_id="a", time_unix_nano=NOON))
        assert about(sink) == {}
        tell(sink, said("f", inference_id="a", time_unix_nano=NOON + 2 * MINUTE_NS))
        assert list(about(sink)) == ["f"]

    def test_how_it_was_joined_is_told_by_kind_of_rater(self, sink: ClickHouse) -> None:
        ask(sink, request("a"))
        answer(sink, response("a", time_unix_nano=NOON))
        late = NOON + 10 * MINUTE_NS
        tell(
            sink,
            said("1", inference_id="a", time_unix_nano=late, **{"feedback.source": "human"}),
            said("2", inference_id="z", time_unix_nano=late, **{"feedback.source": "human"}),
            said("3", inference_id="a", time_unix_nano=NOON - MINUTE_NS, **{"feedback.source": "llm"}),
            said("4", inference_id="a", synthetic=True, **{"feedback.source": "code"}),
        )
        tell(sink, said("5", inference_id="a", **{"feedback.source": "code"}), ingest_ms=NOW_MS - 2 * 86_400_000)
        human, llm = Joins(sink).joined()
        assert (human.rater_kind, human.feedback, human.joined, human.delay_s) == ("human", 2, 1, (600.0, 600.0))
        assert (llm.rater_kind, llm.feedback, llm.joined, llm.delay_s) == ("llm", 1, 1, (0.0, 0.0))

    def test_how_late_it_came_counts_from_the_answer_that_it_most_likely_means(self, sink: ClickHouse) -> None:
        weeks = 3 * 7 * 1440 * MINUTE_NS
        for id_, at in (("first", NOON), ("last", NOON + 5 * MINUTE_NS), ("later", NOON + 60 * MINUTE_NS)):
            of = {"gen_ai.conversation.id": "talk", "time_unix_nano": at}
            ask(sink, request(id_, **of))
            answer(sink, response(id_, **of, **{"gen_ai.response.id": f"r-{id_}"}))
        tell(
            sink,
            said("1", time_unix_nano=NOON + 7 * MINUTE_NS, **{"gen_ai.conversation.id": "talk"}),
            said(
                "2",
                time_unix_nano=NOON + 7 * MINUTE_NS,
                aliases=["resp:r-first"],
                **{"gen_ai.conversation.id": "talk", "feedback.source": "llm"},
            ),
            said("3", inference_id="later", time_unix_nano=NOON + weeks, **{"feedback.source": "code"}),
        )
        assert {each.rater_kind: (each.feedback, each.joined, each.delay_s[0]) for each in Joins(sink).joined()} == {
            "human": (1, 1, 120.0),
            "llm": (1, 1, 420.0),
            "code": (1, 1, weeks / 1e9 - 3600.0),
        }

    def test_of_feedback_that_finds_nothing_no_delay_is_known(self, sink: ClickHouse) -> None:
        tell(sink, said("1", inference_id="nowhere"))
        (only,) = Joins(sink).joined()
        assert (only.feedback, only.joined) == (1, 0)
        assert all(math.isnan(each) for each in only.delay_s)


def test_what_only_one_kind_of_a_block_knows_is_not_known_of_the_other(sink: ClickHouse) -> None:
    asked = request("a", tags={"team": "x"}, aliases=["call:c"], **{"gen_ai.request.model": "small"})
    answered = response(
        "b", aliases=[], **{"gen_ai.response.finish_reasons": ["stop"], "gen_ai.request.model": "large"}
    )
    apart = [
        ("inference_parts", columns.request_parts(received(asked))),
        ("inference_parts", columns.response_parts(received(answered), ["s"], [3])),
    ]
    known = (
        "SELECT inference_id, tags, aliases, request_model, finish_reasons, segment, output_chars, stream IS NULL, "
        "input_messages IS NULL, output_messages IS NULL FROM inference_parts FINAL ORDER BY inference_id"
    )
    for table, part in apart:
        sink.insert(table, part)
    one_by_one = rows(sink, known)
    sink.client.command("TRUNCATE TABLE inference_parts")
    ((table, together),) = columns.by_table(apart)
    sink.insert(table, together)
    assert rows(sink, known) == one_by_one
    assert [row[1] for row in one_by_one] == [{"team": "x"}, {}]


Account = list[Any]  # a request and a response


def account(
    inference_id: str,
    source_format: str,
    begun: int,
    service: str = "app",
    response_id: str = "r",
    seconds: float = 1.0,
) -> Account:
    common = {"source.format": source_format, "service.name": service, "time_unix_nano": begun}
    ends = {
        "gen_ai.response.id": response_id,
        "time_unix_nano": begun + round(seconds * 1e9),
        "duration_s": seconds,
        "aliases": [f"resp:{response_id}"],
    }
    return [request(inference_id, **common), response(inference_id, **common | ends)]


def counted(sink: ClickHouse) -> list[str]:
    return [inference_id for (inference_id,) in rows(sink, "SELECT inference_id FROM inferences ORDER BY inference_id")]


def tell_of(sink: ClickHouse, *accounts: Account) -> None:
    """Store each account the way of the walk: the rows, then the look for others."""
    for asked, answered in accounts:
        ask(sink, asked)
        answer(sink, answered)
        began = began_ns(answered.time_unix_nano, answered.duration_s)
        Joins(sink).shadow([(f"resp:{answered.response_id}", began)])


class TestTwoAccountsOfOneCall:
    SDK = account("sdk", "otlp_genai", NOON)
    GATEWAY = account("gateway", "litellm", NOON + 10**7, service="proxy")
    PROXY = account("proxy", "otlp_genai", NOON + 2 * 10**7, service="envoy")

    @pytest.mark.parametrize("order", list(itertools.permutations((SDK, GATEWAY, PROXY))))
    def test_the_gateways_counts_in_whatever_order_they_come(self, sink: ClickHouse, order: Sequence[Account]) -> None:
        tell_of(sink, *order)
        assert counted(sink) == ["gateway"]
        shadows = rows(sink, "SELECT inference_id, shadowed_by FROM inference_parts FINAL ORDER BY inference_id")
        assert shadows == [("gateway", None), ("proxy", "gateway"), ("sdk", "proxy")]

    def test_of_two_of_one_rank_the_inner_one_counts(self, sink: ClickHouse) -> None:
        tell_of(sink, self.SDK, self.PROXY)
        assert counted(sink) == ["proxy"]

    @pytest.mark.parametrize("seconds", [310.0, 590.0, 1200.0])
    @pytest.mark.parametrize("inner_first", [True, False])
    def test_of_long_calls_the_inner_one_counts_whatever_else_is_looked_at(
        self, sink: ClickHouse, seconds: float, inner_first: bool
    ) -> None:
        outer = account("outer", "otlp_genai", NOON, seconds=seconds)
        inner = account("inner", "otlp_genai", NOON + 10**7, service="envoy", seconds=seconds - 0.02)
        tell_of(sink, *((inner, outer) if inner_first else (outer, inner)))
        told = [("resp:r", NOON), *((f"resp:{n}", NOON + n * MINUTE_NS) for n in range(-30, 30))]
        Joins(sink).shadow(told)
        assert counted(sink) == ["inner"]

    @pytest.mark.parametrize("seconds", [0.0, 1e6, 1e300, 1.7e308])
    def test_what_is_no_duration_does_not_say_when_a_call_began(self, sink: ClickHouse, seconds: float) -> None:
        """Any number that is not negative is one to the contract; the server's own count of it has to be this one."""
        outer, inner = (account(name, "otlp_genai", NOON, service=name) for name in ("outer", "inner"))
        late = [asked.model_copy(update={"duration_s": seconds}) for asked in (outer[1], inner[1])]
        late[1] = late[1].model_copy(update={"time_unix_nano": late[1].time_unix_nano + 10**7})
        tell_of(sink, [outer[0], late[0]], [inner[0], late[1]])
        assert counted(sink) == ["inner"]

    def test_what_many_calls_have_in_common_names_none(self, sink: ClickHouse) -> None:
        tell_of(sink, *(account(f"{n:02}", "otlp_genai", NOON + n, service=f"app-{n % 2}") for n in range(30)))
        marked = rows(sink, "SELECT count() FROM inference_parts FINAL WHERE shadowed_by IS NOT NULL")
        assert marked == [(19,)], "of twenty all but the inmost, and then no more"

    @pytest.mark.parametrize("apart", [-5 * MINUTE_NS, 5 * MINUTE_NS])
    def test_they_find_one_another_over_the_border_of_a_slot(self, sink: ClickHouse, apart: int) -> None:
        tell_of(sink, self.SDK, account("gateway", "litellm", NOON + apart, service="proxy"))
        assert counted(sink) == ["gateway"]

    def test_a_look_reads_the_minutes_around_and_not_all_that_was_told(self, sink: ClickHouse) -> None:
        told = "INSERT INTO accounts (slot, call, inference_id) SELECT number, number, 'x' FROM numbers(200_000)"
        sink.client.command(told)
        read = "SELECT value FROM system.events WHERE event = 'SelectedRows'"
        ((before,),) = rows(sink, read)
        tell_of(sink, self.SDK, self.GATEWAY)
        ((after,),) = rows(sink, read)
        assert after - before < 50_000
        assert counted(sink) == ["gateway"]

    @pytest.mark.parametrize(
        "other",
        [
            account("other", "litellm", NOON + 10**7, service="proxy", response_id="another"),
            account("other", "litellm", NOON + 6 * MINUTE_NS, service="proxy"),
            account("other", "otlp_genai", NOON + 10**7),
        ],
        ids=["another answer", "much later", "the same teller, whose server does not make ids unique"],
    )
    def test_two_calls_stay_two(self, sink: ClickHouse, other: Account) -> None:
        tell_of(sink, self.SDK, other)
        assert counted(sink) == ["other", "sdk"]

    def test_feedback_on_the_callers_own_account_goes_to_the_one_that_counts(self, sink: ClickHouse) -> None:
        tell(sink, said("f", inference_id="sdk"), said("g", aliases=["resp:r"]))
        tell_of(sink, self.SDK, self.GATEWAY)
        assert about(sink) == {"f": [("gateway", 1)], "g": [("gateway", 1)]}


class TestRequestsWithoutAResponse:
    AFTER, UNTIL = NOW_MS - 3_600_000, NOW_MS - 900_000

    def test_what_came_long_ago_and_was_not_answered_is_overdue_once(self, sink: ClickHouse) -> None:
        named = {"service.name": "s", "http.route": "r", "gen_ai.request.model": "m", "source.format": "kserve_ce"}
        old = self.UNTIL - 1_000
        ask(sink, request("lost", **named), request("answered"), request("probe", synthetic=True), ingest_ms=old)
        ask(sink, request("span", **{"source.format": "otlp_genai"}), ingest_ms=old)
        ask(sink, request("young"), ingest_ms=NOW_MS)
        answer(sink, response("answered"))
        joins = Joins(sink)
        assert joins.latest_ms() == NOW_MS
        lost, probe = joins.overdue(self.UNTIL, self.AFTER)
        known = {"service": "s", "environment": None, "route": "r", "operation": "chat", "provider": None}
        assert lost == Overdue("lost", NOON, "kserve_ce", synthetic=False, **known, request_model="m")
        assert (probe.inference_id, probe.synthetic) == ("probe", True)
        joins.found(self.UNTIL)
        assert joins.overdue(self.UNTIL, self.AFTER) == []
        assert [each.inference_id for each in joins.overdue(NOW_MS, self.AFTER)] == ["young"]

    def test_a_late_response_supersedes_and_its_time_holds(self, sink: ClickHouse) -> None:
        ask(sink, request("a", time_unix_nano=NOON))
        answer(sink, response("a", status="timeout_no_response", time_unix_nano=NOON + 15 * MINUTE_NS, duration_s=None))
        query = "SELECT status, duration_s, response_time IS NULL, response_record IS NULL FROM inferences"
        assert rows(sink, query) == [("timeout_no_response", None, True, True)]
        answer(sink, response("a", status="ok", time_unix_nano=NOON + 3 * 10**9, duration_s=None))
        assert rows(sink, query) == [("ok", 3.0, False, False)]


def test_requests_were_asked_when_they_were_first_and_only_what_is_stored_is_known(sink: ClickHouse) -> None:
    ask(
        sink,
        request("a", time_unix_nano=NOON, **{"gen_ai.output.type": "json"}),
        request("a", time_unix_nano=NOON + 5),
        request("b'; --", time_unix_nano=NOON + 7),
    )
    asked = Joins(sink).asked([(name, NOON) for name in ("a", "b'; --", "z", "a")])
    assert asked == {"a": Asked(NOON, "json"), "b'; --": Asked(NOON + 7, None)}
    assert Joins(sink).asked([]) == {}


def test_a_request_is_looked_for_in_the_weeks_around_its_answer_alone(sink: ClickHouse) -> None:
    monday = (NOON // WEEK_NS) * WEEK_NS + 4 * 86_400 * 10**9  # 1970 began on a Thursday
    at = {"before": monday - 1, "long-before": monday - 2 * WEEK_NS}
    ask(sink, *(request(name, time_unix_nano=time, user_id="u_1") for name, time in at.items()))
    joins, answered = Joins(sink), [(name, monday + 1) for name in at]
    assert joins.asked(answered) == {"before": Asked(monday - 1, None)}
    assert joins.askers(answered) == {"before": "u_1"}
    assert joins.asked([("before", 0), ("before", 2**63 - 1)]) == {}, "the ends of what a week can be"


class TestWhatFeedbackMeans:
    def meant(self, sink: ClickHouse, *names: tuple[str, int], at: int = NOON, output: bool = False) -> Meant | None:
        (found,) = Joins(sink).meant([Spoken(names, at)], output=output)
        return found

    def test_it_is_found_by_the_most_telling_name(self, sink: ClickHouse) -> None:
        ask(sink, request("a", **{"gen_ai.conversation.id": "talk"}), request("b", aliases=["call:c-1"]))
        answer(sink, response("a"), response("b", **{"gen_ai.response.id": "r"}))
        assert self.meant(sink, ("call:a", 0), ("resp:r", 1)) == Meant("a", "s", None, None)
        assert self.meant(sink, ("call:z", 0), ("resp:r", 1)) == Meant("b", "s", None, None)
        assert self.meant(sink, ("resp:z", 1), ("call:c-1", 1)) == Meant("b", "s", None, None)
        assert self.meant(sink, ("sess:talk", 3)) == Meant("a", "s", None, None)
        assert self.meant(sink, ("call:z", 0)) is None
        assert Joins(sink).meant([], output=False) == []

    def test_of_a_dialogue_it_is_the_last_before(self, sink: ClickHouse) -> None:
        for n in range(3):
            talk = {"gen_ai.conversation.id": "talk", "time_unix_nano": NOON + n * MINUTE_NS}
            ask(sink, request(f"turn-{n}", **talk))
            answer(sink, response(f"turn-{n}", **talk))
        for at, turn in ((NOON - 5, 0), (NOON + 5, 0), (NOON + MINUTE_NS + 5, 1), (NOON + 10 * MINUTE_NS, 2)):
            assert self.meant(sink, ("sess:talk", 3), at=at) == Meant(f"turn-{turn}", "s", None, None)

    def test_what_is_not_answered_or_no_real_traffic_is_not_meant(self, sink: ClickHouse) -> None:
        ask(sink, request("waiting"))
        answer(sink, response("probe", synthetic=True))
        assert self.meant(sink, ("call:waiting", 0)) is None
        assert self.meant(sink, ("call:probe", 0)) is None

    def test_of_two_accounts_of_a_call_it_is_the_one_that_counts(self, sink: ClickHouse) -> None:
        tell_of(sink, TestTwoAccountsOfOneCall.SDK, TestTwoAccountsOfOneCall.GATEWAY)
        assert self.meant(sink, ("call:sdk", 0)) == Meant("gateway", "s", None, None)

    def test_each_piece_has_its_own_answer_and_short_output_comes_where_it_is_asked_for(self, sink: ClickHouse) -> None:
        answer(sink, response("a", output=["spam"]), response("b", output=["x" * 20_000]))
        spoken = [Spoken([("call:b", 0)], NOON), Spoken([("call:z", 0)], NOON), Spoken([("call:a", 0)], NOON)]
        assert Joins(sink).meant(spoken, output=True) == [
            Meant("b", "s", None, None),
            None,
            Meant("a", "s", '["spam"]', None),
        ]
