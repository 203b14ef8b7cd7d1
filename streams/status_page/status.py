"""What a worker knows of itself, and what all have in common, becomes one JSON document in plain words."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from sinks.findings import Standing
from streams.events import SHORT, Finding
from streams.health import Health
from streams.readable import harmless, moment
from streams.review_loop import BatchStanding
from streams.status_page.batch_words import batch
from streams.status_page.group import SPAN_S, Seen
from streams.status_page.moving import partitions, servers
from streams.status_page.recent import Recent
from streams.vitals import EVERY_S

SHOWN = 40  # findings of each kind; `sluice findings` has all
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Known:
    """What the document is made of; `trouble` says why `seen` is old, or None."""

    health: Health
    recent: Recent
    seen: Seen | None
    trouble: str
    batches: list[BatchStanding]


def document(known: Known, worker: str, after: float) -> dict[str, Any]:
    """Return the document; of the samples and rates those later than `after`, in seconds since 1970.

    Its strings are plain text, and harmless; a page sets them as text and never as markup.
    """
    health, seen = known.health, known.seen
    samples = known.recent.after(after)
    return {
        "at": time(),
        "worker": worker,
        "every_s": EVERY_S,
        "headline": headline(known),
        "health": health.told(),
        "now": _now(known),
        "samples": [list(each) for each in samples],
        "segments": [asdict(each) | {"name": harmless(each.name)} for each in known.recent.segments()],
        "partitions": list(partitions(health)),
        "servers": list(servers(health, known.trouble)),
        "group": {
            "at": seen.at if seen else None,
            "trouble": known.trouble,
            "span_s": SPAN_S,
            "rates": [list(each) for each in seen.rates if each[0] > after - 2 * SPAN_S] if seen else [],
            "open": [_finding(each.finding, each) for each in seen.open[:SHOWN]] if seen else [],
            "open_in_all": len(seen.open) if seen else None,
            "over": [_finding(each, None) for each in seen.over[:SHOWN]] if seen else [],
        },
        "batches": [batch(each, datetime.now(UTC)) for each in known.batches],
    }


def headline(known: Known) -> dict[str, str]:
    """Say how it is in one sentence, and how grave that is: well, look, or wrong."""
    health, seen = known.health, known.seen
    if health.dead():
        return {"tone": "wrong", "words": "This worker does not move: it needs a new start."}
    if health.unready():
        return {"tone": "wrong", "words": "This worker waits. Nothing is lost."}
    if known.trouble or seen is None:
        return {"tone": "wrong", "words": "The store does not answer: what is found now is not known."}
    fresh = sum(each.state == "open" for each in seen.open)
    if fresh:
        return {"tone": "look", "words": f"{count(fresh, 'finding')} that nobody has acknowledged."}
    if seen.open:
        return {"tone": "look", "words": f"{count(len(seen.open), 'finding')}, all acknowledged."}
    return {"tone": "well", "words": "All is well: nothing is found, and nothing waits."}


def _now(known: Known) -> dict[str, float | None]:
    """The last minute; what is measured of nothing is None."""
    last, seen = known.recent.after(time() - MINUTE), known.seen
    answers = sum(each.answers for each in last)
    return {
        "events_all": _stored(seen) if seen else None,
        "answers": answers / len(last) if last else None,
        "failed": sum(each.failed for each in last) / answers if answers else None,
        "p50": next((each.p50 for each in reversed(last) if each.p50 is not None), None),
        "p95": next((each.p95 for each in reversed(last) if each.p95 is not None), None),
        "lag": sum(each.lag for each in known.health.partitions.values()),
        "behind_s": max((each.behind_s for each in known.health.partitions.values()), default=0.0),
    }


def _stored(seen: Seen) -> float:
    """Return the events a second of the last minute of whole spans, over all workers."""
    end = seen.at // SPAN_S * SPAN_S
    return sum(events for at, events, _ in seen.rates if end - MINUTE <= at < end) * SPAN_S / MINUTE


def _finding(found: Finding, standing: Standing | None) -> dict[str, Any]:
    """What the list shows of a finding; its page has the rest."""
    before, after = (found.amount(mean) for mean in (found.mean_before, found.mean_after))
    by = f" by {harmless(standing.by)}" if standing and standing.by else ""
    return {
        "id": found.finding_id,
        "short": found.finding_id[:SHORT],
        "state": f"{standing.state if standing else found.state}{by}",
        "fresh": bool(standing and standing.state == "open"),
        "what": f"{found.about} {'changed' if found.direction == 'other' else found.direction}",
        "segment": harmless(found.segment),
        "change": f"{before} → {after}",
        "since": moment(found.since_unix_nano),
        "carried": found.carried[:1],
    }


def count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
