"""Weeks of made-up inferences go into ClickHouse, with a truth that only whoever planted it knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from detectors.anomaly import RobustMahalanobis, levels
from sinks.clickhouse import ClickHouse
from streams.traffic.fleet import CODE, STUDY, SUPPORT
from streams.traffic.text import Texts

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)  # 2026-W46 begins
WEEK = timedelta(days=7)
NEW_TOPIC = "astronomy"  # asked about in no week but the one that is cut
TOPICS = tuple(topic for topic in (*SUPPORT, *CODE, *STUDY) if topic != NEW_TOPIC)
DEFECTS, RARE, NEW, DUPLICATES = 0.03, 0.0005, 0.002, 0.08  # shares of the week's inferences
TOLD = 0.08, 0.003  # share of defective and of good answers that get a thumb down
SERVICES = ("support-desk", "code-assistant", "study-portal", "mobile")
MODELS = ("aurora-large", "aurora-mini", "basalt-70b")
SEGMENTS = tuple(f"{service}|/v1/chat|{model}|production" for service in SERVICES for model in MODELS)
USERS = 20_000
BLOCK = 50_000  # inferences an insert

WORD = pa.dictionary(pa.int32(), pa.string())
NANOS = pa.timestamp("ns", "UTC")


@dataclass(frozen=True)
class Truth:
    """What was planted among the n inferences of a week, bool[n] each, by the number that is an id's last part."""

    defective: NDArray[np.bool_]
    rare: NDArray[np.bool_]
    new_topic: NDArray[np.bool_]
    duplicate_of: NDArray[np.int64]  # the number of the inference that it repeats, or its own


def truth(n: int, seed: int) -> Truth:
    """Draw what is planted in a week; a repeated inference is as good or bad as the one that it repeats."""
    draw = np.random.default_rng((seed, 1))
    duplicate_of = np.arange(n)
    repeats = np.flatnonzero(draw.random(n) < DUPLICATES)
    repeats = repeats[repeats > 0]
    duplicate_of[repeats] = duplicate_of[(draw.random(len(repeats)) * repeats).astype(np.int64)]
    for number in repeats:  # of a repetition, the first is meant
        duplicate_of[number] = duplicate_of[duplicate_of[number]]
    return Truth(
        defective=(draw.random(n) < DEFECTS)[duplicate_of],
        rare=(draw.random(n) < RARE) & (duplicate_of == np.arange(n)),
        new_topic=(draw.random(n) < NEW)[duplicate_of],
        duplicate_of=duplicate_of,
    )


def inference_id(week: int, number: int) -> str:
    """Name an inference so that its id tells its number, which no code but the yardstick reads."""
    return f"w{week}-{number * 0x9E3779B1 % 2**32:08x}-{number}"


def number_of(identifier: str) -> int:
    return int(identifier.rpartition("-")[2])


def plant(sink: ClickHouse, texts: Texts, week: int, n: int, seed: int, planted: Truth | None) -> Iterator[int]:
    """Store a week's inferences and feedback, `week` weeks after MONDAY; yield how many are stored, block by block.

    Without a truth the week is one of reference: no new topic, no rare failures. All weeks take their words from the
    same `texts`: what people ask about stays, but for what is planted.
    """
    draw = np.random.default_rng((seed, 2, week + 100))
    nothing = np.zeros(n, np.bool_)
    planted = planted or Truth(nothing, nothing, nothing, duplicate_of=np.arange(n))
    segments = draw.choice(len(SEGMENTS), n, p=_skewed(len(SEGMENTS), 1.0))
    users = draw.choice(USERS, n, p=_skewed(USERS, 0.8))
    tokens = np.maximum(3, np.exp(draw.normal(4.6, 0.6, n))).astype(np.int64)
    kind = draw.random(n)
    looping, empty = planted.rare & (kind < 0.5), planted.rare & (kind >= 0.5)
    failed = (draw.random(n) < 0.02) & ~planted.rare
    tokens[looping] *= 12
    tokens[empty | failed] = 0
    seconds = (0.3 + tokens * 0.012) * np.exp(draw.normal(0.0, 0.25, n))
    seconds[empty] = 45.0
    scores = _scores(segments, failed, seconds.astype(np.float64), tokens)
    topics = draw.integers(0, len(TOPICS), n)
    chinese = draw.random(n) < 0.2
    begin = int((MONDAY + week * WEEK).timestamp() * 1e9)
    times = begin + np.sort(draw.integers(0, int(WEEK.total_seconds() * 1e9), n))
    kept: dict[int, tuple[str, str]] = {}
    originals = set(planted.duplicate_of[planted.duplicate_of != np.arange(n)].tolist())
    for start in range(0, n, BLOCK):
        numbers = range(start, min(n, start + BLOCK))
        dialogues = []
        for i in numbers:
            original = int(planted.duplicate_of[i])
            if original != i:
                question, answer = kept[original]
                dialogue = question, answer  # a repetition to the letter
            else:
                topic = NEW_TOPIC if planted.new_topic[i] else TOPICS[topics[i]]
                language = "zh" if chinese[i] else "en"
                asked = texts.question(language, topic, follow_up=False, context_tokens=0)
                answered = texts.answer(language, topic, int(tokens[i]), listed=False) if tokens[i] else ""
                dialogue = f"{asked} ({texts.sentence(language, topic)} {texts.sentence(language, topic)})", answered
                if i in originals:
                    kept[i] = dialogue
            dialogues.append(dialogue)
        part = slice(start, numbers.stop)
        sink.insert(
            "inference_parts",
            _rows(week, numbers, dialogues, times[part], users[part], segments[part], failed[part], tokens[part])
            .append_column("duration_s", pa.array(seconds[part]))
            .append_column("anomaly_score", pa.array(scores[part], from_pandas=True)),
        )
        told = draw.random(len(numbers)) < np.where(planted.defective[part], *TOLD)
        told |= planted.rare[part] & (draw.random(len(numbers)) < 0.2)
        sink.insert("feedback_events", _thumbs_down(week, np.flatnonzero(told) + start, times))
        yield numbers.stop


