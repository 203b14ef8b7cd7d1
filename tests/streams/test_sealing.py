"""Content that is sealed is nowhere to be read, a cut has it all the same, and without its key it is gone for good."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from sinks.clickhouse import ClickHouse
from sinks.review.cut import cut
from sinks.review.policy import Budget, Caps, Policy, Quotas
from sinks.review.windows import Window
from sinks.sealed.opening import ContentSealed, Opener
from streams.sealing import opener
from tests.streams.sealed_week import block, database, settings, store

W46 = Window.week("2026-W46")
DAY = timedelta(days=1)
POLICY = Policy(budget=Budget(items=200), quotas=Quotas(control=120), caps=Caps(per_user=100))


@pytest.fixture(scope="module")
def plain(clickhouse_url: str) -> Iterator[ClickHouse]:
    with database(clickhouse_url) as sink:
        store(sink, block())
        yield sink


@pytest.fixture(scope="module")
def sealed(clickhouse_url: str) -> Iterator[ClickHouse]:
    with database(clickhouse_url) as sink:
        store(sink, block(), settings(sink))
        yield sink


def items(sink: ClickHouse, out: Path, opens: Opener) -> list[dict[str, object]]:
    path = cut(sink.client, W46, POLICY, out, DAY, opener=opens).path
    return [orjson.loads(line) for line in (path / "items.jsonl").read_bytes().splitlines()]


def test_a_cut_has_the_same_items_as_without(plain: ClickHouse, sealed: ClickHouse, tmp_path: Path) -> None:
    one = items(plain, tmp_path / "plain", Opener())
    other = items(sealed, tmp_path / "sealed", opener(settings(sealed), sealed))
    assert len(one) > 100
    assert any(item["input_messages"] for item in one)
    for item in (*one, *other):
        del item["x"], item["y"]  # of another projection
    assert other == one


def test_without_the_key_nothing_is_cut(sealed: ClickHouse, tmp_path: Path) -> None:
    with pytest.raises(ContentSealed, match="set SLUICE_CONTENT_KEY"):
        items(sealed, tmp_path, Opener())
