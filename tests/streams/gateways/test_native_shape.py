"""What msgspec reads of native events is what pydantic makes of them: no event more, and none that differs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.events import InferenceEvent, InferenceRequest, InferenceResponse
from streams.gateways.native_shape import reader

MODELS: tuple[type[InferenceEvent], ...] = (InferenceRequest, InferenceResponse)
READERS = {model: reader(model) for model in MODELS}
COMMON = {"event_id": "e", "inference_id": "i", "time_unix_nano": 1_794_182_400_000_000_000, "trace_id": "ab" * 16}
SAID = [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]
USUAL: dict[type[InferenceEvent], dict[str, Any]] = {
    InferenceRequest: COMMON
    | {"kind": "request", "gen_ai.operation.name": "chat", "gen_ai.input.messages": SAID, "tags": {"team": "a"}},
    InferenceResponse: COMMON
    | {"kind": "response", "status": "ok", "gen_ai.output.messages": SAID, "duration_s": 1, "aliases": ["resp:1"]},
}
NUMBERS = (0, -1, 1, 1.0, -0.0, 99, 100, 599, 600, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**40, 1e308, 0.1, True)
TEXTS = ("", "x", "é" * 256, "😀" * 256, "x" * 257, "😀" * 65, "ab" * 16, "AB" * 16, "ab" * 8, "ab" * 16 + "\n", "\0")
PARTS: tuple[Any, ...] = (
    {"type": "text", "content": "hi"},
    {"content": "hi", "type": "text"},
    {"type": "tool_call", "id": "1", "arguments": {"a": [1, 2.0]}},
    {"type": "blob", "id": 1, "content": None},
    {"type": 1, "content": "hi"},
    {"content": "hi"},
    {},
    [],
)
nested = st.integers(1, 220).map(lambda depth: json.loads("[" * depth + "]" * depth))
parts = st.lists(st.sampled_from(PARTS), max_size=3)
messages = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": st.just("user"), "parts": parts}),
        st.fixed_dictionaries({"parts": parts, "role": st.just("user")}),
        st.fixed_dictionaries({"role": st.sampled_from(["a", 1, None]), "parts": st.sampled_from([[], None, {}, "x"])}),
        st.fixed_dictionaries(
            {"role": st.just("a"), "parts": parts, "finish_reason": st.sampled_from(["stop", None, 1])},
            optional={"name": st.just("x")},
        ),
    ),
    max_size=3,
)
values = st.one_of(
    *(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.text(max_size=5), nested, parts),
    *(
        messages,
        st.lists(st.sampled_from(TEXTS), max_size=66),
        st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
    ),
    st.sampled_from(["ok", "error", "redacted", "request", "response"]),
)


def names(model: type[InferenceEvent]) -> list[str]:
    own = model.model_fields.items()
    return ["unknown", *(name for name, _ in own), *(field.alias for _, field in own if field.alias)]


def agree(model: type[InferenceEvent], value: bytes) -> bool:
    """Hold the two against each other; say whether msgspec read it."""
    read = READERS[model](value)
    if read is None:
        return False
    try:
        meant = model.model_validate_json(value)
    except ValidationError as wrong:
        pytest.fail(f"{value!r}: {wrong}")
    assert repr(list(vars(read).items())) == repr(list(vars(meant).items()))
    assert read == meant
    assert read.model_dump_json(by_alias=True) == meant.model_dump_json(by_alias=True)
    return True


@pytest.mark.parametrize("model", MODELS)
def test_usual_events_are_read(model: type[InferenceEvent]) -> None:
    assert agree(model, json.dumps(USUAL[model]).encode())


@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_whatever_a_field_holds(model: type[InferenceEvent], data: st.DataObject) -> None:
    changed = data.draw(st.dictionaries(st.sampled_from(names(model)), values, min_size=1, max_size=2))
    gone = data.draw(st.sampled_from([None, *USUAL[model]]))
    event = {name: value for name, value in (USUAL[model] | changed).items() if name != gone}
    agree(model, json.dumps(event, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass"))


@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_whatever_the_bytes_are(model: type[InferenceEvent], data: st.DataObject) -> None:
    value = bytearray(json.dumps(USUAL[model]).encode())
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(value) - 1))
        junk = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from([b"\\ud800", b"NaN", b"1e999", b"-", b"\n"])))
        value[at : at + data.draw(st.integers(0, 2))] = junk
    agree(model, bytes(value))


def test_a_name_twice_is_read_as_pydantic_reads_it() -> None:
    value = json.dumps(USUAL[InferenceResponse])[:-1] + ', "duration_s": 2, "status": "error"}'
    assert agree(InferenceResponse, value.encode())


@pytest.mark.parametrize("depth", [100, 190, 196, 198, 200, 202, 260])
@pytest.mark.parametrize("field", ["input", "gen_ai.tool.definitions", "part"])
def test_what_is_deep_is_for_pydantic_to_say(depth: int, field: str) -> None:
    deep = json.loads("[" * depth + "]" * depth)
    said = {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": deep}]}]}
    event = USUAL[InferenceRequest] | (said if field == "part" else {field: deep})
    assert agree(InferenceRequest, json.dumps(event).encode()) == (depth == 100)
