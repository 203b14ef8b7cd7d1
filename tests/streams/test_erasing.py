"""Whom an erasure is about: by all the names that a person's own id was ever given."""

from datetime import UTC, datetime

import pytest

from streams.cli.erasing import _subject
from streams.pseudonyms import Pseudonyms
from streams.settings import load

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_a_person_is_looked_for_under_the_keys_of_before_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_STATE_KEY", "s" * 32)
    monkeypatch.delenv("SLUICE_PSEUDONYM_KEY", raising=False)
    at_first = Pseudonyms(load().pseudonyms).of_user("ann")
    assert _subject(load(), ["ann"], [], "Dana", NOW).users == (at_first,)
    monkeypatch.setenv("SLUICE_PSEUDONYM_KEY", "third")
    monkeypatch.setenv("SLUICE_PSEUDONYM_KEYS_BEFORE", "second, first")
    names = [Pseudonyms(key).of_user("ann") for key in (b"third", b"second", b"first")]
    given = _subject(load(), ["ann", at_first], [], "Dana", NOW)
    assert given.users == (at_first, *names)
    assert given.raw_users == ("ann",)
