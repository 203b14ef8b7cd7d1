-- The proof that every record was written or set aside: a row for each confirmed block of offsets, both ends included.
-- Redelivery writes overlapping blocks; the union of a partition's blocks must have no gap.
CREATE TABLE IF NOT EXISTS ledger
(
    topic LowCardinality(String),
    partition Int32,
    first_offset Int64,
    last_offset Int64,
    records UInt32,
    written UInt32,
    dead UInt32,
    events UInt32,
    letters UInt32,
    confirmed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(confirmed_at)
ORDER BY (topic, partition, first_offset, last_offset);

-- Records, or items of them, that could not become events, with their bytes, so that they can be replayed once the cause
-- is mended. Their bytes are as they came, with nothing redacted: they go 30 days after.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    item UInt32,
    ingest_time DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    detail String,
    key Nullable(String),
    value Nullable(String),
    headers Array(Tuple(String, Nullable(String))),
    set_aside_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset, item)
TTL set_aside_at + INTERVAL 30 DAY;
