-- Which inferences answer the same prompt: a hash, so that a cut need not read prompts to see two answers to one.
ALTER TABLE inference_parts ADD COLUMN IF NOT EXISTS prompt_hash SimpleAggregateFunction(max, Nullable(UInt64)) DEFAULT if(input_messages IS NULL AND input IS NULL, NULL, sipHash64(ifNull(input_messages, assumeNotNull(input))));

-- A view knows the columns that there were when it was made.
CREATE OR REPLACE VIEW inferences AS
SELECT * REPLACE (
    ifNull(duration_s, if(response_time > request_time, (toUnixTimestamp64Nano(assumeNotNull(response_time)) - toUnixTimestamp64Nano(assumeNotNull(request_time))) / 1e9, NULL)) AS duration_s
)
FROM inference_parts FINAL
WHERE shadowed_by IS NULL;
