"""The records that costs are measured on: native events of 0.8 KB on average, and LiteLLM's of 12 KB; 50 segments,
skewed like real traffic."""

import random
from collections.abc import Iterator
from pathlib import Path

import orjson

from streams.produce import Record
from streams.topics import FEEDBACK, REQUESTS, RESPONSES

SEGMENTS = 50
BEGINS_NS = 1_794_182_400_000_000_000  # 2026-11-09
LITELLM = "litellm.calls"  # a gateway's own topic
_RECORDED = Path(__file__).parents[1] / "tests/fixtures/litellm/proxy.generic_api.json_array.body"
TEXT = "The quick answer is that it depends on the tide, the wind and how long the boat has been in the water. "


def native_records(inferences: int, seed: int, segments: int = SEGMENTS) -> Iterator[Record]:
    """Yield a request and a response for each inference, and feedback for one in fifty, in order of event time."""
    draw = random.Random(seed)  # noqa: S311  # not for secrets
    weights = [1 / (rank + 1) for rank in range(segments)]
    for number, segment in enumerate(draw.choices(range(segments), weights, k=inferences)):
        time = BEGINS_NS + number * 20_000_000
        inference_id = f"{draw.getrandbits(128):032x}"
        common = {
            "inference_id": inference_id,
            "service.name": f"service-{segment % 7}",
            "deployment.environment.name": "production",
            "http.route": "/v1/chat",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "provider",
            "gen_ai.request.model": f"model-{segment}",
            "gen_ai.conversation.id": f"conversation-{number // 4}",
            "user.id": f"user-{draw.randrange(5000)}",
            "trace_id": f"{draw.getrandbits(128):032x}",
        }
        yield _record(REQUESTS.name, time, inference_id, "request", common | _request(draw))
        yield _record(RESPONSES.name, time + 1_500_000_000, inference_id, "response", common | _response(draw))
        if number % 50 == 0:
            yield _record(FEEDBACK.name, time + 60_000_000_000, inference_id, "feedback", _feedback(inference_id))


def litellm_records(calls: int, seed: int) -> Iterator[Record]:
    """Yield what LiteLLM's proxy sent of a call, again and again, each of a call of its own."""
    draw = random.Random(seed)  # noqa: S311  # not for secrets
    payload = orjson.loads(_RECORDED.read_bytes())[0]
    weights = [1 / (rank + 1) for rank in range(SEGMENTS)]
    for number, segment in enumerate(draw.choices(range(SEGMENTS), weights, k=calls)):
        begun = BEGINS_NS / 1e9 + number * 0.02
        own = {"litellm_call_id": f"{draw.getrandbits(128):032x}", "model_group": f"model-{segment}"}
        times = {"startTime": begun, "endTime": begun + 0.9, "completionStartTime": begun + 0.9}
        yield Record(LITELLM, None, orjson.dumps(payload | own | times), round(begun * 1000))


def _record(topic: str, time: int, inference_id: str, kind: str, fields: dict[str, object]) -> Record:
    event = {"kind": kind, "event_id": f"{kind}-{inference_id}", "time_unix_nano": time} | fields
    return Record(topic, inference_id.encode(), orjson.dumps(event), time // 1_000_000)


def _messages(role: str, characters: int) -> list[object]:
    content = (TEXT * (characters // len(TEXT) + 1))[:characters]
    return [{"role": role, "parts": [{"type": "text", "content": content}]}]


def _request(draw: random.Random) -> dict[str, object]:
    asked = _messages("user", draw.randrange(30, 100))
    return {"gen_ai.request.stream": True, "gen_ai.request.temperature": 0.7, "gen_ai.input.messages": asked}


def _response(draw: random.Random) -> dict[str, object]:
    tokens = round(draw.lognormvariate(3.0, 0.4))
    return {
        "status": "error" if draw.random() < 0.02 else "ok",
        "duration_s": round(draw.lognormvariate(0, 0.5), 4),
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.response.id": f"response-{draw.getrandbits(64):016x}",
        "gen_ai.response.model": "model-2026-01",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": draw.randrange(20, 60),
        "gen_ai.usage.output_tokens": tokens,
        "gen_ai.output.messages": _messages("assistant", tokens * 3),
        "http.response.status_code": 200,
        "cost_usd": 0.0004,
    }


def _feedback(inference_id: str) -> dict[str, object]:
    return {
        "inference_id": inference_id,
        "gen_ai.evaluation.name": "user.thumbs",
        "gen_ai.evaluation.score.value": 1,
        "feedback.range": [0, 1],
        "feedback.source": "human",
    }
