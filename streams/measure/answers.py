"""A response goes in, before anything is taken out of it; what its content tells comes out as numbers and words."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from streams.events import InferenceRequest, InferenceResponse, Message
from streams.measure.languages import language
from streams.measure.refusals import refuses
from streams.measure.repetitions import repetition
from streams.measure.tabular import Said, prediction

FAILED = ("error", "timeout_no_response")
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS"})
_FILTERED = frozenset({"content_filter", "refusal", "safety", "SAFETY", "guardrail_intervened", "PROHIBITED_CONTENT"})
_JSON_BEGINS = ("{", "[", " ", "\n", "\t", "\r")
_THOUGHTS = ("reasoning", "thinking")
_CALLS = ("tool_call", "tool_use")
_RESULTS = ("tool_call_response", "tool_result")
_UNSPACED = ("zh", "ja", "th")
LONGEST_CLASS = 64  # characters
LONGEST_WORD = 24
_WRONG_STATES = ("error", "failed", "incomplete")


class Answer(NamedTuple):
    """What an answer's content tells; rates are 0 or 1, None is not known."""

    chars: int | None = None
    refusal: float | None = None
    empty: float | None = None
    truncated: float | None = None
    no_json: float | None = None  # whether it is no JSON, asked for or not
    tool_failure: float | None = None
    repetition: float | None = None
    prediction: float | None = None
    finish_reason: str | None = None
    language: str | None = None
    predicted_class: str | None = None
    tool: str | None = None
    output_type: str | None = None
    stream: str | None = None
    text: str | None = None


class _Content(NamedTuple):
    """An answer taken apart: the text of each of its choices, and calls of tools; `other` says there is more."""

    chars: int
    texts: list[str]
    calls: list[Mapping[str, Any]]
    refused: bool
    other: bool
    wrong: bool  # a tool's result says error


def read(response: InferenceResponse, request: InferenceRequest | None) -> Answer:
    """Measure an answer; `request` is what it answers, where both came in one record.

    Of a call that failed nothing is told but how it was asked: its content, if any, is not an answer.
    """
    output_type, stream = response.output_type, None
    if request is not None:
        output_type = output_type or request.output_type
        stream = request.stream
    if stream is None and response.time_to_first_chunk_s is not None:
        stream = True
    streamed = None if stream is None else "yes" if stream else "no"
    reasons = response.finish_reasons
    reason = reasons[0] if reasons else None
    messages = response.output_messages
    if response.status in FAILED:
        return Answer(output_chars(response), finish_reason=reason, output_type=output_type, stream=streamed)
    truncated = 1.0 if response.status == "partial" or not _CUT.isdisjoint(reasons) else 0.0
    filtered = not _FILTERED.isdisjoint(reasons)
    if messages is None:
        refusal = float(filtered) if reasons else None
        number, named = _predicted(response)
        empty = None if response.output is None else float(response.output in ([], {}, ""))
        return Answer(
            None, refusal, empty, truncated, None, None, None, number, reason, None, named, None, output_type, streamed
        )
    plain = _plain(messages)
    content = _content(messages) if plain is None else None
    texts = content.texts if content else (plain or "",)
    text = texts[0] if texts else ""
    spoken = language(text) if text else None
    refused = filtered or (content is not None and content.refused) or refuses(text)
    more = content is not None and bool(content.calls or content.other or any(map(str.strip, texts)))
    calls = content.calls if content else None
    return Answer(
        content.chars if content else len(text),
        1.0 if refused else 0.0,
        0.0 if more or (text and not text.isspace()) else 1.0,
        truncated,
        None if calls else 0.0 if all(map(is_json, texts or ("",))) else 1.0,
        _tool_failure(content, request) if content else None,
        repetition(text, spaced=spoken not in _UNSPACED),
        None,
        reason,
        spoken,
        text if _is_label(text) else None,
        _tool_name(calls[0]) if calls else None,
        output_type,
        streamed,
        text or None,
    )


def _plain(messages: Sequence[Message]) -> str | None:
    """Return the text of an answer that is nothing but one, as most are; None of any other."""
    if len(messages) != 1:
        return None
    parts = messages[0].get("parts", ())
    if len(parts) != 1 or parts[0].get("type", "text") != "text":
        return None
    content = parts[0].get("content")
    return content if isinstance(content, str) else None


