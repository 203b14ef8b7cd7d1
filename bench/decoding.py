"""What reading costs: microseconds of CPU for an event of each format, and for a kilobyte of text that is redacted.

The bytes are those of the tests' fixtures, captured from the real senders, and `bench/records.py`'s native events. An
item is a span, a record, a CloudEvent or an event; a span and a record give two events each, request and response.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.records import native_records
from streams.events import InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.formats import FORMATS, decode
from streams.redaction import Redactor

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
ROUNDS = 5
SECONDS = 0.3  # of CPU, for a round
LATER_MS = 1_800_000_000_000
KILOBYTES = 64

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Messages of one format, and how many items they hold."""

    name: str
    format: str
    messages: Sequence[tuple[bytes, Headers]]
    items: int
    limit_us: float | None  # what an item may cost


def samples() -> Iterator[Sample]:
    native = list(native_records(2_000, 7))
    for kind in ("requests", "responses", "feedback"):
        values = [(record.value, ()) for record in native if record.topic == f"inference.{kind}"]
        yield Sample(f"native {kind}", f"native_{kind}", values, len(values), 5.0)
    for content in ("span_and_event", "no_content"):
        for encoding in ("otlp_proto.bin", "otlp_json.json"):
            fixture = f"otel/genai-openai-1.3b0.{content}.traces.{encoding}"
            yield _one(f"OTLP spans, {content}, {encoding[5:10].strip('.')}", "otlp_traces", fixture, 12, 30.0)
    openinference = "otel/openinference-openai-0.1.66.traces.otlp_proto.bin"
    yield _one("OTLP spans, OpenInference", "otlp_traces", openinference, 10, 30.0)
    yield _one("LiteLLM records", "litellm", "litellm/proxy.generic_api.json_array.body", 4, 60.0)
    yield Sample("KServe CloudEvents", "cloudevents", list(_kserve()), len(list(_kserve())), None)


def cost_us(work: Callable[[], object], items: int) -> float:
    """Return the least of some rounds' CPU for an item: what others do on the machine only ever adds to it."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        runs, begun = 0, time.process_time()
        while time.process_time() - begun < SECONDS:
            work()
            runs += 1
        best = min(best, (time.process_time() - begun) / runs / items)
    return best * 1e6


def decoding() -> dict[str, tuple[float, float | None]]:
    """Return each format's cost of an item in microseconds, and what it may be."""
    return {
        sample.name: (cost_us(lambda sample=sample: _decoded(sample), sample.items), sample.limit_us)  # type: ignore[misc]  # bound now
        for sample in samples()
    }


def redacting() -> tuple[float, float]:
    """Return the cost of a kilobyte of ordinary text, and of one with an address in it, microseconds."""
    return _redaction_us("The quick answer is that it depends on the tide and the wind. "), _redaction_us(
        "Write to ann.lee@example.com or call +44 20 7946 0958 before the tide turns, she said. "
    )


def show(console: Console) -> dict[str, float]:
    """Measure, print a table, and return the figures by name."""
    table = Table("reading", "CPU µs", "may be", title="an item, least of 5 rounds")
    figures = {}
    for name, (cost, limit) in decoding().items():
        table.add_row(name, f"{cost:.1f}", f"{limit:g}" if limit else "")
        figures[name] = cost
    for name, cost in zip(("redaction, a KB of text", "redaction, a KB with 23 finds"), redacting(), strict=True):
        table.add_row(name, f"{cost:.1f}", "10" if name.endswith("text") else "")
        figures[name] = cost
    console.print(table)
    return figures


def _decoded(sample: Sample) -> None:
    decoder = FORMATS[sample.format]
    for value, headers in sample.messages:
        for event in decode(decoder, value, headers, limit=2**23, ingest_ms=LATER_MS):
            assert not isinstance(event, InvalidEvent), event.detail  # noqa: S101  # else it measures nothing


def _redaction_us(sentence: str) -> float:
    said = sentence * (KILOBYTES * 1024 // len(sentence))
    event = InferenceResponse.model_validate(
        {
            "kind": "response",
            "event_id": "e",
            "inference_id": "i",
            "time_unix_nano": LATER_MS * 10**6,
            "status": "ok",
            "output_messages": [{"role": "assistant", "parts": [{"type": "text", "content": said}]}],
        }
    )
    redactor = Redactor(b"k" * 32)
    return cost_us(lambda: redactor.apply(event, "redacted"), KILOBYTES)


def _one(name: str, format_: str, fixture: str, items: int, limit_us: float) -> Sample:
    return Sample(name, format_, [((FIXTURES / fixture).read_bytes(), ())], items, limit_us)


def _kserve() -> Iterator[tuple[bytes, Headers]]:
    for value in sorted((FIXTURES / "kserve").glob("*.value")):
        meta = orjson.loads(value.with_suffix(".meta.json").read_bytes())
        yield value.read_bytes(), tuple((name, said.encode()) for name, said in meta["headers"])


if __name__ == "__main__":
    show(Console())
