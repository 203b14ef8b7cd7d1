"""OpenTelemetry's evaluation events become feedback; what users say and do rides on them by agreement on names.

The event has no word for who judged, nor for a correction: `app.feedback.source` (human, llm, code, implicit) and
`feedback.correction` are added to it. Source: semantic-conventions-genai, gen-ai-events.md, gen_ai.evaluation.result.
"""

from streams.events import Feedback
from streams.gateways import calls
from streams.gateways.base import build
from streams.gateways.dialects.places import Fields, Place, placed, text
from streams.gateways.feedback import digest, rater
from streams.gateways.telemetry import LogRecord
from streams.gateways.values import aliases, count, number, word


def feedback(record: LogRecord, sent: Fields, time_ns: int) -> Feedback:
    """Read a judgement: of the span in whose context it is, of a response by its id, of a trace or a session.

    Args:
        record: its trace context and attributes.
        sent: what `calls.origin` read.
        time_ns: when it was judged.

    Raises:
        InvalidEvent: it says nothing, or about nothing.
    """
    said = placed(record.attributes, _PLACES)
    inference_id = f"{record.trace_id}:{record.span_id}" if record.trace_id and record.span_id else None
    # The span may be the one around the call, and the call may go by another id than its span.
    others = {"resp": said.get("response_id"), "span": inference_id, "trace": record.trace_id}
    own = {
        "kind": "feedback",
        "event_id": _id(record),
        "time_unix_nano": time_ns,
        "inference_id": inference_id,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "aliases": aliases(f"{prefix}:{known}" for prefix, known in others.items() if known),
        "target_scope": _scope(record, said),
        "synthetic": sent["synthetic"] or calls.synthetic(record.attributes),
    }
    raters = rater(said.get("name", ""), record.attributes, record.attributes.get("app.feedback.source"))
    return build(Feedback, sent | said | raters | own)


def _scope(record: LogRecord, said: Fields) -> str:
    if record.span_id or "response_id" in said:
        return "inference"
    return "trace" if record.trace_id else "session"


def _id(record: LogRecord) -> str:
    """Make an id of what the record says: sent twice, it counts once."""
    context = [record.trace_id, record.span_id, record.time_ns, record.observed_ns]
    return digest([*context, record.attributes, record.body])


_PLACES = {
    "gen_ai.evaluation.name": Place("name", word),
    "gen_ai.evaluation.score.value": Place("score", number),
    "gen_ai.evaluation.score.label": Place("label", word),
    "gen_ai.evaluation.explanation": Place("explanation", text),
    "gen_ai.response.id": Place("response_id", word),
    "gen_ai.conversation.id": Place("conversation_id", word),
    "session.id": Place("conversation_id", word, former=True),
    "user.id": Place("user_id", word),
    "feedback.choice": Place("choice", count),
    "feedback.correction": Place("correction", lambda value: value),
    "error.type": Place("error_type", word),
}
