"""The truth is planted: corrections, preferences, disagreement and bad slices are found, and nothing else is."""

from datetime import timedelta
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Alternative, Candidate, Draw, Reason
from sinks.review.parents import Parents
from sinks.review.policy import Policy, Quotas
from sinks.review.reasons.correction import correction
from sinks.review.reasons.disagreement import disagreement
from sinks.review.reasons.preference import preference
from sinks.review.reasons.worst_slice import search, worst_slice
from sinks.review.select import select
from sinks.review.snapshot import snapshot
from sinks.review.windows import Window
from tests.sinks.review.planting import Row, feedback, hour, inference, plant, request, response, text, thumb_down

W46 = Window.week("2026-W46")
UP = {"score": 1.0, "data_type": "boolean"}
SHARE = {"score_low": 0.0, "score_high": 1.0}
NOTHING = {reason.value: 0 for reason in Reason}
STARS = {"name": "user.rating", "score_low": 1.0, "score_high": 5.0}


def named(client: Client, reason: object, policy: Policy | None = None, limit: int = 100) -> dict[str, Candidate]:
    with snapshot(client, W46, W46.end + timedelta(days=1), Parents(), "test") as shot:
        return {each.inference_id: each for each in reason(shot, policy or Policy(), limit)}  # type: ignore[operator]


def test_what_people_corrected_or_edited_is_named_and_what_programs_did_is_not(client: Client) -> None:
    plant(client, [row for name in ("person", "edit", "model", "praise") for row in inference(name, hour(1))])
    fixed = {"correction": '"better"', "data_type": "correction"}
    plant(client, [feedback("f1", "person", hour(2), **fixed), feedback("f4", "praise", hour(2), **UP)])
    plant(client, [feedback("f2", "edit", hour(2), name="implicit.edit", rater_kind="implicit", **fixed)])
    plant(client, [feedback("f3", "model", hour(2), rater_kind="llm", **fixed)])
    found = named(client, correction, Policy(quotas=Quotas(correction=1)))
    assert {name: (each.why, each.draw.of if each.draw else 0) for name, each in found.items()} == {
        "person": ("A person corrected it.", 2),
        "edit": ("A person edited it before using it.", 2),
    }


def asked(name: str, prompt: str, at: float, model: str = "small") -> list[Row]:
    return [
        request(name, hour(at), input_messages=text("user", prompt), conversation_id="c"),
        response(name, hour(at + 0.001), response_model=model),
    ]


def test_of_answers_to_one_prompt_the_liked_one_is_named_with_those_that_were_not(client: Client) -> None:
    again = {"name": "implicit.regenerate", "rater_kind": "implicit", **UP}
    kept = {"name": "implicit.copy", "rater_kind": "implicit", **UP}
    plant(client, [*asked("first", "regenerated", 1), *asked("second", "regenerated", 1.1)])
    plant(client, [feedback("f1", "first", hour(2), **again), feedback("f2", "second", hour(2), **kept)])
    plant(client, [*asked("a", "two models", 3), *asked("b", "two models", 3.1, model="large")])
    plant(client, [thumb_down("f3", "a", hour(4)), feedback("f4", "b", hour(4), **UP)])
    plant(client, [*asked("month", "same words", 5), *asked("later", "same words", 100)])
    plant(client, [thumb_down("f5", "month", hour(6)), feedback("f6", "later", hour(101), **UP)])
    plant(client, [*asked("both", "of two minds", 7), *asked("other", "of two minds", 7.1)])
    plant(client, [thumb_down("f7", "both", hour(8)), feedback("f8", "both", hour(8), rater_id="x", **UP)])
    plant(client, [thumb_down("f9", "other", hour(8))])
    found = named(client, preference)
    assert {name: (each.why, each.alternatives) for name, each in found.items()} == {
        "second": ("People preferred it to another answer.", (Alternative("first", 0, preferred=False),)),
        "b": ("People preferred it to another model's answer.", (Alternative("a", 0, preferred=False),)),
    }


