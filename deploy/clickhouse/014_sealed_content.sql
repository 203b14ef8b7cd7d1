-- Content that a worker has sealed before it was stored (SLUICE_CONTENT_KEY): what is in a sealed column stands for the
-- plain ones beside it, which are then null. Without the user's key it opens to nothing, here and in every backup.
ALTER TABLE inference_parts
    ADD COLUMN IF NOT EXISTS sealed_request SimpleAggregateFunction(max, Nullable(String)),
    ADD COLUMN IF NOT EXISTS sealed_response SimpleAggregateFunction(max, Nullable(String));

-- As above: explanation and correction.
ALTER TABLE feedback_events
    ADD COLUMN IF NOT EXISTS sealed_explanation Nullable(String),
    ADD COLUMN IF NOT EXISTS sealed_correction Nullable(String);

-- A view knows the columns that there were when it was made.
CREATE OR REPLACE VIEW feedback AS
SELECT * EXCEPT (target) REPLACE (ifNull(target, inference_id) AS inference_id)
FROM (SELECT * FROM feedback_events FINAL WHERE NOT deleted) AS events
LEFT JOIN (
    SELECT feedback_id, target, count() OVER (PARTITION BY feedback_id) AS targets FROM feedback_targets
) AS joined USING (feedback_id);

-- The terms of a question, where they are sealed; terms and vector are then empty.
ALTER TABLE prompt_vectors ADD COLUMN IF NOT EXISTS sealed String;

-- They come through a table that keeps nothing, so that the server takes the hash by which the rows lie.
CREATE TABLE IF NOT EXISTS sealed_questions (inference_id String, time DateTime64(9, 'UTC'), sealed String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS prompt_vectors_of_sealed TO prompt_vectors AS
SELECT
    inference_id,
    toMonday(time) AS week,
    sipHash64(inference_id) AS draw,
    sipHash64(sealed) AS version,
    []::Array(String) AS terms,
    []::Array(Int8) AS vector,
    sealed
FROM sealed_questions;

-- Users' keys, each wrapped under SLUICE_CONTENT_KEY. Who has no name shares the key of a day. Keep this table out of
-- backups of the rest, or a destroyed key comes back with them: docs/operations.md. What is deleted goes at once.
CREATE TABLE IF NOT EXISTS content_keys
(
    owner String,
    key_id String,
    wrapped_by String,
    wrapped String,
    wrapped_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(wrapped_at)
ORDER BY (owner, key_id)
SETTINGS old_parts_lifetime = 1;
