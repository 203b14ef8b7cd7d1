"""Real messages of every format come out of the tests' fixtures: what is hostile is made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from streams.decode_file import headers_of
from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.gateways import otlp
from streams.gateways.base import Headers, InvalidEvent
from streams.gateways.formats import FORMATS, decode

FIXTURES = Path(__file__).parents[2] / "tests" / "fixtures"
INGEST_MS = 1_795_226_500_000  # 2026-11-21, when the fixtures were made
LIMIT = 8 * 1024 * 1024  # bytes

# Files of each format, below the fixtures' folder; the native formats take what all the others decode into.
FILES = {
    "otlp_traces": ("otel/*.traces.*", "otel/derived_partition*/*.bin", "*/*otel*.otlp_proto.bin"),
    "otlp_logs": ("otel/*.logs*",),
    "cloudevents": ("kserve/*.value", "kserve/*.body"),
    "litellm": ("litellm/*.body", "litellm/*.json"),
    "langfuse_ingestion": ("langfuse/*.ingestion.json",),
    "langfuse_scores": ("langfuse/*.scores.json",),
    "langsmith_feedback": ("langsmith/feedback*.json",),
    "phoenix_annotations": ("phoenix/*.json",),
    "kong": ("kong/*.json",),
    "apisix": ("apisix/*.json",),
}
NATIVE: dict[str, type[Event]] = {
    "native_requests": InferenceRequest,
    "native_responses": InferenceResponse,
    "native_feedback": Feedback,
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A record as its gateway sends it."""

    value: bytes
    headers: Headers


@cache
def seeds(form: str) -> Sequence[Seed]:
    """Return the records of a format, and each item of one by itself. Raises LookupError: there is no fixture."""
    found = list(_of_events(NATIVE[form]) if form in NATIVE else _of_files(form))
    if not found:
        raise LookupError(f"no fixture holds {form}: name one in bench/fuzz/seeds.py")
    return found


def _of_files(form: str) -> Iterator[Seed]:
    for file in sorted({file for pattern in FILES.get(form, ()) for file in FIXTURES.glob(pattern)}):
        if file.name.endswith(("headers.json", "meta.json")):
            continue
        seed = Seed(file.read_bytes(), _headers(file))
        yield seed
        yield from _items(form, seed)


def _headers(file: Path) -> Headers:
    """Read the headers from the file beside it, where there is one."""
    beside = (file.with_suffix(f".{kind}.json") for kind in ("headers", "meta"))
    return headers_of([f"@{each}" for each in beside if each.exists()])


def _items(form: str, seed: Seed) -> Iterator[Seed]:
    if form.startswith("otlp_"):
        try:
            batches = (otlp.traces if form == "otlp_traces" else otlp.logs)(seed.value, seed.headers)
        except InvalidEvent:  # the fixture of what is not OTLP/JSON
            return
        for batch in batches:
            yield from (Seed(alone, seed.headers) for raw in batch.raws if (alone := batch.alone([raw])))
    elif seed.value[:1] == b"[":
        yield from (Seed(orjson.dumps([item]), seed.headers) for item in orjson.loads(seed.value))


def _of_events(model: type[Event]) -> Iterator[Seed]:
    """Give the events that all fixtures decode into, as their contract writes them."""
    for form in FILES:
        for seed in seeds(form):
            for event in decode(FORMATS[form], seed.value, seed.headers, limit=LIMIT, ingest_ms=INGEST_MS):
                if isinstance(event, model):
                    yield Seed(event.model_dump_json(by_alias=True, exclude_none=True).encode(), ())