def test_only_who_has_seen_both_answers_prefers_one(client: Client) -> None:
    def told(name: str, at: float, **more: Any) -> list[Row]:
        (table, question), (other, answer) = asked(name, str(more.pop("prompt")), at, model=more.pop("model", "small"))
        return [(table, question | {"conversation_id": None} | more), (other, answer)]

    pairs: dict[str, list[dict[str, Any]]] = {
        "strangers": [{"user_id": "u1"}, {"user_id": "u2", "model": "large"}],
        "nobody knows": [{}, {"model": "large"}],
        "one user": [{"user_id": "u3"}, {"user_id": "u3"}],
        "one conversation": [{"conversation_id": "c1"}, {"conversation_id": "c1"}],
        "experiment": [{"tags": {"experiment": "e1"}}, {"tags": {"experiment": "e1"}, "model": "large"}],
        "experiment of one model": [{"tags": {"experiment": "e1"}}, {"tags": {"experiment": "e1"}}],
        "two experiments": [{"tags": {"experiment": "e1"}}, {"tags": {"experiment": "e2"}, "model": "large"}],
    }
    for n, (prompt, (bad, good)) in enumerate(pairs.items()):
        plant(
            client, [*told(f"{prompt} bad", n, prompt=prompt, **bad), *told(f"{prompt} good", n, prompt=prompt, **good)]
        )
        said = [
            thumb_down(f"d{n}", f"{prompt} bad", hour(n + 1)),
            feedback(f"u{n}", f"{prompt} good", hour(n + 1), **UP),
        ]
        plant(client, said)
    assert set(named(client, preference)) == {"one user good", "one conversation good", "experiment good"}


def test_of_several_answers_of_one_response_the_picked_one_is_preferred(client: Client) -> None:
    def choices(name: str, count: int) -> list[Row]:
        said = [{"role": "assistant", "parts": [{"type": "text", "content": f"{name} {n}"}]} for n in range(count)]
        return [request(name, hour(1)), response(name, hour(1.1), output_messages=orjson.dumps(said).decode())]

    counts = {"picked": 3, "first": 2, "rated": 3, "two minds": 2, "about all": 3, "no such answer": 2, "only one": 1}
    plant(client, [row for name, count in counts.items() for row in choices(name, count)])
    picks = [("picked", 2), ("first", 0), ("two minds", 0), ("two minds", 1), ("no such answer", 2), ("only one", 0)]
    pick = {"name": "implicit.select", "rater_kind": "implicit", **UP}
    plant(client, [feedback(f"p{n}", name, hour(2), choice=choice, **pick) for n, (name, choice) in enumerate(picks)])
    plant(client, [feedback("r1", "rated", hour(2), choice=1, **UP), thumb_down("r2", "rated", hour(2), choice=0)])
    plant(client, [feedback("a1", "about all", hour(2), **pick)])
    found = named(client, preference)
    assert {name: (each.why, [(a.choice, a.preferred) for a in each.alternatives]) for name, each in found.items()} == {
        "picked": ("People preferred answer 3 of 3.", [(1, False), (2, True)]),
        "first": ("People preferred answer 1 of 2.", [(1, False)]),
        "rated": ("People preferred answer 2 of 3.", [(1, True), (2, False)]),
    }


def test_contradictions_are_named_and_agreement_is_not(client: Client) -> None:
    plant(client, inference("failed", hour(1), status="error") + inference("empty", hour(1), output_chars=0))
    plant(client, inference("apart", hour(1)) + inference("agree", hour(1)) + inference("one voice", hour(1)))
    plant(client, inference("failed and said so", hour(1), status="error") + inference("fine", hour(1), output_chars=9))
    plant(client, [feedback(f"up {name}", name, hour(2), **UP) for name in ("failed", "empty", "agree", "fine")])
    plant(client, [thumb_down("down", "failed and said so", hour(2))])
    plant(client, [feedback("s1", "apart", hour(2), score=5.0, rater_id="ann", **STARS)])
    plant(client, [feedback("s2", "apart", hour(2), score=2.0, rater_id="bob", **STARS)])
    plant(client, [feedback("s3", "agree", hour(2), score=4.0, rater_id="bob", **STARS)])
    plant(client, [feedback("s4", "one voice", hour(2), score=5.0, rater_id="ann", **STARS)])
    plant(client, inference("two questions", hour(1)) + inference("unnamed", hour(1)) + inference("moody", hour(1)))
    rude, useful = {"name": "rude", **SHARE}, {"name": "useful", **SHARE}
    plant(client, [feedback("q1", "two questions", hour(2), score=0.0, rater_id="ann", **rude)])
    plant(client, [feedback("q2", "two questions", hour(2), score=1.0, rater_id="bob", **useful)])
    plant(client, [thumb_down("n1", "unnamed", hour(2)), feedback("n2", "unnamed", hour(3), **UP)])
    plant(client, [feedback("m1", "moody", hour(2), score=5.0, rater_id="ann", **STARS)])
    plant(client, [feedback("m2", "moody", hour(3), score=1.0, rater_id="ann", **STARS)])
    plant(client, [feedback("m3", "moody", hour(3), score=3.0, rater_id="bob", **STARS)])
    plant(client, [feedback("s5", "one voice", hour(3), score=1.0, rater_id="ann", **STARS)])
    found = named(client, disagreement)
    assert {name: each.why for name, each in found.items()} == {
        "apart": "Two people judged it very differently.",
        "failed": "It was praised, though it ended as error.",
        "empty": "It was praised, though it is empty.",
    }


