"""What the pages say: of the worker, of findings and batches, and of what cannot be known just now."""

import re
import urllib.error
import urllib.request
from http.client import HTTPConnection
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest

from deploy.local.processes import free_port
from sinks.review.audit import State
from streams.findings import message
from streams.health import Health
from streams.status_page.batch_words import NEXT
from streams.status_page.routes import ASSETS
from tests.sinks.found import FULL, SEGMENT
from tests.streams.status_page.scene import Scene, moving, served


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  # http, of the scene
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as told:
        return told.code, told.read().decode()


def status(scene: Scene, after: float = 0.0) -> dict[str, Any]:
    code, body = get(f"{scene.url}/api/status?after={after}")
    assert code == 200
    document: dict[str, Any] = orjson.loads(body)
    return document


def test_the_document_has_the_worker_and_what_all_have_in_common(scene: Scene) -> None:
    said = status(scene)
    assert said["headline"] == {"tone": "look", "words": "2 findings that nobody has acknowledged."}
    assert (said["health"]["live"], said["health"]["ready"]) == (True, True)
    assert len(said["samples"]) == 720
    assert 0.04 < said["now"]["failed"] < 0.12
    assert 1 < said["now"]["p50"] < said["now"]["p95"] < 13
    assert said["segments"][0]["name"] == SEGMENT
    assert said["segments"][0]["failed"] > 0.08 > said["segments"][1]["failed"]
    first, *rest = said["partitions"]
    assert (first["words"], first["lag"], first["end"] - first["confirmed"]) == ("moves", 420, 420)
    assert {each["words"] for each in rest} == {"nothing to read"}
    assert [each["state"] for each in said["group"]["open"]] == ["open", "open"]
    assert [each["id"] for each in said["group"]["over"]] == ["c" * 32]
    assert len(said["group"]["rates"]) >= 350
    assert said["group"]["trouble"] == ""


def test_only_what_is_new_is_sent_again(scene: Scene) -> None:
    last = status(scene)["samples"][-1][0]
    again = status(scene, last)
    assert again["samples"] == []
    assert len(again["group"]["rates"]) <= 4
    assert get(f"{scene.url}/api/status?after=yesterday")[0] == 400


def test_batches_say_what_comes_next(scene: Scene) -> None:
    cut, decided = status(scene)["batches"]
    assert (cut["name"], cut["state"], cut["items"], cut["decided"]) == ("2026-W46", "cut", 60, 0)
    assert cut["words"].startswith("waits for people: export it, or decide with `sluice batch review`; people could")
    assert (decided["name"], decided["state"], decided["words"][:16]) == ("2026-W45", "in_review", "is being decided")
    assert 0 < decided["decided"] <= 25, "some may need two people"
    assert set(NEXT) == set(State)


@pytest.mark.parametrize(
    ("health", "words", "why"),
    [
        (Health(), "This worker waits. Nothing is lost.", "No partitions are assigned yet"),
        (moving(90, still_s=300.0), "This worker does not move: it needs a new start.", "has not moved for 300 s"),
    ],
)
def test_the_headline_says_what_health_says(scene: Scene, health: Health, words: str, why: str) -> None:
    before, scene.health = scene.health, health
    try:
        said = status(scene)
    finally:
        scene.health = before
    assert said["headline"] == {"tone": "wrong", "words": words}
    assert why in said["health"]["why"][0]


def test_a_store_that_is_away_is_said_and_the_worker_shown(tmp_path: Path) -> None:
    with served(f"http://127.0.0.1:{free_port()}/nowhere", tmp_path, up_s=60) as scene:
        scene.live(60)
        said = status(scene)
        assert said["headline"]["words"] == "The store does not answer: what is found now is not known."
        assert re.match(r"ClickHouse at http://127.0.0.1:\d+ does not answer", said["group"]["trouble"])
        assert (said["group"]["open_in_all"], said["now"]["events_all"]) == (None, None)
        assert said["now"]["answers"] > 0
        assert said["batches"] == []
        code, page = get(f"{scene.url}/findings/ab")
        assert code == 503
        assert "load this page again when the store is back" in page


