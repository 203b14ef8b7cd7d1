"""Real texts of two models are dealt into streams that change from one to the other; how soon the detector says so.

    python -m bench.detection_texts ../shared/data --seed 7

Each run deals anew: 402 texts are the reference, 150 more come clean, then the change, all of different instructions.
A stream is as long as its limit; where there are not so many texts left (403 of a model, less the clean ones), it goes
on with texts drawn from those again and again (bootstrap). Null streams are dealt three ways: `split` ends where the
texts of a model do, `pooled` deals all models' answers together, each once, and `bootstrap` draws thousands from the
403 texts that are not the reference: its true distribution is these 403 texts, and differs from the reference by the
sampling error of both.
"""

import argparse
import gzip
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.text import TextDrift
from detectors.text_features import features

REFERENCE, CLEAN = 402, 150
A = 1e6
GPT4, GPT4O, CLAUDE = "gpt4_1106_preview", "gpt-4o-2024-05-13", "claude-3-5-sonnet-20240620"
BENIGN, RED_TEAM = "benign prompts", "red-team prompts"
TOPICS = {"Python": "python", "stories": "story", "poems and songs": "poem|lyrics|song", "games": "game"}

Features = tuple[NDArray[np.float32], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Swap:
    """A share of the texts comes from `after` instead of `before`, from the change on, for at most `limit` texts."""

    before: str
    after: str
    share: float
    limit: int
    target: int | None = None


SWAPS = (
    Swap(GPT4, "gpt-3.5-turbo-1106", 1.0, 250, 50),
    Swap(GPT4O, CLAUDE, 1.0, 250, 50),
    Swap(GPT4, GPT4O, 1.0, 250, 50),
    Swap(GPT4, "gpt4_1106_preview_concise", 1.0, 250, 50),
    Swap(BENIGN, RED_TEAM, 1.0, 250, 50),
    Swap("gpt4_0314", "gpt4_0613", 1.0, 250, 150),
    Swap(GPT4O, CLAUDE, 0.3, 1_000, 150),
    Swap(BENIGN, RED_TEAM, 0.3, 1_000, 150),
    Swap(GPT4O, "gpt-4o-mini-2024-07-18", 1.0, 2_000, 1_000),
)


@dataclass(frozen=True, slots=True)
class Delay:
    """Texts from a change to the first alarm over `runs`; alarms of the clean part are false ones. `late` is the share
    of runs that took more than 250 texts, `missed` of those without an alarm within `limit`."""

    stream: str
    runs: int
    limit: int
    target: int | None
    median: float
    p90: float
    late: float
    missed: float
    false_alarms: int
    parts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Null:
    """False alarms in streams at rest."""

    stream: str
    events: int
    false_alarms: int
    highest_log10_e: float


def corpora(data: Path) -> dict[str, Features]:
    """Return the features of each model's answers, in the order of the instructions, and of prompts."""
    answers = sorted(_rows(data / "alpaca_eval_outputs.jsonl.gz"), key=lambda row: (row["model"], row["i"]))
    texts: dict[str, list[str]] = {}
    for row in answers:
        texts.setdefault(row["model"], []).append(row["output"])
    texts[BENIGN] = [row["instruction"] for row in answers if row["model"] == GPT4]
    dialogues = _rows(data / "hh_rlhf_harmless_test.jsonl.gz")
    texts[RED_TEAM] = [row["chosen"].split("\n\nHuman: ")[1].split("\n\nAssistant:")[0] for row in dialogues]
    return {name: features(some) for name, some in texts.items()}


def delays(known: dict[str, Features], seed: int, runs: int = 20) -> list[Delay]:
    """Return the delay after each swap of the yardstick."""
    return [_delay(swap, known, seed, runs) for swap in SWAPS]


def surges(data: Path, known: dict[str, Features], seed: int, runs: int = 20, limit: int = 2_000) -> list[Delay]:
    """Return the delay after a tenth of all prompts comes to be of one topic, which a word of Arena-Hard's tells."""
    prompts = [row["prompt"] for row in _rows(data / "arena_hard_questions.jsonl.gz")]
    style, grams = features(prompts)
    rows = []
    for topic, words in TOPICS.items():
        about = np.array([any(word in prompt.lower() for word in words.split("|")) for prompt in prompts])
        mixes = {BENIGN: known[BENIGN], "hard prompts": (style[~about], grams[~about])}
        for mix, texts in mixes.items():
            dealt = {mix: texts, topic: (style[about], grams[about])}
            rows.append(_delay(Swap(mix, topic, 0.1, limit), dealt, seed, runs))
    return rows


def nulls(known: dict[str, Features], seed: int, events: int = 90_000) -> list[Null]:
    """Return the false alarms of each kind of null stream, over at least so many events each."""
    models = [texts for name, texts in known.items() if name != RED_TEAM]
    return [_null(kind, models, np.random.default_rng([seed, at]), events) for at, kind in enumerate(_STREAMS)]


def _delay(swap: Swap, known: dict[str, Features], seed: int, runs: int) -> Delay:
    took, false_alarms = [], 0
    parts: dict[str, int] = {}
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        detector = TextDrift(math.log(A))
        texts = _swapped(known[swap.before], known[swap.after], swap, rng)
        alarms = detector.update_many(*texts)
        begins = REFERENCE + CLEAN
        false_alarms += sum(alarm.index < begins for alarm in alarms)
        first = next((alarm for alarm in alarms if alarm.index >= begins), None)
        took.append(math.inf if first is None else first.index - begins + 1)
        if first:
            parts[first.part] = parts.get(first.part, 0) + 1
    waits = np.array(took)
    share = "" if swap.share == 1 else f"{swap.share:.0%} "
    return Delay(
        stream=f"{swap.before} → {share}{swap.after}",
        runs=runs,
        limit=swap.limit,
        target=swap.target,
        median=float(np.median(waits)),
        p90=float(np.quantile(waits, 0.9, method="higher")),
        late=float((waits > 250).mean()),
        missed=float(np.isinf(waits).mean()),
        false_alarms=false_alarms,
        parts=parts,
    )


def _swapped(before: Features, after: Features, swap: Swap, rng: np.random.Generator) -> Features:
    deal = rng.permutation(len(before[0]))
    begins = REFERENCE + CLEAN
    left = deal[begins:]
    others = left if len(after[0]) == len(before[0]) else rng.permutation(len(after[0]))
    old, new = _enough(left, swap.limit, rng), _enough(others, swap.limit, rng)
    swapped = rng.random(swap.limit) < swap.share
    live = [np.where(swapped[:, None], after[side][new], before[side][old]) for side in (0, 1)]
    return np.concatenate([before[0][deal[:begins]], live[0]]), np.concatenate([before[1][deal[:begins]], live[1]])


def _enough(deal: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.concatenate([deal[:n], rng.choice(deal, max(n - len(deal), 0))])


def _null(kind: str, models: list[Features], rng: np.random.Generator, events: int) -> Null:
    seen, false_alarms, highest = 0, 0, 0.0
    for style, grams in _STREAMS[kind](models, rng):
        detector = TextDrift(math.log(A))
        alarms = detector.update_many(style, grams)
        seen += len(style) - REFERENCE
        false_alarms += len(alarms)
        highest = max([highest, *(alarm.log10_e for alarm in alarms)])
        if seen >= events:
            break
    return Null(kind, seen, false_alarms, highest)


def _split(models: list[Features], rng: np.random.Generator) -> Iterator[Features]:
    while True:
        for style, grams in models:
            deal = rng.permutation(len(style))
            yield style[deal], grams[deal]


def _pooled(models: list[Features], rng: np.random.Generator) -> Iterator[Features]:
    style, grams = (np.concatenate([model[side] for model in models]) for side in (0, 1))
    while True:
        deal = rng.permutation(len(style))
        yield style[deal], grams[deal]


def _bootstrap(models: list[Features], rng: np.random.Generator) -> Iterator[Features]:
    while True:
        for style, grams in models:
            deal = rng.permutation(len(style))
            drawn = np.concatenate([deal[:REFERENCE], rng.choice(deal[REFERENCE:], 4_500)])
            yield style[drawn], grams[drawn]


_STREAMS = {"split": _split, "pooled": _pooled, "bootstrap": _bootstrap}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as lines:
        yield from (orjson.loads(line) for line in lines)


def main() -> None:
    """Measure and print one table of delays and one of false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--null-events", type=int, default=90_000)
    options = parser.parse_args()
    known = corpora(options.data)
    for row in [*delays(known, options.seed, options.runs), *surges(options.data, known, options.seed, options.runs)]:
        target = "" if row.target is None else f"target {row.target} {'met' if row.median <= row.target else 'MISSED'}"
        print(
            f"{row.stream:62} median {row.median:5.0f} p90 {row.p90:5.0f}  after 250: {row.late:4.0%}  "
            f"missed in {row.limit}: {row.missed:4.0%}  false {row.false_alarms}  "
            f"{target} {row.parts}",
            flush=True,
        )
    for null in nulls(known, options.seed, options.null_events):
        print("null", asdict(null), flush=True)


if __name__ == "__main__":
    main()
