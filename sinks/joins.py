"""What only the store can join: ids come in, and what else is known of them, from whichever worker, comes out."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import ClickHouse
from sinks.sealed.opening import PLAIN, ContentSealed, Opener, as_text

CHUNK = 5_000  # ids in one query
SPOKEN = 1_000  # pieces of feedback in one query, of 34 names at most
QUERY = {"max_query_size": 2**24}  # bytes; ids of 256 characters of four bytes, in hex, fit

# Formats that only a gateway writes. Where two accounts of a call are of one rank, the caller's span is around the
# gateway's, which begins later.
GATEWAYS = ("apisix", "kong", "kserve_ce", "litellm", "litellm_otel", "native")
MINUTES = 5  # a response id that comes again later than this names another call: not every server makes them unique

ASKED = """
SELECT inference_id, toUnixTimestamp64Nano(assumeNotNull(min(request_time))),
       nullIf(max(JSONExtractString(ifNull(request_parameters, ''), 'output_type')), '')
FROM inference_parts
WHERE inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)'))) AND request_time IS NOT NULL
GROUP BY inference_id
"""

ASKERS = """
SELECT inference_id, max(user_id) FROM inference_parts
WHERE inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)'))) AND user_id IS NOT NULL
GROUP BY inference_id
"""

# Each of the better accounts is named in turn and the greatest name stays, so that the order of coming changes nothing.
SHADOWS = f"""
WITH told AS (
    SELECT alias, inference_id, min(time) AS begun, (max(service), max(source_format)) AS teller,
           (max(source_format) NOT IN {GATEWAYS}, -toUnixTimestamp64Nano(begun), inference_id) AS rank
    FROM aliases
    WHERE alias IN (SELECT arrayJoin(JSONExtract(unhex('{{aliases}}'), 'Array(String)')))
    GROUP BY alias, inference_id
)
SELECT worse.inference_id AS inference_id, worse.begun AS time, now64(3) AS ingest_time,
       max(better.inference_id) AS shadowed_by
FROM told AS worse
INNER JOIN told AS better USING (alias)
WHERE better.rank < worse.rank
  AND toString(better.teller) != toString(worse.teller)
  AND abs(dateDiff('second', better.begun, worse.begun)) <= {60 * MINUTES}
GROUP BY worse.inference_id, worse.begun
"""  # noqa: S608  # our own constants

# Of the most telling names that are known: the inference that was asked last before it was spoken of. `breadth` says
# how telling a name is: 0 is the inference's own.
MEANT = """
WITH said AS (
    SELECT each.1 AS number, each.2 AS alias, each.3 AS breadth, fromUnixTimestamp64Nano(each.4, 'UTC') AS at
    FROM (SELECT arrayJoin(JSONExtract(unhex('{said}'), 'Array(Tuple(UInt32, String, UInt8, Int64))')) AS each)
)
SELECT number, argMin(inference_id, (breadth, begun > at, abs(dateDiff('millisecond', begun, at)), inference_id))
FROM said
INNER JOIN (
    SELECT alias, inference_id, min(time) AS begun
    FROM aliases
    WHERE alias IN (SELECT alias FROM said)
    GROUP BY alias, inference_id
) AS known USING (alias)
GROUP BY number
"""

ANSWERED = """
SELECT inference_id, max(segment), max(shadowed_by), max(synthetic), {output}
FROM inference_parts
WHERE inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)')))
GROUP BY inference_id
"""
OUTPUT = "max(if(length(output) < 10000, output, NULL)), max(if(length(output_messages) < 1000, output_messages, NULL))"
SEALED_OUTPUT = as_text("max(if(length(sealed_response) < 10000, sealed_response, NULL))")
NO_OUTPUT = "NULL, NULL, ''"

UNTIL = "SELECT toUnixTimestamp64Milli(max(until)) FROM timeouts_found"

LATEST = "SELECT toUnixTimestamp64Milli(max(ingest_time)) FROM awaited"

OVERDUE = """
SELECT inference_id, toUnixTimestamp64Nano(assumeNotNull(min(request_time))), max(source_format), max(synthetic),
       max(service), max(environment), max(route), max(operation), max(provider), max(request_model)
