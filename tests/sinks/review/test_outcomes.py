"""What comes of what people say, and of which services' labels stand."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.review.audit import Step
from sinks.review.decisions import Decision, InvalidDecision, Verdict
from sinks.review.outcomes import Standing, resolved, settle, survey
from sinks.review.participation import Label
from tests.sinks.review.deciding import batch, item, keep, labelled, minute, says

GOOD = Label("quality", "good")


def outcome(*decisions: Decision, needed: int = 1) -> tuple[str, str | None]:
    found = settle(decisions, {"a": needed})["a"]
    return found.standing.value, found.verdict


def test_one_person_decides_and_may_change_their_mind() -> None:
    first, second = says("Ada", "a", "accept", minute(0)), says("Ada", "a", "reject", minute(1))
    assert outcome() == ("open", None)
    assert outcome(first) == ("decided", "accept")
    assert outcome(second, first) == ("decided", "reject")


def test_letter_case_makes_no_second_person() -> None:
    assert outcome(says("Ada  L", "a"), says("ada l", "a", at=minute(1)), needed=2) == ("open", None)


def test_how_a_name_is_typed_makes_no_second_person() -> None:
    for one, other in (("Jos\u00e9", "Jose\u0301"), ("Ada", "Ada\u200b"), ("Ada L", "Ada\u00a0L"), ("Ada", "\uff21da")):
        assert outcome(says(one, "a"), says(other, "a", at=minute(1)), needed=2) == ("open", None)


def test_two_who_sit_at_a_batch_at_once_decide_different_items(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item(f"i{n}") for n in range(10)])
    keep(folder, says("Ada", "i0"), says("Ben", "i1"))
    for _ in range(4):
        shown = {person: survey(folder).waiting_for(person)[0] for person in ("Ada", "Ben")}
        assert len({*shown.values()}) == 2
        for person, name in shown.items():
            keep(folder, says(person, name))
    assert survey(folder).open == []


def test_two_people_must_say_the_same_text_too() -> None:
    one, two = says("Ada", "a", "correct", correction="so"), says("Ben", "a", "correct", correction="thus")
    assert outcome(one, two) == ("conflict", None)
    assert outcome(one, says("Ben", "a", "correct", correction="so")) == ("decided", "correct")


def test_who_skips_leaves_it_to_others() -> None:
    assert outcome(says("Ada", "a", "skip")) == ("open", None)
    assert outcome(says("Ada", "a", "skip"), says("Ben", "a", "reject")) == ("decided", "reject")
    assert outcome(says("Ada", "a"), says("Ada", "a", "skip", minute(1))) == ("open", None)


def test_an_item_for_two_is_open_until_both_have_decided() -> None:
    assert outcome(says("Ada", "a"), needed=2) == ("open", None)
    assert outcome(says("Ada", "a"), says("Ben", "a"), needed=2) == ("decided", "accept")


VERDICTS: st.SearchStrategy[Verdict] = st.sampled_from(["accept", "reject", "skip"])


@st.composite
def conversations(draw: st.DrawFn) -> list[Decision]:
    said = draw(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("ab"), VERDICTS), max_size=8))
    reviews = [says(who, what, verdict, minute(i)) for i, (who, what, verdict) in enumerate(said)]
    ids = [each.decision_id for each in reviews if each.inference_id == "a"]
    judged = draw(st.booleans()) and ids
    return [*reviews, says("D", "a", "accept", minute(99), adjudicates=ids)] if judged else reviews


@given(conversations(), st.randoms(use_true_random=False), st.integers(0, 2))
def test_no_outcome_depends_on_the_order_of_lines(said: list[Decision], order: object, needed: int) -> None:
    shuffled = list(said)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    people = {"a": needed, "b": 1}
    assert settle(shuffled, people) == settle(said, people)


@given(conversations(), st.integers(1, 2))
def test_what_is_decided_was_said_by_as_many_as_it_takes(said: list[Decision], needed: int) -> None:
    for found in settle(said, {"a": needed, "b": needed}).values():
        if found.standing is Standing.DECIDED:
            assert len(found.reviewers) >= needed
            assert found.verdict in {each.verdict for each in said if each.decision_id in found.decision_ids}


def test_a_third_person_settles_a_conflict_until_somebody_changes_their_mind(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a")])
    keep(folder, says("Ada", "a"), says("Ben", "a", "reject"))
    conflict = resolved(folder)["a"]
    assert (conflict.standing, conflict.verdict) == (Standing.CONFLICT, None)
    ids = list(conflict.decision_ids)
    with pytest.raises(InvalidDecision, match="a third person adjudicates"):
        keep(folder, says("ada", "a", at=minute(1), adjudicates=ids), step=Step.ADJUDICATED)
    keep(folder, says("Cleo", "a", "reject", adjudicates=ids), step=Step.ADJUDICATED)
    settled = resolved(folder)["a"]
    assert (settled.verdict, settled.adjudicated_by, settled.reviewers) == ("reject", "Cleo", ("Ada", "Ben"))
    assert len(settled.decision_ids) == 3
    keep(folder, says("Ada", "a", "correct", minute(5), correction="so"))
    assert resolved(folder)["a"].standing is Standing.CONFLICT


def test_nobody_is_asked_twice_and_the_second_does_not_wait_for_the_first(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a"), item("b")], double_review_share=1.0)
    keep(folder, says("Ada", "a"), says("Ben", "b", "skip"))
    review = survey(folder)
    assert (review.waiting_for("Ada"), review.waiting_for("Ben"), review.waiting_for("Cleo")) == (
        ["b"],
        ["a"],
        ["b", "a"],
    )


def audited(folder: Path, wrong: int) -> None:
    """Let a person decide what the audit of the label asks for, and disagree some times."""
    sample = sorted(survey(folder).plan.audited[GOOD])
    keep(folder, *(says("Ada", name, "reject" if i < wrong else "accept") for i, name in enumerate(sample)))


PARTIAL: dict[str, Any] = {
    "mode": "partial",
    "verdicts": {"quality=good": "accept"},
    "max_error_rate": 0.1,
    "audit_share": 0.1,
}


@pytest.mark.parametrize(("wrong", "stands"), [(0, True), (1, False)])
def test_a_label_stands_where_the_audit_shows_few_wrong(tmp_path: Path, wrong: int, stands: bool) -> None:
    folder = batch(tmp_path, [labelled(f"i{n:02}", "good") for n in range(40)], **PARTIAL)
    before = survey(folder)
    assert (before.trusts[GOOD].needed, len(before.waiting_for("Ada"))) == (29, 29)  # 0.9^29 < 5%, 0.9^28 > 5%
    audited(folder, wrong)
    review = survey(folder)
    assert review.trusts[GOOD].stands is stands
    by_label = [each for each in review.outcomes.values() if each.prelabel == "quality=good"]
    assert len(by_label) == (11 if stands else 0)
    assert all((each.verdict, each.reviewers) == ("accept", ()) for each in by_label)
    assert len(review.waiting_for("Ada")) == (0 if stands else 11)


def test_an_unfinished_audit_shows_nothing_however_well_it_looks(tmp_path: Path) -> None:
    folder = batch(tmp_path, [labelled(f"i{n:02}", "good") for n in range(40)], **(PARTIAL | {"audit_share": 0.9}))
    sample = sorted(survey(folder).plan.audited[GOOD])
    keep(folder, *(says("Ada", name) for name in sample[:-1]))
    assert len(sample) == 36
    assert not survey(folder).trusts[GOOD].stands


def test_what_a_person_says_counts_over_a_label(tmp_path: Path) -> None:
    folder = batch(tmp_path, [labelled(f"i{n:02}", "good") for n in range(40)], **PARTIAL)
    unseen = next(name for name, people in survey(folder).plan.people.items() if not people)
    audited(folder, 0)
    keep(folder, says("Ben", unseen, "reject"))
    found = resolved(folder)[unseen]
    assert (found.verdict, found.prelabel) == ("reject", None)