def output_chars(response: InferenceResponse) -> int | None:
    """Count the characters of the answer's text, thoughts left out; None where the content was not captured."""
    messages = response.output_messages
    if messages is None:
        return None
    plain = _plain(messages)
    return _content(messages).chars if plain is None else len(plain)


def _is_label(text: str) -> bool:
    """Tell whether an answer is but a word, as those are that sort things into classes."""
    most = LONGEST_WORD if text.isascii() else LONGEST_WORD // 3  # without spaces a sentence looks like a word
    return 0 < len(text) <= most and not any(map(str.isspace, text))


def predicted(answer: Answer) -> Said | None:
    """Return what an answer predicts: a class or a number, or its text where that is but a word or two."""
    short = answer.text is not None and len(answer.text) <= LONGEST_CLASS
    return answer.predicted_class or (answer.text if short else answer.prediction)


def predicted_by(output: object, messages: Sequence[Message] | None) -> Said | None:
    """Return what an answer predicts, as `predicted` does, by its stored content."""
    number, named = prediction(output)
    texts = _content(messages).texts if messages else []
    return named or (texts[0] if texts and len(texts[0]) <= LONGEST_CLASS else number)


def is_json(text: str) -> bool:
    """Tell whether a text is a JSON object or array, and nothing else."""
    if text[:1] not in _JSON_BEGINS:
        return False
    try:
        return isinstance(orjson.loads(text), dict | list)
    except ValueError:
        return False


def _predicted(response: InferenceResponse) -> tuple[float | None, str | None]:
    if response.output is None or response.operation not in ("predict", None):
        return None, None
    return prediction(response.output)


def _content(messages: Sequence[Message]) -> _Content:
    chars, refused, other, wrong = 0, False, False, False
    texts: list[str] = []
    calls: list[Mapping[str, Any]] = []
    for message in messages:
        said: list[str] = []
        for part in message.get("parts", ()):
            kind, content = part.get("type", "text"), part.get("content")
            if kind in _THOUGHTS:
                continue
            if isinstance(content, str):
                chars += len(content)
            if kind == "text":
                if isinstance(content, str):
                    said.append(content)
            elif kind in _CALLS:
                calls.append(part)
            elif kind in _RESULTS:
                wrong = wrong or _says_error(part)
                other = True
            else:
                refused = refused or kind == "refusal"
                other = True
        if said:
            texts.append(said[0] if len(said) == 1 else "".join(said))
    return _Content(chars, texts, calls, refused, other, wrong)


def _tool_failure(content: _Content, request: InferenceRequest | None) -> float | None:
    if not content.calls:
        return 1.0 if content.wrong else None
    offered = _offered(request)
    return float(content.wrong or any(_is_wrong(call, offered) for call in content.calls))


def _is_wrong(call: Mapping[str, Any], offered: frozenset[str] | None) -> bool:
    """Tell whether a call names no offered tool, or has arguments that are not a JSON object; none at all are fine."""
    name = _tool_name(call)
    if name is None or (offered is not None and name not in offered):
        return True
    arguments = call.get("arguments", call.get("input"))
    if isinstance(arguments, str):
        return bool(arguments.strip()) and not (arguments.lstrip().startswith("{") and is_json(arguments))
    return not (arguments is None or isinstance(arguments, dict))


def _tool_name(call: Mapping[str, Any]) -> str | None:
    name = call.get("name")
    return name if isinstance(name, str) and name else None


def _offered(request: InferenceRequest | None) -> frozenset[str] | None:
    """Name the tools that a request offers; None where that is not known, or a tool has no name."""
    if request is None or not request.tool_definitions:
        return None
    names = [_definition_name(tool) for tool in request.tool_definitions]
    return None if None in names else frozenset(name for name in names if name)


def _definition_name(tool: object) -> str | None:
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None


def _says_error(part: Mapping[str, Any]) -> bool:
    result = part.get("result", part.get("response"))
    return bool(
        part.get("is_error")
        or part.get("status") in _WRONG_STATES
        or (isinstance(result, dict) and (result.get("error") or result.get("is_error")))
    )
