"""What a window holds for review, as SQL: real inferences that were asked or answered in it, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.review.windows import WEEK, Window, monday_of, nanoseconds

# Halves of one inference may lie in neighbouring weeks, that is, in different partitions: FINAL has to see both, so a
# window reads a week more on either side. What no one asked for and no one answered (an anomaly score that came first)
# is not yet an inference; synthetic traffic is known only once all parts are merged.
IN_WINDOW = """
WITH in_window AS (
    SELECT inference_id, time, segment, anomaly_score, synthetic
    FROM inferences
    WHERE week BETWEEN {first_week:Date} AND {last_week:Date}
      AND time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
      AND (request_time IS NOT NULL OR response_time IS NOT NULL)
), eligible AS (
    SELECT inference_id, time, segment, anomaly_score FROM in_window WHERE NOT synthetic
)
"""

# Since 26.3 ClickHouse reads every partition under FINAL, in case a key lies in several. Ours may, in neighbouring
# ones, which the bounds on `week` include: it is safe to leave out the others. Older servers do so by themselves.
PRUNING = "defer_partition_pruning_after_final"


@dataclass(frozen=True)
class Reader:
    """One window of one database; every query gets the window's bounds as server-side parameters.

    `closes` is the event time at which the window counts as complete: later feedback is for another cut, so that the
    batch does not depend on the day on which it is cut.
    """

    client: Client
    window: Window
    closes: datetime

    @property
    def bounds(self) -> dict[str, object]:
        """The parameters first_week and last_week (Mondays), begin, end and closes (nanoseconds since 1970)."""
        begin, end = self.window.begin, self.window.end
        return {
            "first_week": (monday_of(begin) - WEEK).date(),
            "last_week": (monday_of(end - timedelta(seconds=1)) + WEEK).date(),
            "begin": nanoseconds(begin),
            "end": nanoseconds(end),
            "closes": nanoseconds(self.closes),
        }

    def select(self, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return a query's rows. Values come as `{name:Type}` parameters alone."""
        return self.client.query(sql, self.bounds | parameters, settings=pruned(self.client)).result_rows

    def select_eligible(self, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return the rows of a query over `in_window` and `eligible`; it may begin with further `, name AS (…)`."""
        return self.select(f"{IN_WINDOW}{sql}", **parameters)

    def counts(self) -> tuple[int, int]:
        """Return how many inferences the window holds, and how many of these are synthetic."""
        ((inferences, synthetic),) = self.select_eligible("SELECT count(), countIf(synthetic) FROM in_window")
        return inferences, synthetic


def pruned(client: Client) -> dict[str, int]:
    """Return the settings with which a bound on `week` leaves out partitions through the view `inferences`."""
    return {PRUNING: 0} if PRUNING in client.server_settings else {}
