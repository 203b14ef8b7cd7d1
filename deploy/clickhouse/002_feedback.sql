-- The last event of a feedback_id, by event time, holds: corrected, withdrawn or sent twice, it is one row. Of two of
-- the same microsecond the one with the greater fingerprint (12 bits) holds, whichever comes first.
CREATE TABLE IF NOT EXISTS feedback_events
(
    feedback_id String,
    event_id String,
    time DateTime64(9, 'UTC'),
    ingest_time DateTime64(3, 'UTC'),
    record String,
    inference_id Nullable(String),
    aliases Array(String),
    target_scope LowCardinality(String),
    conversation_id Nullable(String),
    user_id Nullable(String),
    service LowCardinality(Nullable(String)),
    environment LowCardinality(Nullable(String)),
    route LowCardinality(Nullable(String)),
    trace_id Nullable(String),
    span_id Nullable(String),
    tags Map(String, String),
    synthetic Bool,
    source_format LowCardinality(String),
    source_version LowCardinality(Nullable(String)),
    name LowCardinality(String),
    score Nullable(Float64),
    label Nullable(String),
    explanation Nullable(String),
    data_type LowCardinality(Nullable(String)),
    score_low Nullable(Float64),
    score_high Nullable(Float64),
    weight Float64,
    rater_kind LowCardinality(String),
    rater_id Nullable(String),
    correction Nullable(String),
    error_type LowCardinality(Nullable(String)),
    deleted Bool,
    version UInt64 DEFAULT toUInt64(intDiv(toUnixTimestamp64Nano(time), 1024)) * 4096 + sipHash64(toString((event_id, name, score, label, explanation, correction, deleted))) % 4096
)
ENGINE = ReplacingMergeTree(version)
ORDER BY feedback_id;
