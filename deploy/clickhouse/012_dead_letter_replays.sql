-- Which dead letters were sent again, so that none is sent twice. What fails again is a letter of its own: its record has
-- a header that names the first.
CREATE TABLE IF NOT EXISTS dead_letter_replays
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    item UInt32,
    replayed_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree(replayed_at)
ORDER BY (topic, partition, offset, item)
TTL replayed_at + INTERVAL 30 DAY;
