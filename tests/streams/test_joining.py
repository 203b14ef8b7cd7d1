"""The parts of 10,000 inferences, of all kinds of senders, shuffled, doubled and late: the tables end the same."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from aiokafka.structs import ConsumerRecord

from sinks import columns
from sinks.clickhouse import ClickHouse, migrate
from sinks.joins import Joins
from streams import ingest
from streams.batches import RecordBatch
from streams.measure import Questions, Segments
from streams.redaction import Redactor
from streams.sources import Source
from tests.streams.test_events import FEEDBACK, NOON, REQUEST, RESPONSE

INFERENCES = 10_000
LATER_MS = NOON // 1_000_000 + 31 * 86_400_000  # when all of it came
SECOND = 10**9

Part = tuple[str, bytes, tuple[tuple[str, bytes], ...]]  # topic, value, headers

SOURCES = {
    "requests": Source(format="native_requests"),
    "responses": Source(format="native_responses"),
    "feedback": Source(format="native_feedback"),
    "kserve": Source(format="cloudevents"),
    "litellm": Source(format="litellm"),
    "spans": Source(format="otlp_traces"),
    "logs": Source(format="otlp_logs"),
    "langfuse": Source(format="langfuse_ingestion"),
}


def as_json(topic: str, value: object) -> Part:
    return topic, json.dumps(value).encode(), ()


def judged(n: int, name: str, at: int, **more: Any) -> Part:
    bare = {key: value for key, value in FEEDBACK.items() if key not in ("inference_id", "aliases")}
    ids = {"event_id": f"{name}-{n}-{at}", "feedback_id": f"{name}-{n}", "time_unix_nano": NOON + at * SECOND}
    return as_json("feedback", bare | ids | more)


def native(n: int) -> Iterator[Part]:
    """A gateway of Sluice's own events; the feedback is corrected, and some of it withdrawn."""
    about = {"inference_id": f"native-{n}", "time_unix_nano": NOON + n}
    yield as_json("requests", REQUEST | about | {"event_id": f"q{n}", "user.id": f"u{n % 7}"})
    late = about | {"time_unix_nano": NOON + n + SECOND, "duration_s": None}
    yield as_json("responses", RESPONSE | late | {"event_id": f"r{n}", "gen_ai.response.id": f"n-{n}"})
    yield judged(n, "thumb", 5, inference_id=f"native-{n}", **{"gen_ai.evaluation.score.value": 0.0})
    yield judged(n, "thumb", 9, aliases=[f"resp:n-{n}"], **{"gen_ai.evaluation.score.value": 1.0})
    if n % 4 == 0:
        yield judged(n, "thumb", 11, inference_id=f"native-{n}", **{"feedback.deleted": True})


def kserve(n: int) -> Iterator[Part]:
    """A request and, mostly, its response, as CloudEvents in Kafka's binary mode."""
    sent = datetime.fromtimestamp(NOON // SECOND + n % 3600, UTC)
    for kind, after, body in (
        ("request", 0, {"model": "llama3", "messages": [{"role": "user", "content": f"question {n}"}]}),
        ("response", 2, {"id": f"k-{n}", "model": "llama3", "choices": [{"message": {"content": f"answer {n}"}}]}),
    ):
        if kind == "request" or n % 5:
            headers = {
                "ce_specversion": "1.0", "ce_id": f"ce-{n}", "ce_source": "http://localhost:9081/",
                "ce_type": f"org.kubeflow.serving.inference.{kind}", "content-type": "application/json",
                "ce_time": sent.replace(second=after).isoformat(), "ce_inferenceservicename": "llama3",
            }  # fmt: skip
            yield "kserve", json.dumps(body).encode(), tuple((name, said.encode()) for name, said in headers.items())


def spans(n: int, response_id: str, begun: int, service: str) -> Part:
    """A span of a caller's own instrumentation, as OTLP/JSON."""
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt",
        "gen_ai.response.id": response_id, "gen_ai.conversation.id": f"talk-{n % 50}",
    }  # fmt: skip
    span = {
        "traceId": f"{n + 1:032x}", "spanId": f"{n + 1:016x}", "name": "chat gpt", "kind": 3,
        "startTimeUnixNano": str(begun), "endTimeUnixNano": str(begun + 3 * SECOND),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return as_json("spans", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})