def _rows(
    week: int,
    numbers: range,
    dialogues: list[tuple[str, str]],
    times: NDArray[np.int64],
    users: NDArray[np.int64],
    segments: NDArray[np.int64],
    failed: NDArray[np.bool_],
    tokens: NDArray[np.int64],
) -> pa.Table:
    n = len(numbers)
    at = pa.array(times, NANOS)
    models = segments % len(MODELS)
    return pa.table(
        {
            "inference_id": [inference_id(week, number) for number in numbers],
            "time": at,
            "ingest_time": pa.array(times // 1_000_000, pa.timestamp("ms", "UTC")),
            "request_time": at,
            "response_time": pa.array(times + 2_000_000_000, NANOS),
            "user_id": [f"user-{user:05d}" for user in users],
            "conversation_id": [f"conversation-{week}-{number // 2}" for number in numbers],
            "service": _words(SERVICES, segments // len(MODELS)),
            "route": _words(("/v1/chat",), np.zeros(n, np.int64)),
            "environment": _words(("production",), np.zeros(n, np.int64)),
            "request_model": _words(MODELS, models),
            "response_model": _words(MODELS, models),
            "operation": _words(("chat",), np.zeros(n, np.int64)),
            "segment": _words(SEGMENTS, segments),
            "status": np.where(failed, "error", "ok").tolist(),
            "error_type": _words(("timeout",), np.zeros(n, np.int64), ~failed),
            "finish_reasons": pa.array([["stop"]] * n),
            "input_messages": [_messages("user", question) for question, _ in dialogues],
            "output_messages": [_messages("assistant", answer) for _, answer in dialogues],
            "input_tokens": pa.array([len(question) // 4 for question, _ in dialogues]),
            "output_tokens": pa.array(tokens),
            "output_chars": pa.array([len(answer) for _, answer in dialogues]),
            "content_state": ["captured"] * n,
        }
    )


def _thumbs_down(week: int, numbers: NDArray[np.int64], times: NDArray[np.int64]) -> pa.Table:
    n, at = len(numbers), times[numbers] + 60_000_000_000
    return pa.table(
        {
            "feedback_id": [f"f-{inference_id(week, int(number))}" for number in numbers],
            "event_id": [f"f-{inference_id(week, int(number))}" for number in numbers],
            "time": pa.array(at, NANOS),
            "ingest_time": pa.array(at // 1_000_000, pa.timestamp("ms", "UTC")),
            "record": ["planted/0/0"] * n,
            "inference_id": [inference_id(week, int(number)) for number in numbers],
            "target_scope": _words(("inference",), np.zeros(n, np.int64)),
            "source_format": _words(("native",), np.zeros(n, np.int64)),
            "name": _words(("user.thumbs",), np.zeros(n, np.int64)),
            "score": pa.array(np.zeros(n)),
            "data_type": _words(("boolean",), np.zeros(n, np.int64)),
            "weight": pa.array(np.ones(n)),
            "rater_kind": _words(("human",), np.zeros(n, np.int64)),
        }
    )


def _scores(
    segments: NDArray[np.int64], failed: NDArray[np.bool_], seconds: NDArray[np.float64], tokens: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score each segment's inferences in order, with the detector that does it in a worker."""
    scores = np.full(len(segments), np.nan)
    for segment in range(len(SEGMENTS)):
        mine = segments == segment
        values = {"error": failed, "duration_s": seconds, "output_tokens": tokens}
        rows = levels({name: column[mine].astype(np.float64) for name, column in values.items()}, int(mine.sum()))
        scores[mine] = RobustMahalanobis().score_learn_many(rows)
    return scores


def _skewed(n: int, power: float) -> NDArray[np.float64]:
    weights = np.arange(1, n + 1, dtype=np.float64) ** -power
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _words(
    words: tuple[str, ...], numbers: NDArray[np.int64], unknown: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32), mask=unknown), pa.array(words))


def _messages(role: str, text: str) -> str:
    return orjson.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}]).decode()
