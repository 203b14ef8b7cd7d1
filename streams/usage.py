"""Answers and feedback go in; what each user, key and tenant used comes out, for the shard that has all theirs."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detectors.base import Measurements, Words
from streams.events import Event, Feedback, InferenceResponse, Received
from streams.measure import ROWS
from streams.measure.answers import FAILED

SHARDS = 16  # of each kind; a user calls through many segments, and one shard sees all of it
NUMBERS = ("tokens", "cost_usd", "errors", "feedback")
SHARDED = ("users/", "keys/", "tenants/")  # how the names of shards begin
LONGEST = 64  # characters of a name
_MACHINES = ("llm", "code")  # raters whose floods are somebody's plan
# What the gateways call those who call, by the first that is there.
_TAGS: Mapping[str, Sequence[str]] = {
    "key": ("key_alias", "api_key_alias", "user_api_key_alias", "api_key", "key", "consumer"),
    "tenant": ("tenant", "tenant_id", "team_alias", "team", "team_id", "organization", "org_id", "workspace"),
}


@dataclass(frozen=True, slots=True)
class Used:
    """A row: what one event says that somebody used, None for not known; numbers in the order of NUMBERS."""

    source: int
    position: int
    time_unix_nano: int
    inference_id: str
    numbers: tuple[float | None, ...]


def by_shard(
    responses: Received[InferenceResponse], watched: Sequence[bool], feedback: Received[Feedback]
) -> Iterator[tuple[str, Measurements]]:
    """Yield what was used by shard, `users/0` to `tenants/15`, rows in order of source and position, at most ROWS to a
    piece. Responses that are not `watched` are left out, and feedback that is synthetic, withdrawn or a machine's."""
    shards: dict[tuple[str, str], list[tuple[Used, str]]] = {}
    for used, event in (*_answered(responses, watched), *_judged(feedback)):
        for kind, who in _named(event):
            shard = f"{kind}s/{zlib.crc32(who.encode('utf-8', 'surrogatepass')) % SHARDS}"
            shards.setdefault((shard, kind), []).append((used, who))
    for (shard, kind), rows in shards.items():
        rows.sort(key=lambda row: (row[0].source, row[0].position))
        for start, stop in pairwise([*range(0, len(rows), ROWS), len(rows)]):
            yield shard, _columns(kind, rows[start:stop])


def _answered(responses: Received[InferenceResponse], watched: Sequence[bool]) -> Iterator[tuple[Used, Event]]:
    """Yield what each watched call used; one that failed without an answer may have used nothing."""
    places = zip(responses.events, watched, responses.sources, responses.positions, strict=True)
    for event, is_watched, source, position in places:
        if is_watched:
            known = [tokens for tokens in (event.input_tokens, event.output_tokens) if tokens is not None]
            numbers = (sum(known) if known else None, event.cost_usd, float(event.status in FAILED), None)
            yield Used(source, position, event.time_unix_nano, event.inference_id, numbers), event


def _judged(feedback: Received[Feedback]) -> Iterator[tuple[Used, Event]]:
    """Yield each piece of feedback that somebody gave."""
    for event, source, position in zip(feedback.events, feedback.sources, feedback.positions, strict=True):
        if not (event.synthetic or event.deleted or event.rater_kind in _MACHINES):
            about = event.inference_id or event.event_id
            yield Used(source, position, event.time_unix_nano, about, (None, None, None, 1.0)), event


def _named(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of all whom an event names; users are pseudonyms by now."""
    user = event.user_id or (event.rater_id if isinstance(event, Feedback) else None)
    if user:
        yield "user", user[:LONGEST]
    if event.tags:
        for kind, tags in _TAGS.items():
            who = next((event.tags[tag] for tag in tags if event.tags.get(tag)), None)
            if who:
                yield kind, who[:LONGEST]


def _columns(kind: str, rows: Sequence[tuple[Used, str]]) -> Measurements:
    """Make columns of rows; what is known of none is left out."""
    used = [row for row, _ in rows]
    table = np.array([row.numbers for row in used], np.float64)  # None becomes NaN: null is not 0
    known = np.any(~np.isnan(table), axis=0).tolist()
    code: dict[str, int] = {}
    codes = [code.setdefault(who, len(code)) for _, who in rows]
    return Measurements(
        source=np.array([row.source for row in used], np.int64),
        position=np.array([row.position for row in used], np.int64),
        time_unix_nano=np.array([row.time_unix_nano for row in used], np.int64),
        inference_id=[row.inference_id for row in used],
        values={name: table[:, column] for column, name in enumerate(NUMBERS) if known[column]},
        words={kind: Words(np.array(codes, np.int32), tuple(code))},
    )
