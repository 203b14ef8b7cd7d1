-- Which of a response's answers a piece of feedback is about, from 0 on; null where it is about all that was answered.
ALTER TABLE feedback_events ADD COLUMN IF NOT EXISTS choice Nullable(UInt16);

-- A view knows the columns that there were when it was made.
CREATE OR REPLACE VIEW feedback AS
SELECT * EXCEPT (target) REPLACE (ifNull(target, inference_id) AS inference_id)
FROM (SELECT * FROM feedback_events FINAL WHERE NOT deleted) AS events
LEFT JOIN (
    SELECT feedback_id, target, count() OVER (PARTITION BY feedback_id) AS targets FROM feedback_targets
) AS joined USING (feedback_id);
