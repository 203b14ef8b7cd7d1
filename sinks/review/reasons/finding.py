"""Both sides of each finding: what lies around the inference at which it was noticed, nearest first."""

from sinks.review.candidates import Around, Candidate, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

# A finding belongs to the window that its inference belongs to; neighbours come from the same window, because those
# beyond its edge are for the batch beside it. The examples that the detector kept from before the change lie further
# away than any neighbour.
_SQL = f"""
, noticed AS (
    SELECT finding_id, metric, segment, inference_id, examples_before
    FROM findings
    WHERE time >= fromUnixTimestamp64Nano({{begin:Int64}}, 'UTC') - INTERVAL 7 DAY
      AND time < fromUnixTimestamp64Nano({{end:Int64}}, 'UTC') + INTERVAL 7 DAY
), ranked AS (
    SELECT inference_id, segment, toInt64(row_number() OVER (PARTITION BY segment ORDER BY time, inference_id)) AS place
    FROM eligible
    WHERE segment IN (SELECT segment FROM noticed)
), here AS (
    SELECT finding_id, metric, ranked.segment AS segment, ranked.place AS place, examples_before
    FROM noticed
    INNER JOIN ranked ON noticed.inference_id = ranked.inference_id
), around AS (
    SELECT finding_id, metric, segment, place + position AS place, position
    FROM here
    ARRAY JOIN range(-{{before:Int64}}, {{after:Int64}} + 1) AS position
), near AS (
    SELECT inference_id, finding_id, metric, position
    FROM ranked
    INNER JOIN around ON ranked.segment = around.segment AND ranked.place = around.place
    UNION ALL
    SELECT ranked.inference_id, finding_id, metric, ranked.place - examples.place AS position
    FROM (SELECT finding_id, metric, segment, place, arrayJoin(examples_before) AS example FROM here) AS examples
    INNER JOIN ranked ON ranked.inference_id = examples.example
    WHERE ranked.place < examples.place - {{before:Int64}}
)
SELECT inference_id, arraySort(groupArray((finding_id, metric, position))) AS findings
FROM near
GROUP BY inference_id
ORDER BY min(abs(position)), {ORDER}
"""  # noqa: S608  our own text


def finding(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Rank by the distance to a finding's inference: where the quota is short, each keeps what lies nearest."""
    near = {"before": policy.finding.before, "after": policy.finding.after}
    rows = snapshot.select(_SQL, limit=limit, **near, **key(policy, Reason.FINDING))
    return [_candidate(name, [Around(*each) for each in findings]) for name, findings in rows]


def _candidate(name: str, findings: list[Around]) -> Candidate:
    nearest = min(findings, key=lambda each: (abs(each.position), each.finding_id))
    where = "at which it was noticed" if nearest.position == 0 else "before it" if nearest.position < 0 else "after it"
    return Candidate(name, f"{nearest.metric} changed in its segment; this is {where}.", findings=tuple(findings))
