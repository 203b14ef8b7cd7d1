"""What stage 1 measures of whole records does not depend on how they were cut into blocks, nor on what may be kept."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytest
from aiokafka.structs import ConsumerRecord

from detectors.base import Measurements
from detectors.held import join, select
from streams import ingest
from streams.batches import RecordBatch
from streams.measure import Questions, Segments, messages, unpack
from streams.redaction import Redactor
from streams.sources import Source
from tests.streams.test_events import NOON, REQUEST, RESPONSE
from tests.streams.test_joining import LATER_MS, SOURCES, Part, as_json, parts, record

TOOL = {"type": "function", "function": {"name": "search"}}


def read_in(sent: Sequence[Part], size: int, share: float = 1.0, **source: Any) -> dict[str, Measurements]:
    """Measure records in blocks of some size, and return each segment's rows by inference and position."""
    sources = {name: Source.model_validate(each.model_dump() | source) for name, each in SOURCES.items()}
    segments = Segments(100)
    reader = ingest.Reader(sources, segments, Redactor(b"k" * 32), 10**6, Questions(segments, share))
    left, offset = iter(sent), 0
    measured: defaultdict[str, list[Measurements]] = defaultdict(list)
    while block_of := list(islice(left, size)):
        fetches: dict[str, list[ConsumerRecord]] = {}
        for topic, value, headers in block_of:
            row = ConsumerRecord(topic, 0, offset, LATER_MS, 1, None, value, None, 0, len(value), headers)
            fetches.setdefault(topic, []).append(row)
            offset += 1
        block = reader.read(
            RecordBatch(name, 0, rows[0].offset, rows[-1].offset, rows) for name, rows in fetches.items()
        )
        assert block.letters == []
        types = [answer.output_type for answer in block.answers]
        durations = [event.duration_s for event in block.responses.events]
        for segment, piece in block.measurements(durations, types, [], share):
            measured[segment] += [unpack(each) for each in messages(piece)]
    return {segment: _joined(pieces) for segment, pieces in measured.items()}


def _joined(pieces: Sequence[Measurements]) -> Measurements:
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = join(whole, piece)
    return select(whole, np.lexsort((whole.position, whole.source)))


def rows_of(m: Measurements) -> list[Any]:
    """Return what is known of each row, whatever columns it stands in."""
    rows: list[dict[str, Any]] = [
        {"id": id_, "at": (source, position, time)}
        for id_, source, position, time in zip(
            m.inference_id, m.source.tolist(), m.position.tolist(), m.time_unix_nano.tolist(), strict=True
        )
    ]
    for name, column in m.values.items():
        for row, value in zip(rows, column.tolist(), strict=True):
            if value == value:
                row[name] = value
    for name, words in m.words.items():
        for row, code in zip(rows, words.codes.tolist(), strict=True):
            if code >= 0:
                row[name] = words.labels[code]
    for name, texts in m.texts.items():
        for place, style, grams in zip(texts.rows.tolist(), texts.style, texts.grams, strict=True):
            rows[place][name] = (style.tobytes(), grams.tobytes())
    return rows


@pytest.mark.parametrize("size", [1, 7, 333])
def test_the_cut_into_blocks_changes_nothing(size: int) -> None:
    sent = parts()[:1_000]
    whole, cut = read_in(sent, 1_000), read_in(sent, size)
    assert whole.keys() == cut.keys()
    for segment, measured in whole.items():
        assert rows_of(measured) == rows_of(cut[segment])


@pytest.mark.parametrize("content", ["full", "redacted", "hashed", "none"])
def test_what_may_be_kept_changes_nothing(content: str) -> None:
    sent = parts()[:300]
    kept, whole = read_in(sent, 300, content=content), read_in(sent, 300, content="full")
    for segment, measured in whole.items():
        assert rows_of(measured) == rows_of(kept[segment])


def call(n: int, content: object, parameters: dict[str, object], *calls: object) -> Part:
    """LiteLLM's record of a call with parameters, and of what came of it."""
    message: dict[str, object] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [{"id": "1", "function": each} for each in calls]
    return record(
        n, NOON / 1e9, model_parameters=parameters, response={"id": f"r{n}", "choices": [{"message": message}]}
    )


def test_request_and_answer_of_one_record_are_measured_together() -> None:
    asked: dict[str, object] = {"response_format": {"type": "json_object"}}
    offered: dict[str, object] = {"tools": [TOOL]}
    sent = [
        call(1, '{"a": 1}', asked),
        call(2, "Here it is.", asked),
        call(3, "Here it is.", {}),
        call(4, None, offered, {"name": "search", "arguments": "{}"}),
        call(5, None, offered, {"name": "fly", "arguments": "{}"}),
    ]
    (measured,) = read_in(sent, 5, share=0.0).values()
    nan = np.nan
    np.testing.assert_array_equal(measured.values["invalid_json"], [0, 1, nan, nan, nan])
    np.testing.assert_array_equal(measured.values["tool_failure"], [nan, nan, nan, 0, 1])
    assert measured.words["stream"].labels == ("no",)


def test_features_of_tables_come_with_the_request_and_predictions_with_the_answer() -> None:
    about = {"gen_ai.operation.name": "predict", "gen_ai.request.model": "flowers", "gen_ai.input.messages": None}
    sent = [
        as_json("requests", REQUEST | about | {"input": [[5.1, "red"]]}),
        as_json("responses", RESPONSE | about | {"output": [2], "gen_ai.usage.output_tokens": None}),
    ]
    (measured,) = read_in(sent, 1).values()
    by_kind = sorted(rows_of(measured), key=lambda row: "error" in row)
    question, answer = ({name: row[name] for name in row if name not in ("id", "at")} for row in by_kind)
    assert question == {"feature.0": 5.1, "feature.1": "red"}
    assert answer == {
        "error": 0, "duration_s": 2, "empty": 0, "truncated": 0, "prediction": 2,
        "predicted_class": "2", "operation": "predict",
    }  # fmt: skip


def test_what_repeats_anothers_account_is_not_measured_twice() -> None:
    sent = parts()[:400]
    assert read_in(sent, 400, counted=False) == {}
    watched = read_in(sent, 400)
    desk = next(measured for segment, measured in watched.items() if segment.startswith("desk"))
    assert len(set(desk.inference_id)) == len(desk.inference_id), "the log record repeats the span"
