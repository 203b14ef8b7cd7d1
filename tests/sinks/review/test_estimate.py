"""The control's interval covers the truth as often as it says, also where draws are capped and folded."""

import numpy as np

from sinks.review.candidates import Candidate
from sinks.review.choose import Choice, Known
from sinks.review.estimate import Estimate, Weighed, estimate
from sinks.review.policy import Caps, Policy, Quotas

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


def test_the_interval_covers_where_users_are_capped_and_near_duplicates_folded() -> None:
    """Half of the traffic is five users', who fail twice as often; one text in ten is said by many."""
    draw = np.random.default_rng(11)
    n = 20_000
    users = np.where(draw.random(n) < 0.5, draw.integers(0, 5, n), draw.integers(5, 5000, n))
    texts = np.where(draw.random(n) < 0.1, draw.integers(0, 50, n), np.arange(50, n + 50))
    fails = draw.random(n + 50)[texts] < np.where(texts < 50, 0.03, np.where(users < 5, 0.04, 0.02))
    words = draw.integers(0, 10**6, (n + 50, 12))
    policy = Policy(quotas=Quotas(control=DRAWS), caps=Caps(per_user=8))
    estimates = []
    for _ in range(CUTS):
        drawn = [int(number) for number in draw.permutation(n)[:DRAWS]]
        known = {str(i): Known(str(users[i]), None, " ".join(map(str, words[texts[i]])), late=False) for i in drawn}
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
