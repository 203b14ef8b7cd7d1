-- One row an inference. Each part (request, response, anomaly score) is inserted apart and fills its own columns; the
-- engine merges rows of one inference_id column by column with min, max or union: operations for which order does not
-- matter and twice is once, so that replays, rebalances and late parts always end in the same row. Of two conflicting
-- values the greater holds. `week` is that of the part's own time: it bounds what a window has to read.
CREATE TABLE IF NOT EXISTS inference_parts
(
    inference_id String,
    week Date DEFAULT toMonday(time),
    time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    ingest_time SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    aliases SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    tags SimpleAggregateFunction(maxMap, Map(String, String)),
    synthetic SimpleAggregateFunction(max, Bool),
    source_format SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    source_version SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    trace_id SimpleAggregateFunction(max, Nullable(String)),
    span_id SimpleAggregateFunction(max, Nullable(String)),
    conversation_id SimpleAggregateFunction(max, Nullable(String)),
    user_id SimpleAggregateFunction(max, Nullable(String)),
    service SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    environment SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    route SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    operation SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    provider SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    request_model SimpleAggregateFunction(max, LowCardinality(Nullable(String))),

    request_time SimpleAggregateFunction(min, Nullable(DateTime64(9, 'UTC'))),
    request_record SimpleAggregateFunction(max, Nullable(String)),
    request_parameters SimpleAggregateFunction(max, Nullable(String)),
    stream SimpleAggregateFunction(max, Nullable(Bool)),
    input_messages SimpleAggregateFunction(max, Nullable(String)),
    system_instructions SimpleAggregateFunction(max, Nullable(String)),
    tool_definitions SimpleAggregateFunction(max, Nullable(String)),
    input SimpleAggregateFunction(max, Nullable(String)),
    content_state SimpleAggregateFunction(max, Nullable(Enum8('not_captured' = 1, 'external_ref' = 2, 'truncated' = 3, 'hashed' = 4, 'redacted' = 5, 'captured' = 6))),
    content_ref SimpleAggregateFunction(max, Nullable(String)),

    response_time SimpleAggregateFunction(max, Nullable(DateTime64(9, 'UTC'))),
    response_record SimpleAggregateFunction(max, Nullable(String)),
    segment SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    status SimpleAggregateFunction(max, Nullable(Enum8('timeout_no_response' = 1, 'ok' = 2, 'partial' = 3, 'error' = 4))),
    response_id SimpleAggregateFunction(max, Nullable(String)),
    response_model SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    finish_reasons SimpleAggregateFunction(max, Array(String)),
    output_messages SimpleAggregateFunction(max, Nullable(String)),
    output SimpleAggregateFunction(max, Nullable(String)),
    input_tokens SimpleAggregateFunction(max, Nullable(Int64)),
    output_tokens SimpleAggregateFunction(max, Nullable(Int64)),
    cached_input_tokens SimpleAggregateFunction(max, Nullable(Int64)),
    reasoning_tokens SimpleAggregateFunction(max, Nullable(Int64)),
    output_chars SimpleAggregateFunction(max, Nullable(Int64)),
    duration_s SimpleAggregateFunction(max, Nullable(Float64)),
    time_to_first_chunk_s SimpleAggregateFunction(max, Nullable(Float64)),
    error_type SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    error_message SimpleAggregateFunction(max, Nullable(String)),
    http_status SimpleAggregateFunction(max, Nullable(Int16)),
    cost_usd SimpleAggregateFunction(max, Nullable(Float64)),
    cache_hit SimpleAggregateFunction(max, Nullable(Bool)),

    anomaly_score SimpleAggregateFunction(max, Nullable(Float64)),

    -- Another inference that tells of the same call, and better: the gateway's, where this is the caller's own.
    shadowed_by SimpleAggregateFunction(max, Nullable(String))
)
ENGINE = AggregatingMergeTree
PARTITION BY week
ORDER BY inference_id;

-- What everyone reads. A window reads `week IN (its weeks and one on either side)` besides its bounds on `time`, so that
-- FINAL merges what it must and no more. From ClickHouse 26.3 on that takes a setting besides, else a bound on `week`
-- leaves out nothing under FINAL: SETTINGS defer_partition_pruning_after_final = 0 (older servers do not know it).
-- A call counts once, and the duration of a call of two records is the time between them.
CREATE VIEW IF NOT EXISTS inferences AS
SELECT * REPLACE (
    ifNull(duration_s, if(response_time > request_time, (toUnixTimestamp64Nano(assumeNotNull(response_time)) - toUnixTimestamp64Nano(assumeNotNull(request_time))) / 1e9, NULL)) AS duration_s
)
FROM inference_parts FINAL
WHERE shadowed_by IS NULL;
