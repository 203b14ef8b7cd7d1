"""What a worker knows of itself, and what all have in common, becomes one JSON document in plain words."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from sinks.findings import Standing
from sinks.review.audit import State
from streams.events import SHORT, Finding
from streams.health import Health
from streams.movement import Partition
from streams.readable import amount, harmless, moment
from streams.review_loop import BatchStanding
from streams.status_page.group import SPAN_S, Seen
from streams.status_page.recent import Recent
from streams.vitals import EVERY_S

SHOWN = 40  # findings of each kind; `sluice findings` has all
MINUTE = 60

NEXT = {
    State.CUT: "waits for people: export it, or decide with `sluice batch review`",
    State.EXPORTED: "is with people; what they decide is imported",
    State.IN_REVIEW: "is being decided",
    State.DECIDED: "is decided, and waits for a signature: `sluice batch sign`",
    State.SIGNED_OFF: "is signed, and may go into a release: `sluice release cut`",
    State.RELEASED: "is released",
    State.REJECTED: "was rejected: nothing of it leaves",
}


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
        "partitions": list(_partitions(health)),
        "servers": list(_servers(health, known.trouble)),
        "group": {
            "at": seen.at if seen else None,
            "trouble": known.trouble,
            "span_s": SPAN_S,
            "rates": [list(each) for each in seen.rates if each[0] > after - 2 * SPAN_S] if seen else [],
            "open": [_finding(each.finding, each) for each in seen.open[:SHOWN]] if seen else [],
            "open_in_all": len(seen.open) if seen else None,
            "over": [_finding(each, None) for each in seen.over[:SHOWN]] if seen else [],
        },
        "batches": [_batch(each) for each in known.batches],
    }


def headline(known: Known) -> dict[str, str]:
    """Say how it is in one sentence, and how grave that is: well, look, or wrong."""
    health, seen = known.health, known.seen
    if health.dead():
        return {"tone": "wrong", "words": "This worker does not move: it needs a new start."}
    if health.unready():
        return {"tone": "wrong", "words": "This worker waits. Nothing is lost."}
    if seen is None:
        return {"tone": "look", "words": "This worker is well; what the store knows is not known yet."}
    fresh = sum(each.state == "open" for each in seen.open)
    if fresh:
        return {"tone": "look", "words": f"{_count(fresh, 'finding')} that nobody has acknowledged."}
    if seen.open:
        return {"tone": "look", "words": f"{_count(len(seen.open), 'finding')}, all acknowledged."}
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


def _partitions(health: Health) -> Iterator[dict[str, Any]]:
    """The partitions, those that are furthest behind first."""
    by_lag = sorted(health.partitions.items(), key=lambda each: (-each[1].behind_s, -each[1].lag, each[0]))
    for (topic, number), standing in by_lag:
        place = health.places[topic, number]
        numbers = {"confirmed": place.confirmed, "end": place.end, "lag": standing.lag}
        words = _moving(health, (topic, number))
        said = {"words": words, "wrong": words.startswith("stands")}
        times = {"behind_s": round(standing.behind_s, 1), "still_s": round(standing.still_s, 1)}
        yield {"topic": topic, "partition": number} | said | numbers | times


def _moving(health: Health, partition: Partition) -> str:
    standing = health.partitions[partition]
    if standing.lag == 0:
        return "nothing to read"
    if health.sink_refuses_s > 0 or health.kafka_away_s > 0:
        return "waits for ClickHouse" if health.sink_refuses_s > 0 else "waits for Kafka"
    if standing.still_s < EVERY_S:
        return "moves"
    return f"stands still for {standing.still_s:.0f} s: `docs/runbooks/stalled.md`"


def _servers(health: Health, trouble: str) -> Iterator[dict[str, Any]]:
    kafka = health.kafka_away_s
    yield {"name": "Kafka", "well": kafka == 0, "words": f"silent for {kafka:.0f} s" if kafka else "answers"}
    refuses, silent = health.sink_refuses_s, health.sink_silent_s
    if refuses:
        said = f"has refused blocks for {refuses:.0f} s; each is offered again: `docs/runbooks/sink-down.md`"
    elif silent >= EVERY_S:
        said = f"has not answered a block for {silent:.0f} s"
    else:
        said = trouble or "takes what it is offered"
    yield {"name": "ClickHouse", "well": said == "takes what it is offered", "words": said}


def _finding(found: Finding, standing: Standing | None) -> dict[str, Any]:
    """What the list shows of a finding; its page has the rest."""
    before, after = (amount(found.metric, mean, found.subject) for mean in (found.mean_before, found.mean_after))
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


def _batch(each: BatchStanding) -> dict[str, Any]:
    days = (datetime.now(UTC) - each.closed).days
    waits = f", {_count(days, 'day')} after it could be" if days > 0 and each.state not in _ENDED else ""
    return {
        "name": each.name,
        "state": each.state,
        "words": f"{NEXT[each.state]}{waits}",
        "eligible": each.eligible,
        "items": each.items,
        "decided": each.decided,
        "report": each.report is not None,
    }


_ENDED = {State.SIGNED_OFF, State.RELEASED, State.REJECTED}


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
