"""What only the store can join: ids come in, and what else is known of them, from whichever worker, comes out."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks.clickhouse import AWAY, INSERT, ClickHouse, judged

T = TypeVar("T")

CHUNK = 5_000  # ids in one query
QUERY = {"max_query_size": 2**24}  # bytes; ids of 256 characters of four bytes, in hex, fit

# Formats that only a gateway writes. Where two accounts of a call are of one rank, the caller's span is around the
# gateway's, which begins later.
GATEWAYS = ("apisix", "kong", "kserve_ce", "litellm", "litellm_otel", "native")
MINUTES = 5  # a response id that comes again later than this names another call: not every server makes them unique

REQUEST_TIMES = """
SELECT inference_id, toUnixTimestamp64Nano(assumeNotNull(min(request_time)))
FROM inference_parts
WHERE inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)'))) AND request_time IS NOT NULL
GROUP BY inference_id
"""

# Each of the better accounts is named in turn and the greatest name stays, so that the order of coming changes nothing.
SHADOWS = f"""
INSERT INTO inference_parts (inference_id, time, ingest_time, shadowed_by)
WITH told AS (
    SELECT alias, inference_id, min(time) AS begun, (max(service), max(source_format)) AS teller,
           (max(source_format) NOT IN {GATEWAYS}, -toUnixTimestamp64Nano(begun), inference_id) AS rank
    FROM aliases
    WHERE alias IN (SELECT arrayJoin(JSONExtract(unhex('{{aliases}}'), 'Array(String)')))
    GROUP BY alias, inference_id
)
SELECT worse.inference_id, worse.begun, now64(3), max(better.inference_id)
FROM told AS worse
INNER JOIN told AS better USING (alias)
WHERE better.rank < worse.rank
  AND toString(better.teller) != toString(worse.teller)
  AND abs(dateDiff('second', better.begun, worse.begun)) <= {60 * MINUTES}
GROUP BY worse.inference_id, worse.begun
"""  # noqa: S608  # our own constants

UNTIL = "SELECT toUnixTimestamp64Milli(max(until)) FROM timeouts_found"

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

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def request_times(self, ids: Sequence[str]) -> dict[str, int]:
        """Return when these inferences were asked, nanoseconds since 1970, as far as that is stored."""
        times: dict[str, int] = {}
        for chunk in _chunks(ids):
            times |= dict(self._ask(partial(_request_times, ids=chunk)))
        return times

    def shadow(self, aliases: Sequence[str]) -> None:
        """Mark which of the stored inferences with these aliases tell of a call that another tells better of.

        To be called once the inferences are stored: whoever comes last sees both.
        """
        for chunk in _chunks(aliases):
            self._ask(partial(_shadow, aliases=chunk))

    def overdue(self, until_ms: int, since_ms: int) -> list[Overdue]:
        """Return the requests that came no later than `until_ms` (Kafka time) and have no response.

        Only what came after the last `found` is looked at, and after `since_ms` in any case.
        """

        def ask(client: Client) -> list[Overdue]:
            ((found,),) = client.query(UNTIL).result_rows
            rows = client.query(OVERDUE, {"after": max(found, since_ms), "until": until_ms}).result_rows
            return [Overdue(*row) for row in rows]

        return self._ask(ask)

    def found(self, until_ms: int) -> None:
        """Remember that what was overdue up to then has been said."""
        self._ask(
            lambda client: client.command(
                "INSERT INTO timeouts_found VALUES (fromUnixTimestamp64Milli({until:Int64}, 'UTC'))",
                {"until": until_ms},
            )
        )

    def joined(self) -> list[Joined]:
        """Return how the feedback of the last day was joined."""
        return self._ask(
            lambda client: [
                Joined(rater_kind, feedback, joined, (median, high))
                for rater_kind, feedback, joined, (median, high) in client.query(JOINED).result_rows
            ]
        )

    def _ask(self, ask: Callable[[Client], T]) -> T:
        try:
            return ask(self._clickhouse.client)
        except (ClickHouseError, *AWAY) as error:
            raise judged(error, self._clickhouse.url) from error


# The ids stand in the query's text: parameters of the server's travel in the address, which is too short. In hex
# there is nothing to escape, where the client would look at each character.
def _request_times(client: Client, ids: Sequence[str]) -> Sequence[Any]:
    return client.query(REQUEST_TIMES.format(ids=_hex(ids)), settings=QUERY).result_rows


def _shadow(client: Client, aliases: Sequence[str]) -> None:
    client.command(SHADOWS.format(aliases=_hex(aliases)), settings=QUERY | INSERT)


def _hex(values: Sequence[str]) -> str:
    return orjson.dumps(values).hex()


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))
