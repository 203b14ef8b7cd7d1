"""A marked person and inference are erased from every place, others stay, and what is late or killed ends the same."""

from pathlib import Path

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks.review.erasure import erase as module
from sinks.review.erasure.erase import erase, look
from sinks.review.erasure.receipt import NAME, BrokenLog, Receipt, verified
from sinks.review.erasure.subject import Subject
from tests.sinks.review.erasure.planted import MARKED, NOW, OTHER, RAW, everything, letter, plant_all, standing, subject
from tests.sinks.review.planting import hour, inference, plant, request, thumb_down

HERS = (MARKED, RAW, "m1", "m2", "lone", "waiting", "chatcmpl-m1", "her words", "about her answer")
OTHERS = (OTHER, "o1", "o2", "o about o1", "o about both", "o finding", "o usage")


def erased(client: Client, out: Path, who: Subject | None = None) -> Receipt:
    return erase(client, who or subject(), out, out / "releases", elsewhere=lambda _: [], unreached=["Kafka."])


def looked(client: Client, out: Path, who: Subject) -> Receipt:
    return look(client, who, out, out / "releases", elsewhere=lambda _: [])


NOBODY = subject(users=(), inferences=())


def mentioned(client: Client) -> set[str]:
    held = everything(client).replace("m11, and xm1x", "")
    return {name for name in (*HERS, *OTHERS) if f'"{name}"' in held or f" {name} " in held}


