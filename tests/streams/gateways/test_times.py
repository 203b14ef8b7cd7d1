"""Times of other senders: nothing is off by a rounding, a time zone or a unit without being noticed."""

import pytest

from streams.gateways.times import between, of_iso, of_seconds

NOON = 1_795_262_400_123_456_000


@pytest.mark.parametrize(
    ("said", "time_ns"),
    [
        ("2026-11-21T12:00:00.123456Z", NOON),
        ("2026-11-21T12:00:00.123456", NOON),
        ("2026-11-21T12:00:00.123456789+00:00", NOON),
        ("2026-11-21T17:30:00.123456+05:30", NOON),
        ("2026-11-21", 1_795_219_200_000_000_000),
        ("2014-12-31T23:59:59Z", None),
        ("2015-01-01T00:00:00Z", 1_420_070_400_000_000_000),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("noon", None),
        ("", None),
        (1_795_262_400, None),
        (None, None),
    ],
)
def test_iso(said: object, time_ns: int | None) -> None:
    assert of_iso(said) == time_ns


@pytest.mark.parametrize(
    ("said", "time_ns"),
    [
        (1_795_262_400.123456, NOON),
        ("1795262400.123456", NOON),
        (1_795_262_400, 1_795_262_400_000_000_000),
        (1_795_262_400_123, None),
        (1_795_262_400_123_456_000, None),
        (-1, None),
        (0, None),
        (1e308, None),
        (float("nan"), None),
        (True, None),
        (None, None),
    ],
)
def test_seconds(said: object, time_ns: int | None) -> None:
    assert of_seconds(said) == time_ns


def test_between() -> None:
    assert between(NOON, NOON + 1_500_000_000) == 1.5
    assert between(NOON, NOON) == 0
    assert between(NOON, NOON - 1) is None
    assert between(None, NOON) is None
    assert between(NOON, None) is None
