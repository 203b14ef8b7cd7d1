"""Hostile records by the thousand: no decoder raises, quotes, differs or dawdles; and no real batch is taken for one.

`make fuzz` feeds each decoder a million; zip bombs are the receiver's, in test_body.py.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData

from bench.fuzz.checks import Checker
from bench.fuzz.hostile_records import of_format
from bench.fuzz.run import fuzz
from bench.fuzz.seeds import FILES, INGEST_MS, LIMIT, NATIVE, Seed, seeds
from streams.events import InferenceRequest
from streams.gateways.base import Decoded, Headers, InvalidEvent
from streams.gateways.formats import FORMATS, decode
from tests.streams.gateways.hostile import misplaced

JSON = sorted(FORMATS.keys() - {"otlp_traces", "otlp_logs"})
MARKER = "m4rk3r"


def _decoded(form: str, value: bytes, headers: Headers = ()) -> list[Decoded]:
    return list(decode(FORMATS[form], value, headers, limit=LIMIT, ingest_ms=INGEST_MS))


def test_every_format_has_fixtures() -> None:
    assert FILES.keys() | NATIVE.keys() == FORMATS.keys()
    assert all(seeds(form) for form in FORMATS)


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_records(form: str) -> None:
    tally = fuzz(form, inputs=2000, seed=1)  # `make fuzz` has the time for that
    assert tally.failures == []
    assert tally.inputs == 2000
    assert tally.read > 200, "what is not read at all tests nothing"
    assert tally.refused.total() > 100


@pytest.mark.parametrize("form", FORMATS)
def test_a_number_makes_the_same_record_again(form: str) -> None:
    one, other = of_format(form, floods=0.5), of_format(form, floods=0.5)
    forwards = [one.record(number) for number in range(20)]
    assert [other.record(number) for number in reversed(range(20))] == forwards[::-1]


@pytest.mark.parametrize("form", JSON)
def test_words_in_the_wrong_places(form: str) -> None:
    known = [seed for seed in seeds(form) if seed.value[:1] in (b"{", b"[")]
    words = sorted({word for seed in known for item in _items(seed) for word in _words(item)})
    checker = Checker(form, timed=False)

    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.sampled_from(known), st.sampled_from(words), misplaced(*words))
    def check(seed: Seed, word: str, value: Any) -> None:
        changed = [item | {word: value} for item in _items(seed)]
        record = json.dumps(changed if seed.value[:1] == b"[" else changed[0]).encode()
        assert checker.wrong(Seed(record, seed.headers), thoroughly=True) is None

    check()


def _items(seed: Seed) -> list[dict[str, Any]]:
    said = orjson.loads(seed.value)
    return said if isinstance(said, list) else [said]


def _words(item: object) -> Iterable[str]:
    inner: Iterable[Any] = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return itertools.chain(item if isinstance(item, dict) else (), *map(_words, inner))


def _raises(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    raise KeyError(len(value))


def _quotes(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    raise InvalidEvent("wrong_shape", value.decode())


def _differs(_value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    raise InvalidEvent("wrong_shape", str(time.monotonic_ns()))


def _dawdles(_value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    return []


def _cannot_be_replayed(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    return [InvalidEvent("wrong_shape", "A cure.", b"other")] if value != b"other" else []


def _cannot_be_stored(_value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    fields = {"kind": "request", "event_id": "e", "inference_id": "i", "time_unix_nano": INGEST_MS * 1_000_000}
    return [InferenceRequest.model_validate(fields | {"operation": "chat", "service": "\ud800"})]


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (_raises, "KeyError"),
        (_quotes, "quotes the record"),
        (_differs, "differs"),
        (_dawdles, "slow: "),
        (_cannot_be_replayed, "replay"),
        (_cannot_be_stored, "Error"),
    ],
)
def test_a_broken_decoder_is_found(broken: Any, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "kong", broken)
    said = Checker("kong").wrong(Seed(f'{{"a":"{MARKER}"}}'.encode(), ()), thoroughly=True)
    assert said is not None
    assert wrong in said


Batch = tuple[str, bytes, Headers, int]  # format, record, headers, the events in it


def _repeated(form: str, *path: str, size: int) -> Batch:
    """Fill a list of a fixture with copies of its items: of one whose items do not belong together."""
    for seed in seeds(form):
        twice, events = _filled(seed, path, 2), len(_decoded(form, seed.value, seed.headers))
        read = _decoded(form, twice, seed.headers) if twice else []
        if len(read) == 2 * events > 0 and not any(isinstance(each, InvalidEvent) for each in read):
            times = size // len(seed.value)
            return form, _filled(seed, path, times), seed.headers, times * events
    raise AssertionError(f"no fixture of {form} has {path}")


def _filled(seed: Seed, path: Sequence[str], times: int) -> bytes:
    """Repeat the items of a list so many times; empty where there is no such list."""
    if seed.value[:1] != (b"{" if path else b"["):
        return b""
    message = found = orjson.loads(seed.value)
    for step in path:
        found = (found[0] if isinstance(found, list) else found).get(step)
        if not isinstance(found, list):
            return b""
    found[:] = found * times
    return orjson.dumps(message)


def _in_protobuf(form: str, times: int) -> Batch:
    """Repeat a whole batch, which is how protobuf joins messages."""
    seed = max((seed for seed in seeds(form) if seed.value[:1] == b"\n"), key=lambda seed: len(seed.value))
    return form, seed.value * times, seed.headers, len(_decoded(form, seed.value, seed.headers)) * times


def _served(kind: str, body: object) -> Batch:
    said = {"id": "1", "source": "s", "type": f"org.kubeflow.serving.inference.{kind}", "specversion": "1.0"}
    return "cloudevents", json.dumps(body).encode(), [(f"ce_{name}", text.encode()) for name, text in said.items()], 1


def _said(content: object, times: int = 1) -> Batch:
    return _served("request", {"model": "m", "messages": [{"role": "user", "content": content}] * times})


FLOATS = [number / 7 for number in range(1536)]
IMAGE = [[[float(x * y % 2)] for x in range(28)] for y in range(28)]
ROW = {"age": 41, "income": 2.5, "city": "", "tags": []}
CODE = "const f=(a)=>{return{b:[a,{c:[]}]}};"
EMBEDDINGS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": FLOATS}] * 60}
TENSOR = {"inputs": [{"name": "x", "shape": [500_000], "datatype": "UINT8", "data": [0, 255] * 250_000}]}
BATCHES: dict[str, Callable[[], Batch]] = {
    "litellm, an array of 8 MB": lambda: _repeated("litellm", size=8_000_000),
    "langfuse, a batch of 3 MB": lambda: _repeated("langfuse_ingestion", "batch", size=3_000_000),
    "langfuse, scores of 1 MB": lambda: _repeated("langfuse_scores", size=1_000_000),
    "phoenix, annotations of 1 MB": lambda: _repeated("phoenix_annotations", "data", size=1_000_000),
    "kong, an array of 2 MB": lambda: _repeated("kong", size=2_000_000),
    "otlp/json, spans of 2 MB": lambda: _repeated(
        "otlp_traces", "resourceSpans", "scopeSpans", "spans", size=2_000_000
    ),
    "otlp/json, the densest logs": lambda: _repeated(
        "otlp_logs", "resourceLogs", "scopeLogs", "logRecords", size=1_000_000
    ),
    "otlp, spans of 2 MB": lambda: _in_protobuf("otlp_traces", 100),
    "otlp, logs of 1 MB": lambda: _in_protobuf("otlp_logs", 150),
    "embeddings of 1 MB": lambda: _served("response", EMBEDDINGS),
    "images of single numbers": lambda: _served("request", {"instances": [IMAGE] * 200}),
    "images of single digits": lambda: _served("request", {"instances": [[[[0]] * 28] * 28] * 200}),
    "a table of rows": lambda: _served("request", {"instances": [ROW] * 20_000}),
    "short rows": lambda: _served("request", {"instances": [{"x": 0.5}] * 4_000}),
    "a tensor of bytes": lambda: _served("request", TENSOR),
    "a long dialogue": lambda: _said("Yes, please.", 3_000),
    "a picture book": lambda: _said([{"type": "text", "text": "A page."}] * 500),
    "a prompt of code": lambda: _said(CODE * 25_000),
    "a prompt of JSON": lambda: _said(json.dumps([ROW] * 20_000)),
    "a prompt of formulas": lambda: _said(r"\frac{a}{b} + x_{i} [1] " * 40_000),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_large_batch_is_read_whole(name: str) -> None:
    form, record, headers, events = BATCHES[name]()
    decoded = _decoded(form, record, headers)
    assert [each for each in decoded if isinstance(each, InvalidEvent)] == []
    assert len(decoded) == events > 0


@pytest.mark.parametrize(
    "unit", ["{}", "[]", '{"role":""}', '{ "a":{} }', '{\n"a":0}', "[[[[]]]]", '{"a":"{\\"b\\":0}"}'], ids=repr
)
def test_a_crowd_of_tiny_objects_is_refused(unit: str) -> None:
    crowd = f"[{','.join([unit] * (1_000_000 // len(unit)))}]".encode()
    for form in ("kong", "cloudevents", "native_requests"):
        (poison,) = _decoded(form, crowd)
        assert isinstance(poison, InvalidEvent)
        assert poison.reason == "wrong_shape"
        assert "no gateway sends" in poison.detail


def _poison(form: str, value: bytes, headers: Headers = ()) -> InvalidEvent:
    (poison,) = _decoded(form, value, headers)
    assert isinstance(poison, InvalidEvent)
    return poison


def _native(**fields: object) -> bytes:
    said = {"kind": "response", "event_id": "e", "inference_id": "i", "time_unix_nano": INGEST_MS * 1_000_000}
    return json.dumps(said | {"status": "ok"} | fields).encode()


def test_a_key_that_the_sender_chose_is_not_quoted() -> None:
    assert _poison("native_responses", _native(tags={MARKER: 0})).detail.startswith("tags.*: ")
    assert _poison("native_responses", _native(**{"gen_ai.output.messages": [0]})).detail.startswith(
        "gen_ai.output.messages.0: "
    )


def test_a_large_record_that_lacks_everything_is_refused_at_once() -> None:
    record = json.dumps({"output": [[0.5]] * 150_000}).encode()
    began = time.process_time()
    poison = _poison("native_responses", record)
    assert time.process_time() - began < 0.15, "once for each missing field takes 0.2 s"
    assert "missing required field" in poison.detail


def test_a_large_record_that_is_nested_too_deep_is_refused() -> None:
    assert _poison("native_responses", b'{"a":' + b"[" * 2_000 + b" " * 10_000).reason == "not_json"


def test_a_list_of_junk_is_one_fault() -> None:
    assert "more" not in _poison("native_responses", _native(**{"gen_ai.output.messages": [0] * 9000})).detail


def test_content_that_cannot_be_written_is_refused() -> None:
    deep = b"[" * 500 + b"]" * 500
    known = next(seed for seed in seeds("litellm") if seed.value[:1] == b"{")
    start = known.value.index(b'"messages"') + len(b'"messages"')
    record = known.value[:start] + b":" + deep + b',"messages_before"' + known.value[start:]
    assert "nested deeper" in _poison("litellm", record, known.headers).detail


def test_an_integer_of_any_length_stays_in_content() -> None:
    form, record, headers, _ = _served("request", {"instances": [10**30]})
    (event,) = _decoded(form, record, headers)
    assert isinstance(event, InferenceRequest)
    assert event.input == [10**30]


@pytest.mark.parametrize("content", [[0, "a"], ["a", None], ["a"] * 1001], ids=["numbers", "null", "a thousand"])
def test_what_is_no_list_of_parts_stays_as_it_came(content: list[Any]) -> None:
    form, record, headers, _ = _said(content)
    (event,) = _decoded(form, record, headers)
    assert isinstance(event, InferenceRequest)
    assert event.input_messages == [{"role": "user", "parts": [{"type": "unknown", "content": content}]}]


@pytest.mark.parametrize("empty", ["attribute", "value"])
def test_a_crowd_of_empty_attributes_is_refused(empty: str) -> None:
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=INGEST_MS * 1_000_000)
    if empty == "attribute":
        span.attributes.extend([KeyValue()] * 50_000)
    else:
        span.attributes.add().value.array_value.values.extend([AnyValue()] * 50_000)
    batch = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    assert "none that are empty" in _poison("otlp_traces", batch.SerializeToString()).detail
