"""Content that is sealed is nowhere to be read, a cut has it all the same, and without its key it is gone for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from sinks.backup import TRAFFIC
from sinks.clickhouse import ClickHouse
from sinks.joins import Joins, Spoken
from sinks.review.cut import cut
from sinks.review.erasure.erase import erase
from sinks.review.erasure.subject import Subject
from sinks.review.folder import workshop
from sinks.review.policy import Budget, Caps, Policy, Quotas
from sinks.review.similar import similar
from sinks.review.windows import Window
from sinks.sealed.keys import WrongKey
from sinks.sealed.opening import ContentSealed, Opener
from sinks.sealed.terms import terms
from streams.sealing import content_keys, opener, require_key
from tests.sinks.review.planting import plant, request
from tests.streams.sealed_week import (
    HER_CALL,
    KEY,
    NEXT_KEY,
    PHRASE,
    block,
    contents,
    database,
    held,
    planted,
    settings,
    store,
)
from tests.streams.test_cli import sluice

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


def test_what_is_similar_is_found(plain: ClickHouse, sealed: ClickHouse) -> None:
    opens = opener(settings(sealed), sealed)
    name = next(event.inference_id for event in block().requests.events if event.input_messages)
    assert similar(plain.client, name, 3)[0].question
    one, other = similar(plain.client, name, 3), similar(sealed.client, name, 3, opens)
    assert [each.alike for each in other] == [each.alike for each in one]
    assert other[0].question


def test_terms_are_those_that_clickhouse_finds(plain: ClickHouse) -> None:
    said = [
        "How do I get my MONEY back?",
        "it's a-b_c foo.bar/baz x1y2z3 <b>bold</b>\ttab\nline",
        "Où est ÉCOLE Straße naïve",
        "返金はどうすればいいですか refund ありがとう",
        "Как вернуть деньги ЁЖИК",
        "emoji 😀 inside wörds😀apart",
        "",
        "w " * 800 + " ".join(f"word{n}" for n in range(200)),
    ]
    for number, text in enumerate(said):
        dialogue = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
        asked = [{"role": "user", "parts": [{"content": "no"}]}, *dialogue, {"role": "assistant", "parts": []}]
        prompt = orjson.dumps(asked)
        plant(plain.client, [request(f"terms-{number}", W46.begin, input_messages=prompt.decode())])
        found = "SELECT terms FROM prompt_vectors FINAL WHERE inference_id = {id:String}"
        rows = plain.client.query(found, {"id": f"terms-{number}"}).result_rows
        assert terms(prompt) == (rows[0][0] if rows else []), text
    plain.client.command("DELETE FROM inference_parts WHERE startsWith(inference_id, 'terms-')")


def test_nothing_that_was_said_lies_in_any_table(plain: ClickHouse, sealed: ClickHouse) -> None:
    for sink in (plain, sealed):
        store(sink, planted(), settings(sink) if sink is sealed else None)
    assert all(word.encode() in held(plain) for word in PHRASE.split())
    assert not [word for word in PHRASE.split() if word.encode() in held(sealed)]


def test_an_erased_user_opens_in_no_backup(clickhouse_url: str, tmp_path: Path) -> None:
    """The answer, whose record does not name the user, is sealed with the key of who asked."""
    with database(clickhouse_url) as sink:
        now = settings(sink)
        store(sink, planted(), now)
        store(sink, planted(user=None, name="of nobody"), now)
        backup = {name: sink.client.raw_query(f"SELECT * FROM {name}", fmt="Native") for name in TRAFFIC}  # noqa: S608
        (user,) = {event.user_id for event in planted().requests.events}
        subject = Subject((str(user),), (), (), datetime.now(UTC), "5a" * 32, "dana")
        receipt = erase(sink.client, subject, tmp_path, tmp_path / "r", elsewhere=lambda _: [], unreached=[])
        assert receipt.places["content_keys (keys of users)"] == {"found": 1, "left": 0}
        assert receipt.left == 0
        for name, rows in backup.items():
            if rows:
                sink.client.raw_insert(name, insert_block=rows, fmt="Native")
        opened = contents(sink, opener(now, sink))
        assert opened[HER_CALL] == {}
        assert PHRASE in opened["of nobody"]["output_messages"]
        store(sink, planted(name="after"), now)
        assert PHRASE in contents(sink, opener(now, sink))["after"]["output_messages"], "who comes back has another key"


def test_another_key_is_refused_and_rewrapping_keeps_everything_and_without_keys_nothing_opens(
    clickhouse_url: str,
) -> None:
    with database(clickhouse_url) as sink:
        store(sink, planted(), settings(sink))
        with pytest.raises(WrongKey, match="SLUICE_CONTENT_KEYS_BEFORE, and run `sluice rewrap`"):
            opener(settings(sink, NEXT_KEY), sink)
        keys = content_keys(settings(sink, NEXT_KEY, before=KEY), sink)
        assert keys is not None
        assert (keys.rewrap(), keys.rewrap()) == (1, 0)
        assert PHRASE in contents(sink, opener(settings(sink, NEXT_KEY), sink))[HER_CALL]["output_messages"]
        with pytest.raises(WrongKey):
            opener(settings(sink), sink)
        sink.client.command("TRUNCATE TABLE content_keys")
        with pytest.raises(ContentSealed, match="restore the copy"):  # which no erasure does
            contents(sink, opener(settings(sink), sink))


def test_a_worker_without_the_key_does_not_store_in_plain_what_others_seal(clickhouse_url: str) -> None:
    with database(clickhouse_url) as sink:
        without = settings(sink, "")
        require_key(without, sink)  # nobody seals here
        store(sink, planted(), settings(sink))
        with pytest.raises(WrongKey, match="SLUICE_CONTENT_KEY is not set: what comes would be stored in plain text"):
            require_key(without, sink)
        with pytest.raises(WrongKey, match="run `sluice rewrap`"):
            require_key(settings(sink, NEXT_KEY), sink)
        require_key(settings(sink), sink)


@pytest.mark.parametrize(
    "change",
    [
        "concat(substring(assumeNotNull(sealed_response), 1, 40), 'x')",
        "sealed_request",
        "(SELECT max(sealed_response) FROM inference_parts WHERE inference_id != 'tampered')",
    ],
    ids=["changed", "of another column", "of another row"],
)
def test_what_was_tampered_with_is_refused(change: str, sealed: ClickHouse) -> None:
    now = settings(sealed)
    store(sealed, planted(name="tampered"), now)
    value = f"SELECT hex(assumeNotNull(max({change}))) FROM inference_parts FINAL WHERE inference_id = 'tampered'"  # noqa: S608
    ((found,),) = sealed.client.query(value).result_rows
    with pytest.raises(ContentSealed, match="restore it from a backup"):
        opener(now, sealed).content("sealed_response", ["tampered"], [found])


def test_a_replay_is_the_same_bytes(sealed: ClickHouse) -> None:
    for _ in range(2):
        store(sealed, planted(name="again"), settings(sealed))
    values = "uniqExact(sealed_request), uniqExact(sealed_response)"
    sql = f"SELECT {values} FROM inference_parts WHERE inference_id = 'again'"  # noqa: S608
    assert sealed.client.query(sql).result_rows == [(1, 1)]


def test_a_prediction_is_judged_in_a_later_block_and_without_the_key_it_is_not_known(sealed: ClickHouse) -> None:
    now = settings(sealed)
    store(sealed, planted(name="judged"), now)
    spoken = [Spoken([("call:judged", 0)], 2 * 10**18)]
    (meant,) = Joins(sealed, opener(now, sealed)).meant(spoken, output=True)
    assert meant is not None
    assert PHRASE in str(meant.output_messages)
    (unknown,) = Joins(sealed).meant(spoken, output=True)
    assert unknown == meant._replace(output_messages=None)


def test_keys_are_not_wrapped_anew_beside_an_erasure(clickhouse_url: str, tmp_path: Path) -> None:
    with database(clickhouse_url) as sink:
        store(sink, planted(), settings(sink))
        given = {
            "SLUICE_CLICKHOUSE_URL": sink.url,
            "SLUICE_CONTENT_KEY": NEXT_KEY,
            "SLUICE_CONTENT_KEYS_BEFORE": KEY,
            "SLUICE_BATCHES": str(tmp_path),
        }
        with workshop(tmp_path, "erasing"):
            assert "Another process is cutting" in sluice("rewrap", **given).output
        assert "1 keys are wrapped anew" in sluice("rewrap", **given).output
