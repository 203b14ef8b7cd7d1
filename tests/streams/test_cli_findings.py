"""The command line over a store that holds findings: what a tired person reads, and what becomes of their word."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from click.testing import Result

from deploy.local.broker import KafkaServer
from sinks import columns, findings, references
from sinks.clickhouse import ClickHouse, migrate
from streams import topics
from streams.commands import Command, unpack
from streams.events import HOURS, Finding, ReferenceRow
from streams.settings import Settings
from tests.sinks.found import FULL, NOON, SEGMENT, began, found, over
from tests.streams.test_cli import sluice

HOSTILE = "\x1b]0;owned\x07[red]\n\u202e:warning:\x9b31m小"
HARMLESS = r"\x1b]0;owned\x07[red]\n\u202e:warning:\x9b31m小"
NOWHERE = "127.0.0.1:1"


class Store:
    """A database, and the command line over it."""

    def __init__(self, url: str) -> None:
        self.sink = ClickHouse(url)
        migrate(self.sink.client)

    def say(self, *statements: Finding) -> None:
        self.sink.insert("finding_events", columns.finding_rows(statements))

    def learn(self, *rows: ReferenceRow) -> None:
        self.sink.insert("references", columns.reference_rows(rows))

    def run(self, *words: str, **given: str) -> Result:
        given = {"SLUICE_CLICKHOUSE_URL": self.sink.url, "SLUICE_KAFKA_BOOTSTRAP": NOWHERE} | given
        said = sluice(*words, **given)
        assert all(each.isprintable() for each in said.output.splitlines()), said.output
        return said

    def lines(self, *words: str, **given: str) -> list[str]:
        said = self.run(*words, **given)
        assert said.exit_code == 0, said.output
        return said.stdout.splitlines()

    def refused(self, *words: str, **given: str) -> str:
        said = self.run(*words, **given)
        assert (said.exit_code, said.stdout) == (2, "")
        return said.stderr


@pytest.fixture
def store(clickhouse_url: str) -> Iterator[Store]:
    store = Store(f"{clickhouse_url}/cli_{uuid4().hex}")
    yield store
    store.sink.client.command(f"DROP DATABASE {store.sink.client.database}")
    store.sink.close()


def row(metric: str, segment: str = SEGMENT, **changes: Any) -> ReferenceRow:
    hours = [0.02 + 0.001 * (hour % 24) for hour in range(HOURS)]
    learned: dict[str, Any] = {
        "said_unix_nano": NOON,
        "state": "rolling",
        "weeks": 2.5,
        "unit": "",
        "expected": tuple(hours),
        "band_low": tuple(0.9 * each for each in hours),
        "band_high": tuple(1.1 * each for each in hours),
        "events": 40_000,
    }
    return ReferenceRow(segment=segment, metric=metric, **learned | changes)


# --- findings ---


def test_nothing_is_said_in_a_word(store: Store) -> None:
    assert store.lines("findings") == ["Nothing is open."]
    assert store.lines("findings", "--all") == ["Nothing."]
    assert json.loads("".join(store.lines("findings", "--json"))) == []
    assert store.lines("incidents") == ["Nothing is open that several segments have in common."]


def test_the_list_is_a_line_each_open_ones_first(store: Store) -> None:
    gone = began("b" * 32, 9)
    store.say(FULL, began("a" * 32, 5, metric="duration_s", mean_before=1.761, mean_after=3.43), gone, over(gone, 20))
    header, *rows, last = store.lines("findings", "--all")
    assert last == "Each has a page: http://127.0.0.1:6066/findings/ID"
    assert header.split() == ["state", "id", "since", "what", "change", "segment"]
    assert [re.split(r" {2,}", line) for line in rows] == [
        ["open", "a" * 12, "2026-11-09T12:05:00Z", "duration_s up", "1.76 s → 3.43 s", SEGMENT],
        ["open", FULL.finding_id[:12], "2026-11-09T12:00:00Z", "error up", "2.26% → 10%", SEGMENT],
        ["closed", "b" * 12, "2026-11-09T12:09:00Z", "error up", "2.26% → 10%", SEGMENT],
    ]
    assert len(store.lines("findings")) == 4
    assert store.lines("findings", "--segment", "nowhere") == ["Nothing is open."]
    assert len(store.lines("findings", "--segment", "aurora", "--all")) == 5


def test_json_has_all_that_is_known(store: Store) -> None:
    store.say(FULL)
    store.lines("findings", "ack", "0123", "--by", "ann", "--note", "looking")
    (listed,) = json.loads("".join(store.lines("findings", "--json")))
    acknowledged = listed.pop("acknowledged")
    assert listed.pop("page") == f"http://127.0.0.1:6066/findings/{FULL.finding_id}"
    assert listed == json.loads(FULL.model_dump_json()) | {"state": "acknowledged"}
    assert (acknowledged["by"], acknowledged["note"]) == ("ann", "looking")


def test_a_page_explains_a_finding(store: Store) -> None:
    store.say(FULL)
    assert store.lines("findings", "show", "01") == [
        f"OPEN  error up  {SEGMENT}",
        "  id          0123456789abcdef0123456789abcdef",
        "  since       2026-11-09T12:00:00Z, the segment's inference 41,233 (estimated)",
        "  noticed     2026-11-09T12:02:00Z, 474 inferences later",
        "  before      2.26% (2.1% to 2.43%), over 40,000 events",
        "  after       10% (8% to 12.5%), over 474 events: 4.42 times",
        "  evidence    chance below 1 in 10^9, seconded, says e-sr",
        "  carried by  92% of it provider=azure",
        "  carried by  40% of it tool=search",
        "  new before  response_model aurora-5",
        "  with it     output_tokens down 241 → 154",
        "  noticed at  call-41707",
        "  e.g. before call-7",
        "  e.g. before call-8",
        "  e.g. after  call-41300",
        "  page        http://127.0.0.1:6066/findings/0123456789abcdef0123456789abcdef",
        "What to do: look at response_model aurora-5 first: new when it began. Roll back, or mend it. "
        "`sluice findings ack 0123456789ab --by NAME` says that you are on it. "
        "`sluice findings accept 0123456789ab --by NAME` says that this is the new normal.",
    ]


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, "look at response_model aurora-5 first"),
        ({"versions": []}, "look at provider=azure first: it carries most of it"),
        ({"versions": [], "slices": [], "learning": True}, "less than a week was learned"),
        ({"versions": [], "slices": [], "direction": "down"}, "it changed for the better"),
        ({"versions": [], "slices": FULL.slices[1:]}, "compare the examples before and after"),
        ({"versions": [], "slices": [], "metric": "input_text", "direction": "other"}, "compare the examples"),
    ],
)
def test_the_page_says_where_to_look_first(store: Store, changes: dict[str, Any], first: str) -> None:
    store.say(found("a", **changes))
    assert store.lines("findings", "show", "a")[-1].startswith(f"What to do: {first}")


def test_a_page_names_the_incident(store: Store) -> None:
    store.say(began("a", 0), began("b", 3, segment="other"))
    page = store.lines("findings", "show", "b")
    assert "  incident    a: 2 findings in 2 segments" in page
    assert page[-1].startswith("What to do: look at the whole incident first: 2 segments have it (`sluice incidents`)")


def test_what_is_over_asks_for_nothing(store: Store) -> None:
    store.say(FULL, over(FULL, 60))
    page = store.lines("findings", "show", "0")
    assert page[0].startswith("CLOSED  ")
    assert "  closed      2026-11-09T13:00:00Z" in page
    assert page[-1] == "What to do: nothing, the stream has returned by itself."
    said = store.run("findings", "accept", "0", "--by", "ann")
    assert (said.exit_code, "It is over: the stream has returned" in said.stderr) == (2, True)


def test_a_heavy_use_is_acknowledged_and_never_accepted(store: Store) -> None:
    store.say(found("a", segment="users/3", metric="tokens/user", subject="u_0123", versions=[], slices=[]))
    itself = "It closes by itself: such a use has no reference."
    assert store.lines("findings", "show", "a")[-1].endswith(f"` says that you are on it. {itself}")
    assert "`sluice findings ack a --by ann` says that somebody knows." in store.refused(
        "findings", "accept", "a", "--by", "ann"
    )
    assert references.told(store.sink.client, "users/3") == []
    assert store.run("findings", "ack", "a", "--by", "ann").exit_code == 0
    assert store.lines("findings", "show", "a")[-1].endswith(f"before and after. {itself}")


def test_who_acknowledges_is_seen_by_the_next(store: Store) -> None:
    store.say(FULL)
    (line,) = store.lines("findings", "ack", "0123", "--by", "ann", "--note", "rolling back")
    assert line == f"Acknowledged by ann: {FULL}"
    assert store.lines("findings")[1].startswith("acknowledged (ann)  0123456789ab")
    page = store.lines("findings", "show", "0123", SLUICE_PAGES_URL="https://ops.example/")
    assert page[0].startswith("ACKNOWLEDGED  ")
    assert re.fullmatch(r"  seen        by ann, 20\S+Z: rolling back", page[-3])
    assert page[-2] == f"  page        https://ops.example/findings/{FULL.finding_id}"
    assert "findings ack" not in page[-1]


def test_an_id_that_is_none_or_of_several_names_the_cure(store: Store) -> None:
    store.say(began("ab1", 0), began("ab2", 0))
    for command in (("show",), ("ack", "--by", "ann"), ("accept", "--by", "ann")):
        none = store.refused("findings", command[0], "x", *command[1:])
        assert none == "sluice: No finding's id begins with 'x': `sluice findings --all` lists them.\n"
        several = store.refused("findings", command[0], "ab", *command[1:])
        assert re.fullmatch(r"sluice: More than one finding's id .*: give more of it \(ab1, ab2 …\)\.\n", several)
    assert store.sink.client.query("SELECT count() FROM finding_acks").result_rows == [(0,)]


def test_what_strangers_wrote_does_nothing_to_a_terminal(store: Store) -> None:
    slices = [each.model_copy(update={"dimension": HOSTILE, "value": HOSTILE}) for each in FULL.slices]
    also = [each.model_copy(update={"metric": HOSTILE, "direction": HOSTILE}) for each in FULL.also]
    words = dict.fromkeys(("segment", "metric", "subject", "inference_id", "detector"), HOSTILE)
    lists = {name: [HOSTILE] for name in ("versions", "examples_before", "examples_after")}
    store.say(began("a", 0, **words, **lists, slices=slices, also=also), began("b", 1, segment="other", metric=HOSTILE))
    store.learn(row(HOSTILE, segment=HOSTILE))
    ack = store.lines("findings", "ack", "a", "--by", HOSTILE, "--note", HOSTILE)
    for said in (
        ack,
        store.lines("findings"),
        store.lines("findings", "show", "a"),
        store.lines("incidents"),
        store.lines("reference", "show", HOSTILE),
    ):
        assert HARMLESS in "\n".join(said)
    as_json = store.lines("findings", "--json")
    assert "".join(as_json).isascii()
    assert HOSTILE in {each["segment"] for each in json.loads("".join(as_json))}
    assert "\\x1b" in store.refused("reference", "show", f"{HOSTILE}x")


# --- incidents ---


def test_incidents_say_what_their_segments_have_in_common(store: Store) -> None:
    for n in range(12):
        name = f"s{n}|-|{'aurora' if n < 4 else 'basalt'}|-"
        store.sink.client.command(
            "INSERT INTO inference_parts (inference_id, time, ingest_time, segment) "
            "SELECT {name:String}, '2026-11-09 09:00:00', now64(3), {name:String}",
            {"name": name},
        )
    hit = [began(f"{n}" * 32, n, segment=f"s{n}|-|aurora|-") for n in range(3)]
    store.say(*hit)
    assert store.lines("incidents") == [
        f"{'0' * 12}  open since 2026-11-09T12:00:00Z: 3 findings in 3 of 12 segments, error",
        "  model=aurora: 3 of its 4 segments, 3 of 3 findings",
        f"  findings {'0' * 12} {'1' * 12} {'2' * 12}",
    ]
    store.say(*(over(each, 60) for each in hit))
    assert store.lines("incidents") == ["Nothing is open that several segments have in common."]
    assert "closed since 2026-11-09T12:00:00Z until 2026-11-09T13:02:00Z" in store.lines("incidents", "--all")[0]


# --- references ---


def test_a_reference_is_a_drawing_of_its_week(store: Store) -> None:
    store.learn(row("error"), row("duration_s", expected=(2.0,) * HOURS, state="pinned", weeks=1.0))
    drawn = store.lines("reference", "show", "aurora", "error")
    assert drawn[:2] == [
        f"error of {SEGMENT}",
        "  rolling; learned from 2.5 weeks, 40,000 events up to 2026-11-09T12:00:00Z",
    ]
    day = "▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▆▇▇▇██"
    assert drawn[3] == f"  Mon  {day}  {'2% to 4.3%':18}  1.8% to 4.73%"
    assert [line[2:5] for line in drawn[3:10]] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    both = store.lines("reference", "show", "aurora")
    assert f"duration_s of {SEGMENT}" in both
    assert "  pinned; learned from 1 week, 40,000 events up to 2026-11-09T12:00:00Z" in both
    assert f"  Mon  {'▅' * 24}  2 s to 2 s" in {line[:43].rstrip() for line in both}


def test_hours_that_nobody_knows_are_dots(store: Store) -> None:
    unknown = (float("nan"),)
    store.learn(row("error", expected=unknown * 24 + (0.5,) * 144, band_low=unknown * HOURS, band_high=unknown * HOURS))
    monday, tuesday = store.lines("reference", "show", "aurora")[3:5]
    assert monday == f"  Mon  {'·' * 24}  {'unknown':18}  unknown"
    assert tuesday == f"  Tue  {'▅' * 24}  {'50% to 50%':18}  unknown"
    store.learn(row("empty", expected=unknown * HOURS))
    assert store.lines("reference", "show", "aurora", "empty")[9].startswith(f"  Sun  {'·' * 24}  unknown")


def test_what_is_not_learned_yet_is_said(store: Store) -> None:
    assert "There are none yet." in store.refused("reference", "show", "x")
    store.learn(row("error"))
    (line,) = store.lines("reference", "show", "aurora", "empty")
    assert line == f"Of empty in {SEGMENT} nothing is learned yet; of error it is."
    said = store.run("reference", "pin", "aurora", "empty", "--by", "ann")
    assert (said.exit_code, f"No reference of 'empty' in '{SEGMENT}': there are error." in said.stderr) == (2, True)


# --- a person's word ---


@pytest.fixture
def kafka(broker: KafkaServer) -> Settings:
    held = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=f"cli-{uuid4().hex}.")
    asyncio.run(topics.ensure(held))
    return held


def sent(held: Settings, count: int) -> list[tuple[str, Command]]:
    """Return the first commands that Kafka has, with their segments."""

    async def read() -> list[tuple[str, Command]]:
        topic = held.topic_prefix + topics.MEASUREMENTS.name
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=held.kafka_bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        records = [await asyncio.wait_for(consumer.getone(), 90) for _ in range(count)]
        await consumer.stop()
        return [(record.key.decode(), unpack(record.value)) for record in records]

    return asyncio.run(read())


def to(held: Settings) -> dict[str, str]:
    return {"SLUICE_KAFKA_BOOTSTRAP": held.kafka_bootstrap, "SLUICE_TOPIC_PREFIX": held.topic_prefix}


def test_accepting_tells_the_detectors_and_is_written_down(store: Store, kafka: Settings) -> None:
    store.say(FULL)
    (line,) = store.lines("findings", "accept", "0123", "--by", "ann", "--note", "cheaper model", **to(kafka))
    assert line == f"The new normal of {SEGMENT}, says ann: error, output_tokens."
    told = sent(kafka, 2)
    assert [(segment, each.action, each.metric, each.by, each.note) for segment, each in told] == [
        (SEGMENT, "accept", metric, "ann", "cheaper model") for metric in ("error", "output_tokens")
    ]
    standing = findings.one(store.sink.client, "0123")
    assert (standing.state, standing.by, standing.note) == ("acknowledged", "ann", "cheaper model")
    log = references.told(store.sink.client, SEGMENT)
    assert [(each.action, each.metric, each.time_unix_nano) for each in log] == [
        ("accept", each.metric, each.time_unix_nano) for _, each in told
    ]


@pytest.mark.parametrize("action", ["pin", "unpin", "reset"])
def test_a_word_about_a_reference_goes_to_its_segment_and_into_the_audit(
    store: Store, kafka: Settings, action: str
) -> None:
    store.learn(row("error"), row("error", segment="other"))
    (line,) = store.lines("reference", action, "aurora", "--by", "ann", "--note", "why", **to(kafka))
    assert line == f"{action} every metric of {SEGMENT}: Kafka has it, its worker does it in its turn."
    store.lines("reference", action, "other", "error", "--by", "bob", **to(kafka))
    told = dict(sent(kafka, 2))
    assert (told[SEGMENT].action, told[SEGMENT].metric, told[SEGMENT].note) == (action, "*", "why")
    assert (told["other"].metric, told["other"].by) == ("error", "bob")
    assert re.fullmatch(rf"20\S+Z  {action} \*, by ann \(why\)", store.lines("reference", "show", "aurora")[-1])


def test_what_kafka_does_not_have_is_neither_written_down_nor_acknowledged(store: Store) -> None:
    store.say(FULL)
    store.learn(row("error"))
    for words in (("findings", "accept", "0123"), ("reference", "reset", "aurora")):
        assert f"Kafka does not answer at {NOWHERE}" in store.refused(*words, "--by", "ann")
    assert references.told(store.sink.client, SEGMENT) == []
    assert findings.one(store.sink.client, "0123").state == "open"


def test_what_is_done_and_not_written_down_is_said_to_be_so(store: Store, kafka: Settings) -> None:
    store.learn(row("error"))
    store.sink.client.command("DROP TABLE reference_log")
    said = store.refused("reference", "reset", "aurora", "--by", "ann", **to(kafka))
    assert re.fullmatch(r"sluice: The detectors are told, but ClickHouse did not write .* twice is once\.\n", said)
    assert [segment for segment, _ in sent(kafka, 1)] == [SEGMENT]
