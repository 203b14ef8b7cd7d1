"""Weeks with a planted truth in a ClickHouse of their own: made in another process, grown by copies."""

import time

from bench.review.copies import multiply
from bench.review.planted import plant, truth
from sinks.clickhouse import ClickHouse, connect, migrate

BASE = 500_000  # inferences of a week that is planted one by one, of which larger ones are copies
PATIENCE_S = 1200  # for one statement that copies a world


def make(url: str, seed: int, n: int) -> None:
    """Plant a week of n inferences with its truth, two weeks of reference before it, and what closes it after it."""
    sink = ClickHouse(url)
    migrate(sink.client)
    for week, count, of in ((-2, n // 5, None), (-1, n // 5, None), (0, n, truth(n, seed)), (1, 2000, None)):
        for _ in plant(sink, week, count, seed, of):
            pass


def grow(url: str, held: int, size: int) -> None:
    """Add copies of a world of BASE to it, which holds so many by now, up to a size, both multiples of BASE; wait until
    ClickHouse has merged what it wants to."""
    client = connect(url, PATIENCE_S)
    multiply(client, range(held // BASE, size // BASE))
    while client.query("SELECT count() FROM system.merges").result_rows != [(0,)]:
        time.sleep(1)
