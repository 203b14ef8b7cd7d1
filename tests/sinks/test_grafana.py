"""An annotation for each finding: once, whoever writes it; a region when it is over; its text harmless."""

from collections.abc import Iterator

import pytest

from deploy.grafana import names
from sinks.base import SinkBusy
from sinks.grafana import TAGS, Annotations, connect
from tests.grafana_server import TOKEN, USER, Grafana, Refused, running
from tests.sinks.found import FULL, MINUTE, NOON, began, found, over

PAGES = "https://sluice.example/"
NOON_MS = NOON // 1_000_000
MINUTE_MS = MINUTE // 1_000_000


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running() as served:
        yield served


def annotations(grafana: Grafana, token: str = TOKEN) -> Annotations:
    return Annotations(connect(grafana.url, token), PAGES)


def test_dashboards_show_what_is_written() -> None:
    assert names.FINDINGS_TAGS == TAGS


def test_a_finding_opens_as_a_point_and_is_a_region_once_it_is_over(grafana: Grafana) -> None:
    keeps = annotations(grafana)
    assert keeps.keep([FULL]) == 0
    (note,) = grafana.annotations.values()
    assert (note["time"], note["timeEnd"]) == (NOON_MS, NOON_MS)
    assert note["tags"] == ["sluice", "finding", "error", FULL.finding_id]
    assert f'<a href="https://sluice.example/findings/{FULL.finding_id}">' in note["text"]
    assert "error up in chat|/v1|aurora-large|production" in note["text"]

    keeps.keep([over(FULL, 30)])
    (note,) = grafana.annotations.values()
    assert (note["time"], note["timeEnd"]) == (NOON_MS, NOON_MS + 30 * MINUTE_MS)
    assert note["text"].startswith("OVER: ")
    assert [write.split()[0] for write in grafana.writes] == ["POST", "PATCH"]


def test_twice_is_once(grafana: Grafana) -> None:
    findings = [FULL, over(began("ab" * 16, 5), 10)]
    keeps = annotations(grafana)
    keeps.keep(findings)
    held, grafana.writes[:] = grafana.held(), []
    keeps.keep(findings)
    annotations(grafana).keep(findings)  # another worker leads
    assert (grafana.held(), grafana.writes) == (held, [])


def test_of_two_leaders_annotations_one_stays(grafana: Grafana) -> None:
    annotations(grafana).keep([FULL])
    (note,) = grafana.annotations.values()
    grafana.annotations[99] = note | {"id": 99}
    annotations(grafana).keep([FULL])
    assert list(grafana.annotations) == [note["id"]]


def test_what_others_noted_is_left_alone(grafana: Grafana) -> None:
    theirs = {"id": 5, "time": NOON_MS, "timeEnd": NOON_MS, "tags": ["finding", FULL.finding_id], "text": "mine"}
    grafana.annotations[5] = dict(theirs)
    annotations(grafana).keep([FULL])
    annotations(grafana).keep([over(FULL, 9)])
    assert grafana.annotations[5] == theirs
    assert len(grafana.annotations) == 2


def test_names_that_strangers_chose_are_text(grafana: Grafana) -> None:
    hostile = {"segment": "<img src=x onerror=alert(1)>|/v1|\"'|&", "metric": f"feature.{'x' * 200}"}
    annotations(grafana).keep([found("cd" * 16, **hostile)])
    (note,) = grafana.annotations.values()
    assert max(map(len, note["tags"])) == 100
    assert "<img" not in note["text"]
    assert "&lt;img src=x onerror=alert(1)&gt;" in note["text"]


def test_one_that_is_refused_holds_up_no_other(grafana: Grafana) -> None:
    grafana.refuses["ab" * 16] = Refused(400, "no")
    keeps = annotations(grafana)
    assert keeps.keep([found("ab" * 16), FULL]) == 1
    assert len(grafana.annotations) == 1
    assert keeps.keep([found("ab" * 16), FULL]) == 0, "it is not asked again until the finding says something new"


@pytest.mark.parametrize("status", [500, 403, 429])
def test_what_is_missed_while_it_is_away_is_written_later(grafana: Grafana, status: int) -> None:
    keeps = annotations(grafana)
    grafana.refuses["annotations"] = Refused(status, "not now")
    with pytest.raises(SinkBusy, match="Grafana"):
        keeps.keep([FULL])
    grafana.refuses.clear()
    assert keeps.keep([FULL]) == 0
    assert len(grafana.annotations) == 1


def test_a_wrong_token_or_address_is_said(grafana: Grafana) -> None:
    with pytest.raises(SinkBusy, match="SLUICE_GRAFANA_TOKEN"):
        annotations(grafana, "another").keep([FULL])
    with pytest.raises(SinkBusy, match="SLUICE_GRAFANA_URL"):
        Annotations(connect("http://127.0.0.1:9", TOKEN), PAGES).keep([FULL])


def test_a_user_and_a_password_let_in_too(grafana: Grafana) -> None:
    annotations(grafana, USER).keep([FULL])
    assert len(grafana.annotations) == 1


def test_an_address_may_have_a_path() -> None:
    assert connect("https://example.org/grafana/", TOKEN).api.url == "https://example.org/grafana/api"
    assert connect("http://127.0.0.1:3000", TOKEN).api.url == "http://127.0.0.1:3000/api"
