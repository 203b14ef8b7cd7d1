"""One of LiteLLM's StandardLoggingPayloads becomes the fields of a request and of a response.

Source: litellm/types/utils.py and litellm_core_utils/litellm_logging.py, 1.105 and 1.106.
"""

from typing import Any

import msgspec

from streams.events import Message
from streams.gateways import messages, openai_api, times
from streams.gateways.values import count, fields, flag, number, word

_REDACTED = "redacted-by-litellm"  # stands in place of all content where message logging is turned off


class Payload(msgspec.Struct, gc=False, omit_defaults=True):
    """All that is read of a payload; the most of one, above all the price list of its model, is not even decoded."""

    call_type: Any = None
    litellm_call_id: Any = None
    id: Any = None
    trace_id: Any = None
    session_id: Any = None
    status: Any = None
    start_time: Any = msgspec.field(name="startTime", default=None)
    end_time: Any = msgspec.field(name="endTime", default=None)
    first_chunk_time: Any = msgspec.field(name="completionStartTime", default=None)
    custom_llm_provider: Any = None
    model: Any = None
    model_group: Any = None
    stream: Any = None
    model_parameters: Any = None
    messages: Any = None
    response: Any = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    response_cost: Any = None
    response_cost_failure_debug_info: Any = None
    cache_hit: Any = None
    error_str: Any = None
    error_information: Any = None
    end_user: Any = None
    request_tags: Any = None
    metadata: Any = None


def asked(payload: Payload, called: str) -> dict[str, Any]:
    """Read what a request alone says, `user_id` among it; `called` is LiteLLM's type of call."""
    said, parameters = payload.messages, fields(payload.model_parameters)
    if called.endswith("embedding"):
        read = openai_api.request({"input": _unwrapped(said)})
    elif called.endswith("responses"):
        read = openai_api.request({"stream": None, **parameters, "input": said})
    else:
        dialogue = [{"role": "user", "content": said}] if isinstance(said, str) else said
        read = openai_api.request({**parameters, "messages": dialogue})
    if (stream := flag(payload.stream)) is not None:
        read["stream"] = stream
    read["input_messages"] = _told(read.get("input_messages"))
    if read.get("input") == _REDACTED:
        read["input"] = None
    captured = read["input_messages"] or read.get("input")
    read["content_state"] = "captured" if captured else "not_captured"
    return read


def _unwrapped(said: object) -> object:
    """Return texts to embed as the client sent them: the payload has them as the words of a user."""
    first = fields(said[0]) if isinstance(said, list) and len(said) == 1 else {}
    return first.get("content", said)


def _told(dialogue: list[Message] | None) -> list[Message] | None:
    """Keep a dialogue unless LiteLLM left all of its content out."""
    parts = [part for message in dialogue or () for part in message["parts"]]
    left_out = parts and all(_REDACTED in (part.get("content"), part.get("arguments")) for part in parts)
    return None if left_out else dialogue


def answered(payload: Payload, call_id: str) -> dict[str, Any]:
    """Read what a response alone says."""
    said = payload.response
    read = openai_api.response(fields(said))
    if "output" not in read:
        read |= _other(said)
    read["output_messages"] = _told(read.get("output_messages"))
    hit = flag(payload.cache_hit)
    if read["response_id"] is None and not hit:
        seen = word(payload.id)  # the call's own id where there is no response's, and on a hit not the client's
        read["response_id"] = seen if seen != call_id else None
    if payload.status == "failure":
        read |= _failure(payload, begun=bool(read["output_messages"]))
    return read | _usage(payload) | {"cache_hit": hit}


def _other(said: object) -> dict[str, Any]:
    """Read answers that are not OpenAI's: Anthropic's is a message, Gemini's are candidates."""
    if isinstance(said, dict):
        return {"output_messages": messages.messages([said]), "output": said.get("candidates")}
    return {"output": said if said and said != _REDACTED else None}


def _failure(payload: Payload, *, begun: bool) -> dict[str, Any]:
    said = fields(payload.error_information)
    code = count(said.get("error_code"))
    code = code if code is not None and 100 <= code <= 599 else None
    told = (said.get("error_message"), payload.error_str)
    return {
        "status": "partial" if begun else "error",
        "error_type": word(said.get("error_class")) or (f"http_{code}" if code else "error"),
        "error_message": next((each for each in told if isinstance(each, str) and each), None),
        "http_status": code,
    }


def _usage(payload: Payload) -> dict[str, Any]:
    """Read tokens and cost: where nothing was counted, as in failures and streams without usage, all of it is 0."""
    read, written = count(payload.prompt_tokens), count(payload.completion_tokens)
    cost = number(payload.response_cost)
    if not read and not written:
        none = dict.fromkeys(("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"))
        return {**none, "cost_usd": cost if cost and cost > 0 else None}
    unpriced = not cost and payload.response_cost_failure_debug_info
    return {
        "input_tokens": read,
        "output_tokens": written,
        "cost_usd": cost if cost is not None and cost >= 0 and not unpriced else None,
    }


def timed(payload: Payload, start_ns: int) -> dict[str, Any]:
    """Read the times of the end and of the first chunk; response_time is either of the two."""
    end_ns = times.of_seconds(payload.end_time)
    streamed = payload.stream is True and payload.status != "failure"
    first_ns = times.of_seconds(payload.first_chunk_time) if streamed else None
    return {
        "time_unix_nano": start_ns if end_ns is None else end_ns,
        "duration_s": times.between(start_ns, end_ns),
        "time_to_first_chunk_s": times.between(start_ns, first_ns),
    }