def test_a_findings_page_says_what_the_terminal_says_and_nothing_that_was_said_in_inferences(scene: Scene) -> None:
    code, page = get(f"{scene.url}/findings/{FULL.finding_id}")
    assert code == 200
    for said in (
        "error up",
        SEGMENT,
        "2.26% (2.1% to 2.43%), over 40,000 events",
        "10% (8% to 12.5%), over 474 events: 4.42 times",
        "chance below 1 in 10^9, seconded, says e-sr",
        "provider=azure",
        "call-7",
        "call-41300",
        "docs/runbooks/finding.md",
        "<code>sluice findings ack 0123456789ab --by NAME</code>",
        "calls that failed or were never answered",
    ):
        assert said in page
    assert get(f"{scene.url}/findings/{FULL.finding_id[:12]}") == (code, page)
    code, none = get(f"{scene.url}/findings/ffff%3Cb%3E")
    assert code == 404
    assert "ffff&lt;b&gt;" in none
    assert "sluice findings --all" in none


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ({"segment": SEGMENT, "metric": "error"}, f"findings/{FULL.finding_id}"),
        ({"segment": SEGMENT, "metric": "duration_s"}, "./#findings"),
        ({}, "./#findings"),
        ({"segment": "//evil.example", "metric": "\r\nSet-Cookie: a=b"}, "./#findings"),
    ],
)
def test_an_alert_leads_to_its_finding(scene: Scene, asked: dict[str, str], leads_to: str) -> None:
    connection = HTTPConnection(urlsplit(scene.url).netloc, timeout=20)
    connection.request("GET", f"/findings?{urlencode(asked)}")
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.headers["Location"]) == (302, leads_to)


def test_a_report_is_served_of_whole_batches_alone(scene: Scene, decided_batches: Path) -> None:
    whole = f"{scene.url}/batches/2026-W46/report.html"
    with urllib.request.urlopen(whole, timeout=20) as answer:  # noqa: S310  # http, of the scene
        assert answer.read() == (decided_batches / "2026-W46" / "report.html").read_bytes()
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox allow-scripts" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for other in ("2026-W47", "..", "%2e%2e", "..%2f2026-W46", "%2Fetc%2Fpasswd%00", "2026-W46%2freview", "."):
        assert get(f"{scene.url}/batches/{other}/report.html")[0] == 404
    for asset in ("..%2froutes.py", "..", "status.html", "uPlot-LICENSE%00"):
        assert get(f"{scene.url}/assets/{asset}")[0] == 404


def test_what_is_vendored_names_its_version_and_has_its_licence_beside_it() -> None:
    folder = files("streams.status_page").joinpath("assets")
    (name,) = (each for each in ASSETS if each.startswith("uPlot") and each.endswith(".js"))
    version = re.fullmatch(r"uPlot-([\d.]+)\.iife\.min\.js", name)
    assert version
    assert f"uPlot (v{version[1]})" in folder.joinpath(name).read_text(encoding="utf-8")[:200]
    assert "MIT License" in folder.joinpath("uPlot-LICENSE").read_text(encoding="utf-8")
    assert {each.name for each in folder.iterdir()} == {*ASSETS, "uPlot-LICENSE"}


def test_the_topic_of_findings_names_the_page() -> None:
    said = orjson.loads(message(FULL.model_copy(update={"log10_e": float("nan")}), "http://x/findings/a"))
    assert (said["page"], said["finding_id"], said["log10_e"]) == ("http://x/findings/a", FULL.finding_id, None)


@pytest.mark.parametrize(
    "after", ["nan", "inf", "-inf", "1e999", "-1", "9" * 400, "%D9%A1", "0x1", "%00", "1_0", "", "%FF"]
)
def test_no_number_breaks_the_document(scene: Scene, after: str) -> None:
    code, body = get(f"{scene.url}/api/status?after={after}")
    assert code in (200, 400)
    assert orjson.loads(body)["headline"] if code == 200 else body == "`after` takes seconds since 1970.\n"


NAMES = (
    *(
        "%27%20OR%201%3D1",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%00",
        "%FF%FE",
        "%1B%5B31m",
        "%E2%80%AE",
        "..%2F..%2Fetc",
    ),
    *("%25s", "%5C", "%C0%AE", "%ED%A0%80", "a" * 4000, "%0D%0ASet-Cookie:x"),
)


@pytest.mark.parametrize("hostile", NAMES)
def test_hostile_names_of_pages_are_none(scene: Scene, hostile: str) -> None:
    for url in (f"{scene.url}/findings/{hostile}", f"{scene.url}/batches/{hostile}/report.html"):
        code, body = get(url)
        assert code == 404
        assert not re.search("<script>alert|[\x00-\x08\x0e-\x1f\u202e]", body)
    code, _ = get(f"{scene.url}/findings?segment={hostile}&metric={hostile}")
    assert code == 200  # led to the list of all