def test_all_of_hers_goes_and_nothing_else_and_twice_is_once(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_all(client)
    assert mentioned(client) >= {MARKED, "m1", "m2", "lone", "waiting"} | set(OTHERS)
    _a_look_changes_nothing_and_one_that_was_killed_is_no_wish(client, tmp_path, monkeypatch)
    receipt = erased(client, tmp_path)
    assert receipt.left == 0
    assert receipt.inferences_found == 5
    found = {name: place["found"] for name, place in receipt.places.items() if place["found"]}
    del found["aliases (rows)"], found["inference_parts (rows)"], found["prompt_vectors (rows)"]  # as they are merged
    assert found == {
        "accounts (rows)": 1,
        "dead_letters (rows)": 5,
        "finding_events (about the user)": 1,
        "finding_acks (about the user)": 1,
        "finding_events (examples)": 3,
        "feedback_events (rows)": 4,
        "awaited (rows)": 1,
    }
    assert mentioned(client) == set(OTHERS)
    assert not [name for name in HERS if name in everything(client).replace("m11, and xm1x", "")]
    after = standing(client)
    assert looked(client, tmp_path, NOBODY).left == 0
    assert {place["found"] for place in erased(client, tmp_path).places.values()} == {0}
    assert standing(client) == after


def _a_look_changes_nothing_and_one_that_was_killed_is_no_wish(
    client: Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standing(client)
    assert looked(client, out, subject()).left > 20
    with monkeypatch.context() as patched:
        patched.setattr(module, "Batches", None)
        with pytest.raises(TypeError):
            looked(client, out, subject())
    erased(client, out, NOBODY)
    assert standing(client) == before
    (out / NAME).unlink()


def test_what_comes_late_is_found_without_its_name_and_goes_with_the_next(client: Client, tmp_path: Path) -> None:
    plant_all(client)
    erased(client, tmp_path)
    plant(client, [*inference("m1", hour(9)), request("late", hour(9), user_id=MARKED)])
    plant(client, [thumb_down("late f", "lone", hour(9)), thumb_down("late by her", "o1", hour(9), rater_id=MARKED)])
    aliased = thumb_down("late by alias", "", hour(9), inference_id=None, aliases=["resp:chatcmpl-m1"])
    plant(client, [aliased, request("hers anew", NOW, user_id=MARKED)])
    found = {name: place["found"] for name, place in looked(client, tmp_path, NOBODY).places.items() if place["found"]}
    late = {"feedback_events (rows)": 3, "aliases (rows)": 2, "inference_parts (rows)": 3}
    assert found == late | {"prompt_vectors (rows)": 2}
    erased(client, tmp_path, subject(users=(), inferences=("another",)))
    assert looked(client, tmp_path, NOBODY).left == 0
    assert "hers anew" in everything(client), "who was erased and comes back is not erased for ever"


def test_a_run_that_was_killed_is_taken_up(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each of some changes: the next run knows nothing but the list and whom it is asked for."""
    plant_all(client)
    command, changes = client.command, 0

    def until_killed(sql: str, *args: object, **kwargs: object) -> object:
        nonlocal changes
        if "ALTER" in sql:
            changes += 1
            if changes in (3, 8):
                raise KeyboardInterrupt
        return command(sql, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(client, "command", until_killed)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                erased(client, tmp_path)
    assert erased(client, tmp_path, NOBODY).left == 0
    assert not [name for name in HERS if name in everything(client).replace("m11, and xm1x", "")]


def test_names_of_all_kinds_are_found_in_dead_letters_and_sql_stays_sql(client: Client, tmp_path: Path) -> None:
    names = ["a.b", "a(b", "x'); DROP TABLE inference_parts; --", 'quo"te', "zwölf", "back\\slash", "tab\there", "€"]
    plant(client, [row for name in names for row in inference(name, hour(1))])
    plant(client, [letter(n, orjson.dumps({"id": name}).decode()) for n, name in enumerate(names)])
    plant(client, [letter(100, "aXb or azb"), *inference("o1", hour(1))])
    receipt = erased(client, tmp_path, subject(users=(), inferences=tuple(names)))
    assert receipt.places["dead_letters (rows)"] == {"found": len(names), "left": 0}
    assert client.query("SELECT offset FROM dead_letters").result_rows == [(100,)]
    assert client.query("SELECT DISTINCT inference_id FROM inference_parts").result_rows == [("o1",)]


def test_thousands_of_inferences_of_one_user_go_together(client: Client, tmp_path: Path) -> None:
    plant(client, [request(f"call-{n:05}", hour(n / 100), user_id=MARKED) for n in range(5000)])
    plant(client, [letter(1, "call-04321"), letter(2, "call-05000")])
    receipt = erased(client, tmp_path, subject(inferences=()))
    assert (receipt.inferences_found, receipt.left) == (5000, 0)
    assert client.query("SELECT offset FROM dead_letters").result_rows == [(2,)]


def test_the_receipt_names_nobody_and_its_log_shows_where_it_was_changed(client: Client, tmp_path: Path) -> None:
    plant(client, [*inference("m1", hour(1)), request("m1", hour(1), user_id=MARKED)])
    erased(client, tmp_path)
    erased(client, tmp_path, subject(users=(), inferences=("o1",)))
    log = (tmp_path / NAME).read_bytes()
    assert not [name for name in HERS if f'"{name}"'.encode() in log]
    lines = [orjson.loads(line) for line in log.splitlines()]
    assert [line["by"] for line in lines] == ["Dana", "Dana"]
    assert lines[0]["users"] == [subject().hash(MARKED)]
    assert lines[0]["elsewhere"] == ["Kafka."]
    verified(tmp_path)
    for wrong in (log.replace(b"Dana", b"Dina", 1), log.splitlines(keepends=True)[1]):
        (tmp_path / NAME).write_bytes(wrong)
        with pytest.raises(BrokenLog, match="line"):
            verified(tmp_path)


def test_clickhouse_hashes_as_we_do(client: Client) -> None:
    name = "ünïcode ☃"
    sql = "SELECT lower(hex(SHA256(concat({salt:String}, {name:String}))))"
    assert client.query(sql, {"salt": "5a17", "name": name}).result_rows == [(subject().hash(name),)]


def test_what_clickhouse_refuses_is_not_called_done(own_client: Client, tmp_path: Path) -> None:
    plant_all(own_client)
    own_client.command("DROP TABLE finding_acks")
    with pytest.raises(ClickHouseError):
        erased(own_client, tmp_path)
    assert not (tmp_path / NAME).exists()