FROM inference_parts
WHERE inference_id IN (
    SELECT inference_id FROM awaited
    WHERE ingest_time > fromUnixTimestamp64Milli({after:Int64}, 'UTC')
      AND ingest_time <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
GROUP BY inference_id
HAVING isNull(max(response_time)) AND isNull(max(status))
ORDER BY inference_id
"""

JOINED = """
SELECT rater_kind, uniqExact(feedback_id), uniqExactIf(feedback_id, targets > 0),
       quantilesExact(0.5, 0.9)(greatest(0, dateDiff('second', answered.at, time)))
FROM feedback
LEFT JOIN (
    SELECT toNullable(inference_id) AS inference_id, max(response_time) AS at
    FROM inference_parts
    WHERE inference_id IN (SELECT assumeNotNull(inference_id) FROM feedback WHERE ingest_time > now() - INTERVAL 1 DAY)
    GROUP BY inference_id
) AS answered USING (inference_id)
WHERE ingest_time > now() - INTERVAL 1 DAY AND NOT synthetic
GROUP BY rater_kind
ORDER BY rater_kind
"""


class Asked(NamedTuple):
    """A request that is stored: when it was asked, nanoseconds since 1970, and for what type of output."""

    time_unix_nano: int
    output_type: str | None


class Spoken(NamedTuple):
    """What feedback calls an inference: names with how telling each is (0 is its own id), and when it was given."""

    names: Sequence[tuple[str, int]]
    time_unix_nano: int


class Meant(NamedTuple):
    """The inference that feedback is about, its segment, and what it answered as JSON, where that was asked and is
    short."""

    inference_id: str
    segment: str
    output: str | None
    output_messages: str | None


class Overdue(NamedTuple):
    """A request without a response: what is known of the call. Times are nanoseconds since 1970."""

    inference_id: str
    time_unix_nano: int
    source_format: str
    synthetic: bool
    service: str | None
    environment: str | None
    route: str | None
    operation: str | None
    provider: str | None
    request_model: str | None


class Joined(NamedTuple):
    """Feedback of the last day, by kind of rater: how much, how much of it found its inference, and how late it came:
    the median and the 90th percentile of seconds after the answer (NaN where nothing is joined)."""

    rater_kind: str
    feedback: int
    joined: int
    delay_s: tuple[float, float]


class Joins:
    """Asks and tells ClickHouse; blocking, and safe to use from several threads. Raises SinkBusy and SinkBroken."""

    def __init__(self, clickhouse: ClickHouse, opener: Opener = PLAIN) -> None:
        self._clickhouse, self._opener = clickhouse, opener

    def asked(self, ids: Sequence[str]) -> dict[str, Asked]:
        """Return when these inferences were asked, and for what, as far as that is stored."""
        found: dict[str, Asked] = {}
        for chunk in _chunks(ids):
            rows = self._clickhouse.ask(partial(_rows, query=ASKED.format(ids=_hex(chunk))))
            found |= {inference_id: Asked(*row) for inference_id, *row in rows}
        return found

    def askers(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the users of these inferences, as far as they are stored."""
        found: dict[str, str] = {}
        for chunk in _chunks(ids):
            found |= dict(self._clickhouse.ask(partial(_rows, query=ASKERS.format(ids=_hex(chunk)))))
        return found

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:
        """Return what each piece of feedback is about; None where that is not stored, was not answered, or is no real
        traffic. Where another account of the call counts, it is that."""
        found: dict[int, str] = {}
        for start in range(0, len(spoken), SPOKEN):
            said = [
                (number, name, breadth, each.time_unix_nano)
                for number, each in enumerate(spoken[start : start + SPOKEN], start)
                for name, breadth in each.names
            ]
            found |= dict(self._clickhouse.ask(partial(_rows, query=MEANT.format(said=_hex(said)))))
        answered = self._answered(list(found.values()), output=output)
        better = [shadowed_by for _, shadowed_by, *_ in answered.values() if shadowed_by]
        answered |= self._answered(better, output=output) if better else {}
        return [_meant(found.get(number), answered) for number in range(len(spoken))]

    def _answered(self, ids: Sequence[str], *, output: bool) -> dict[str, Sequence[Any]]:
        found: dict[str, Sequence[Any]] = {}
        for chunk in _chunks(ids):
            query = ANSWERED.format(ids=_hex(chunk), output=f"{OUTPUT}, {SEALED_OUTPUT}" if output else NO_OUTPUT)
            found |= {row[0]: row[1:] for row in self._opened(self._clickhouse.ask(partial(_rows, query=query)))}
        return found

    def _opened(self, rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Give rows with what their last column, which is sealed, says in place of the two before."""
        try:
            said = self._opener.content("sealed_response", [row[0] for row in rows], [row[-1] for row in rows])
        except ContentSealed:  # a cut says so, with the cure; here it is a prediction that is not known
            said = [{} for _ in rows]
        for (*row, output, messages, _), each in zip(rows, said, strict=True):
            yield *row, output or each.get("output"), messages or each.get("output_messages")

    def shadow(self, aliases: Sequence[str]) -> None:
        """Mark which of the stored inferences with these aliases tell of a call that another tells better of.

        To be called once the inferences are stored: whoever comes last sees both.
        """
        for chunk in _chunks(aliases):
            # Asked, then told: an INSERT SELECT of the usual none costs the server as much as one of many (its views).
            self._clickhouse.insert("inference_parts", self._clickhouse.ask(partial(_shadows, aliases=chunk)))

    def overdue(self, until_ms: int, since_ms: int) -> list[Overdue]:
        """Return the requests that came no later than `until_ms` (Kafka time) and have no response.

        Only what came after the last `found` is looked at, and after `since_ms` in any case.
        """

        def ask(client: Client) -> list[Overdue]:
            ((found,),) = client.query(UNTIL).result_rows
            rows = client.query(OVERDUE, {"after": max(found, since_ms), "until": until_ms}).result_rows
            return [Overdue(*row) for row in rows]

        return self._clickhouse.ask(ask)

    def latest_ms(self) -> int:
        """Return when the latest request came that may be waiting for its response, by Kafka's time; 0 without one."""
        ((latest,),) = self._clickhouse.ask(lambda client: client.query(LATEST).result_rows)
        return int(latest)

    def found(self, until_ms: int) -> None:
        """Remember that what was overdue up to then has been said."""
        self._clickhouse.ask(
            lambda client: client.command(
                "INSERT INTO timeouts_found VALUES (fromUnixTimestamp64Milli({until:Int64}, 'UTC'))",
                {"until": until_ms},
            )
        )

    def joined(self) -> list[Joined]:
        """Return how the feedback of the last day was joined."""
        return self._clickhouse.ask(
            lambda client: [
                Joined(rater_kind, feedback, joined, (median, high))
                for rater_kind, feedback, joined, (median, high) in client.query(JOINED).result_rows
            ]
        )


# The ids stand in the query's text: parameters of the server's travel in the address, which is too short. In hex
# there is nothing to escape, where the client would look at each character.
def _rows(client: Client, query: str) -> Sequence[Any]:
    return client.query(query, settings=QUERY).result_rows


def _shadows(client: Client, aliases: Sequence[str]) -> pa.Table:
    return client.query_arrow(SHADOWS.format(aliases=_hex(aliases)), settings=QUERY)


def _meant(named: str | None, answered: Mapping[str, Sequence[Any]]) -> Meant | None:
    inference_id = named and (answered[named][1] if named in answered and answered[named][1] else named)
    if not inference_id or inference_id not in answered:
        return None
    segment, _, synthetic, *output = answered[inference_id]
    return None if segment is None or synthetic else Meant(inference_id, segment, *output)


def _hex(values: Sequence[Any]) -> str:
    return orjson.dumps(values).hex()


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))
