"""OTLP as bytes: two encodings that say the same, refusals and their cures, replay of bad items, hostile input."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.gateways.base import Decoder, InvalidEvent
from streams.gateways.otlp import MOST_SET_ASIDE
from streams.gateways.otlp_logs import logs
from streams.gateways.otlp_traces import traces
from tests.streams.gateways import otlp_messages as otlp
from tests.streams.gateways.hostile import misplaced
from tests.streams.gateways.otlp_messages import END, FIXTURES, INGEST_NS, SPAN, START, TRACE, recorded

PROTOBUF = sorted(
    str(path.relative_to(FIXTURES))
    for room in ("otel", "litellm", "langfuse")
    for path in (FIXTURES / room).glob("*otlp_proto.bin")
)
JSON = sorted(str(path.relative_to(FIXTURES)) for path in (FIXTURES / "otel").glob("*otlp_json.json"))
WRONG_VARIANT = "otel/WRONG_VARIANT.protobuf_jsonpb_base64_ids.traces.json"
LATE = "otel/derived_late_feedback_only.logs.otlp_proto.bin"
OPERATION = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
NOT_OTLP = b"\x00\x01not protobuf"


def decoder(name: str) -> Decoder:
    return logs if ".logs" in name else traces


def read(value: bytes, name: str = "traces", **headers: str) -> list[Any]:
    said = [(each.replace("_", "-"), text.encode()) for each, text in headers.items()]
    return list(decoder(name)(value, said, INGEST_NS))


def refused(value: bytes, name: str = "traces", **headers: str) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as poison:
        read(value, name, **headers)
    return poison.value


# Encodings


@pytest.mark.parametrize("name", JSON)
def test_protobuf_and_json_of_the_same_calls_are_identical_events(name: str) -> None:
    assert read(recorded(name), name) == read(recorded(name.replace("otlp_json.json", "otlp_proto.bin")), name)


def test_every_recorded_pair_is_compared() -> None:
    assert len(JSON) == 4
    assert len(PROTOBUF) == 12


@pytest.mark.parametrize("name", JSON)
def test_json_in_the_names_of_protobuf_says_the_same(name: str) -> None:
    def snake(key: str) -> str:
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)

    respelled = json.loads(recorded(name), object_hook=lambda each: {snake(key): value for key, value in each.items()})
    assert "resource_spans" in respelled or "resource_logs" in respelled
    assert read(json.dumps(respelled).encode(), name) == read(recorded(name), name)


@pytest.mark.parametrize("name", JSON)
def test_the_header_tells_the_encoding_else_the_first_byte_does(name: str) -> None:
    value = recorded(name)
    assert read(b" \n" + value, name, content_type="application/json; charset=utf-8") == read(value, name)
    assert refused(value, name, Content_Type="application/x-protobuf").reason == "not_protobuf"
    protobuf = recorded(name.replace("otlp_json.json", "otlp_proto.bin"))
    assert read(protobuf, name, content_type="application/x-protobuf") == read(value, name)
    assert refused(protobuf, name, content_type="application/json").reason == "not_json"


def test_the_headers_of_an_http_request_are_read_as_they_came() -> None:
    said = json.loads(recorded("langfuse/sdk5.0.4.otel_traces.headers.json"))
    headers = [(name, str(text).encode()) for name, text in said.items()]
    value = recorded("langfuse/sdk5.0.4.otel_traces.otlp_proto.bin")
    assert list(traces(value, headers, INGEST_NS)) == read(value)


VALUES: list[tuple[dict[str, Any], Any]] = [
    ({"stringValue": "a"}, "a"),
    ({"stringValue": ""}, ""),
    ({"stringValue": 7}, None),
    ({"boolValue": True}, True),
    ({"boolValue": "true"}, None),
    ({"intValue": "-9223372036854775808"}, -(2**63)),
    ({"intValue": "9223372036854775808"}, None),
    ({"intValue": "9" * 5_000}, None),
    ({"intValue": "1_0"}, None),
    ({"intValue": "٣"}, None),
    ({"intValue": "-"}, None),
    ({"intValue": 12}, 12),
    ({"intValue": True}, None),
    ({"doubleValue": 0.5}, 0.5),
    ({"doubleValue": "0.5"}, 0.5),
    ({"doubleValue": "NaN"}, None),
    ({"doubleValue": "-Infinity"}, None),
    ({"doubleValue": [1]}, None),
    ({"bytesValue": "/w=="}, "/w=="),
    ({"arrayValue": {"values": [{"intValue": "1"}, {}, None, {"stringValue": "b"}]}}, [1, None, None, "b"]),
    ({"arrayValue": {}}, []),
    ({"arrayValue": {"values": 7}}, None),
    ({"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}, {"value": {}}, 7]}}, {"k": 1}),
    ({"kvlistValue": {}}, {}),
    ({"unheardOf": 1, "string_value": "a"}, "a"),
    ({"unheardOf": 1}, None),
    ({}, None),
]


@pytest.mark.parametrize(("value", "plain"), VALUES, ids=lambda each: repr(each)[:40])
def test_a_value_of_json_is_what_protobuf_would_make_of_it(value: dict[str, Any], plain: Any) -> None:
    # In a correction values go through as they are.
    said = [("gen_ai.evaluation.name", {"stringValue": "n"}), ("gen_ai.evaluation.score.label", {"stringValue": "l"})]
    pairs = [{"key": key, "value": each} for key, each in [*said, ("feedback.correction", value)]]
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": str(END), "traceId": TRACE, "attributes": pairs}
    message = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    [event] = logs(message, [], INGEST_NS)
    assert isinstance(event, Feedback)
    assert event.correction == plain


@pytest.mark.parametrize(
    "plain",
    ["a", "", True, 12, -(2**63), 0.5, float("nan"), float("inf"), b"\xff", [1, None, "b"], [], {"k": {"l": []}}, None],
    ids=repr,
)
def test_values_of_protobuf_are_read_alike(plain: Any) -> None:
    said = {
        "gen_ai.evaluation.name": "n", "gen_ai.evaluation.score.label": "l", "gen_ai.response.id": "r",
        "feedback.correction": plain,
    }  # fmt: skip
    record = {"event_name": "gen_ai.evaluation.result", "time_unix_nano": END, "attributes": said}
    [event] = logs(otlp.logs(record), [], INGEST_NS)
    expected = "/w==" if isinstance(plain, bytes) else None if plain != plain or plain == float("inf") else plain
    assert isinstance(event, Feedback)
    assert event.correction == expected


def test_ids_of_json_may_be_in_upper_case() -> None:
    [request, _] = read(otlp.json_traces(otlp.json_span(OPERATION, traceId=TRACE.upper(), spanId=SPAN.upper())))
    assert request.inference_id == f"{TRACE}:{SPAN}"


@pytest.mark.parametrize("code", [2, "2", "STATUS_CODE_ERROR"])
def test_a_status_of_json_is_a_number_or_a_name(code: Any) -> None:
    [_, response] = read(otlp.json_traces(otlp.json_span(OPERATION, status={"code": code, "message": "no"})))
    assert (response.status, response.error_message) == ("error", "no")


def test_the_first_and_the_last_moments_of_a_span_are_read() -> None:
    chunk = {"name": "gen_ai.content.completion.chunk"}
    middle = [{**chunk, "timeUnixNano": str(START + ms * 10**6)} for ms in range(20, 1000)]
    raised = {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "ReadError"}}]}
    first = {**chunk, "timeUnixNano": str(START + 10**7)}
    span = otlp.json_span(OPERATION, events=[first, *middle, raised, 7], status={"code": 2})
    [_, response] = read(otlp.json_traces(span))
    assert (response.time_to_first_chunk_s, response.error_type, response.status) == (0.01, "ReadError", "partial")


# Refusals


def test_protobufs_own_json_is_refused_with_the_cure() -> None:
    poison = refused(recorded(WRONG_VARIANT))
    assert poison.reason == "not_otlp_json"
    assert "must be hex" in poison.detail
    assert "otlp_json" in poison.detail
    assert poison.item is None


def test_logs_in_a_topic_of_traces_give_no_inference_and_say_what_to_set() -> None:
    [poison] = read(recorded(LATE), "traces")
    assert isinstance(poison, InvalidEvent)
    assert poison.reason == "wrong_shape"
    assert "otlp_logs" in poison.detail
    # What was set aside still has all that the record said, for the day when the format is set right.
    assert read(poison.item or b"", "x.logs") == read(recorded(LATE), "x.logs")


@pytest.mark.parametrize(
    ("value", "signal", "reason", "cure"),
    [
        (NOT_OTLP, "traces", "not_protobuf", "otlp_proto or otlp_json"),
        (b"\x1f\x8b\x08\x00", "traces", "not_protobuf", "no compression but Kafka's own"),
        (b"{", "traces", "not_json", "whole"),
        (b'{"a": \xff}', "traces", "not_json", "UTF-8"),
        (b"{" * 5_000, "traces", "not_json", "whole"),
        (b'{"resourceLogs": []}', "traces", "not_otlp_json", "otlp_traces or otlp_logs"),
        (b'{"resourceSpans": []}', "x.logs", "not_otlp_json", "otlp_traces or otlp_logs"),
        (b'{"batch": []}', "traces", "not_otlp_json", "resourceSpans"),
        (b'{"resourceSpans": 7}', "traces", "not_otlp_json", "not a list"),
        (b'{"resourceSpans": [7]}', "traces", "not_otlp_json", "no object"),
        (b'{"resourceSpans": [{"scopeSpans": {"a": 1}}]}', "traces", "not_otlp_json", "not a list"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": "a"}]}]}', "traces", "not_otlp_json", "not a list"),
        (b'{"resourceSpans": [' + b"{}," * 999 + b"{}]}", "traces", "wrong_shape", "empty"),
        (b"\x0a\x00" * 999, "traces", "wrong_shape", "empty"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_a_cure(value: bytes, signal: str, reason: str, cure: str) -> None:
    poison = refused(value, signal)
    assert poison.reason == reason
    assert cure in poison.detail
    assert poison.item is None


@pytest.mark.parametrize(
    "value", [b"{}", b'{"resourceSpans": null}', b'{"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}']
)
def test_an_empty_message_gives_nothing(value: bytes) -> None:
    assert read(value) == []


# One bad item among good ones


BAD_TIME = {"start_time_unix_nano": 1_795_226_324, "end_time_unix_nano": 0}


def test_a_bad_span_among_good_ones_is_set_aside_and_can_be_replayed() -> None:
    said = {"gen_ai.operation.name": "chat"}
    bad = otlp.span(said)
    bad.start_time_unix_nano, bad.end_time_unix_nano = BAD_TIME.values()
    message = otlp.traces(
        otlp.span(said), bad, otlp.span(said, span_id=b"shorter"), otlp.span(said, span_id=b"8 bytes."),
        resource={"service.name": "gateway"}, version="1.2",
    )  # fmt: skip
    first, _, no_time, no_id, *last = read(message)
    assert isinstance(first, InferenceRequest)
    assert [type(event) for event in last] == [InferenceRequest, InferenceResponse]
    assert "nanoseconds" in no_time.detail
    assert "span id of 8" in no_id.detail
    for poison in (no_time, no_id):
        again = ExportTraceServiceRequest.FromString(poison.item)
        [[span]] = [scope.spans for sent in again.resource_spans for scope in sent.scope_spans]
        assert span.attributes[0].key == "gen_ai.operation.name"
        assert again.resource_spans[0].resource.attributes[0].value.string_value == "gateway"
        assert again.resource_spans[0].scope_spans[0].scope.version == "1.2"
        assert [str(event) for event in read(poison.item)] == [str(poison)]


def test_a_bad_span_of_json_is_set_aside_and_can_be_replayed() -> None:
    bad = otlp.json_span(OPERATION, startTimeUnixNano="7", endTimeUnixNano=None)
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "gateway"}}]}
    message = otlp.json_traces(otlp.json_span(OPERATION), bad, 7, otlp.json_span(OPERATION), resource=resource)
    _, _, no_time, no_span, *last = read(message)
    assert len(last) == 2
    expected = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [bad]}]}]}
    assert json.loads(no_time.item) == expected
    assert json.loads(no_span.item)["resourceSpans"][0]["scopeSpans"][0]["spans"] == [7]


def test_an_id_of_zeros_is_none() -> None:
    said = {"gen_ai.operation.name": "chat"}
    for span in (otlp.span(said, trace_id=bytes(16)), otlp.span(said, span_id=bytes(8))):
        [poison] = read(otlp.traces(span))
        assert "otlp_logs" in poison.detail
    [poison] = read(otlp.json_traces(otlp.json_span(OPERATION, spanId="0" * 16)))
    assert "otlp_logs" in poison.detail


def test_many_bad_spans_end_in_one_that_stands_for_the_rest() -> None:
    spans = [otlp.span({"gen_ai.operation.name": "chat"}, span_id=b"shorter")] * (MOST_SET_ASIDE + 5)
    *first, last = read(otlp.traces(*spans, otlp.span({"gen_ai.operation.name": "chat"})))
    poison = [event for event in first if isinstance(event, InvalidEvent)]
    assert len(poison) == MOST_SET_ASIDE
    assert len(first) == MOST_SET_ASIDE + 2
    assert all(each.item for each in poison)
    assert last.item is None
    assert "5 further" in last.detail


def test_what_is_too_deep_to_be_written_again_is_set_aside_with_the_whole_record() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    bad = otlp.json_span(OPERATION, startTimeUnixNano="7", endTimeUnixNano="7", more=deep)
    [poison] = read(otlp.json_traces(bad))
    assert poison.item is None


# Hostile input


WORDS = (
    "resourceSpans", "resource_spans", "scopeSpans", "spans", "resource", "scope", "attributes", "key", "value",
    "stringValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "values", "traceId", "spanId", "name",
    "startTimeUnixNano", "endTimeUnixNano", "events", "status", "code", "message", TRACE, SPAN, str(START),
    "gen_ai.operation.name", "chat", "openinference.span.kind", "LLM", "langfuse.observation.type", "generation",
    "litellm.call_id", "resourceLogs", "scopeLogs", "logRecords", "body", "eventName", "gen_ai.choice",
)  # fmt: skip
NAMES = (
    "gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
    "gen_ai.tool.definitions", "gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons",
    "gen_ai.prompt.0.role", "gen_ai.completion.0.tool_calls.0", "openinference.span.kind", "input.value",
    "output.value", "llm.input_messages.0.message.role", "llm.input_messages.0", "llm.invocation_parameters",
    "langfuse.observation.type", "langfuse.observation.input", "langfuse.observation.output", "litellm.call_id",
    "langfuse.observation.usage_details", "langfuse.observation.cost_details", "langfuse.trace.tags", "metadata",
    "langfuse.observation.completion_start_time", "gen_ai.evaluation.name", "gen_ai.evaluation.score.value",
    "feedback.correction", "gen_ai.response.id", "event.name", "role", "parts", "content", "type",
)  # fmt: skip
SENSE = (
    "chat",
    "LLM",
    "EMBEDDING",
    "generation",
    "embedding",
    "completion",
    "text",
    "user",
    "0001-01-01T00:00:00+23:59",
)
RECORDED = [(name, recorded(name)) for name in (*PROTOBUF, *JSON)]


def survives(value: bytes) -> None:
    """Decode as both signals, twice: the same, and no exception but InvalidEvent."""
    for decode in (traces, logs):
        outcomes = []
        for _ in range(2):
            try:
                outcomes.append(repr(list(decode(value, [], INGEST_NS))))
            except InvalidEvent as poison:
                outcomes.append(str(poison))
        assert outcomes[0] == outcomes[1]


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda some: b"{" + some))
def test_random_bytes(value: bytes) -> None:
    survives(value)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_recorded_bytes_with_some_changed(data: st.DataObject) -> None:
    _, value = data.draw(st.sampled_from(RECORDED))
    changed = bytearray(value)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)) | st.just(len(changed)))
    survives(bytes(changed[:cut]))


@settings(max_examples=80, deadline=None)
@given(misplaced(*WORDS))
def test_json_with_the_right_words_in_the_wrong_places(value: Any) -> None:
    survives(json.dumps(value).encode())
    survives(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [value]}]}]}).encode())
    survives(json.dumps({"resourceLogs": [{"resource": value, "scopeLogs": [{"logRecords": [value]}]}]}).encode())


@given(st.dictionaries(st.sampled_from(NAMES), misplaced(*NAMES, *SENSE) | st.sampled_from(SENSE), max_size=9))
def test_attributes_of_any_shape(said: dict[str, Any]) -> None:
    # Content comes structured, and as JSON in a string.
    for form in (_storable, lambda value: value if isinstance(value, str) else json.dumps(value)):
        shaped = {name: _storable(form(value)) for name, value in said.items()}
        survives(otlp.traces(otlp.span(shaped), resource=shaped))
        record = {"time_unix_nano": END, "attributes": shaped, "body": shaped, "trace_id": bytes.fromhex(TRACE)}
        names = ("gen_ai.evaluation.result", "gen_ai.choice", "gen_ai.client.inference.operation.details")
        survives(otlp.logs(*({**record, "event_name": name, "span_id": bytes.fromhex(SPAN)} for name in names)))


def _storable(value: Any) -> Any:
    """Bring a value within what protobuf can hold: 64 bits, no lone surrogates."""
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return value % 2**63 if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("depth", [40, 90, 300, 1_000, 100_000])
def test_nesting_ends_in_an_event_or_a_reason(depth: int) -> None:
    key = '"key":"gen_ai.input.messages"'
    nested = '{"arrayValue":{"values":[' * depth + "{}" + "]}}" * depth
    in_a_string = json.dumps({"stringValue": "[" * depth + "]" * depth})
    for value in (nested, in_a_string):
        span = json.dumps(otlp.json_span(OPERATION, "@")).replace('"@"', "{" + f'{key},"value":{value}' + "}")
        survives(otlp.json_traces("@").replace(b'"@"', span.encode()))


@pytest.mark.parametrize(
    "value",
    [
        ExportTraceServiceRequest(resource_spans=[ResourceSpans()] * 200_000).SerializeToString(),
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 200_000 + b"{}]}]}]}",
        b'{"resourceSpans":[{"scopeSpans":[' + b"[" * 400_000,
        otlp.json_traces(otlp.json_span(OPERATION, *[{"key": "a", "value": {"intValue": "9" * 4_000}}] * 100)),
        ExportLogsServiceRequest(resource_logs=[ResourceLogs()] * 200_000).SerializeToString(),
    ],
    ids=["resources", "spans", "brackets", "numbers", "log resources"],
)
def test_a_flood_of_nothing_is_refused_in_no_time(value: bytes) -> None:
    began = time.process_time()
    survives(value)
    assert (time.process_time() - began) / 4 < 0.1 * len(value) / 1e6  # 0.05 s a megabyte on an idle core
