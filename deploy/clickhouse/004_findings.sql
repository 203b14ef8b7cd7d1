-- A detector's statements about a segment, said when it opens, when another metric joins it, and when it closes. The id is
-- made of what was seen, not of when it was written: a replay says the same again and it stays one row. The last statement
-- by event time holds; of two of the same microsecond that which closes, then that which names more metrics.
CREATE TABLE IF NOT EXISTS finding_events
(
    finding_id String,
    state Enum8('open' = 1, 'closed' = 2),
    time DateTime64(9, 'UTC'),
    said DateTime64(9, 'UTC'),
    since DateTime64(9, 'UTC'),
    segment LowCardinality(String),
    metric LowCardinality(String),
    detector LowCardinality(String),
    subject String,
    direction LowCardinality(String),
    mean_before Float64,
    low_before Float64,
    high_before Float64,
    count_before UInt64,
    mean_after Float64,
    low_after Float64,
    high_after Float64,
    count_after UInt64,
    log10_e Float64,
    seconded Bool,
    learning Bool,
    event UInt64,
    since_event UInt64,
    inference_id String,
    examples_before Array(String),
    examples_after Array(String),
    slices Array(Tuple(dimension String, value String, share Float64)),
    versions Array(String),
    also Array(Tuple(metric String, direction String, before Float64, after Float64)),
    version UInt64 DEFAULT toUInt64(intDiv(toUnixTimestamp64Nano(said), 1024)) * 4096 + if(state = 'closed', 2048, 0) + least(length(also), 7) * 256 + sipHash64(toString((mean_after, count_after, log10_e))) % 256
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (segment, metric, finding_id);

-- Who has seen a finding and what they made of it; the last word by time holds.
CREATE TABLE IF NOT EXISTS finding_acks
(
    finding_id String,
    by String,
    note String,
    time DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(time)
ORDER BY finding_id;

-- What everyone reads: a row for each finding as it stands. It closes when the stream returns, whoever has seen it.
CREATE VIEW IF NOT EXISTS findings AS
SELECT
    said_last.* EXCEPT (version, state),
    multiIf(said_last.state = 'closed', 'closed', acks.finding_id != '', 'acknowledged', 'open') AS state,
    if(acks.finding_id != '', acks.by, NULL) AS acknowledged_by,
    if(acks.finding_id != '', acks.note, NULL) AS acknowledged_note,
    if(acks.finding_id != '', acks.time, NULL) AS acknowledged_at
FROM (SELECT * FROM finding_events FINAL) AS said_last
LEFT JOIN (SELECT * FROM finding_acks FINAL) AS acks ON acks.finding_id = said_last.finding_id;