def fleet() -> list[Row]:
    """Return 3,600 calls of three services and two models; one of the six pairs fails one time in four."""
    rows: list[Row] = []
    for n in range(3600):
        service, model = ("chat", "search", "code")[n % 3], ("small", "large")[n // 3 % 2]
        bad = n % 24 == 5 if (service, model) == ("code", "large") else n % 50 == 0
        rows += [
            request(f"i{n:04d}", hour(n / 30), service=service, request_model=model),
            response(f"i{n:04d}", hour(n / 30 + 0.001), service=service, status="error" if bad else "ok"),
        ]
    return rows


def test_the_slice_that_fails_is_found_and_its_defects_are_drawn(client: Client) -> None:
    plant(client, fleet())
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        (only,) = search(shot, least=100)
    assert only.where == {"service": "code", "request_model": "large"}, "and not what it lies in"
    assert (only.inferences, only.defects) == (600, 150)
    policy = Policy.model_validate({"slices": {"least": 100}, "quotas": {"worst_slice": 15}})
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        drawn = worst_slice(shot, policy, 1000)
    why = "A defect where they are most common: 25.0% of service code, request_model large."
    of_it = [each for each in drawn if each.why == why]
    assert len(of_it) == 150
    assert all(int(each.inference_id[1:]) % 24 == 5 for each in of_it)
    assert [each.draw for each in of_it] == [Draw(n, 150, str(only)) for n in range(1, 151)]


def test_where_all_fail_alike_no_slice_is_blamed(client: Client) -> None:
    rows = [row for row in fleet() if row[0] == "inference_parts"]
    for table, values in rows:
        assert table
        if "status" in values:
            values["status"] = "error" if int(values["inference_id"][1:]) % 17 == 0 else "ok"
    plant(client, rows)
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        assert search(shot, least=100) == []


def test_where_two_slices_share_a_quota_each_chance_is_of_its_own_share(client: Client) -> None:
    rows: list[Row] = []
    for n in range(1200):
        service = ("chat", "search", "code")[n % 3]
        bad = service != "chat" and n // 3 % 4 == 0
        rows += [request(f"i{n}", hour(n / 10), service=service)]
        rows += [response(f"i{n}", hour(n / 10 + 0.001), service=service, status="error" if bad else "ok")]
    plant(client, rows)
    policy = Policy.model_validate({"slices": {"least": 100}, "quotas": NOTHING | {"worst_slice": 10}})
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        picks = select(shot, policy).picks
    assert {pick.probabilities[Reason.WORST_SLICE] for pick in picks} == {0.05}, "five each of a hundred"


def test_what_is_drawn_says_of_how_many(client: Client) -> None:
    for n in range(6):
        plant(client, [*asked(f"a{n}", f"question {n}", n + 1), *asked(f"b{n}", f"question {n}", n + 1.1)])
        plant(client, [thumb_down(f"d{n}", f"a{n}", hour(20)), feedback(f"u{n}", f"b{n}", hour(20), **UP)])
    plant(client, [row for n in range(4) for row in inference(f"failed{n}", hour(1), status="error")])
    plant(client, [feedback(f"up{n}", f"failed{n}", hour(2), **UP) for n in range(4)])
    liked = named(client, preference, limit=2)
    assert [each.draw for each in liked.values()] == [Draw(1, 6, "calls"), Draw(2, 6, "calls")]
    praised = named(client, disagreement, limit=2)
    assert [each.draw for each in praised.values()] == [Draw(1, 4, "praised"), Draw(2, 4, "praised")]
