"""Findings for tests: one that says everything, and others like it."""

from typing import Any

from streams.events import Finding, Moved, Slice

NOON = 1_794_225_600_000_000_000  # 2026-11-09T12:00:00Z, nanoseconds
MINUTE = 60 * 10**9
SEGMENT = "chat|/v1|aurora-large|production"

FULL = Finding(
    finding_id="0123456789abcdef0123456789abcdef",
    state="open",
    time_unix_nano=NOON + 2 * MINUTE,
    said_unix_nano=NOON + 2 * MINUTE,
    since_unix_nano=NOON,
    segment=SEGMENT,
    metric="error",
    detector="e-sr",
    subject="",
    direction="up",
    mean_before=0.0226,
    low_before=0.021,
    high_before=0.0243,
    count_before=40_000,
    mean_after=0.1,
    low_after=0.08,
    high_after=0.125,
    count_after=474,
    log10_e=9.0,
    seconded=True,
    learning=False,
    event=41_707,
    since_event=41_233,
    inference_id="call-41707",
    examples_before=["call-7", "call-8"],
    examples_after=["call-41300"],
    slices=[Slice(dimension="provider", value="azure", share=0.92), Slice(dimension="tool", value="search", share=0.4)],
    versions=["response_model aurora-5"],
    also=[Moved(metric="output_tokens", direction="down", before=241.0, after=154.0)],
)


def found(finding_id: str, **changes: Any) -> Finding:
    """Return a finding like FULL but for its id and `changes`."""
    return FULL.model_copy(update={"finding_id": finding_id, **changes})


def began(finding_id: str, minute: float, **changes: Any) -> Finding:
    """Return a finding that began so many minutes after noon, and was noticed and said two minutes later."""
    since = NOON + int(minute * MINUTE)
    noticed = since + 2 * MINUTE
    times = {"since_unix_nano": since, "time_unix_nano": noticed, "said_unix_nano": noticed}
    return found(finding_id, **times | changes)


def over(finding: Finding, minutes: float) -> Finding:
    """Return the statement that closes a finding, so many minutes after it began."""
    said = finding.since_unix_nano + int(minutes * MINUTE)
    return finding.model_copy(update={"state": "closed", "said_unix_nano": said})