def record(n: int, begun: float, **more: Any) -> Part:
    """LiteLLM's record of a call."""
    said = {
        "litellm_call_id": f"call-{n}", "id": f"chatcmpl-{n}", "call_type": "acompletion", "status": "success",
        "startTime": begun, "endTime": begun + 2.5, "model": "openai/gpt", "model_group": "gpt", "stream": False,
        "messages": [{"role": "user", "content": f"question {n}"}], "prompt_tokens": 3, "completion_tokens": 4,
        "response": {"id": f"chatcmpl-{n}", "choices": [{"message": {"role": "assistant", "content": f"answer {n}"}}]},
    }  # fmt: skip
    return as_json("litellm", [said | more])


def gateway_and_caller(n: int) -> Iterator[Part]:
    """One call told twice, by the gateway and by who called it, and a judgement about what the caller saw."""
    yield spans(n, f"chatcmpl-{n}", NOON + n, "shop")
    yield record(n, NOON / SECOND + 0.01)
    yield judged(n, "stars", 3, aliases=[f"resp:chatcmpl-{n}"], **{"gen_ai.evaluation.score.value": 4.0})
    yield judged(n, "judge", 4, inference_id=f"{n + 1:032x}:{n + 1:016x}", **{"feedback.source": "llm"})


def failure(n: int) -> Iterator[Part]:
    """A call that failed has no response id; what is said of it names the call, or comes a month late."""
    said = {"status": "failure", "id": f"call-{n}", "response": {}, "error_str": "429", "prompt_tokens": 0}
    yield record(n, NOON / SECOND, **said)
    yield judged(n, "late", 30 * 86_400, aliases=[f"call:call-{n}"])
    yield judged(n, "lost", 7, aliases=[f"resp:nobody-{n}"])


