"""Weeks of made-up inferences go into ClickHouse, with a truth that only whoever planted it knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bench.review.dialogues import Dialogues
from detectors.anomaly import RobustMahalanobis, levels
from sinks.clickhouse import ClickHouse
from streams.traffic.fleet import CODE, STUDY, SUPPORT

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)  # 2026-W46 begins
WEEK = timedelta(days=7)
NEW_TOPIC = "astronomy"  # asked about in no week but the one that is cut
TOPICS = (*(topic for topic in (*SUPPORT, *CODE, *STUDY) if topic != NEW_TOPIC), NEW_TOPIC)
DEFECTS, RARE, NEW, DUPLICATES = 0.03, 0.0005, 0.002, 0.08  # shares of the week's inferences
TOLD = 0.08, 0.003  # share of defective and of good answers that get a thumb down
SERVICES = ("support-desk", "code-assistant", "study-portal", "mobile")
MODELS = ("aurora-large", "aurora-mini", "basalt-70b")
SEGMENTS = tuple(f"{service}|/v1/chat|{model}|production" for service in SERVICES for model in MODELS)
USERS = 20_000
BLOCK = 50_000  # inferences an insert

NANOS, MILLIS = pa.timestamp("ns", "UTC"), pa.timestamp("ms", "UTC")


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
    return f"{number * 0x9E3779B1 % 2**32:08x}-w{week}-{number}"


def response_id(inference: str) -> str:
    """Name the answer of an inference."""
    return f"chatcmpl-{inference}"


def number_of(identifier: str) -> int:
    return int(identifier.rpartition("-")[2])


def plant(sink: ClickHouse, week: int, n: int, seed: int, planted: Truth | None) -> Iterator[int]:
    """Store a week's inferences and feedback, `week` weeks after MONDAY; yield how many are stored, block by block.

    Without a truth the week is one of reference: no new topic, no rare failures. All weeks take their words from the
    same texts: what people ask about stays, but for what is planted. Most inferences are a row, as they are once
    ClickHouse has merged what a worker told it apart; the last block's requests, responses and scores lie apart.
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
    seconds = np.asarray((0.3 + tokens * 0.012) * np.exp(draw.normal(0.0, 0.25, n)), np.float64)
    seconds[empty] = 45.0
    scores = _scores(segments, failed, seconds, tokens)
    topics = np.where(planted.new_topic, TOPICS.index(NEW_TOPIC), draw.integers(0, len(TOPICS) - 1, n))
    chinese = draw.random(n) < 0.2
    begin = int((MONDAY + week * WEEK).timestamp() * 1e9)
    times = begin + np.sort(draw.integers(0, int(WEEK.total_seconds() * 1e9), n))
    told = draw.random(n) < np.where(planted.defective, *TOLD)
    told |= planted.rare & (draw.random(n) < 0.2)
    dialogues = Dialogues(TOPICS, seed)
    for start in range(0, n, BLOCK):
        part = slice(start, min(n, start + BLOCK))
        numbers, of = np.arange(part.start, part.stop), planted.duplicate_of[part]
        ids = _ids(week, numbers)
        said = dialogues.composed(of * 1000 + week + 100, topics[of], chinese[of], tokens[of])
        asked = _asked(week, ids, numbers, times[part], users[part], segments[part], said)
        answered = _answered(ids, times[part], seconds[part], segments[part], failed[part], tokens[part], said)
        scored = _scored(ids, times[part], scores[part])
        apart = part.stop == n
        for rows in (asked, answered, scored) if apart else (_whole(asked, answered, scored),):
            sink.insert("inference_parts", rows)
        down = np.flatnonzero(told[part])
        sink.insert("feedback_events", _thumbs_down(ids.take(pa.array(down)), times[part][down]))
        yield part.stop


def _ids(week: int, numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array([inference_id(week, number) for number in numbers.tolist()])


def _asked(
    week: int,
    ids: pa.Array,
    numbers: NDArray[np.int64],
    times: NDArray[np.int64],
    users: NDArray[np.int64],
    segments: NDArray[np.int64],
    said: pa.Table,
) -> pa.Table:
    n = len(ids)
    at = pa.array(times, NANOS)
    return pa.table(
        {
            "inference_id": ids,
            "time": at,
            "ingest_time": pa.array(times // 1_000_000, MILLIS),
            "request_time": at,
            "user_id": pa.array([f"user-{user:05d}" for user in users.tolist()]),
            "conversation_id": pa.array([f"conversation-{week}-{number // 2}" for number in numbers.tolist()]),
            "service": _words(SERVICES, segments // len(MODELS)),
            "route": _words(("/v1/chat",), np.zeros(n, np.int64)),
            "environment": _words(("production",), np.zeros(n, np.int64)),
            "request_model": _words(MODELS, segments % len(MODELS)),
            "operation": _words(("chat",), np.zeros(n, np.int64)),
            "source_format": _words(("planted",), np.zeros(n, np.int64)),
            "input_messages": said["input_messages"],
            "content_state": _words(("captured",), np.zeros(n, np.int64)).cast(pa.string()),
        }
    )


def _answered(
    ids: pa.Array,
    times: NDArray[np.int64],
    seconds: NDArray[np.float64],
    segments: NDArray[np.int64],
    failed: NDArray[np.bool_],
    tokens: NDArray[np.int64],
    said: pa.Table,
) -> pa.Table:
    n = len(ids)
    ends = times + (seconds * 1e9).astype(np.int64)
    return pa.table(
        {
            "inference_id": ids,
            "time": pa.array(ends, NANOS),
            "ingest_time": pa.array(ends // 1_000_000, MILLIS),
            "response_time": pa.array(ends, NANOS),
            "response_id": pa.array([response_id(name) for name in ids.to_pylist()]),
            "response_model": _words(MODELS, segments % len(MODELS)),
            "segment": _words(SEGMENTS, segments),
            "status": _words(("ok", "error"), failed.astype(np.int64)).cast(pa.string()),
            "error_type": _words(("timeout",), np.zeros(n, np.int64), ~failed),
            "finish_reasons": pa.array([["stop"]] * n),
            "output_messages": said["output_messages"],
            "input_tokens": pc.divide(said["input_chars"], 4).cast(pa.int64()),
            "output_tokens": pa.array(tokens),
            "output_chars": said["output_chars"].cast(pa.int64()),
            "duration_s": pa.array(seconds),
        }
    )


def _scored(ids: pa.Array, times: NDArray[np.int64], scores: NDArray[np.float64]) -> pa.Table:
    return pa.table(
        {
            "inference_id": ids,
            "time": pa.array(times, NANOS),
            "ingest_time": pa.array(times // 1_000_000, MILLIS),
            "anomaly_score": pa.array(scores, from_pandas=True),
        }
    )


def _whole(*parts: pa.Table) -> pa.Table:
    """Put a call's parts side by side; of columns that several have, the first part's hold."""
    columns: dict[str, pa.ChunkedArray] = {}
    for part in parts:
        columns = dict(zip(part.column_names, part.columns, strict=True)) | columns
    return pa.table(columns)


def _thumbs_down(ids: pa.Array, times: NDArray[np.int64]) -> pa.Table:
    n, at = len(ids), times + 60_000_000_000
    names = pc.binary_join_element_wise("f", ids, "-")
    return pa.table(
        {
            "feedback_id": names,
            "event_id": names,
            "time": pa.array(at, NANOS),
            "ingest_time": pa.array(at // 1_000_000, MILLIS),
            "record": ["planted/0/0"] * n,
            "inference_id": ids,
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
