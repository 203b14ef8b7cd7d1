"""What a window holds for review becomes two narrow tables, made once a cut: inferences, and what was said of them.

A cut reads the wide tables once, and every reason the narrow ones. Queries say `eligible` and `said` for them: SQL of a
reason begins where a query begins, or with `, name AS (…)` for a further step.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from clickhouse_connect.driver.client import Client

from sinks.review.parents import Parents
from sinks.review.windows import WEEK, Window, monday_of, nanoseconds
from sinks.sealed.opening import PLAIN, Opener

# Since 26.3 ClickHouse reads every partition under FINAL, in case a key lies in several. Ours may, in neighbouring
# ones, which the bounds on `week` include: it is safe to leave out the others. Older servers do so by themselves.
PRUNING = "defer_partition_pruning_after_final"

# Halves of one inference may lie in neighbouring weeks, that is, in different partitions: FINAL has to see both, so a
# window reads a week more on either side. What no one asked for and no one answered (an anomaly score that came first)
# is not yet an inference; synthetic traffic is known only once all parts are merged. Late is what belongs to windows
# that were cut before, and was stored after the last of these cuts.
# Where a request says anything of consent, it has to say yes: what nobody understands, or is kept as a hash, is none.
_ROWS = """
SELECT
    inference_id, time, ingest_time, ifNull(segment, '') AS segment, user_id, conversation_id, service, route,
    environment, operation, request_model, response_model, status, output_chars, anomaly_score, prompt_hash,
    tags['experiment'] AS experiment,
    (request_time IS NOT NULL) + (response_time IS NOT NULL) AS events,
    time < fromUnixTimestamp64Nano({begin:Int64}, 'UTC') AS late,
    multiIf(
        synthetic, 'synthetic',
        mapContains(tags, 'consent')
            AND lower(trimBoth(tags['consent'])) NOT IN ('true', '1', 'yes', 'granted', 'given'), 'without_consent',
        inference_id IN (SELECT inference_id FROM TAKEN), 'in_another_batch',
        ''
    ) AS left_out
