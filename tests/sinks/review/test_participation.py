"""Who decides what follows from the policy alone, and a label's audit says no more than it has seen."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from sinks.review.participation import Label, Participation, Plan, Reviewable, planned, trust

GOOD, BAD = Label("quality", "good"), Label("quality", "bad")
VERDICTS = {"quality=good": "accept", "quality=bad": "reject"}


def some(count: int, *labels: tuple[Label, float | None], segment: str = "") -> list[Reviewable]:
    return [Reviewable(f"i{n:04}", ("control",), segment, labels) for n in range(count)]


def policy(mode: str, **more: object) -> Participation:
    return Participation.model_validate({"mode": mode, "verdicts": VERDICTS, "double_review_share": 0.0} | more)


def free(plan: Plan) -> set[str]:
    """Items that no person needs to see."""
    return {name for name, people in plan.people.items() if people == 0}


def test_in_full_mode_a_person_sees_every_item() -> None:
    assert set(planned(some(50, (GOOD, 1.0)), policy("full"), 0).people.values()) == {1}


def test_the_share_that_two_people_decide_is_drawn_by_a_key() -> None:
    items = some(4000)
    plan = planned(items, policy("full", double_review_share=0.1), 7)
    two = {name for name, people in plan.people.items() if people == 2}
    assert 330 < len(two) < 470  # 400, and four deviations of 19
    assert planned(items[::-1], policy("full", double_review_share=0.1), 7).people == plan.people
    other = planned(items, policy("full", double_review_share=0.1), 8).people
    assert len(two & {name for name, people in other.items() if people == 2}) < 80  # of another seed: chance, 40


def test_partial_audits_at_least_what_can_show_the_rate() -> None:
    assert policy("partial").least_audit == 59
    plan = planned(some(300, (GOOD, None)), policy("partial"), 0)
    assert (len(plan.audited[GOOD]), len(free(plan))) == (60, 240)
    assert len(planned(some(100, (GOOD, None)), policy("partial"), 0).audited[GOOD]) == 59
    assert not free(planned(some(30, (GOOD, None)), policy("partial"), 0))


@pytest.mark.parametrize(
    ("labels", "sees"),
    [
        (((GOOD, 0.9),), False),
        (((GOOD, None),), False),
        (((GOOD, 0.5),), True),  # not sure
        ((), True),
        (((Label("topic", "tax"), 0.9),), True),  # decides nothing
        (((GOOD, 0.9), (BAD, 0.9)), True),  # contradict each other
    ],
)
def test_in_minimal_mode_people_see_exceptions(labels: tuple[tuple[Label, float | None], ...], sees: bool) -> None:
    only = replace(some(1, *labels)[0], inference_id="the one")
    drawn = planned([*some(50, (GOOD, 0.9)), only], policy("minimal", audit_share=0.0), 0)
    assert ("the one" not in free(drawn)) is sees


@pytest.mark.parametrize(
    "sensitive",
    [
        {"sensitive_segments": ("health",)},
        {"sensitive_reasons": ("control",)},
        {"sensitive_labels": ("quality",)},
        {"sensitive_labels": ("quality=good",)},
    ],
)
def test_people_see_what_is_sensitive(sensitive: dict[str, object]) -> None:
    items = some(100, (GOOD, 1.0), segment="chat/health")
    plan = planned(items, policy("minimal", audit_share=0.0, **sensitive), 0)
    assert plan.sensitive == set(plan.people)
    assert not free(plan)


@pytest.mark.parametrize("wrong", [0, 1, 5, 60])
def test_the_bound_is_that_of_clopper_and_pearson(wrong: int) -> None:
    for mode, side, end in (("partial", "less", "high"), ("minimal", "greater", "low")):
        held = policy(mode)
        plan = planned(some(300, (GOOD, 1.0)), held, 0)
        said = {name: "reject" if n < wrong else "accept" for n, name in enumerate(sorted(plan.audited[GOOD]))}
        found = trust(GOOD, plan, said, held)
        exact = binomtest(wrong, 60, alternative=side).proportion_ci(0.95, method="exact")
        assert found.bound == pytest.approx(getattr(exact, end), abs=1e-6)
        assert found.stands is (wrong == 0 or (mode == "minimal" and wrong < 7))


def test_an_audit_that_may_not_bear_any_error_never_ends_well() -> None:
    plan = planned(some(300, (GOOD, None)), policy("partial", max_error_rate=0.0), 0)
    assert not free(plan)
