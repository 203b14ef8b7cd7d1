"""Whatever a person types or a gateway sends is a value to ClickHouse: no statement takes it for SQL, and what is kept
comes back as it was. Compared with plain Python, on a real engine."""

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks import columns, dead_letters, findings, references
from sinks.clickhouse import ClickHouse
from sinks.dead_letters import NoSuchLetter, Place, Wanted
from sinks.findings import NoSuchFinding
from sinks.joins import Joins
from sinks.ledger import rates
from sinks.references import Told
from tests.sinks.found import NOON, found

HOSTILE = (
    *("'", '"', "`", "\\", "\\'", "\\\\'", "\\N", "NULL", "\\x41", "\\u0041", "' OR 1=1 --", "'; DROP TABLE findings;"),
    *(
        "/*",
        "--",
        "{beginning:String}",
        "%s",
        "%00",
        "?",
        "&database=x",
        "],['",
        "\t",
        "a\nb",
        "\r\n",
        "\b\f\v",
        "\x00",
    ),
    *("a\x00b", "\x1b[31m", "é\u202e", "\U0001f600", "\ufffd", "a" * 1000),
)
TEXTS = st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join) | st.text(max_size=30)
FEW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def client(sink: ClickHouse) -> Client:
    """A store with a finding of a segment, and a dead letter of a topic, by each of HOSTILE."""
    segments = [found(f"{number:032x}", segment=segment) for number, segment in enumerate(HOSTILE)]
    sink.insert("finding_events", columns.finding_rows(segments))
    letters = [[topic, 1, 2, 3, "not_json", topic] for topic in HOSTILE]
    named = ["topic", "partition", "offset", "item", "reason", "detail"]
    sink.client.insert("dead_letters", letters, column_names=named)
    return sink.client


@FEW
@given(part=TEXTS)
def test_findings_are_those_whose_segments_contain_it(client: Client, part: str) -> None:
    listed = {each.finding.segment for each in findings.listed(client, segment=part)}
    assert listed == {segment for segment in HOSTILE if part in segment}


@FEW
@given(beginning=TEXTS)
def test_a_finding_is_one_whose_id_begins_so(client: Client, beginning: str) -> None:
    if beginning and any(f"{number:032x}".startswith(beginning) for number in range(len(HOSTILE))):
        return
    with pytest.raises(NoSuchFinding, match="`sluice findings --all` lists them"):
        findings.one(client, beginning)


@FEW
@given(by=TEXTS, note=TEXTS)
def test_what_people_say_comes_back_as_they_said_it(client: Client, by: str, note: str) -> None:
    client.command("TRUNCATE TABLE finding_acks")
    findings.acknowledge(client, f"{0:032x}", by, note, NOON)
    standing = findings.one(client, f"{0:032x}")
    assert (standing.state, standing.by, standing.note) == ("acknowledged", by, note)
    client.command("TRUNCATE TABLE reference_log")
    line = Told(NOON, by, note, "pin", by, note)
    references.write(client, [line])
    assert references.told(client, by) == [line]


@FEW
@given(topic=TEXTS)
def test_letters_are_those_of_the_topic_and_the_place(client: Client, topic: str) -> None:
    wanted = [each for each in HOSTILE if topic in ("", each)]
    assert sorted(each.topic for each in dead_letters.counts(client, Wanted(topic=topic))) == sorted(wanted)
    assert [each.place.topic for each in dead_letters.letters(client, Wanted(topic=topic), ["waiting"])] == sorted(
        wanted, key=str.encode
    )
    if topic in HOSTILE:
        assert dead_letters.one(client, Place(topic, 1, 2, 3)).detail == topic
    else:
        with pytest.raises(NoSuchLetter):
            dead_letters.one(client, Place(topic, 1, 2, 3))


@FEW
@given(names=st.lists(TEXTS, min_size=1, max_size=4))
def test_lists_of_names_are_values_too(client: Client, sink: ClickHouse, names: list[str]) -> None:
    joins, placed = Joins(sink), [(name, 0) for name in names]
    assert joins.asked(placed) == {}
    assert joins.askers(placed) == {}
    joins.shadow(placed)
    assert rates(client, names, 10) == []


def test_all_tables_are_still_there(client: Client) -> None:
    """Run last: none of the values above was a statement."""
    assert len(findings.listed(client, closed=True)) == len(HOSTILE)
    assert client.query("SELECT count() FROM dead_letters").result_rows == [(len(HOSTILE),)]