FROM inference_parts FINAL
WHERE week BETWEEN {first_week:Date} AND {last_week:Date}
  AND shadowed_by IS NULL
  AND (request_time IS NOT NULL OR response_time IS NOT NULL)
  AND time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
  AND (time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC')
       OR time >= fromUnixTimestamp64Nano({late_begin:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Nano({late_end:Int64}, 'UTC')
          AND ingest_time > fromUnixTimestamp64Milli({late_after:Int64}, 'UTC'))
"""
# Weeks that were cut long ago are read once more only where something came for them since: one narrow column says so.
_FIRST_LATE = """
SELECT min(week) FROM inference_parts
WHERE week BETWEEN {first_week:Date} AND {last_week:Date}
  AND ingest_time > fromUnixTimestamp64Milli({late_after:Int64}, 'UTC')
"""
# A week before the window covers clocks that differ; it keeps the set small when years of feedback are stored.
_SAID = """
SELECT assumeNotNull(inference_id) AS inference_id, feedback_id, name, score, score_low, score_high, data_type,
       rater_kind, rater_id, correction IS NOT NULL OR sealed_correction IS NOT NULL AS corrected, choice
FROM feedback
WHERE inference_id IS NOT NULL
  AND NOT synthetic
  AND time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC') - INTERVAL 7 DAY
  AND time < fromUnixTimestamp64Nano({closes:Int64}, 'UTC')
  AND inference_id IN (SELECT inference_id FROM TABLE WHERE left_out = '')
"""
_COUNTS = """
SELECT left_out, late, count(), toUnixTimestamp64Milli(maxIf(ingest_time, NOT late)), sum(events)
FROM TABLE GROUP BY left_out, late
"""
# Each query of a reason ends so: by a hash with the policy's key, then the id, so that no clock, no chance and no order
# of arrival decides. Each reason hashes with a key of its own, so that the control is drawn independently of others.
ORDER = "sipHash64Keyed(({seed:UInt64}, {salt:UInt64}), inference_id), inference_id LIMIT {limit:UInt64}"

BLOCK = 8192  # rows that the client holds where it reads block by block


@dataclass(frozen=True)
class Funnel:
    """How many inferences of a window are left step by step, the first steps of a cut.

    `events` are the requests and answers of `inferences`, and the feedback about what is eligible.
    `late` are among the eligible ones and not among `inferences`; `stored_until` is the greatest Kafka time of the
    window's own, milliseconds since 1970.
    """

    events: int
    inferences: int
    synthetic: int
    without_consent: int
    in_another_batch: int
    late: int
    eligible: int
    stored_until: int


@dataclass(frozen=True)
class Snapshot:
    """One window of one database, at one moment.

    `closes` is the event time at which the window counts as complete: later feedback is in no batch, so that
    this one does not depend on the day on which it is cut.
    """

    client: Client
    window: Window
    closes: datetime
    table: str
    funnel: Funnel
    bounds: Mapping[str, object]
    opener: Opener

    def select(self, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return a query's rows. Values come as `{name:Type}` parameters alone, the window's bounds among them."""
        return self.read(self._within(sql), **parameters)

    def blocks(self, sql: str, **parameters: object) -> Iterator[Sequence[Sequence[Any]]]:
        """As `select`, for what is too much for rows: blocks of columns, one after another."""
        bound = dict(self.bounds) | parameters
        settings = pruned(self.client) | {"max_block_size": BLOCK}
        with self.client.query_column_block_stream(self._within(sql), bound, settings=settings) as blocks:
            yield from blocks

    def read(self, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return the rows of a query that reads neither `eligible` nor `said`."""
        return self.client.query(sql, dict(self.bounds) | parameters, settings=pruned(self.client)).result_rows

    def _within(self, sql: str) -> str:
        eligible = f"eligible AS (SELECT * FROM {self.table} WHERE left_out = '')"  # noqa: S608  our own name
        return f"WITH {eligible}, said AS (SELECT * FROM {self.table}_said)\n{sql}"  # noqa: S608


@contextmanager
def snapshot(
    client: Client, window: Window, closes: datetime, parents: Parents, name: str, opener: Opener = PLAIN
) -> Iterator[Snapshot]:
    """Take a snapshot, for as long as the block runs.

    Args:
        client: a connection whose database is migrated.
        window: event times.
        closes: until when feedback counts.
        parents: the batches that were cut before.
        name: of the cut, letters and digits: what a killed one of the same name has left is dropped.
        opener: of content that is sealed.
    """
    table = f"cut_{name}"
    bounds = _narrowed(client, _bounds(window, closes, parents), window)
    try:
        _drop(client, table)
        client.command(f"CREATE TABLE {table}_taken (inference_id String) ENGINE = MergeTree ORDER BY inference_id")
        if parents.taken:
            client.insert(f"{table}_taken", [[each] for each in parents.taken], column_names=["inference_id"])
        rows = _ROWS.replace("TAKEN", f"{table}_taken")
        create = f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY (left_out, inference_id) AS {rows}"
        client.command(create, dict(bounds), settings=pruned(client))
        said = _SAID.replace("TABLE", table)
        create = f"CREATE TABLE {table}_said ENGINE = MergeTree ORDER BY inference_id AS {said}"
        client.command(create, dict(bounds))
        yield Snapshot(client, window, closes, table, _funnel(client, table), bounds, opener)
    finally:
        _drop(client, table)


def holds_any(client: Client, window: Window) -> bool:
    """Say whether anything of a window is stored that a person could review."""
    sql = """
    SELECT count() FROM (
        SELECT 1 FROM inferences
        WHERE week BETWEEN {first_week:Date} AND {last_week:Date}
          AND time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
          AND (request_time IS NOT NULL OR response_time IS NOT NULL) AND NOT synthetic
        LIMIT 1
    )
    """
    bounds = _bounds(window, window.end, Parents())
    ((count,),) = client.query(sql, bounds, settings=pruned(client)).result_rows
    return bool(count)


def pruned(client: Client) -> dict[str, int]:
    """Return the settings with which a bound on `week` leaves out partitions under FINAL."""
    return {PRUNING: 0} if PRUNING in client.server_settings else {}


def _bounds(window: Window, closes: datetime, parents: Parents) -> dict[str, object]:
    """Return the parameters of a window: weeks as Mondays, times as nanoseconds, the late bound as milliseconds."""
    late = parents.late
    first = min(window.begin, late.begin) if late else window.begin
    return {
        "first_week": (monday_of(first) - WEEK).date(),
        "last_week": (monday_of(window.end - timedelta(seconds=1)) + WEEK).date(),
        "begin": nanoseconds(window.begin),
        "end": nanoseconds(window.end),
        "closes": nanoseconds(closes),
        "late_begin": nanoseconds(late.begin) if late else 0,
        "late_end": nanoseconds(late.end) if late else 0,
        "late_after": late.stored_until if late else 0,
    }


def _narrowed(client: Client, bounds: dict[str, object], window: Window) -> dict[str, object]:
    """Leave out the weeks before the window's own for which nothing came since they were cut."""
    ((first,),) = client.query(_FIRST_LATE, bounds, settings=pruned(client)).result_rows
    own: date = (monday_of(window.begin) - WEEK).date()
    return bounds | {"first_week": max(cast(date, bounds["first_week"]), min(own, first - WEEK))}


def _funnel(client: Client, table: str) -> Funnel:
    rows = client.query(_COUNTS.replace("TABLE", table)).result_rows
    own = {left_out: count for left_out, late, count, *_ in rows if not late}
    late = sum(count for left_out, late, count, *_ in rows if late and left_out == "")
    ((said,),) = client.query(f"SELECT uniqExact(feedback_id) FROM {table}_said").result_rows  # noqa: S608  our own name
    return Funnel(
        events=sum(events for _, late, *_, events in rows if not late) + said,
        inferences=sum(own.values()),
        synthetic=own.get("synthetic", 0),
        without_consent=own.get("without_consent", 0),
        in_another_batch=own.get("in_another_batch", 0),
        late=late,
        eligible=own.get("", 0) + late,
        stored_until=max((until for _, late, _, until, _ in rows if not late), default=0),
    )


# Without SYNC, which chDB waits for without end.
def _drop(client: Client, table: str) -> None:
    for name in (table, f"{table}_taken", f"{table}_said"):
        client.command(f"DROP TABLE IF EXISTS {name}")
