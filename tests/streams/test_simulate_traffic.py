"""What simulated traffic is like: season, rates, lengths, nulls, languages, people."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from statistics import correlation, median

import numpy as np
import pytest

from streams.events import Feedback, InferenceResponse, Message
from streams.simulate import simulate
from streams.traffic.draws import HOUR_NS, Draw, draws
from streams.traffic.feedback import HABITS
from streams.traffic.fleet import FLEET
from streams.traffic.plan import WEEK, Plan, week_start
from streams.traffic.season import Season
from tests.streams.simulated import Recount, assert_share, recount

START = week_start("2026-W46")


@pytest.fixture(scope="module")
def found() -> Recount:
    return recount(simulate(Plan(START, WEEK, 12_000, seed=5))[0])


@pytest.fixture(scope="module")
def drawn() -> list[Draw]:
    return list(draws(START, WEEK, 100_000, 11, Season()))


def wave(hour: float) -> float:
    return float(np.sin(2 * np.pi * (hour - 8) / 24) + 0.3 * np.sin(4 * np.pi * (hour - 3) / 24))


def test_traffic_follows_the_day_and_rests_at_the_weekend(drawn: list[Draw]) -> None:
    monday = drawn[0].time_unix_nano // (24 * HOUR_NS)
    hours = [draw.time_unix_nano / HOUR_NS for draw in drawn]
    working = [hour % 24 for hour in hours if hour // 24 < monday + 5]
    # 1 + 0.6 sin(2π(h - 9)/24) has 12 + 0.6 · 24/π of its 24 hours' worth between 9 and 21 o'clock
    assert_share(sum(9 <= hour < 21 for hour in working), len(working), (12 + 0.6 * 24 / np.pi) / 24)
    assert_share(len(drawn) - len(working), len(drawn), 2 * 0.55 / (5 + 2 * 0.55))


@pytest.mark.parametrize(
    ("factor", "swing"),
    [(lambda draw: draw.duration_factor, 0.20), (lambda draw: draw.length_factor, 0.10)],
    ids=["latency", "tokens"],
)
def test_latency_and_length_swing_with_the_day(
    drawn: list[Draw], factor: Callable[[Draw], float], swing: float
) -> None:
    working = [draw for draw in drawn if (draw.time_unix_nano // (24 * HOUR_NS) + 3) % 7 < 5]
    waves = np.array([wave(draw.time_unix_nano / HOUR_NS % 24) for draw in working])
    slope = float(np.polyfit(waves, np.log([factor(draw) for draw in working]), 1)[0])
    assert slope == pytest.approx(swing, abs=0.02)


def test_the_weekend_is_a_little_faster(drawn: list[Draw]) -> None:
    def level(weekend: bool) -> float:
        days = [draw for draw in drawn if ((draw.time_unix_nano // (24 * HOUR_NS) + 3) % 7 >= 5) == weekend]
        return float(median(d.duration_factor / np.exp(0.2 * wave(d.time_unix_nano / HOUR_NS % 24)) for d in days))

    assert level(True) / level(False) == pytest.approx(0.94, abs=0.02)


def test_an_hour_wobbles_as_one() -> None:
    still, wobbling = (
        list(draws(START, timedelta(days=1), 100_000, 1, Season(wobble=wobble))) for wobble in (0.0, 0.03)
    )
    effects = [
        {round(b.duration_factor / a.duration_factor, 9) for a, b in hour}
        for _, hour in groupby(zip(still, wobbling, strict=True), key=lambda pair: pair[0].time_unix_nano // HOUR_NS)
    ]
    assert [len(hour) for hour in effects] == [1] * 24
    assert 0.01 < np.std([np.log(hour.pop()) for hour in effects]) < 0.06


def test_longer_answers_take_longer(drawn: list[Draw]) -> None:
    lengths, durations = (np.log([getattr(d, f) for d in drawn]) for f in ("length_factor", "duration_factor"))
    assert correlation(lengths.tolist(), durations.tolist()) == pytest.approx(0.6, abs=0.05)


def test_segments_are_many_and_skewed(found: Recount) -> None:
    shares = Counter((e.service, e.route, e.request_model, e.environment) for e in found.responses)
    assert set(shares) == {gateway.segment for gateway in FLEET}
    total = sum(gateway.share for gateway in FLEET)
    for gateway in FLEET:
        assert_share(shares[gateway.segment], len(found.responses), gateway.share / total)


def test_errors_are_two_in_a_hundred_and_say_why(found: Recount) -> None:
    errors = [event for event in found.responses if event.status == "error"]
    assert_share(len(errors), len(found.responses), 0.02)  # the season and the wobble average out over a week
    for event in errors:
        assert event.error_type in {"rate_limit", "timeout", "upstream_error", "content_filter"}
        assert event.http_status is not None
        assert event.http_status >= 400
        assert event.request_model is not None
        assert (event.response_model, event.response_id) == (None, None)
        assert (event.output_messages, event.output_tokens, event.input_tokens, event.cost_usd) == (None,) * 4


def test_null_is_where_a_gateway_does_not_know(found: Recount) -> None:
    streamed = {event.inference_id for event in found.requests if event.stream}
    ok = [event for event in found.responses if event.status == "ok"]
    for event in ok:
        silent = event.route == "/v1/complete" and event.inference_id in streamed
        embeds = event.operation == "embeddings"
        assert (event.output_tokens is None) == (silent or embeds)
        assert (event.input_tokens is None) == silent
        assert (event.time_to_first_chunk_s is not None) == (event.inference_id in streamed)
        assert (event.cost_usd is None) == (event.request_model == "basalt-70b" or silent)
        assert (event.cache_hit is None) == (event.route not in ("/v1/chat", "/v1/answer") or event.service == "prober")
        assert (event.output_messages is None) == (embeds or event.route == "/v1/review")
    assert any(event.environment is None for event in ok)
    assert any(event.user_id is None for event in ok)
    assert any(event.trace_id is None for event in ok)
    assert any(event.input_messages is None for event in found.requests)


def test_answers_end_in_every_way(found: Recount) -> None:
    ok = Counter(event.finish_reasons[0] for event in found.responses if event.finish_reasons)
    assert ok["stop"] > ok["length"] > 50
    broken = [event for event in found.responses if event.status == "partial"]
    assert len(broken) > 5
    assert all(event.output_tokens is None and not event.finish_reasons for event in broken)
    refused = [event for event in found.responses if text(event).startswith(("I'm sorry", "I can't give", "抱歉"))]
    assert len(refused) > 30
    hits = [event for event in found.responses if event.cache_hit]
    assert len(hits) > 100
    assert median(event.duration_s or 0 for event in hits) < 0.05


def text(event: InferenceResponse) -> str:
    return "".join(str(part["content"]) for message in event.output_messages or [] for part in message["parts"])


def test_both_languages_are_spoken_and_hardly_a_text_comes_twice(found: Recount) -> None:
    texts = [said for event in found.responses if len(said := text(event)) > 60]
    chinese = [said for said in texts if any("\u4e00" <= letter <= "\u9fff" for letter in said)]
    assert 0.25 < len(chinese) / len(texts) < 0.45
    assert len(set(texts)) > 0.97 * len(texts)


def test_lengths_are_log_normal_and_agree_with_the_tokens(found: Recount) -> None:
    answers = [
        event
        for event in found.responses
        if event.route == "/v1/answer" and event.finish_reasons == ["stop"] and text(event)
    ]
    logs = np.log([event.output_tokens or 0 for event in answers])
    assert float(np.exp(np.median(logs))) == pytest.approx(150, rel=0.1)
    assert 0.75 < float(np.std(logs)) < 0.95  # 0.9, less what is cut at the limit
    counted, written = ([f(e) for e in answers] for f in (lambda e: e.output_tokens, lambda e: len(text(e).encode())))
    assert correlation(counted, written) > 0.9


def test_dialogues_have_turns_and_some_people_ask_much(found: Recount) -> None:
    turns = Counter(event.conversation_id for event in found.requests if event.conversation_id)
    assert 1.3 < sum(turns.values()) / len(turns) < 2.5
    messages: list[list[Message]] = [event.input_messages for event in found.requests if event.input_messages]
    assert {len(said) for said in messages} == {1, 3}
    asked = sorted(Counter(e.user_id for e in found.requests if e.user_id).values(), reverse=True)
    assert sum(asked[: len(asked) // 10]) > 0.25 * sum(asked)


def test_probes_are_marked_as_synthetic(found: Recount) -> None:
    marked = {event.service for event in [*found.requests, *found.responses] if event.synthetic}
    assert marked == {"prober"}
    assert all(event.synthetic for event in found.responses if event.service == "prober")


def test_feedback_comes_at_its_rates(found: Recount) -> None:
    given = Counter(event.name for event in {event.feedback_id: event for event in found.feedback}.values())
    for habit in HABITS:
        written = ("/v1/embed",)  # nothing to judge there
        asked = [
            e for e in found.responses if e.service in habit.services and e.status != "error" and e.route not in written
        ]
        assert_share(given[habit.name], len(asked), habit.rate)
    answered = sum(bool(event.output_messages) for event in found.responses)
    assert 0.01 < given["user.thumbs"] / answered < 0.03
    assert given["implicit.copy"] > given["user.thumbs"] > given["user.rating"] > given["review.label"] > 0


def test_feedback_is_mostly_kind_late_and_sometimes_changed(found: Recount) -> None:
    thumbs = [event for event in found.feedback if event.name == "user.thumbs" and not event.deleted]
    assert 0.75 < sum(event.label == "up" for event in thumbs) / len(thumbs) < 0.95
    ends = {event.inference_id: event.time_unix_nano for event in found.responses}
    waits = [
        (event.time_unix_nano - ends[event.inference_id]) / 1e9
        for event in found.feedback
        if event.inference_id in ends and event.rater_kind == "human"
    ]
    assert 30 < median(waits) < 900
    assert max(waits) > 24 * 3600
    versions = Counter(event.feedback_id for event in found.feedback)
    assert max(versions.values()) == 2
    assert any(event.deleted for event in found.feedback)
    assert {event.rater_kind for event in found.feedback} == {"human", "implicit", "code", "llm"}


def test_an_edit_brings_the_corrected_text_and_its_distance(found: Recount) -> None:
    answers = {event.inference_id: text(event) for event in found.responses}
    edits = [event for event in found.feedback if event.name == "implicit.edit"]
    assert len(edits) > 20
    for event in edits:
        assert event.score is not None
        assert 0 < event.score <= 1
        if answer := answers.get(event.inference_id or ""):
            kept = answer[round(event.score * len(answer)) :]
            assert isinstance(event.correction, str)
            assert event.correction.endswith(kept[-20:])
            assert event.correction != answer


def test_ratings_lie_in_their_range(found: Recount) -> None:
    ratings: list[Feedback] = [event for event in found.feedback if event.score_range and event.score is not None]
    assert len(ratings) > 100
    assert all(event.score_range[0] <= event.score <= event.score_range[1] for event in ratings)  # type: ignore[index, operator]  # filtered above
