"""The control's interval covers the truth as often as it says, also where draws are capped and folded."""

from pathlib import Path

import numpy as np
import pytest

from sinks.review.candidates import Candidate
from sinks.review.choose import Choice, Known
from sinks.review.estimate import Estimate, Weighed, estimate
from sinks.review.outcomes import survey
from sinks.review.participation import Label
from sinks.review.policy import Caps, Policy, Quotas
from sinks.review.report.people import rejected
from tests.sinks.review.deciding import batch, item, keep, labelled, says

DRAWS, CUTS = 200, 400


def test_without_an_item_nothing_is_known() -> None:
    assert estimate([]) == Estimate(0.0, 0.0, 1.0, 0, 0.0)


def test_none_and_all_have_one_sided_bounds() -> None:
    none, every = (estimate([Weighed(5.0, is_one)] * 100) for is_one in (False, True))
    assert (none.rate, none.low) == (0.0, 0.0)
    assert 0.03 < none.high < 0.04
    assert (every.rate, every.high) == (1.0, 1.0)


def test_unequal_weights_tell_less() -> None:
    weighed = [Weighed(1.0, is_one=False)] * 100 + [Weighed(9.0, is_one=True)] * 100
    of = estimate(weighed)
    assert of.rate == 0.9
    assert 120 < of.effective < 125


def test_a_label_is_no_persons_word_about_the_whole(tmp_path: Path) -> None:
    """Of 200 answers with a label that stands a tenth is wrong, which a twentieth of them, audited, shows."""
    items = [labelled(f"i{n:03}", "good", control_weight=5.0) for n in range(200)]
    items += [labelled("rare", "fine", control_weight=20.0), item("plain", control_weight=10.0)]
    verdicts = {"quality=good": "accept", "quality=fine": "accept"}
    folder = batch(tmp_path, items, mode="minimal", verdicts=verdicts, audit_share=0.2, max_error_rate=0.3)
    audited = [*survey(folder).plan.audited[Label("quality", "good")]]
    assert len(audited) == 40
    keep(folder, *(says("Ada", name, "reject" if n < 4 else "accept") for n, name in enumerate(audited)))
    keep(folder, says("Ada", "plain", "reject"), says("Ada", "rare"))
    assert survey(folder).open == []
    of = rejected(folder, survey(folder))
    assert of.rate == pytest.approx((0.1 * 1000 + 10) / 1030)
    assert (of.items, round(of.effective)) == (42, 42)


def test_what_nobody_judged_widens_the_interval() -> None:
    known, half = (estimate([Weighed(1.0, n < 5) for n in range(100)], unjudged) for unjudged in (0.0, 100.0))
    assert half.rate == known.rate
    assert (half.low, half.high) == pytest.approx((known.low / 2, known.high / 2 + 0.5))


def test_the_interval_covers_where_users_are_capped_and_near_duplicates_folded() -> None:
    """Half of the traffic is five users', who fail twice as often; one text in ten is said by many."""
    draw = np.random.default_rng(11)
    n = 20_000
    users = np.where(draw.random(n) < 0.5, draw.integers(0, 5, n), draw.integers(5, 5000, n))
    texts = np.where(draw.random(n) < 0.1, draw.integers(0, 50, n), np.arange(50, n + 50))
    fails = draw.random(n + 50)[texts] < np.where(texts < 50, 0.03, np.where(users < 5, 0.04, 0.02))
    said = [" ".join(map(str, draw.integers(0, 10**6, 12))) for _ in range(50)] + [""] * n  # like no other, and quick
    policy = Policy(quotas=Quotas(control=DRAWS), caps=Caps(per_user=8))
    estimates = []
    for _ in range(CUTS):
        drawn = [int(number) for number in draw.permutation(n)[:DRAWS]]
        known = {str(i): Known(str(users[i]), None, said[texts[i]], late=False) for i in drawn}
        choice = Choice(policy, n, known)
        choice.draw([Candidate(str(i), "drawn") for i in drawn])
        estimates.append(
            estimate(
                Weighed(pick.control_weight or 0.0, bool(fails[int(pick.inference_id)])) for pick in choice.picks()
            )
        )
    true = float(fails.mean())
    covered = sum(of.low <= true <= of.high for of in estimates)
    assert covered >= 0.93 * CUTS
    assert abs(np.mean([of.rate for of in estimates]) - true) < 0.0025, "without bias: four standard errors"
    assert np.mean([of.high - of.low for of in estimates]) < 0.09, "and not by telling nothing"
