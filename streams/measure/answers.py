"""A response goes in, before anything is taken out of it; what its content tells comes out as numbers and words."""

from collections.abc import Sequence
from typing import NamedTuple

from streams.events import InferenceRequest, InferenceResponse, Message
from streams.measure import tools
from streams.measure.contents import is_json, plain, taken_apart
from streams.measure.kept import kept
from streams.measure.languages import language
from streams.measure.refusals import refuses
from streams.measure.repetitions import repetition
from streams.measure.tabular import Said, prediction
from streams.sources import Content

FAILED = ("error", "timeout_no_response")
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS"})
_FILTERED = frozenset({"content_filter", "refusal", "safety", "SAFETY", "guardrail_intervened", "PROHIBITED_CONTENT"})
_UNSPACED = ("zh", "ja", "th")
LONGEST_CLASS = 64  # characters
LONGEST_WORD = 24


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


def read(response: InferenceResponse, request: InferenceRequest | None) -> Answer:
    """Measure an answer; `request` is what it answers, where both came in one record.

    Of a call that failed nothing is told but how it was asked: its content, if any, is not an answer.
    """
    said = response.__dict__  # a third of the cost of attributes
    output_type, stream = said["output_type"], None
    if request is not None:
        output_type = output_type or request.output_type
        stream = request.stream
    if stream is None and said["time_to_first_chunk_s"] is not None:
        stream = True
    streamed = None if stream is None else "yes" if stream else "no"
    reasons = said["finish_reasons"]
    reason = reasons[0] if reasons else None
    messages = said["output_messages"]
    if said["status"] in FAILED:
        return Answer(output_chars(response), finish_reason=reason, output_type=output_type, stream=streamed)
    truncated = 1.0 if said["status"] == "partial" or not _CUT.isdisjoint(reasons) else 0.0
    filtered = not _FILTERED.isdisjoint(reasons)
    if messages is None:
        refusal = float(filtered) if reasons else None
        number, named = _predicted(response)
        empty = None if response.output is None else float(response.output in ([], {}, ""))
        return Answer(
            None, refusal, empty, truncated, None, None, None, number, reason, None, named, None, output_type, streamed
        )
    only = plain(messages)
    content = taken_apart(messages) if only is None else None
    texts = content.texts if content else (only or "",)
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
        tools.failure(content.calls, content.results_wrong, request) if content else None,
        repetition(text, spaced=spoken not in _UNSPACED),
        None,
        reason,
        spoken,
        text if _is_label(text) else None,
        tools.name(calls[0]) if calls else None,
        output_type,
        streamed,
        text or None,
    )


def told(answer: Answer, content: Content) -> Answer:
    """Return an answer without the words that must not leave, as its source's policy has it."""
    if answer.predicted_class is None and answer.tool is None:
        return answer
    return answer._replace(predicted_class=kept(answer.predicted_class, content), tool=kept(answer.tool, content))


def output_chars(response: InferenceResponse) -> int | None:
    """Count the characters of the answer's text, thoughts left out; None where the content was not captured."""
    messages = response.output_messages
    if messages is None:
        return None
    only = plain(messages)
    return taken_apart(messages).chars if only is None else len(only)


def _is_label(text: str) -> bool:
    """Tell whether an answer is but a word, as those are that sort things into classes."""
    if not 0 < len(text) <= LONGEST_WORD:  # most are longer
        return False
    most = LONGEST_WORD if text.isascii() else LONGEST_WORD // 3  # without spaces a sentence looks like a word
    return len(text) <= most and not any(map(str.isspace, text))


def predicted(answer: Answer) -> Said | None:
    """Return what an answer predicts: a class or a number, or its text where that is but a word or two."""
    short = answer.text is not None and len(answer.text) <= LONGEST_CLASS
    return answer.predicted_class or (answer.text if short else answer.prediction)


def predicted_by(output: object, messages: Sequence[Message] | None) -> Said | None:
    """Return what an answer predicts, as `predicted` does, by its stored content."""
    number, named = prediction(output)
    texts = taken_apart(messages).texts if messages else []
    return named or (texts[0] if texts and len(texts[0]) <= LONGEST_CLASS else number)


def _predicted(response: InferenceResponse) -> tuple[float | None, str | None]:
    if response.output is None or response.operation not in ("predict", None):
        return None, None
    return prediction(response.output)
