"""`sluice grafana push`: a Grafana gets what is ours, once, and keeps what is not ours."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from deploy.grafana.names import DASHBOARD, UID
from streams.cli import main
from tests.grafana_server import TOKEN, Grafana, Refused, conforms, running

PASSWORD = "read/only#please"  # noqa: S105  # of nothing
CLICKHOUSE = "https://reader:read%2Fonly%23please@ch.example:9440/sluice"


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grafana]:
    with running() as served:
        monkeypatch.setenv("SLUICE_GRAFANA_URL", served.url)
        monkeypatch.setenv("SLUICE_GRAFANA_TOKEN", TOKEN)
        yield served


def push(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["grafana", "push", "--clickhouse-url", CLICKHOUSE, *arguments])


def test_the_first_push_makes_all_of_it(grafana: Grafana) -> None:
    pushed = push()
    assert pushed.exit_code == 0, pushed.output
    assert len(pushed.output.splitlines()) == 8
    assert all(line.startswith("made ") for line in pushed.output.splitlines())
    assert list(grafana.folders) == ["sluice"]
    assert set(grafana.sources) == set(UID.values())
    assert len(grafana.pages) == 5
    assert all(uid.startswith(DASHBOARD) for uid in grafana.pages)
    assert {page["meta"]["folderUid"] for page in grafana.pages.values()} == {"sluice"}
    clickhouse = grafana.sources["sluice-clickhouse"]["jsonData"]
    assert (clickhouse["host"], clickhouse["port"], clickhouse["secure"]) == ("ch.example", 9440, True)
    assert (clickhouse["username"], clickhouse["defaultDatabase"]) == ("reader", "sluice")
    assert grafana.secrets == {"sluice-clickhouse": {"password": PASSWORD}}


def test_the_second_push_changes_nothing(grafana: Grafana) -> None:
    push()
    held, grafana.writes[:] = grafana.held(), []
    pushed = push()
    assert all(line.startswith("as it should be ") for line in pushed.output.splitlines())
    assert grafana.writes == ["PUT /datasources/uid/sluice-clickhouse"]  # its password, which nobody can look at
    now = grafana.held()
    now["sources"]["sluice-clickhouse"]["version"] -= 1
    assert now == held


def test_what_was_changed_by_hand_is_put_right_and_nothing_else(grafana: Grafana) -> None:
    push()
    grafana.pages["sluice-drift"]["dashboard"]["title"] = "Mine now"
    grafana.pages["sluice-review"]["meta"]["folderUid"] = "elsewhere"
    pushed = push("--prometheus-url", "http://other:9090")
    changed = [line.split(maxsplit=1)[1] for line in pushed.output.splitlines() if line.startswith("changed")]
    assert changed == [
        "data source Sluice Prometheus",
        "dashboard Sluice: drift and findings",
        "dashboard Sluice: review loop",
    ]
    assert grafana.sources["sluice-prometheus"]["url"] == "http://other:9090"


def test_links_lead_to_where_the_pages_are(grafana: Grafana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_PAGES_URL", "https://sluice.example/team/")
    push()
    for page in grafana.pages.values():
        (constant,) = (each for each in page["dashboard"]["templating"]["list"] if each["name"] == "pages_url")
        assert constant["query"] == "https://sluice.example/team"


def test_what_others_made_is_left_alone(grafana: Grafana) -> None:
    grafana.folders["theirs"] = {"uid": "theirs", "title": "Theirs", "id": 7}
    grafana.sources["theirs"] = {"uid": "theirs", "name": "Prometheus", "type": "prometheus", "id": 8}
    grafana.pages["theirs"] = {"dashboard": {"uid": "theirs", "title": "Theirs", "tags": ["sluice"]}, "meta": {}}
    before = grafana.held()
    assert push().exit_code == 0
    after = grafana.held()
    for room in ("folders", "sources", "pages"):
        assert after[room]["theirs"] == before[room]["theirs"]


TAKEN = {
    "dashboard": ("pages", "sluice-overview", {"dashboard": {"title": "Dams", "tags": []}, "meta": {}}),
    "folder": ("folders", "sluice", {"uid": "sluice", "title": "Sluice gates", "id": 1}),
    "uid": ("sources", "sluice-clickhouse", {"uid": "sluice-clickhouse", "name": "Theirs", "jsonData": {}}),
    "name": ("sources", "other", {"uid": "other", "name": "Sluice Prometheus", "jsonData": {"madeBy": "sluice"}}),
}


@pytest.mark.parametrize("case", TAKEN)
def test_where_a_name_of_ours_is_taken_nothing_is_changed(grafana: Grafana, case: str) -> None:
    room, uid, theirs = TAKEN[case]
    getattr(grafana, room)[uid] = theirs
    before = grafana.held()
    pushed = push()
    assert pushed.exit_code == 2
    assert pushed.output.startswith("sluice: Nothing was changed.")
    assert "not ours" in pushed.output
    assert (grafana.held(), grafana.writes) == (before, [])


def test_what_is_provisioned_is_left_to_its_files(grafana: Grafana) -> None:
    push()
    grafana.sources["sluice-clickhouse"]["readOnly"] = True
    grafana.pages["sluice-drift"]["meta"]["provisioned"] = True
    grafana.pages["sluice-drift"]["dashboard"]["title"] = "Ours, of another version"
    held, grafana.writes[:] = grafana.held(), []
    assert push().exit_code == 0
    assert (grafana.held(), grafana.writes) == (held, [])


def test_it_says_why_it_could_not(grafana: Grafana, monkeypatch: pytest.MonkeyPatch) -> None:
    grafana.refuses["sluice-models"] = Refused(500, "the disk is full")
    assert "refuses: Server Error 500: the disk is full" in push().output
    monkeypatch.setenv("SLUICE_GRAFANA_TOKEN", "another")
    assert "Unauthorized. May the token do that? It needs Admin." in push().output
    monkeypatch.setenv("SLUICE_GRAFANA_URL", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 is away (ConnectionError): is SLUICE_GRAFANA_URL right?" in push().output
    monkeypatch.setenv("SLUICE_GRAFANA_URL", "")
    assert "Set SLUICE_GRAFANA_URL" in push().output
    for said in (push(), push()):
        assert said.exit_code == 2
        assert "Traceback" not in said.output


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/annotations", {"time": 1}),
        ("POST", "/annotations", {"text": "a", "time": None}),
        ("POST", "/annotations", {"text": "a", "colour": "red"}),
        ("POST", "/dashboards/db", {"dashboard": "{}"}),
        ("PUT", "/dashboards/db", {"dashboard": {}}),
        ("DELETE", "/annotations/1", {}),
    ],
)
def test_the_server_of_these_tests_takes_only_what_the_document_takes(method: str, path: str, body: object) -> None:
    with pytest.raises(Refused):
        conforms(method, path, [], body)
