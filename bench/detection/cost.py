"""A busy segment's measurements go in; CPU a metric and event, bytes of state and time to restore it come out."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.detection.streams import MONDAY_NS
from detectors.bank import SegmentBank
from detectors.base import Measurements, Words
from detectors.budget import Budget
from detectors.drift import Drift

BLOCK = 1000
_LEARNED, _BUSY = 100_000, 100_000  # rows of a week, and of the two hours after it
_WEEK_NS, _BUSY_NS = 7 * 24 * 3_600_000_000_000, 2 * 3_600_000_000_000
_RATES = {"error": 0.02, "refusal": 0.01, "truncated": 0.03, "empty": 0.001}
_NUMBERS = ("duration_s", "time_to_first_chunk_s", "input_tokens", "output_tokens", "tokens_per_s", "output_chars")
_SHARES = {"finish_reason": (0.9, 0.08, 0.02), "language": (0.7, 0.3)}
_RESTORED = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What detection costs: µs of CPU for one metric of one event in blocks of 1,000, of drift alone and of the whole
    bank; bytes of state for a metric; ms to restore a segment's bank."""

    metrics: int
    drift_us: float
    bank_us: float
    state_bytes: float
    restore_ms: float


def measure(seed: int) -> Cost:
    """Measure a segment of 12 metrics that has learned a week."""
    busy = _traffic(np.random.default_rng(seed))
    metrics = len(_RATES) + len(_NUMBERS) + len(_SHARES)
    budget = Budget(segments=100, false_alarms=1.0)

    def drift(m: Measurements) -> None:
        for _ in detector.walk(m.time_unix_nano, m.values, m.words):
            pass

    detector, bank = Drift(budget), SegmentBank(budget)
    drift_us = _us(drift, busy) / metrics
    bank_us = _us(bank.process, busy) / metrics
    state = bank.dumps()
    begun = time.process_time()
    for _ in range(_RESTORED):
        SegmentBank.loads(state, budget)
    restored = (time.process_time() - begun) / _RESTORED
    return Cost(metrics, drift_us, bank_us, len(state) / metrics, 1e3 * restored)


def _us(take: Callable[[Measurements], object], blocks: list[Measurements]) -> float:
    """Return the CPU of a row in the busy hours, µs."""
    quiet = _LEARNED // BLOCK
    for each in blocks[:quiet]:
        take(each)
    begun = time.process_time()
    for each in blocks[quiet:]:
        take(each)
    return (time.process_time() - begun) / _BUSY * 1e6


def _traffic(rng: np.random.Generator) -> list[Measurements]:
    n = _LEARNED + _BUSY
    week, hours = np.linspace(0, _WEEK_NS, _LEARNED), np.linspace(_WEEK_NS, _WEEK_NS + _BUSY_NS, _BUSY)
    times = MONDAY_NS + np.concatenate([week, hours]).astype(np.int64)
    values: dict[str, NDArray[np.float64]] = {name: (rng.random(n) < p).astype(float) for name, p in _RATES.items()}
    values |= {name: rng.lognormal(3.0, 0.5, n) for name in _NUMBERS}
    words = {name: rng.choice(len(p), n, p=p).astype(np.int32) for name, p in _SHARES.items()}
    return [
        Measurements(
            source=np.zeros(BLOCK, np.int64),
            position=np.arange(start, start + BLOCK),
            time_unix_nano=times[start : start + BLOCK],
            inference_id=[f"inference-{row}" for row in range(start, start + BLOCK)],
            values={name: column[start : start + BLOCK] for name, column in values.items()},
            words={name: Words(codes[start : start + BLOCK], tuple("abc")) for name, codes in words.items()},
        )
        for start in range(0, n, BLOCK)
    ]


if __name__ == "__main__":
    print(asdict(measure(seed=1)))