def span_and_log(n: int) -> Iterator[Part]:
    """A span, and the log record that repeats it with the content."""
    yield spans(n, f"span-{n}", NOON + n, "desk")
    said = {
        "gen_ai.operation.name": {"stringValue": "chat"},
        "gen_ai.input.messages": {"stringValue": json.dumps([{"role": "user", "parts": []}])},
    }
    event = {
        "eventName": "gen_ai.client.inference.operation.details", "observedTimeUnixNano": str(NOON + n + SECOND),
        "traceId": f"{n + 1:032x}", "spanId": f"{n + 1:016x}",
        "attributes": [{"key": key, "value": value} for key, value in said.items()],
    }  # fmt: skip
    yield as_json("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [event]}]}]})
    yield judged(n, "talk", 6, target_scope="session", **{"gen_ai.conversation.id": f"talk-{n % 50}"})


def created_and_updated(n: int) -> Iterator[Part]:
    """Langfuse's SDK of before OTLP: an observation is made, and ends in another message; then a score."""
    at = datetime.fromtimestamp(NOON // SECOND + n % 3600, UTC)
    body = {"id": f"obs-{n}", "traceId": f"tr-{n}", "name": "chat"}
    create = body | {"startTime": at.isoformat(), "model": "gpt", "input": [{"role": "user", "content": f"hello {n}"}]}
    update = body | {"endTime": at.replace(microsecond=500_000).isoformat(), "output": f"good day {n}"}
    score = {"id": f"score-{n}", "traceId": f"tr-{n}", "observationId": f"obs-{n}", "name": "helpful", "value": 1}
    for kind, each in (("generation-create", create), ("generation-update", update), ("score-create", score)):
        event = {"id": f"{kind}-{n}", "type": kind, "timestamp": at.isoformat(), "body": each}
        yield as_json("langfuse", {"batch": [event], "metadata": {}})


# Who sends, and the format of the account that counts.
COUNTED: dict[Callable[[int], Iterator[Part]], str] = {
    native: "native",
    kserve: "kserve_ce",
    gateway_and_caller: "litellm",
    failure: "litellm",
    span_and_log: "otlp_log",
    created_and_updated: "langfuse",
}
SENDERS = tuple(COUNTED)
JOINED = {"thumb": 1, "stars": 1, "judge": 1, "late": 1, "lost": 0, "talk": 1, "score": 1}  # share, by name


def parts() -> list[Part]:
    return [part for n in range(INFERENCES) for part in SENDERS[n % len(SENDERS)](n)]


def ingested(sink: ClickHouse, sent: Sequence[Part], sizes: Iterator[int]) -> None:
    """Let records through stage 1 in blocks, each a fetch of every topic, as a worker would."""
    segments = Segments(100)
    reader = ingest.Reader(SOURCES, segments, Redactor(b"k" * 32), 10**6, Questions(segments, share=0.0))
    joins, left, offset = Joins(sink), iter(sent), 0
    while block_of := list(islice(left, next(sizes))):
        fetches: dict[str, list[ConsumerRecord]] = {}
        for topic, value, headers in block_of:
            row = ConsumerRecord(topic, 0, offset, LATER_MS, 1, None, value, None, 0, len(value), headers)
            fetches.setdefault(topic, []).append(row)
            offset += 1
        block = reader.read(
            RecordBatch(name, 0, rows[0].offset, rows[-1].offset, rows) for name, rows in fetches.items()
        )
        assert [letter.detail for letter in block.letters] == []
        for table, rows in columns.by_table(block.tables()):
            sink.insert(table, rows)
        joins.shadow(block.told_responses())


def tables(sink: ClickHouse) -> dict[str, list[Any]]:
    """Return all that is stored, but where and when it came, which the order of coming decides."""
    inferences = "* EXCEPT (ingest_time, request_record, response_record) REPLACE (arraySort(aliases) AS aliases)"
    queries = {
        "inferences": f"SELECT {inferences} FROM inferences ORDER BY inference_id",  # noqa: S608  # our own words
        "feedback": "SELECT * EXCEPT (ingest_time, record, stored_at) FROM feedback ORDER BY feedback_id, inference_id",
    }
    return {name: list(sink.client.query(query).result_rows) for name, query in queries.items()}


def told(sink: ClickHouse, what: str, view: str) -> dict[str, float]:
    """Return a figure by name."""
    rows = sink.client.query(f"SELECT {what} FROM {view} GROUP BY 1").result_rows  # noqa: S608  # our own words
    return {str(name): figure for name, figure in rows}


def test_they_end_in_the_same_tables_whatever_the_order(clickhouse_url: str) -> None:
    in_order = parts()
    shuffled = in_order + random.Random(3).sample(in_order, len(in_order) // 5)  # noqa: S311  # reproducible, not secret
    random.Random(4).shuffle(shuffled)  # noqa: S311  # as above
    ends = []
    for sent, sizes in ((in_order, [5_000]), (shuffled, [1, 777, 9_000, 3_000])):
        sink = ClickHouse(f"{clickhouse_url}/joining_{uuid4().hex}")
        migrate(sink.client)
        blocks = (size for _ in range(len(sent)) for size in sizes)
        ingested(sink, sent, blocks)
        ends.append(tables(sink))
        assert told(sink, "source_format, count()", "inferences") == Counter(
            COUNTED[SENDERS[n % len(SENDERS)]] for n in range(INFERENCES)
        )
        assert told(sink, "splitByChar('-', feedback_id)[1], countIf(targets > 0) / count()", "feedback") == JOINED
        sink.client.command(f"DROP DATABASE {sink.client.database}")
    assert ends[0]["inferences"] == ends[1]["inferences"]
    assert ends[0]["feedback"] == ends[1]["feedback"]
