"""What only the store can join: ids come in, and what else is known of them, from whichever worker, comes out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import ClickHouse
from sinks.sealed.opening import PLAIN, ContentSealed, Opener, as_text

T = TypeVar("T")

DAY_NS = 86_400 * 10**9
CHUNK = 5_000  # ids in one query
SPOKEN = 1_000  # pieces of feedback in one query, of 34 names at most
QUERY = {"max_query_size": 2**24}  # bytes; ids of 256 characters of four bytes, in hex, fit

# Formats that only a gateway writes. Where two accounts of a call are of one rank, the caller's span is around the
# gateway's, which begins later.
GATEWAYS = ("apisix", "kong", "kserve_ce", "litellm", "litellm_otel", "native")
MINUTES = 5  # a response id that comes again later than this names another call: not every server makes them unique
LONGEST_S = 1e6  # eleven days
MOST_ACCOUNTS = 20  # of one response id in that time: what more have in common names no call
SLOT_NS = MINUTES * 60 * 10**9  # of the table of accounts (deploy/clickhouse/015_accounts_of_calls.sql)

ASKED = """
SELECT inference_id, toUnixTimestamp64Nano(assumeNotNull(min(request_time))),
       nullIf(max(JSONExtractString(ifNull(request_parameters, ''), 'output_type')), '')
FROM inference_parts
WHERE week IN {weeks} AND inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)')))
  AND request_time IS NOT NULL
GROUP BY inference_id
"""

ASKERS = """
SELECT inference_id, max(user_id) FROM inference_parts
WHERE week IN {weeks} AND inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)')))
  AND user_id IS NOT NULL
GROUP BY inference_id
"""

# Of most calls there is one account, or one teller. The others are asked for first, by a plain query: each step of the
# next one analyses a long list of names anew, and holds each account of a call against each.
TOLD_AGAIN = """
SELECT call FROM accounts
WHERE slot IN {slots} AND call IN (SELECT sipHash64(arrayJoin(JSONExtract(unhex('{aliases}'), 'Array(String)'))))
GROUP BY call
HAVING uniqExact((ifNull(toString(service), ''), ifNull(toString(source_format), ''))) > 1
   AND uniqExact(inference_id) BETWEEN 2 AND {most}
"""

# Each of the better accounts is named in turn and the greatest name stays, so that the order of coming changes nothing.
SHADOWS = f"""
SELECT inference_id, time, now64(3) AS ingest_time, max(better) AS shadowed_by
FROM (
    SELECT arrayJoin(accounts) AS worse, worse.2 AS inference_id, worse.3 AS time,
           arrayReverseSort(arrayMap(each -> each.2, arrayFilter(
               each -> each.1 < worse.1 AND each.4 != worse.4
                       AND abs(dateDiff('second', each.3, worse.3)) <= {60 * MINUTES}, accounts)))[1] AS better
    FROM (
        SELECT call, groupArray((rank, inference_id, begun, toString(teller))) AS accounts
        FROM (
            SELECT call, inference_id, min(time) AS begun, (max(service), max(source_format)) AS teller,
                   (max(source_format) NOT IN {GATEWAYS}, -toUnixTimestamp64Nano(begun), inference_id) AS rank
            FROM accounts
            WHERE slot IN {{slots}} AND call IN {{calls}}
            GROUP BY call, inference_id
        )
        GROUP BY call
    )
)
WHERE better != ''
GROUP BY inference_id, time
"""  # noqa: S608  # our own constants

# Of the most telling names that are known: the inference that was asked last before it was spoken of. `breadth` says
# how telling a name is: 0 is the inference's own.
CLOSEST = "(breadth, begun > at, abs(dateDiff('millisecond', begun, at)), inference_id)"

KNOWN = """(
    SELECT alias, inference_id, min(time) AS begun
    FROM aliases
    WHERE alias IN (SELECT alias FROM said)
    GROUP BY alias, inference_id
) AS known"""

MEANT = f"""
WITH said AS (
    SELECT each.1 AS number, each.2 AS alias, each.3 AS breadth, fromUnixTimestamp64Nano(each.4, 'UTC') AS at
    FROM (SELECT arrayJoin(JSONExtract(unhex('{{said}}'), 'Array(Tuple(UInt32, String, UInt8, Int64))')) AS each)
)
SELECT number, argMin((inference_id, toUnixTimestamp64Nano(begun)), {CLOSEST})
FROM said
INNER JOIN {KNOWN} USING (alias)
GROUP BY number
"""  # noqa: S608  # our own constants

ANSWERED = """
SELECT inference_id, max(segment), max(shadowed_by), max(synthetic), {output}
FROM inference_parts
WHERE week IN {weeks} AND inference_id IN (SELECT arrayJoin(JSONExtract(unhex('{ids}'), 'Array(String)')))
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

