"""Why an inference may be worth a person's time: a module for each reason, and the list of them in order of service."""

from collections.abc import Callable

from sinks.review.candidates import Candidate, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.anomaly import anomaly
from sinks.review.reasons.correction import correction
from sinks.review.reasons.disagreement import disagreement
from sinks.review.reasons.finding import finding
from sinks.review.reasons.negative_feedback import negative_feedback
from sinks.review.reasons.preference import preference
from sinks.review.reasons.worst_slice import worst_slice
from sinks.review.snapshot import Snapshot

# Each takes a snapshot, the policy, and how many candidates it may name; it names them best first.
REASONS: dict[Reason, Callable[[Snapshot, Policy, int], list[Candidate]]] = {
    Reason.CORRECTION: correction,
    Reason.PREFERENCE: preference,
    Reason.NEGATIVE_FEEDBACK: negative_feedback,
    Reason.ANOMALY: anomaly,
    Reason.FINDING: finding,
    Reason.WORST_SLICE: worst_slice,
    Reason.DISAGREEMENT: disagreement,
}

__all__ = ["REASONS"]
