"""How far people agree, held against published examples and worked by hand."""

from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sinks.review.agreement import of_labels, of_prelabels, of_verdicts, seconds
from sinks.review.decisions import Decision, Verdict
from sinks.review.outcomes import Standing, survey
from tests.sinks.review.deciding import batch, keep, labelled, minute, says

# Four observers, twelve units, values 1 to 5: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011),
# section C, where nominal alpha is 0.743. None: not observed.
OBSERVED: dict[str, list[int | None]] = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}


def rated(by_person: dict[str, list[int | None]]) -> list[Decision]:
    verdicts: dict[int, Verdict] = {1: "accept", 2: "reject", 3: "correct", 4: "rank", 5: "accept"}
    more: dict[int, dict[str, Any]] = {3: {"correction": "x"}, 4: {"ranking": ["x"]}}
    return [
        says(person, f"i{unit:02}", verdicts[value], labels=[f"is {value}"], **more.get(value, {}))
        for person, values in by_person.items()
        for unit, value in enumerate(values)
        if value is not None
    ]


def alpha_by_hand(by_person: dict[str, list[int | None]]) -> float:
    """Return 1 - (n - 1) * (coincidences off the diagonal) / (sum over c != k of n_c * n_k)."""
    totals: Counter[int] = Counter()
    apart = 0.0
    for unit in zip(*by_person.values(), strict=True):
        values = [value for value in unit if value is not None]
        if len(values) > 1:
            totals.update(values)
            apart += sum(one != two for one, two in permutations(values, 2)) / (len(values) - 1)
    expected = sum(totals[one] * totals[two] for one, two in permutations(totals, 2))
    return 1 - (totals.total() - 1) * apart / expected


def test_alpha_is_that_of_the_published_example() -> None:
    assert alpha_by_hand(OBSERVED) == pytest.approx(0.743, abs=5e-4)
    verdicts = {person: [1 if value == 5 else value for value in values] for person, values in OBSERVED.items()}
    found = of_verdicts(rated(OBSERVED)).alpha  # there are four verdicts for its five values: 1 and 5 are one
    assert found.value == pytest.approx(alpha_by_hand(verdicts))
    assert found.items == 11


def pairs(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[Decision]:
    said = [(True, True)] * yes_yes + [(True, False)] * yes_no + [(False, True)] * no_yes + [(False, False)] * no_no
    return [
        says(person, f"i{n:03}", "accept" if yes else "reject", labels=["tone"] if yes else [])
        for n, both in enumerate(said)
        for person, yes in zip(("Ada", "Ben"), both, strict=True)
    ]


def test_cohens_kappa_by_hand() -> None:
    """Of 50 items both accept 20, both reject 15: agreement 0.7, by chance 0.5, so kappa 0.4."""
    found = of_verdicts(pairs(20, 5, 10, 15))
    kappa = found.cohen["ada", "ben"]
    assert kappa.value == pytest.approx(0.4)
    assert kappa.items == 50
    assert kappa.low is not None
    assert kappa.high is not None
    assert kappa.low < 0.4 < kappa.high
    assert found.fleiss.value == pytest.approx(1 - 0.3 / (2 * 0.55 * 0.45))  # one marginal for both: 55% accept


def test_each_label_is_measured_as_given_or_not() -> None:
    assert of_labels(pairs(20, 5, 10, 15))["tone"].cohen["ada", "ben"].value == pytest.approx(0.4)


def test_where_nothing_can_be_told_nothing_is_said() -> None:
    for said in ([], [says("Ada", "a")], pairs(5, 0, 0, 0)):
        found = of_verdicts(said)
        assert (found.alpha.value, found.fleiss.value) == (None, None)
        assert all(each.value is None for each in found.cohen.values())


def test_adjudications_and_skips_agree_with_nobody() -> None:
    said = [*pairs(2, 1, 0, 2), says("Cleo", "i000", "reject", adjudicates=["1"]), says("Dan", "i000", "skip")]
    assert of_verdicts(said) == of_verdicts(pairs(2, 1, 0, 2))


def test_who_gives_in_once_the_other_has_decided_did_not_agree() -> None:
    gives_in = says("Ben", "i020", "accept", minute(5))  # both had decided it, and Ada had accepted
    assert of_verdicts([*pairs(20, 5, 10, 15), gives_in]) == of_verdicts(pairs(20, 5, 10, 15))


def test_who_thinks_again_while_nobody_else_has_decided_is_taken_at_the_last_word() -> None:
    slip, later = says("Ada", "i000", "reject", minute(-2)), says("Ada", "i001", "skip", minute(-1))
    assert of_verdicts([slip, later, *pairs(20, 5, 10, 15)]) == of_verdicts(pairs(20, 5, 10, 15))
    withdrawn = says("Cleo", "i000", "accept", minute(-3)), says("Cleo", "i000", "skip", minute(-2))
    assert of_verdicts([*withdrawn, *pairs(20, 5, 10, 15)]) == of_verdicts(pairs(20, 5, 10, 15))


def test_what_a_service_says_is_measured_by_what_people_say(tmp_path: Path) -> None:
    items = [labelled(f"i{n}", "good") for n in range(8)] + [labelled(f"j{n}", "bad") for n in range(2)]
    folder = batch(tmp_path, items, verdicts={"quality=good": "accept"})
    said = [says("Ada", f"i{n}", "reject" if n == 0 else "accept") for n in range(7)]
    stated = [says("Ada", "i7", "reject", agrees_with_prelabels={"quality": True})]
    unknown = [says("Ada", "j0", "reject")]  # what `bad` decides, the policy does not say
    keep(folder, *said, *stated, *unknown)
    (found,) = of_prelabels(folder, survey(folder).decisions)
    assert (found.label, found.by, found.accepted, found.asked) == ("quality=good", "judge", 7, 8)
    assert found.low == pytest.approx(0.5291, abs=1e-4)
    assert found.high == pytest.approx(0.9776, abs=1e-4)
    assert survey(folder).outcomes["j1"].standing is Standing.OPEN


def test_time_is_summed_by_person_superseded_decisions_included() -> None:
    said = [says("Ada", "a", seconds=10), says("ada", "a", at=minute(1), seconds=5), says("Ben", "a")]
    assert seconds(said) == {"ada": (2, 15.0)}
