"""What an item is: its fields and their types, the same in Parquet and in JSONL."""

import pyarrow as pa

TEXT = pa.string()
NANOS = pa.timestamp("ns", "UTC")

# Column of the view `inferences` and its Arrow type. Left out on purpose: when and from which Kafka offset a part came,
# which change when a record is sent again; the inference's row has them.
INFERENCE: dict[str, pa.DataType] = {
    "inference_id": TEXT,
    "time": NANOS,
    "segment": TEXT,
    "input_messages": TEXT,
    "system_instructions": TEXT,
    "input": TEXT,
    "output_messages": TEXT,
    "output": TEXT,
    "tool_definitions": TEXT,
    "request_parameters": TEXT,
    "tags": TEXT,
    "content_state": TEXT,
    "content_ref": TEXT,
    "request_time": NANOS,
    "response_time": NANOS,
    "conversation_id": TEXT,
    "user_id": TEXT,
    "trace_id": TEXT,
    "span_id": TEXT,
    "service": TEXT,
    "environment": TEXT,
    "route": TEXT,
    "operation": TEXT,
    "provider": TEXT,
    "request_model": TEXT,
    "response_model": TEXT,
    "response_id": TEXT,
    "stream": pa.bool_(),
    "status": TEXT,
    "finish_reasons": pa.list_(TEXT),
    "error_type": TEXT,
    "error_message": TEXT,
    "http_status": pa.int16(),
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "cached_input_tokens": pa.int64(),
    "reasoning_tokens": pa.int64(),
    "output_chars": pa.int64(),
    "duration_s": pa.float64(),
    "time_to_first_chunk_s": pa.float64(),
    "cost_usd": pa.float64(),
    "cache_hit": pa.bool_(),
    "anomaly_score": pa.float64(),
}
FEEDBACK: dict[str, pa.DataType] = {
    "feedback_id": TEXT,
    "time": NANOS,
    "name": TEXT,
    "score": pa.float64(),
    "score_low": pa.float64(),
    "score_high": pa.float64(),
    "label": TEXT,
    "explanation": TEXT,
    "data_type": TEXT,
    "correction": TEXT,
    "weight": pa.float64(),
    "rater_kind": TEXT,
    "rater_id": TEXT,
    "target_scope": TEXT,
}
FINDING: dict[str, pa.DataType] = {"finding_id": TEXT, "metric": TEXT, "position": pa.int64()}
ALTERNATIVE: dict[str, pa.DataType] = {
    "inference_id": TEXT,
    "choice": pa.int64(),  # of the answers in one response, from 0 on
    "response_model": TEXT,
    "preferred": pa.bool_(),
    "output_messages": TEXT,
}
PRELABEL: dict[str, pa.DataType] = {"name": TEXT, "value": TEXT, "score": pa.float64(), "by": TEXT}
PICKED: dict[str, pa.DataType] = {
    "reasons": pa.list_(TEXT),
    "why": pa.list_(TEXT),  # a sentence for each reason
    "inclusion_probabilities": pa.list_(pa.float64()),  # with which each reason took it; 1 where it ranks
    "control_weight": pa.float64(),  # eligible inferences that it stands for; null for what is not in the control
    "findings": pa.list_(pa.struct(list(FINDING.items()))),
    "topic": TEXT,
    "x": pa.float64(),  # its place on the map
    "y": pa.float64(),
    "folded": pa.list_(TEXT),  # near-duplicates that it stands for
    "alternatives": pa.list_(pa.struct(list(ALTERNATIVE.items()))),
    "prelabels": pa.list_(pa.struct(list(PRELABEL.items()))),
    "late": pa.bool_(),  # of the window before, stored after that was cut
}
SCHEMA = pa.schema({**INFERENCE, **PICKED, "feedback": pa.list_(pa.struct(list(FEEDBACK.items())))})

# What holds JSON: Parquet keeps its text, JSONL what it says.
JSON = {
    "input_messages",
    "system_instructions",
    "input",
    "output_messages",
    "output",
    "tool_definitions",
    "request_parameters",
    "tags",
    "correction",
}
TIMES = {name for name, type_ in (INFERENCE | FEEDBACK).items() if type_ == NANOS}
