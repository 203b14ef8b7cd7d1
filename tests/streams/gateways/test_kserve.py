"""KServe's CloudEvents: each form of a call gives the same events, and nothing odd in a body loses the call.

tests/fixtures/kserve was made to KServe's and Knative's sources and documentation, not recorded from a cluster.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.base import Headers, InvalidEvent
from streams.gateways.kserve import REQUEST, RESPONSE, cloudevents
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "kserve"
RECORDS = sorted(path.name for path in FIXTURES.iterdir() if path.suffix in (".value", ".body"))
INGEST_NS = 1_795_226_500_000_000_000


def _record(name: str) -> tuple[bytes, Headers]:
    path = FIXTURES / name
    if path.suffix == ".body":
        said = json.loads(path.with_suffix(".headers.json").read_text())
        return path.read_bytes(), [(each, text.encode()) for each, text in said.items()]
    said = json.loads(path.with_suffix(".meta.json").read_text())["headers"]
    return path.read_bytes(), [(each, text.encode()) for each, text in said]


def _read(value: bytes, headers: Headers) -> Any:
    [event] = cloudevents(value, headers, INGEST_NS)
    return event


def _headers(kind: str, **more: str) -> Headers:
    said = {
        "ce_id": "c-1",
        "ce_source": "http://localhost:9081/",
        "ce_type": kind,
        "ce_specversion": "1.0",
        "ce_time": "2026-11-21T02:00:30.078952Z",
        "content-type": "application/json",
        "ce_inferenceservicename": "llama3",
        **{f"ce_{name}": text for name, text in more.items()},
    }
    return [(name, text.encode()) for name, text in said.items()]


def _asked(body: object, **more: str) -> Any:
    return _read(body if isinstance(body, bytes) else json.dumps(body).encode(), _headers(REQUEST, **more))


def _answered(body: object, **more: str) -> Any:
    return _read(body if isinstance(body, bytes) else json.dumps(body).encode(), _headers(RESPONSE, **more))


def _expected(number: int, service: str, kind: str, seconds: int, **more: Any) -> dict[str, Any]:
    """What every fixture shares: ids end in its number; requests come at :xx.078952, answers 0.25 s later."""
    inference_id = f"ce:{service}:0009174a-24a8-4603-b098-09c87999000{number}"
    microseconds = 78_952 if kind == "request" else 328_952
    return {
        "kind": kind,
        "event_id": f"{inference_id}:{kind}",
        "inference_id": inference_id,
        "time_unix_nano": (1_795_226_400 + seconds) * 10**9 + microseconds * 1000,
        "source_format": "kserve_ce",
        "provider": "kserve",
        "service": service,
        "request_model": service,
        "tags": {"namespace": "default", "component": "predictor"},
        **({"content_state": "captured"} if kind == "request" else {"status": "ok", "http_status": 200}),
        **more,
    }


def _said(role: str, text: str, **more: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


CHAT_REQUEST = _expected(
    3,
    "llama3",
    "request",
    30,
    operation="chat",
    stream=False,
    max_tokens=32,
    input_messages=[_said("system", "You are terse."), _said("user", "Capital of France?")],
)
CHAT_RESPONSE = _expected(
    3,
    "llama3",
    "response",
    30,
    operation="chat",
    aliases=["resp:chatcmpl-c1"],
    response_id="chatcmpl-c1",
    response_model="llama3",
    finish_reasons=["stop"],
    output_messages=[_said("assistant", "Paris.", finish_reason="stop")],
    input_tokens=18,
    output_tokens=2,
)
COMPLETION_REQUEST = _expected(
    5,
    "llama3",
    "request",
    50,
    operation="text_completion",
    max_tokens=4,
    input_messages=[_said("user", "The capital of France is")],
)
COMPLETION_RESPONSE = _expected(
    5,
    "llama3",
    "response",
    50,
    operation="text_completion",
    aliases=["resp:cmpl-c1"],
    response_id="cmpl-c1",
    response_model="llama3",
    finish_reasons=["length"],
    output_messages=[_said("assistant", " Paris.", finish_reason="length")],
    input_tokens=6,
    output_tokens=2,
)
IRIS = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]
V1_REQUEST = _expected(1, "sklearn-iris", "request", 10, operation="predict", input=IRIS)
V1_RESPONSE = _expected(1, "sklearn-iris", "response", 10, operation="predict", output=[1, 1])

EXPECTED: Mapping[str, dict[str, Any]] = {
    "openai_chat.request.kafka-binary.value": CHAT_REQUEST,
    "openai_chat.request.kafka-binary-keyed.value": CHAT_REQUEST,
    "openai_chat.request.kafka-structured.value": CHAT_REQUEST,
    "openai_chat.request.http-binary.body": CHAT_REQUEST,
    "openai_chat.response.kafka-binary.value": CHAT_RESPONSE,
    "openai_chat.response.kafka-binary-keyed.value": CHAT_RESPONSE,
    "openai_chat.response.kafka-structured.value": CHAT_RESPONSE,
    "openai_chat.response.http-binary.body": CHAT_RESPONSE,
    "openai_chat_stream.request.kafka-binary.value": _expected(
        4,
        "llama3",
        "request",
        40,
        operation="chat",
        stream=True,
        input_messages=[_said("user", "Capital of France?")],
    ),
    "openai_chat_stream.response.kafka-binary.value": _expected(
        4,
        "llama3",
        "response",
        40,
        operation="chat",
        aliases=["resp:chatcmpl-s1"],
        response_id="chatcmpl-s1",
        response_model="llama3",
        finish_reasons=["stop"],
        output_messages=[_said("assistant", "Paris.", finish_reason="stop")],
        input_tokens=18,
        output_tokens=2,
    ),
    "openai_completion.request.kafka-binary.value": COMPLETION_REQUEST,
    "openai_completion.request.kafka-structured.value": COMPLETION_REQUEST,
    "openai_completion.response.kafka-binary.value": COMPLETION_RESPONSE,
    "openai_completion.response.kafka-structured.value": COMPLETION_RESPONSE,
    "openai_embeddings.request.kafka-structured.value": _expected(
        6, "bge", "request", 60, operation="embeddings", input=["hello"]
    ),
    "openai_embeddings.response.kafka-structured.value": _expected(
        6,
        "bge",
        "response",
        60,
        operation="embeddings",
        response_model="bge",
        output=[{"object": "embedding", "index": 0, "embedding": [0.1, -0.2, 0.3]}],
        input_tokens=3,
    ),
    "v1_iris.request.kafka-binary.value": V1_REQUEST,
    "v1_iris.request.kafka-structured.value": V1_REQUEST,
    "v1_iris.request.http-binary.body": V1_REQUEST,
    "v1_iris.response.kafka-binary.value": V1_RESPONSE,
    "v1_iris.response.kafka-structured.value": V1_RESPONSE,
    "v1_iris.response.http-binary.body": V1_RESPONSE,
    "v2_iris.request.kafka-binary.value": _expected(
        2,
        "sklearn-irisv2",
        "request",
        20,
        operation="predict",
        aliases=["req:req-7"],
        input=[{"name": "input-0", "shape": [2, 4], "datatype": "FP32", "data": IRIS}],
    ),
    "v2_iris.response.kafka-binary.value": _expected(
        2,
        "sklearn-irisv2",
        "response",
        20,
        operation="predict",
        aliases=["req:req-7"],
        response_model="sklearn-irisv2",
        tags={"namespace": "default", "component": "predictor", "model_version": "v1.0.0"},
        output=[{"name": "output-0", "shape": [2], "datatype": "INT64", "data": [1, 1]}],
    ),
}


def test_every_fixture_is_expected() -> None:
    assert set(RECORDS) == set(EXPECTED)


@pytest.mark.parametrize("name", RECORDS)
def test_a_fixture_becomes_its_event_twice(name: str) -> None:
    value, headers = _record(name)
    event = _read(value, headers)
    assert event.model_dump(exclude_defaults=True) == EXPECTED[name]
    assert _read(value, headers) == event


def test_other_cloudevents_give_nothing() -> None:
    assert cloudevents(b"{}", _headers("dev.knative.apiserver.resource.add"), INGEST_NS) == []


def test_headers_of_the_client_name_request_trace_and_user_and_nothing_else_is_kept() -> None:
    metadata = {
        "X-Request-Id": ["app-17"],
        "Traceparent": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        "X-User-Id": ["u-42"],
        "Authorization": ["Bearer sk-secret"],
    }
    for event in (
        _asked({"prompt": "Hi"}, metadata=json.dumps(metadata), endpoint="canary"),
        _answered({"choices": []}, metadata=json.dumps(metadata), endpoint="canary"),
    ):
        assert event.aliases == ["req:app-17", "trace:0af7651916cd43dd8448eb211c80319c"]
        assert event.trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert event.user_id == "u-42"
        assert event.tags == {"endpoint": "canary"}
        assert not event.synthetic, "a canary release has real users"
        assert "secret" not in event.model_dump_json()


@pytest.mark.parametrize("metadata", ["", "[]", "null", "{", '{"X-Request-Id": {"a": 1}, "X-Synthetic": ["false"]}'])
def test_odd_metadata_costs_nothing(metadata: str) -> None:
    event = _asked({"prompt": "Hi"}, metadata=metadata)
    assert (event.aliases, event.user_id, event.synthetic) == ([], None, False)


def test_a_probe_is_synthetic() -> None:
    assert _asked({"prompt": "Hi"}, metadata='{"X-Synthetic": ["1"]}').synthetic


def test_the_model_that_the_client_asked_for_is_on_both() -> None:
    asked = _asked({"model": "lora-a", "messages": [{"role": "user", "content": "Hi"}]})
    answered = _answered({"model": "lora-a", "choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]})
    assert asked.request_model == answered.request_model == answered.response_model == "lora-a"
    # V2's answer names the model that ran; what was asked for is the service, as the request has it.
    v2 = _answered({"model_name": "iris-v7", "outputs": []})
    assert (v2.request_model, v2.response_model) == ("llama3", "iris-v7")


def test_an_error_with_status_200_is_an_error() -> None:
    event = _answered({"error": {"message": "context too long", "type": "BadRequestError", "code": 400}})
    assert (event.status, event.error_type, event.error_message) == ("error", "BadRequestError", "context too long")
    assert event.http_status == 200
    assert event.request_model == "llama3"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("422", (422, "error", "http_422")),
        ("201", (201, "ok", None)),
        ("", (200, "ok", None)),
        ("many", (200, "ok", None)),
        ("99999", (200, "ok", None)),
    ],
)
def test_the_status_is_read_where_the_logger_says_it(code: str, expected: tuple[int, str, str | None]) -> None:
    answer = _answered({"detail": "no such model"}, statuscode=code)
    assert (answer.http_status, answer.status, answer.error_type) == expected


def test_a_stream_comes_whole_from_a_structured_event_in_base64() -> None:
    stream, headers = _record("openai_chat_stream.response.kafka-binary.value")
    structured = {name.removeprefix("ce_"): text.decode() for name, text in headers if text and name != "content-type"}
    structured["data_base64"] = base64.b64encode(stream).decode()
    value = json.dumps(structured).encode()
    event = _read(value, [("content-type", b"application/cloudevents+json")])
    assert event == _read(stream, headers)


def test_a_stream_is_partial_wherever_it_is_cut_before_its_finish_reason() -> None:
    stream, headers = _record("openai_chat_stream.response.kafka-binary.value")
    finished = stream.index(b'"stop"}]}') + len(b'"stop"}]}')
    for cut in range(len(b"data:"), len(stream)):
        event = _read(stream[:cut], headers)
        assert event.status == ("ok" if cut >= finished else "partial"), cut
    cut_in_the_middle = _read(stream[: stream.index(b'"delta": {}')], headers)
    assert cut_in_the_middle.output_messages == [_said("assistant", "Paris.")]
    assert cut_in_the_middle.finish_reasons == []
    assert (cut_in_the_middle.input_tokens, cut_in_the_middle.output_tokens) == (None, None)
    assert cut_in_the_middle.response_id == "chatcmpl-s1"


def test_binary_tensors_keep_their_names_and_shapes() -> None:
    described = {"id": "b-1", "inputs": [{"name": "größe", "shape": [2], "datatype": "FP32"}]}
    body = json.dumps(described, ensure_ascii=False).encode() + b"\x00\x00\x80?\xff{]["
    event = _asked(body)
    assert (event.operation, event.input, event.content_state) == ("predict", described["inputs"], "truncated")
    assert event.aliases == ["req:b-1"]
    answered = _answered(b'{"model_name": "m", "outputs": [{"name": "y", "shape": [1]}]}\xff\xfe')
    assert (answered.status, answered.output) == ("ok", [{"name": "y", "shape": [1]}])


@pytest.mark.parametrize(
    ("body", "state", "kept"),
    [
        (b"\xff\xd8\xff\xe0 an image", "not_captured", None),
        (b'{"messages": [{"role": "user"', "truncated", '{"messages": [{"role": "user"'),
        (b"plain words", "captured", "plain words"),
        (b"[1, 2", "truncated", "[1, 2"),
        (b"[1, 2]", "captured", [1, 2]),
    ],
)
def test_a_body_that_is_no_protocol_still_makes_an_event(body: bytes, state: str, kept: object) -> None:
    request, response = _asked(body), _answered(body)
    assert (request.operation, request.content_state, request.input) == ("predict", state, kept)
    assert (response.status, response.output) == ("partial" if state == "truncated" else "ok", kept)


def test_without_data_nothing_was_captured() -> None:
    event = {"id": "c-1", "source": "s", "type": REQUEST, "specversion": "1.0"}
    request = _read(json.dumps(event).encode(), [])
    assert (request.content_state, request.inference_id) == ("not_captured", "ce::c-1")
    assert request.time_unix_nano == INGEST_NS, "without a time it came when Kafka had it"


def test_http_headers_are_percent_decoded() -> None:
    value, headers = _record("openai_chat.request.http-binary.body")
    said = [*headers, ("Ce-Metadata", b"{%22X-Request-Id%22:[%22a%20b%22]}")]
    event = _read(value, [each for each in said if each[0] != "ce-metadata"])
    assert event.aliases == ["req:a b"]


def test_names_of_headers_come_in_any_case() -> None:
    for name in ("openai_chat.request.http-binary.body", "openai_chat.request.kafka-binary.value"):
        value, headers = _record(name)
        assert _read(value, [(each.title(), text) for each, text in headers]) == _read(value, headers)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\xff", []),
        (b"not json", []),
        (b"[]", []),
        (b"{}", []),
        (b'{"id": "a", "source": "s", "type": "t", "specversion": "0.3"}', []),
        (b'{"id": 7, "source": "s", "type": "t", "specversion": "1.0"}', []),
        (b'{"id": "a", "source": "s", "type": "t", "specversion": "1.0", "time": "noon"}', []),
        (b'{"id": "a", "source": "s", "type": "t", "specversion": "1.0", "time": null}', []),
        (b'{"id": "\\ud800", "source": "s", "type": "t", "specversion": "1.0"}', []),
        (b"[" * 100_000, []),
        (b"{}", [("ce_type", REQUEST.encode()), ("ce_source", b"s"), ("ce_specversion", b"1.0")]),
        (b"{}", [*_headers(REQUEST), ("ce_time", b"9999-12-31T24:00:00Z")]),
        (b"{}", [*_headers(REQUEST), ("ce_namespace", b"\xff")]),
        (b"{}", [("ce-id", b"\xff")]),
    ],
)
def test_what_is_no_cloudevent_says_how_to_send_one(value: bytes, headers: Headers) -> None:
    with pytest.raises(InvalidEvent) as poison:
        cloudevents(value, headers, INGEST_NS)
    assert poison.value.reason == "not_cloudevents"
    assert "content mode" in poison.value.detail


def test_a_time_that_is_none_is_no_event() -> None:
    with pytest.raises(InvalidEvent, match="time_unix_nano"):
        cloudevents(b"{}", [*_headers(REQUEST), ("ce_time", b"1970-01-01T00:00:00Z")], INGEST_NS)


_JSON = misplaced(
    "messages", "prompt", "input", "role", "content", "parts", "choices", "message", "delta", "index", "text", "usage",
    "prompt_tokens", "tool_calls", "function", "arguments", "finish_reason", "error", "type", "id", "model", "object",
    "data", "instances", "inputs", "outputs", "output", "n", "seed", "temperature", "tools", "instructions", "user",
    "response", "response.completed", "response.output_text.delta", "status",
).map(lambda said: json.dumps(said).encode())  # fmt: skip
_CHUNKS = st.lists(_JSON | st.binary(max_size=9), max_size=5)
_BODY = _JSON | _CHUNKS.map(lambda chunks: b"".join(b"data: " + chunk + b"\n\n" for chunk in chunks)) | st.binary()


@given(body=_BODY, kind=st.sampled_from([REQUEST, RESPONSE]), metadata=_JSON, time=st.binary(max_size=20))
def test_nothing_hostile_raises_anything_else(body: bytes, kind: str, metadata: bytes, time: bytes) -> None:
    binary: Headers = [*_headers(kind), ("ce_metadata", metadata)]
    structured = b'{"id":"c","source":"s","specversion":"1.0","type":"%s","data":%s}' % (kind.encode(), body)
    for value, headers in ((body, binary), (body, [*binary, ("ce_time", time)]), (structured, []), (body, [])):
        try:
            events = cloudevents(value, headers, INGEST_NS)
        except InvalidEvent:
            continue
        assert all(isinstance(event, InferenceRequest | InferenceResponse) for event in events)
        assert repr(cloudevents(value, headers, INGEST_NS)) == repr(events)
