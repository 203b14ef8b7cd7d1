-- What was erased, as salted SHA-256: an inference, a user's pseudonym, or another name of an inference (an alias). What
-- comes late and is named here is found by it. Of a user all that happened `before` is erased, and nothing after.
CREATE TABLE IF NOT EXISTS erased
(
    kind Enum8('inference' = 1, 'user' = 2, 'alias' = 3),
    hash String,
    before SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (kind, hash);

-- What is being erased, by its own name: a list of work that outlives a kill, and is empty when all of it is done.
CREATE TABLE IF NOT EXISTS erasing
(
    kind Enum8('inference' = 1, 'user' = 2, 'alias' = 3, 'feedback' = 4, 'finding' = 5),
    name String,
    before SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (kind, name);

-- When it was stored, from which retention counts (SLUICE_KEEP_…_DAYS): event time may be long past, as in a replay.
ALTER TABLE aliases ADD COLUMN IF NOT EXISTS stored_at SimpleAggregateFunction(max, DateTime) DEFAULT now();

-- As above.
ALTER TABLE finding_events ADD COLUMN IF NOT EXISTS stored_at DateTime DEFAULT now();

-- As above: the Kafka time of a replayed record may be the time at which it happened. Of a row the first time that any
-- part of it was stored counts, so that a late one does not keep it for longer.
ALTER TABLE inference_parts ADD COLUMN IF NOT EXISTS stored_at SimpleAggregateFunction(min, DateTime) DEFAULT now();

-- As above.
ALTER TABLE feedback_events ADD COLUMN IF NOT EXISTS stored_at DateTime DEFAULT now();
