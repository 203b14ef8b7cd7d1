"""Answers and feedback go in; what each user, key and tenant used comes out, for the shard that has all theirs."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter

import numpy as np

from detectors.base import Measurements, Words
from streams.events import Feedback, InferenceResponse, Received
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


# A row: source, position, time, inference, then NUMBERS (None for not known) and who used that.
_Row = tuple[int, int, int, str, float | None, float | None, float | None, float | None, str]
_Shards = dict[tuple[str, str], list[_Row]]  # by shard and kind
_ANSWERED = itemgetter(
    *("user_id", "tags", "time_unix_nano", "inference_id", "input_tokens", "output_tokens", "cost_usd", "status")
)


def by_shard(
    responses: Received[InferenceResponse], watched: Sequence[bool], feedback: Received[Feedback]
) -> Iterator[tuple[str, Measurements]]:
    """Yield what was used by shard, `users/0` to `tenants/15`, rows in order of source and position, at most ROWS to a
    piece. Responses that are not `watched` are left out, and feedback that is synthetic, withdrawn or a machine's."""
    shards: _Shards = defaultdict(list)
    _answered(shards, responses, watched)
    _judged(shards, feedback)
    for (shard, kind), rows in shards.items():
        rows.sort(key=itemgetter(0, 1))
        for start, stop in pairwise([*range(0, len(rows), ROWS), len(rows)]):
            yield shard, _columns(kind, rows[start:stop])


def _answered(shards: _Shards, responses: Received[InferenceResponse], watched: Sequence[bool]) -> None:
    """Add what each watched call used; one that failed without an answer may have used nothing."""
    rows = map(_ANSWERED, map(vars, responses.events))
    for row, is_watched, source, position in zip(rows, watched, responses.sources, responses.positions, strict=True):
        user, tags, time, inference_id, asked, written, cost, status = row
        if is_watched and (user or tags):
            tokens = written if asked is None else asked if written is None else asked + written
            error = 1.0 if status in FAILED else 0.0
            for where, who in _named(user, tags):
                shards[where].append((source, position, time, inference_id, tokens, cost, error, None, who))


def _judged(shards: _Shards, feedback: Received[Feedback]) -> None:
    """Add each piece of feedback that somebody gave."""
    for event, source, position in zip(feedback.events, feedback.sources, feedback.positions, strict=True):
        if not (event.synthetic or event.deleted or event.rater_kind in _MACHINES):
            about = event.inference_id or event.event_id
            for where, who in _named(event.user_id or event.rater_id, event.tags):
                shards[where].append((source, position, event.time_unix_nano, about, None, None, None, 1.0, who))


def _named(user: str | None, tags: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield shard and kind, and the name, of all whom an event names; users are pseudonyms by now."""
    if user:
        yield _shard("user", user[:LONGEST]), user[:LONGEST]
    if tags:
        for kind, names in _TAGS.items():
            who = next((tags[tag] for tag in names if tags.get(tag)), None)
            if who:
                yield _shard(kind, who[:LONGEST]), who[:LONGEST]


def is_usage(segment: str) -> bool:
    """Whether this is a shard of users, keys or tenants: a segment has bars in its name, whoever serves it."""
    return segment.startswith(SHARDED) and "|" not in segment


@lru_cache(maxsize=10_000)
def _shard(kind: str, who: str) -> tuple[str, str]:
    return f"{kind}s/{zlib.crc32(who.encode('utf-8', 'surrogatepass')) % SHARDS}", kind


def _columns(kind: str, rows: Sequence[_Row]) -> Measurements:
    """Make columns of rows; what is known of none is left out."""
    source, position, time, inference_id, *numbers, names = zip(*rows, strict=True)
    code: dict[str, int] = {}
    codes = [code.setdefault(who, len(code)) for who in names]
    return Measurements(
        source=np.array(source, np.int64),
        position=np.array(position, np.int64),
        time_unix_nano=np.array(time, np.int64),
        inference_id=list(inference_id),
        values={
            name: np.array(column, np.float64)  # None becomes NaN: null is not 0
            for name, column in zip(NUMBERS, numbers, strict=True)
            if column.count(None) < len(column)
        },
        words={kind: Words(np.array(codes, np.int32), tuple(code))},
    )
