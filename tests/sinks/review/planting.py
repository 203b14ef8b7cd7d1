"""Rows for a test's database, planted as the worker writes them: each part of an inference apart."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)  # W46 begins
NEXT_MONDAY = MONDAY + timedelta(days=7)
SEGMENT = "chat/-/small/production"

Row = tuple[str, dict[str, Any]]  # a table, and some of its columns


def hour(hours: float) -> datetime:
    """Return a time so many hours into the week W46."""
    return MONDAY + timedelta(hours=hours)


def text(role: str, said: str) -> str:
    return orjson.dumps([{"role": role, "parts": [{"type": "text", "content": said}]}]).decode()


def request(inference_id: str, at: datetime, **more: Any) -> Row:
    row = {"inference_id": inference_id, "time": at, "ingest_time": at, "request_time": at, "service": "chat"}
    return "inference_parts", row | {"input_messages": text("user", f"question {inference_id}")} | more


def response(inference_id: str, at: datetime, **more: Any) -> Row:
    row = {"inference_id": inference_id, "time": at, "ingest_time": at, "response_time": at, "segment": SEGMENT}
    row |= {"status": "ok", "output_messages": text("assistant", f"answer {inference_id}")}
    return "inference_parts", row | more


def score(inference_id: str, at: datetime, value: float) -> Row:
    return "inference_parts", {"inference_id": inference_id, "time": at, "ingest_time": at, "anomaly_score": value}


def inference(inference_id: str, at: datetime, *, anomaly: float | None = None, **of_response: Any) -> list[Row]:
    """Return the parts of a call that was asked at a time and answered a second later."""
    answered = at + timedelta(seconds=1)
    parts = [request(inference_id, at), response(inference_id, answered, **of_response)]
    return parts if anomaly is None else [*parts, score(inference_id, answered, anomaly)]


def feedback(feedback_id: str, about: str | None, at: datetime, **more: Any) -> Row:
    row = {"feedback_id": feedback_id, "event_id": feedback_id, "time": at, "ingest_time": at, "record": "feedback/0/0"}
    row |= {"inference_id": about, "target_scope": "inference", "source_format": "native", "weight": 1.0}
    return "feedback_events", row | {"name": "user.thumbs", "rater_kind": "human"} | more


def thumb_down(feedback_id: str, about: str, at: datetime, **more: Any) -> Row:
    return feedback(feedback_id, about, at, score=0.0, data_type="boolean", **more)


def finding(finding_id: str, about: str, at: datetime, *, segment: str = SEGMENT, metric: str = "duration_s") -> Row:
    row = {"finding_id": finding_id, "time": at, "said": at, "since": at, "segment": segment, "metric": metric}
    row |= {"state": "open", "detector": "e-sr", "direction": "up", "mean_before": 1.0, "mean_after": 2.0}
    return "finding_events", row | {"inference_id": about}


def plant(client: Client, rows: Iterable[Row], *, block: int = 10_000) -> None:
    """Insert rows in blocks of so many, each block's rows in the order given wherever they share their columns."""
    rows = list(rows)
    for start in range(0, len(rows), block):
        for (table, columns), alike in _alike(rows[start : start + block]):
            client.insert(table, alike, list(columns), settings={"max_partitions_per_insert_block": 0})


def _alike(rows: list[Row]) -> Iterator[tuple[tuple[str, tuple[str, ...]], list[list[Any]]]]:
    def shape(row: Row) -> tuple[str, tuple[str, ...]]:
        return row[0], tuple(row[1])

    for key, alike in groupby(sorted(rows, key=shape), key=shape):
        yield key, [list(values.values()) for _, values in alike]
