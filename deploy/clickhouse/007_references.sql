-- What the detectors expect of each metric of each segment, as it was last learned: a value for each of the 168 hours of the
-- UTC week, Monday 00:00 first, in the unit, and the band around it in which nothing is said. NaN is not known.
CREATE TABLE IF NOT EXISTS references
(
    segment LowCardinality(String),
    metric LowCardinality(String),
    said DateTime64(9, 'UTC'),
    state LowCardinality(String),
    weeks Float64,
    unit LowCardinality(String),
    expected Array(Float32),
    band_low Array(Float32),
    band_high Array(Float32),
    events UInt64
)
ENGINE = ReplacingMergeTree(said)
ORDER BY (segment, metric);

-- Who told the detectors what, and when: a row for each command that Kafka has confirmed.
CREATE TABLE IF NOT EXISTS reference_log
(
    time DateTime64(9, 'UTC'),
    segment LowCardinality(String),
    metric LowCardinality(String),
    action LowCardinality(String),
    by String,
    note String
)
ENGINE = ReplacingMergeTree
ORDER BY (time, segment, metric, action, by);