# Of the last day's feedback alone, and of what that names: the view `feedback` joins all that was ever said.
JOINED = f"""
WITH said AS (
    SELECT feedback_id, rater_kind, time AS at, name.1 AS alias, name.2 AS breadth
    FROM feedback_events FINAL
    ARRAY JOIN arrayConcat(
        if(isNull(inference_id), [], [('call:' || assumeNotNull(inference_id), 0)]),
        arrayMap(alias -> (alias, multiIf(startsWith(alias, 'sess:'), 3, startsWith(alias, 'trace:'), 2, 1)), aliases),
        [('sess:' || ifNull(conversation_id, ''), 3)]
    )::Array(Tuple(String, UInt8)) AS name
    WHERE ingest_time > now() - INTERVAL 1 DAY AND NOT deleted AND NOT synthetic
), meant AS (
    SELECT feedback_id, any(rater_kind) AS rater_kind, any(at) AS said_at,
           argMinIf((inference_id, begun), {CLOSEST}, inference_id != '') AS target
    FROM said
    LEFT JOIN {KNOWN} USING (alias)
    GROUP BY feedback_id
)
SELECT rater_kind, count(), countIf(target.1 != ''),
       if(count(answered_at) = 0, [nan, nan],
          quantilesExactIf(0.5, 0.9)(
              toFloat64(greatest(0, dateDiff('second', assumeNotNull(answered_at), said_at))), isNotNull(answered_at)))
FROM meant
LEFT JOIN (
    SELECT inference_id, max(response_time) AS answered_at
    FROM inference_parts
    WHERE week IN (SELECT toMonday(target.2) + arrayJoin([-7, 0, 7]) FROM meant)
      AND inference_id IN (SELECT target.1 FROM meant)
    GROUP BY inference_id
) AS answered ON answered.inference_id = meant.target.1
GROUP BY rater_kind
ORDER BY rater_kind
"""  # noqa: S608  # our own constants


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
    the median and the 90th percentile of seconds after the answer (NaN where nothing is answered)."""

    rater_kind: str
    feedback: int
    joined: int
    delay_s: tuple[float, float]


Placed = tuple[str, int]  # an id or another name of an inference, and an event time of it, nanoseconds since 1970


class Joins:
    """Asks and tells ClickHouse; blocking, and safe to use from several threads. Raises SinkBusy and SinkBroken."""

    def __init__(self, clickhouse: ClickHouse, opener: Opener = PLAIN) -> None:
        self._clickhouse, self._opener = clickhouse, opener

    def asked(self, answered: Sequence[Placed]) -> dict[str, Asked]:
        """Return when these inferences were asked, and for what, as far as that is stored and not weeks apart."""
        return {inference_id: Asked(*row) for inference_id, *row in self._of(ASKED, answered)}

    def askers(self, answered: Sequence[Placed]) -> dict[str, str]:
        """Return the users of these inferences, as far as they are stored and not weeks apart."""
        return {row[0]: row[1] for row in self._of(ASKERS, answered)}

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:
        """Return what each piece of feedback is about; None where that is not stored, was not answered, or is no real
        traffic. Where another account of the call counts, it is that."""
        found: dict[int, Placed] = {}
        for start in range(0, len(spoken), SPOKEN):
            said = [
                (number, name, breadth, each.time_unix_nano)
                for number, each in enumerate(spoken[start : start + SPOKEN], start)
                for name, breadth in each.names
            ]
            found |= dict(self._clickhouse.ask(partial(_rows, query=MEANT.format(said=_hex(said)))))
        answered = self._answered(list(found.values()), output=output)
        begun = dict(found.values())
        better = [(name, begun[worse]) for worse, (_, name, *_) in answered.items() if name]
        answered |= self._answered(better, output=output)
        return [_meant(found.get(number, ("", 0))[0], answered) for number in range(len(spoken))]

    def _answered(self, named: Sequence[Placed], *, output: bool) -> dict[str, Sequence[Any]]:
        said = f"{OUTPUT}, {SEALED_OUTPUT}" if output else NO_OUTPUT
        return {row[0]: row[1:] for row in self._opened(self._of(ANSWERED, named, output=said))}

    def _of(self, query: str, placed: Sequence[Placed], **more: str) -> list[Sequence[Any]]:
        """Ask about inferences, of the weeks around their times alone, so that the rest may grow."""
        found: list[Sequence[Any]] = []
        for chunk in _chunks(placed):
            weeks = _weeks(time for _, time in chunk)
            asked = query.format(ids=_hex([name for name, _ in chunk]), weeks=weeks, **more)
            found += self._clickhouse.ask(partial(_rows, query=asked))
        return found

    def _opened(self, rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Give rows with what their last column, which is sealed, says in place of the two before."""
        try:
            said = self._opener.content("sealed_response", [row[0] for row in rows], [row[-1] for row in rows])
        except ContentSealed:  # a cut says so, with the cure; here it is a prediction that is not known
            said = [{} for _ in rows]
        for (*row, output, messages, _), each in zip(rows, said, strict=True):
            yield *row, output or each.get("output"), messages or each.get("output_messages")

    def shadow(self, told: Sequence[Placed]) -> None:
        """Mark which of the stored inferences tell of a call that another tells better of.

        To be called with the names of responses (`resp:…`) that are stored: whoever comes last sees both.
        """
        for chunk in _chunks(told):
            slots = _list({time // SLOT_NS + beside for _, time in chunk for beside in (-1, 0, 1)})
            again = TOLD_AGAIN.format(slots=slots, aliases=_hex([alias for alias, _ in chunk]), most=MOST_ACCOUNTS)
            calls = [call for (call,) in self._clickhouse.ask(partial(_rows, query=again))]
            if calls:
                ask = partial(_shadows, query=SHADOWS.format(slots=slots, calls=_list(calls)))
                self._clickhouse.insert("inference_parts", self._clickhouse.ask(ask))

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


def _shadows(client: Client, query: str) -> pa.Table:
    return client.query_arrow(query, settings=QUERY)


def _meant(named: str, answered: Mapping[str, Sequence[Any]]) -> Meant | None:
    inference_id = answered[named][1] if named in answered and answered[named][1] else named
    if inference_id not in answered:
        return None
    segment, _, synthetic, *output = answered[inference_id]
    return None if segment is None or synthetic else Meant(inference_id, segment, *output)


def _weeks(times: Iterable[int]) -> str:
    """List the weeks of times (nanoseconds since 1970) and those beside, as the numbers of their Mondays' days, which
    ClickHouse's Date is: from 1970, which began on a Thursday, to 2149."""
    mondays = {(time // DAY_NS + 3) // 7 * 7 - 3 for time in times}
    return _list({min(max(monday + beside, 0), 2**16 - 1) for monday in mondays for beside in (-7, 0, 7)})


def _list(numbers: Iterable[int]) -> str:
    return f"({', '.join(map(str, numbers))})"


def _hex(values: Sequence[Any]) -> str:
    return orjson.dumps(values).hex()


def began_ns(answered_ns: int, seconds: float | None) -> int:
    """Return when a call began, as its answer tells it, nanoseconds since 1970: what the table of accounts goes by
    (deploy/clickhouse/015_accounts_of_calls.sql). What took longer than LONGEST_S is no duration."""
    return answered_ns - (round(seconds * 1e9) if seconds is not None and seconds < LONGEST_S else 0)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))
