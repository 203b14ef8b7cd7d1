"""The ledger read back: the union of a partition's blocks, in whatever order and overlap they came, and its gaps."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks import columns
from sinks.clickhouse import ClickHouse
from sinks.ledger import PartitionLedger, read
from streams.events import LedgerRow

topics = (f"t{n}" for n in itertools.count())  # each example accounts for a topic of its own
Block = tuple[int, int]


def account(
    sink: ClickHouse, blocks: dict[int, list[Block]], committed: dict[int, int]
) -> tuple[str, list[PartitionLedger]]:
    """Write each partition's blocks, one insert a block, and read them back with what is committed."""
    topic = next(topics)
    rows = [
        LedgerRow(topic, partition, first, last, last - first + 1, last - first + 1, 0, last - first + 1, 0)
        for partition, intervals in blocks.items()
        for first, last in intervals
    ]
    if rows:
        sink.insert("ledger", columns.ledger_rows(rows, 0))
    upcoming = {(topic, partition): offset for partition, offset in committed.items()}
    return topic, [each for each in read(sink.client, upcoming) if each.topic == topic]


def runs(offsets: set[int]) -> list[Block]:
    """Return sets of numbers as intervals, by brute force."""
    firsts = sorted(offset for offset in offsets if offset - 1 not in offsets)
    lasts = sorted(offset for offset in offsets if offset + 1 not in offsets)
    return list(zip(firsts, lasts, strict=True))


@pytest.mark.parametrize(
    ("blocks", "committed", "gaps"),
    [
        ([(0, 9), (10, 19)], 20, []),
        ([(0, 9), (10, 19)], None, []),  # nothing committed yet
        ([(0, 9), (10, 19)], 10, []),  # a commit lags behind: fine
        ([(0, 9), (5, 14), (8, 12), (15, 15)], 16, []),  # read twice after a rebalance
        ([(0, 30), (3, 4), (31, 40)], 41, []),  # a small block inside of a great one hides nothing
        ([(0, 9), (11, 19)], 20, [(10, 10)]),
        ([(0, 9), (20, 29), (40, 49)], 50, [(10, 19), (30, 39)]),
        ([(0, 9), (0, 3), (12, 15), (10, 10)], 16, [(11, 11)]),
        ([(0, 9)], 15, [(10, 14)]),  # committed, and nothing says what became of it
        ([(5, 9)], 10, []),  # what was there before Sluice came
        ([], 7, [(0, 6)]),
        ([(2**40, 2**40 + 1), (2**40 + 5, 2**40 + 5)], 2**40 + 6, [(2**40 + 2, 2**40 + 4)]),
    ],
)
def test_gaps(sink: ClickHouse, blocks: list[Block], committed: int | None, gaps: list[Block]) -> None:
    _, (ledger,) = account(sink, {3: blocks}, {} if committed is None else {3: committed})
    assert (ledger.partition, ledger.gaps, ledger.blocks) == (3, gaps, len(blocks))


def test_nothing_read_and_nothing_committed_is_no_account(sink: ClickHouse) -> None:
    assert account(sink, {}, {0: 0})[1] == []


intervals = st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda block: (block[0], block[0] + block[1]))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(0, 2), st.lists(intervals, max_size=8), max_size=3),
    st.dictionaries(st.integers(0, 2), st.integers(0, 50), max_size=3),
)
def test_the_union_is_that_of_a_set_of_offsets(
    sink: ClickHouse, blocks: dict[int, list[Block]], committed: dict[int, int]
) -> None:
    topic, ledgers = account(sink, blocks, committed)
    found = {each.partition: each for each in ledgers}
    for partition in set(blocks) | set(committed):
        covered = {offset for first, last in blocks.get(partition, []) for offset in range(first, last + 1)}
        upcoming = committed.get(partition, 0)
        if not covered and not upcoming:
            assert partition not in found
            continue
        first = min(covered, default=0)
        whole = set(range(first, max(max(covered, default=-1) + 1, upcoming)))
        ledger = found[partition]
        assert (ledger.topic, ledger.first_offset) == (topic, first)
        assert sorted(ledger.gaps) == runs(whole - covered)
        assert ledger.offsets == len(covered), "what is accounted for"
