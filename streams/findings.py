"""A detector's signal becomes a finding: the same statement, flat, with a name that a replay repeats."""

import hashlib

import orjson

from detectors.base import Signal
from streams.events import Finding, Moved, Slice


def finding(segment: str, signal: Signal) -> Finding:
    """Return the finding that a segment's signal states."""
    before, after = signal.before, signal.after
    return Finding(
        finding_id=signal.finding_id or finding_id(segment, signal),
        state=signal.state,
        time_unix_nano=signal.time_unix_nano,
        said_unix_nano=signal.said_unix_nano,
        since_unix_nano=signal.since_unix_nano,
        segment=segment,
        metric=signal.metric,
        detector=signal.detector,
        subject=signal.subject,
        direction=signal.direction,
        mean_before=before.mean,
        low_before=before.low,
        high_before=before.high,
        count_before=before.count,
        mean_after=after.mean,
        low_after=after.low,
        high_after=after.high,
        count_after=after.count,
        log10_e=signal.log10_e,
        seconded=signal.seconded,
        learning=signal.learning,
        event=signal.event,
        since_event=signal.since_event,
        inference_id=signal.inference_id,
        examples_before=list(signal.examples_before),
        examples_after=list(signal.examples_after),
        slices=[Slice(dimension=each.dimension, value=each.value, share=each.share) for each in signal.slices],
        versions=list(signal.versions),
        also=[
            Moved(metric=each.metric, direction=each.direction, before=each.before, after=each.after)
            for each in signal.also
        ],
    )


def message(found: Finding, page: str) -> bytes:
    """Return what the topic of findings says: the finding as JSON, and as `page` where a person reads about it."""
    return orjson.dumps(found.model_dump(mode="json") | {"page": page})


def finding_id(segment: str, signal: Signal) -> str:
    """Name what was seen: 32 hex digits, the same for every statement about one opening."""
    seen = orjson.dumps([segment, signal.metric, signal.detector, signal.subject, signal.inference_id])
    return hashlib.blake2b(seen, digest_size=16).hexdigest()
