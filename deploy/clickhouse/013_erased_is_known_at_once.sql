-- By which a worker sees among its events those of what was erased, without a cryptographic hash of each: a seeded XXH3 of
-- an inference's id or alias; 0 for users, of whom there are few, and for what was erased before there was this column.
ALTER TABLE erased ADD COLUMN IF NOT EXISTS quick SimpleAggregateFunction(max, UInt64);
