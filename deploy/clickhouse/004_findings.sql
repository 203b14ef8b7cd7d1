-- A detector's statement about a segment. The id is made of what was seen, not of when it was written: a replay says
-- the same thing again and it stays one row.
CREATE TABLE IF NOT EXISTS finding_events
(
    finding_id String,
    time DateTime64(9, 'UTC'),
    since DateTime64(9, 'UTC'),
    segment LowCardinality(String),
    metric LowCardinality(String),
    detector LowCardinality(String),
    direction LowCardinality(String),
    mean_before Float64,
    mean_after Float64,
    count_before UInt64,
    count_after UInt64,
    inference_id String,
    examples_before Array(String),
    examples_after Array(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (segment, metric, finding_id);

CREATE VIEW IF NOT EXISTS findings AS SELECT * FROM finding_events FINAL;
