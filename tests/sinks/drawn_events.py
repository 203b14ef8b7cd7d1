"""Valid events of every kind, drawn by Hypothesis: all that the contract lets in, at its edges above all."""

import itertools
from typing import Any

from hypothesis import strategies as st

from tests.streams.test_events import FEEDBACK, REQUEST, RESPONSE

TOPICS = ("inference.requests", "inference.responses", "inference.feedback")
LAST_NS = 4_102_444_800_000_000_000 - 1  # the last that the contract takes
numbers = itertools.count()  # each block of a test gets ids of its own

Sent = dict[str, Any]

words = st.text(max_size=64)  # NUL, emoji and '' among them
floats = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**63, 2**70) | floats | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
parts = st.lists(
    st.fixed_dictionaries({"type": words}, optional={"content": json_values, "id": json_values}), max_size=3
)
messages = st.lists(
    st.fixed_dictionaries({"role": words}, optional={"parts": parts, "finish_reason": words, "x": json_values}),
    max_size=2,
)
COMMON = {
    "aliases": st.lists(st.text(min_size=1, max_size=9), max_size=4, unique=True),
    "source.format": words,
    "source.version": words | st.none(),
    "trace_id": st.sampled_from([None, "", "0123456789abcdef" * 2]),
    "span_id": st.sampled_from([None, "", "0123456789abcdef"]),
    "gen_ai.conversation.id": words | st.none(),
    "user.id": words | st.none(),
    "service.name": words | st.none(),
    "deployment.environment.name": words | st.none(),
    "http.route": words | st.none(),
    "tags": st.dictionaries(words, words, max_size=3),
    "synthetic": st.booleans(),
}
INFERENCE = COMMON | {
    "gen_ai.operation.name": words,
    "gen_ai.provider.name": words | st.none(),
    "gen_ai.request.model": words | st.none(),
}
OPTIONAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "inference.requests": INFERENCE
    | {
        "gen_ai.request.stream": st.booleans() | st.none(),
        "gen_ai.request.temperature": floats,
        "gen_ai.request.max_tokens": counts | st.none(),
        "gen_ai.request.seed": st.integers(-(2**63), 2**63 - 1),
        "gen_ai.input.messages": messages,
        "gen_ai.system_instructions": parts,
        "gen_ai.tool.definitions": st.lists(json_values, max_size=2),
        "input": json_values,
        "content_state": st.sampled_from([None, "captured", "not_captured", "truncated", "external_ref"]),
        "content_ref": words,
    },
    "inference.responses": INFERENCE
    | {
        "status": st.sampled_from(["ok", "error", "partial"]),
        "gen_ai.response.id": words,
        "gen_ai.response.model": words | st.none(),
        "gen_ai.response.finish_reasons": st.lists(words, max_size=3),
        "gen_ai.output.messages": messages | st.none(),
        "output": json_values,
        "gen_ai.usage.input_tokens": counts | st.none(),
        "gen_ai.usage.output_tokens": counts | st.none(),
        "gen_ai.usage.cache_read.input_tokens": counts,
        "gen_ai.usage.reasoning.output_tokens": counts,
        "duration_s": positive | st.none(),
        "gen_ai.response.time_to_first_chunk": positive,
        "error.type": words | st.none(),
        "error.message": st.text(),
        "http.response.status_code": st.integers(100, 599) | st.none(),
        "cost_usd": positive,
        "cache_hit": st.booleans() | st.none(),
    },
    "inference.feedback": COMMON
    | {
        "feedback_id": st.none(),
        "target_scope": st.sampled_from(["inference", "trace", "session"]),
        "gen_ai.evaluation.score.value": floats,
        "gen_ai.evaluation.score.label": words | st.none(),
        "gen_ai.evaluation.explanation": words,
        "feedback.data_type": st.sampled_from([None, "numeric", "text"]),
        "feedback.choice": st.none() | st.integers(0, 65_535),
        "feedback.range": st.none() | st.just([-1, 0.5]),
        "feedback.weight": positive,
        "feedback.rater_id": words | st.none(),
        "feedback.correction": json_values,
        "error.type": words | st.none(),
        "feedback.deleted": st.booleans(),
    },
}
NEEDED = {"inference.requests": REQUEST, "inference.responses": RESPONSE, "inference.feedback": FEEDBACK}


@st.composite
def events(draw: st.DrawFn, topic: str) -> list[tuple[Sent, int]]:
    """Draw a block of valid events, each with its Kafka timestamp."""
    prefix = f"{next(numbers)}-"
    block = []
    for n in range(draw(st.integers(1, 6))):
        time = draw(st.integers(1_420_070_400_000_000_000, LAST_NS))
        sent = NEEDED[topic] | draw(st.fixed_dictionaries({}, optional=OPTIONAL[topic])) | {"time_unix_nano": time}
        sent |= {name: f"{prefix}{n}-{draw(words)}" for name in ("event_id", "inference_id")}
        block.append((sent, draw(st.sampled_from([time // 1_000_000, -1, -(2**63), 2**62, 2**63 - 1]))))
    return block
