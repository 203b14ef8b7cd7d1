"""Limits hold exactly whatever the candidates are, and the control's weights add up to all."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.review.candidates import Alternative, Around, Candidate, Draw, Reason
from sinks.review.choose import Choice, Known, Pick
from sinks.review.folding import jaccard, shingled
from sinks.review.policy import Budget, Caps, Policy, Quotas

WORDS = [
    "harbour",
    "tide",
    "lantern",
    "cedar",
    "gravel",
    "saddle",
    "copper",
    "meadow",
    "ribbon",
    "thimble",
    "orchard",
    "pebble",
]


def said(number: int) -> str:
    """Return a text of which no two are near one another."""
    return " ".join(f"{WORDS[(number // 7**place + place) % len(WORDS)]}{number * 31 + place}" for place in range(30))


def known(names: dict[str, tuple[str | None, str | None, int]]) -> dict[str, Known]:
    return {name: Known(user, topic, said(text), late=False) for name, (user, topic, text) in names.items()}


def batch(policy: Policy, of: dict[str, Known], control: list[str], **wanted: list[str]) -> dict[str, Pick]:
    choice = Choice(policy, 1000, of)
    choice.draw([Candidate(name, "drawn") for name in control])
    choice.serve(
        {Reason(reason): [Candidate(name, f"{reason}!") for name in names] for reason, names in wanted.items()}
    )
    return {pick.inference_id: pick for pick in choice.picks()}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_budget_and_caps_hold_and_weights_add_up(data: st.DataObject) -> None:
    names = [f"i{n}" for n in range(data.draw(st.integers(1, 60)))]
    of = known(
        {
            name: (
                data.draw(st.sampled_from([None, "ann", "bob", "cy"])),
                data.draw(st.sampled_from([None, "tea", "sea"])),
                data.draw(st.integers(0, 40)),
            )
            for name in names
        }
    )
    limits = st.integers(1, 12)
    policy = Policy(
        budget=Budget(items=data.draw(limits) * 3),
        caps=Caps(per_user=data.draw(limits), per_topic=data.draw(limits)),
        quotas=Quotas(anomaly=data.draw(limits), finding=data.draw(limits)),
    )
    subset = st.lists(st.sampled_from(names), unique=True)
    control = data.draw(subset)
    picks = batch(policy, of, control, anomaly=data.draw(subset), finding=data.draw(subset))
    assert len(picks) <= policy.budget.size
    for cap, group in ((policy.caps.per_user, "user_id"), (policy.caps.per_topic, "topic")):
        sizes = Counter(getattr(of[name], group) for name in picks if getattr(of[name], group) is not None)
        assert max(sizes.values(), default=0) <= cap
    for reason in ("anomaly", "finding"):
        assert sum(reason in pick.reasons for pick in picks.values()) <= getattr(policy.quotas, reason)
    shingles = [shingled(of[name].text) for name in picks]
    assert all(jaccard(a, b) < 0.9 for n, a in enumerate(shingles) for b in shingles[:n])
    weights = [pick.control_weight for pick in picks.values() if pick.control_weight is not None]
    if control:
        assert abs(sum(weights) - 1000) < 1e-6


def test_a_user_over_the_cap_keeps_the_first_draws_which_stand_for_the_rest() -> None:
    of = known({f"i{n}": ("ann" if n < 6 else f"u{n}", None, n) for n in range(10)})
    picks = batch(Policy(caps=Caps(per_user=2)), of, [f"i{n}" for n in range(10)])
    assert {name: pick.control_weight for name, pick in picks.items()} == {
        "i0": 300.0,
        "i1": 300.0,
    } | {f"i{n}": 100.0 for n in range(6, 10)}


def test_a_draw_that_is_a_near_duplicate_gives_its_weight_to_its_twin() -> None:
    of = known({"a": (None, None, 1), "b": (None, None, 1), "c": (None, None, 2), "d": (None, None, 3)})
    picks = batch(Policy(), of, ["a", "b", "c", "d"])
    assert {name: (pick.control_weight, pick.folded) for name, pick in picks.items()} == {
        "a": (500.0, ["b"]),
        "c": (250.0, []),
        "d": (250.0, []),
    }


def test_a_short_budget_is_shared_by_turns() -> None:
    of = known({f"{kind}{n}": (None, None, 100 * number + n) for number, kind in enumerate("abc") for n in range(20)})
    wanted = {
        reason: [f"{kind}{n}" for n in range(20)]
        for kind, reason in zip("abc", ("anomaly", "finding", "correction"), strict=True)
    }
    picks = batch(Policy(budget=Budget(items=7)), of, [], **wanted)
    assert sorted(picks) == ["a0", "a1", "a2", "b0", "b1", "c0", "c1"]


def test_a_short_budget_is_not_all_for_the_control() -> None:
    of = known({f"{kind}{n}": (None, None, n + 50 * (kind == "b")) for kind in "ab" for n in range(20)})
    picks = batch(
        Policy(budget=Budget(items=9)), of, [f"a{n}" for n in range(20)], anomaly=[f"b{n}" for n in range(20)]
    )
    assert sorted(picks) == ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3"]
    assert {pick.control_weight for pick in picks.values()} == {200.0, None}


def test_what_several_want_counts_once_in_the_budget_and_keeps_all_that_is_known() -> None:
    of = known({name: (None, None, number) for number, name in enumerate("abc")})
    choice = Choice(Policy(budget=Budget(items=2)), 10, of)
    around, other = Around("f", "error", 0), Alternative("z", 0, preferred=False)
    choice.serve(
        {
            Reason.ANOMALY: [Candidate("a", "odd", Draw(1, 2)), Candidate("b", "odd")],
            Reason.FINDING: [Candidate("a", "near", findings=(around,)), Candidate("c", "near")],
            Reason.PREFERENCE: [Candidate("a", "liked", alternatives=(other,))],
        }
    )
    picks = {pick.inference_id: pick for pick in choice.picks()}
    assert picks.keys() == {"a", "b"}
    assert picks["a"].reasons == [Reason.ANOMALY, Reason.FINDING, Reason.PREFERENCE]
    assert [picks["a"].why[reason] for reason in picks["a"].reasons] == ["odd", "near", "liked"]
    assert picks["a"].probabilities[Reason.ANOMALY] == 0.5
    assert (picks["a"].findings, picks["a"].alternatives) == ([around], [other])


def test_the_chance_of_an_item_is_how_far_its_reason_came() -> None:
    of = known({f"{kind}{n}": (None, None, n + 50 * (kind == "b")) for kind in "ab" for n in range(20)})
    of |= {f"a{n}": of["a0"] for n in range(1, 4)}  # folded, so that the reason goes on
    choice = Choice(Policy(budget=Budget(items=7)), 1000, of)
    drawn = [Candidate(f"a{n}", "drawn", Draw(n + 1, 100, group="g")) for n in range(20)]
    choice.serve({Reason.CORRECTION: drawn, Reason.ANOMALY: [Candidate(f"b{n}", "ranked") for n in range(20)]})
    picks = choice.picks()
    assert sorted(pick.inference_id for pick in picks) == ["a0", "a4", "a5", "a6", "b0", "b1", "b2"]
    assert {chance for pick in picks for chance in pick.probabilities.values()} == {0.07, 1.0}, "not 80 of 100"


def test_what_has_no_room_leaves_it_to_the_next() -> None:
    of = known({f"i{n}": ("ann" if n < 5 else f"u{n}", None, n) for n in range(10)})
    policy = Policy(caps=Caps(per_user=1), quotas=Quotas(anomaly=3))
    assert sorted(batch(policy, of, [], anomaly=[f"i{n}" for n in range(10)])) == ["i0", "i5", "i6"]


def test_near_duplicates_do_not_use_up_a_quota() -> None:
    of = known({f"i{n}": (None, None, 0 if n < 10 else n) for n in range(20)})
    picks = batch(Policy(quotas=Quotas(anomaly=3)), of, [], anomaly=[f"i{n}" for n in range(20)])
    assert sorted(picks) == ["i0", "i10", "i11"]
    assert picks["i0"].folded == [f"i{n}" for n in range(1, 10)]


def test_what_is_said_of_a_near_duplicate_is_not_said_of_its_twin() -> None:
    of = known({"a": (None, None, 1), "b": (None, None, 1)})
    picks = batch(Policy(), of, ["a"], anomaly=["b"])
    assert picks["a"].why == {
        Reason.CONTROL: "drawn",
        Reason.ANOMALY: "Of a near-duplicate that it stands for: anomaly!",
    }


def test_an_answer_that_people_passed_over_is_not_preferred_because_the_better_one_is_like_it() -> None:
    of = known(dict.fromkeys(("passed", "liked"), (None, None, 1)))
    choice = Choice(Policy(), 10, of)
    choice.draw([Candidate("passed", "drawn")])
    choice.serve(
        {Reason.PREFERENCE: [Candidate("liked", "liked", alternatives=(Alternative("passed", 0, preferred=False),))]}
    )
    (pick,) = choice.picks()
    assert (pick.reasons, pick.alternatives, pick.folded) == ([Reason.CONTROL], [], ["liked"])
