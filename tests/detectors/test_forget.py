"""Detectors forget inferences and users by name: no byte of the state has them, and what was learned goes on."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from detectors.bank import SegmentBank
from detectors.base import Gone, Measurements, Signal
from detectors.budget import Budget
from detectors.packed import unpack
from detectors.usage import UsageBank
from tests.detectors.traffic import after, answers, measured, piece
from tests.detectors.used import block, calls, usual

BUDGET = Budget(segments=10, false_alarms=10.0)


def named_before(signal: Signal) -> str:
    return f"finding of {signal.inference_id}"


def among(*names: str) -> Gone:
    return frozenset(names).__contains__


def holds(bank: SegmentBank | UsageBank, name: str) -> bool:
    """Whether a name stands anywhere in the state."""
    return f"'{name}'" in repr(unpack(bank.dumps()))


def segment_with_a_change() -> tuple[SegmentBank, Signal, Callable[[int, int], Measurements]]:
    """Return a bank that has noticed a change, what it said, and more rows of the same stream, which returns."""
    columns = after(after(answers(1000, seed=1), answers(200, seed=2, slower=3.0)), answers(4000, seed=3))
    whole = measured(columns)
    bank = SegmentBank(BUDGET)
    (said, *_) = bank.process(piece(whole, 0, 1200)).signals
    return bank, said, lambda start, stop: piece(whole, start, stop)


def test_no_example_that_was_forgotten_is_in_the_state_or_said_again() -> None:
    bank, said, rows = segment_with_a_change()
    gone = {said.inference_id, *said.examples_before, *said.examples_after, "inference-1199", "inference-256"}
    assert all(holds(bank, each) for each in gone)
    assert bank.forget(among(*gone), named_before) > len(gone)
    assert not [each for each in gone if holds(bank, each)]
    assert bank.forget(among(*gone), named_before) == 0, "twice is once"
    bank = SegmentBank.loads(bank.dumps(), BUDGET)
    later = bank.process(rows(1200, 5200)).signals
    assert not gone & {each for signal in later for each in (signal.inference_id, *signal.examples_before)}
    (closed,) = (signal for signal in later if signal.state == "closed")
    assert closed.finding_id == named_before(said), "it is over under the name under which it opened"


def test_what_is_learned_does_not_change() -> None:
    forgetful, said, rows = segment_with_a_change()
    other, _, _ = segment_with_a_change()
    forgetful.forget(among(said.inference_id), named_before)

    def numbers(signals: list[Signal]) -> list[Signal]:
        bare = {"inference_id": "", "examples_before": (), "examples_after": (), "finding_id": ""}
        return [replace(signal, **bare) for signal in signals]  # type: ignore[arg-type]  # each of its own type

    one, two = forgetful.process(rows(1200, 5200)), other.process(rows(1200, 5200))
    assert numbers(one.signals) == numbers(two.signals)
    assert np.array_equal(one.scores, two.scores, equal_nan=True)


def test_rows_in_waiting_are_dropped_and_others_wait_on() -> None:
    bank = SegmentBank(BUDGET)
    bank.take(measured(answers(30, seed=1)))
    assert bank.forget(among("inference-3", "inference-29"), named_before) == 2
    bank.take(measured(answers(30, seed=1)))  # Kafka delivers it again
    verdict = bank.release()
    assert len(verdict.inference_id) == 28
    assert not {"inference-3", "inference-29"} & set(verdict.inference_id)


def heavy() -> tuple[UsageBank, Signal, str]:
    """Return a shard in which somebody's incident is open."""
    rng = np.random.default_rng(7)
    at = 72 + np.sort(6 * rng.random(1500))
    bank = UsageBank()
    bank.take(block([*usual(3, days=3), calls(rng, at, np.full(1500, 2999), errors=0.0)]))
    (said, *_) = bank.release().signals
    return bank, said, said.subject


def test_a_user_is_forgotten_and_nothing_more_is_said_of_them() -> None:
    bank, _, user = heavy()
    assert holds(bank, user)
    assert bank.forget(among(user), named_before) >= 3  # calls, tokens, cost; and the incident
    assert not holds(bank, user)
    bank = UsageBank.loads(bank.dumps())
    assert bank.forget(among(user), named_before) == 0
    later = block([*usual(3, days=3), *usual(9, days=5)])
    bank.take(later)
    assert bank.holds, "others go on"
    assert user not in {signal.subject for signal in bank.release().signals}


def test_an_inference_of_an_open_incident_is_forgotten_and_the_incident_is_not() -> None:
    bank, said, user = heavy()
    example = said.examples_after[0]
    assert bank.forget(among(said.inference_id, example), named_before) >= 1
    assert not holds(bank, said.inference_id)
    assert holds(bank, user)
