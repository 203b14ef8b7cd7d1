"""References come back as they were last learned; segments are found by a part of their name; the audit is kept."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from sinks import columns, references
from sinks.clickhouse import ClickHouse, migrate
from sinks.references import NoSuchSegment, Told
from streams.events import HOURS, ReferenceRow
from tests.sinks.found import NOON, SEGMENT
from tests.sinks.review.planting import MONDAY, plant, response

HOSTILE = "a'b\\c\td\ne\x1b[31m; DROP TABLE references --  小"


@pytest.fixture
def empty(clickhouse_url: str) -> Iterator[ClickHouse]:
    """A database without rows."""
    sink = ClickHouse(f"{clickhouse_url}/references_{uuid4().hex}")
    migrate(sink.client)
    yield sink
    sink.client.command(f"DROP DATABASE {sink.client.database}")
    sink.close()


def week(metric: str, said: int, level: float = 1.0, segment: str = SEGMENT) -> ReferenceRow:
    hours = tuple(level + hour % 24 for hour in range(HOURS))
    return ReferenceRow(segment, metric, said, "rolling", 2.5, "s", hours, hours, hours, 40_000)


def learn(sink: ClickHouse, *rows: ReferenceRow) -> None:
    for row in rows:
        sink.insert("references", columns.reference_rows([row]))


@pytest.mark.parametrize("turned", [False, True])
def test_what_was_learned_last_holds(empty: ClickHouse, turned: bool) -> None:
    rows = [week("error", NOON, 0.5), week("error", NOON + 1, 0.25), week("duration_s", NOON)]
    learn(empty, *reversed(rows) if turned else rows)
    learn(empty, rows[0])
    assert references.of_segment(empty.client, SEGMENT) == [rows[2], rows[1]]
    assert references.of_segment(empty.client, "chat") == []


def test_hours_of_which_nothing_is_known_stay_unknown(empty: ClickHouse) -> None:
    hours = (float("nan"), *(0.5,) * (HOURS - 1))
    learn(empty, ReferenceRow(HOSTILE, "error", NOON, "learning", 0.1, "", hours, hours, hours, 2**63))
    (row,) = references.of_segment(empty.client, HOSTILE)
    assert repr((row.expected, row.band_low, row.band_high)) == repr((hours, hours, hours))
    assert (row.segment, row.events) == (HOSTILE, 2**63)


@pytest.mark.parametrize("length", [0, 167, 169])
def test_a_reference_is_of_a_whole_week(length: int) -> None:
    well, wrong = (0.0,) * HOURS, (0.0,) * length
    for columns_ in ((wrong, well, well), (well, wrong, well), (well, well, wrong)):
        with pytest.raises(ValueError, match="each of the 168 hours"):
            ReferenceRow("s", "m", NOON, "pinned", 1, "", *columns_, 1)


def test_a_segment_is_named_by_a_part_that_no_other_has(empty: ClickHouse) -> None:
    with pytest.raises(NoSuchSegment, match=r"^No segment's name contains 'x'. There are none yet.$"):
        references.named(empty.client, "x")
    plant(empty.client, [response(f"i{n}", MONDAY, segment=f"chat|/v{n}|small|-") for n in range(7)])
    plant(empty.client, [response("i", MONDAY, segment="chat")])
    learn(empty, week("error", NOON, segment="only learned"))
    assert references.named(empty.client, "v3") == "chat|/v3|small|-"
    assert references.named(empty.client, "chat") == "chat", "whole, it is itself"
    assert references.named(empty.client, "learned") == "only learned"
    with pytest.raises(NoSuchSegment, match=r"^7 segments' names contain 'small': 'chat\|/v0.*/v4.* and 2 more\. Give"):
        references.named(empty.client, "small")
    with pytest.raises(NoSuchSegment, match=r"^No segment's name contains '%'\. There are 'chat', .* and 4 more\.$"):
        references.named(empty.client, "%")


def test_the_audit_keeps_every_word_once_latest_first(empty: ClickHouse) -> None:
    lines = [Told(NOON + n, HOSTILE, "*", "pin", HOSTILE, HOSTILE * (n + 1)) for n in range(3)]
    references.write(empty.client, [*lines, lines[0]])
    references.write(empty.client, [Told(NOON, "other", "error", "reset", "ann", "")])
    assert references.told(empty.client, HOSTILE) == lines[::-1]
    assert references.told(empty.client, HOSTILE, lines=1) == lines[2:]
