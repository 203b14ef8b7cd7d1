"""The floor: what nobody gets below who reads a topic with aiokafka, validates with pydantic and stores columns.

Fetch, `model_validate_json`, one columnar insert a kind of event, nothing else: no redaction, no ledger, no measuring,
no joining, no watching. The columns are those that `sinks/columns.py` stores, written as one would at first.
"""

from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa

from sinks import columns
from streams import topics
from streams.events import Event, Feedback, InferenceRequest, InferenceResponse

MODELS: Mapping[str, type[Event]] = {
    topics.REQUESTS.name: InferenceRequest,
    topics.RESPONSES.name: InferenceResponse,
    topics.FEEDBACK.name: Feedback,
}
_TABLES = {
    InferenceRequest: ("inference_parts", columns.REQUEST, columns.REQUEST_JSON),
    InferenceResponse: ("inference_parts", columns.RESPONSE, columns.RESPONSE_JSON),
    Feedback: ("feedback_events", columns.FEEDBACK, ("correction",)),
}


def validated(model: type[Event], values: Sequence[bytes]) -> list[Event]:
    """Return the events of some records, which have to be events."""
    return [model.model_validate_json(value) for value in values]


def table(events: Sequence[Event]) -> tuple[str, pa.Table]:
    """Return the name of the table that events of one kind go to, and their rows."""
    name, types, contents = _TABLES[type(events[0])]
    stored = {
        column.removesuffix("_unix_nano"): pa.array([getattr(event, column) for event in events], kind)
        for column, kind in types.items()
    }
    for content in contents:
        said = [getattr(event, content) for event in events]
        stored[content] = pa.array([None if value is None else orjson.dumps(value) for value in said], pa.binary())
    return name, pa.table(stored)
