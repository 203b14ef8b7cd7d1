"""A finding becomes a page: everything that is known of it, by line, and what a person may do about it."""

from collections.abc import Iterator

from detectors.metrics import metric_of
from sinks.findings import Incident, Standing
from streams.events import SHORT, Finding
from streams.readable import harmless, moment
from streams.usage import is_usage

MOST = 0.5  # share of a change from which on a slice is where to look first


def lines(standing: Standing, incident: Incident | None, page: str) -> Iterator[str]:
    """Give a finding as lines for a terminal; of inferences it names ids, and never what was said in them.

    `page` is where a browser shows the same.
    """
    found = standing.finding
    yield f"{standing.state.upper()}  {found.about} {found.direction}  {harmless(found.segment)}"
    for name, value in facts(standing, incident):
        yield f"  {name:12}{value}"
    yield f"  page        {page}"
    yield f"What to do: {advice(standing, incident)}"


def facts(standing: Standing, incident: Incident | None) -> Iterator[tuple[str, str]]:
    """Give what is known, a name and a value each, harmless to print; a name comes again for each value that it has."""
    found = standing.finding
    yield "id", found.finding_id
    yield "since", f"{moment(found.since_unix_nano)}, the segment's inference {found.since_event:,} (estimated)"
    yield "noticed", f"{moment(found.time_unix_nano)}, {found.event - found.since_event:,} inferences later"
    if standing.state == "closed":
        yield "closed", moment(found.said_unix_nano)
    yield "before", f"{found.before}, over {found.count_before:,} events"
    yield "after", f"{found.after}, over {found.count_after:,} events{f': {found.factor}' if found.factor else ''}"
    yield "evidence", f"{found.evidence}, says {harmless(found.detector)}"
    yield from (("carried by", each) for each in found.carried)
    yield from (("new before", harmless(each)) for each in found.versions)
    yield from (("with it", each) for each in found.along)
    if incident:
        yield (
            "incident",
            f"{incident.incident_id[:SHORT]}: {incident.findings} findings in {incident.segments} segments",
        )
    yield "noticed at", harmless(found.inference_id)
    yield from (("e.g. before", harmless(each)) for each in found.examples_before)
    yield from (("e.g. after", harmless(each)) for each in found.examples_after)
    if standing.acknowledged_unix_nano:
        note = f": {harmless(standing.note)}" if standing.note else ""
        yield "seen", f"by {harmless(standing.by)}, {moment(standing.acknowledged_unix_nano)}{note}"


def advice(standing: Standing, incident: Incident | None) -> str:
    """Return what to do, plainly: where to look first, and how to answer."""
    found = standing.finding
    if standing.state == "closed":
        return "nothing, the stream has returned by itself."
    short = found.finding_id[:SHORT]
    said = [_first(found, incident)]
    if standing.state == "open":
        said.append(f"`sluice findings ack {short} --by NAME` says that you are on it.")
    if is_usage(found.segment):
        said.append("It closes by itself: such a use has no reference.")
    else:
        said.append(f"`sluice findings accept {short} --by NAME` says that this is the new normal.")
    return " ".join(said)


def _first(found: Finding, incident: Incident | None) -> str:
    known = metric_of(found.metric, words=bool(found.subject))
    if incident:
        return f"look at the whole incident first: {incident.segments} segments have it (`sluice incidents`)."
    if found.versions:
        return f"look at {harmless(', '.join(found.versions))} first: new when it began. Roll back, or mend it."
    if found.slices and found.slices[0].share >= MOST:
        return (
            f"look at {harmless(f'{found.slices[0].dimension}={found.slices[0].value}')} first: it carries most of it."
        )
    if found.learning:
        return "less than a week was learned, so it may be the hour of the day: compare the examples."
    if known and known.worse and found.direction not in ("other", known.worse):
        return "it changed for the better: see whether that was meant."
    return "compare the examples before and after."
