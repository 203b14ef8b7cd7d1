"""A real browser looks at the pages: at every width, in light and dark, by keyboard, while the numbers change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import CONTRAST
from tests.sinks.found import FULL
from tests.streams.status_page.scene import HOSTILE, Scene, moving, served

UNKNOWN = "\N{EN DASH}"
HARMLESS = HOSTILE.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e")
PAGES = {"status": "/", "finding": f"/findings/{FULL.finding_id}", "hostile": f"/findings/{'a' * 32}"}


@dataclass
class Visit:
    scene: Scene
    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.scene.url}{path}")
        if path == "/":
            expect(self.page.locator("#worker")).not_to_have_text("…", timeout=20_000)
        return self.page

    def ask_again(self) -> None:
        """Let the page ask at once: whoever ends holding still sees what is now."""
        self.page.locator("#hold").click()
        self.page.locator("#hold").click()


def visiting(chromium: Browser, scene: Scene) -> Iterator[Visit]:
    with chromium.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce") as context:
        visit = Visit(scene, context.new_page())
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.on("console", lambda message: visit.said.append(message.text))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        visit.page.on("dialog", lambda dialog: visit.said.append(dialog.message))
        yield visit


@pytest.fixture
def visit(chromium: Browser, scene: Scene) -> Iterator[Visit]:
    yield from visiting(chromium, scene)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_no_other_place_is_asked_and_the_console_is_silent(visit: Visit, path: str) -> None:
    page = visit.go(path)
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    page.mouse.move(700, 700)
    assert visit.said == []
    assert visit.requests
    assert all(each.startswith(f"{visit.scene.url}/") for each in visit.requests), visit.requests


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_width_holds_the_page_and_every_text_stands_out(visit: Visit, path: str, scheme: str) -> None:
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = visit.go(path)
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    for width in (1400, 768, 400, 320):
        page.set_viewport_size({"width": width, "height": 900})
        # Charts follow a new width with the next frame; what is too wide then stays so, and this times out.
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=20_000)
    assert page.evaluate(f"() => ({CONTRAST.strip()})()") >= 4.5


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_headings_landmarks_and_captions_lead_whoever_cannot_see(visit: Visit, path: str) -> None:
    page = visit.go(path)
    levels = page.evaluate("() => [...document.querySelectorAll('h1,h2,h3,h4')].map((each) => +each.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("main").count() == page.locator("header").count() == 1
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("section:not([aria-labelledby])").count() == 0
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0, "what scrolls, scrolls by keyboard"
    named = page.locator("a, button, summary, [role=region]").all()
    assert all((each.get_attribute("aria-label") or each.text_content() or "").strip() for each in named)


def test_what_strangers_wrote_is_text(visit: Visit) -> None:
    page = visit.go("/")
    for place in ("#open", "#segments-rows"):
        assert HARMLESS in page.locator(place).inner_text()
    assert page.locator("main img, main script, main iframe").count() == 0
    page.locator("#open li").nth(1).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(HARMLESS)
    assert page.locator("img, script, iframe").count() == 0
    assert not {"\x1b", "\u202e"} & set(page.content())
    assert visit.said == []


def test_the_keyboard_leads_from_the_top_to_a_finding_and_back(visit: Visit) -> None:
    page = visit.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "error up"
    visit.scene.live(5)
    with page.expect_response("**/api/status*"):
        page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")  # then it asks at once
    assert page.evaluate("() => document.activeElement.textContent") == "error up", "new numbers take no one's place"
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visit.scene.url}/findings/{FULL.finding_id}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visit.scene.url}/")


def test_charts_have_their_numbers_as_tables(visit: Visit) -> None:
    page = visit.go("/")
    for figure in page.locator("figure").all():
        figure.locator("summary").click()
        rows = figure.locator("tbody tr")
        expect(rows.first).to_be_visible()
        assert rows.count() == 60
        assert figure.locator("canvas").count() == 1
    failed = [float(each.removesuffix("%")) for each in page.locator("#c-failed tbody td").all_inner_texts()]
    assert failed[2] > 4 > failed[-2], "the last quarter failed more"
    expect(page.locator("#c-latency .at")).to_have_text("")
    page.locator("#c-latency .plot").hover(position={"x": 300, "y": 60})
    expect(page.locator("#c-latency .at")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))


def test_numbers_words_and_health_follow_the_worker(chromium: Browser, store: str, decided_batches: Path) -> None:
    with served(store, decided_batches, up_s=400) as scene:
        for visit in visiting(chromium, scene):
            page = visit.go("/")
            expect(page.locator("#no-segments")).to_be_visible()
            scene.live(400, failing=0.5)
            scene.health = moving(77, still_s=300.0)
            visit.ask_again()
            expect(page.locator("#headline")).to_have_text("This worker does not move: it needs a new start.")
            expect(page.locator("#said")).to_have_text("This worker does not move: it needs a new start.")
            expect(page.locator("#why")).to_contain_text("inference.responses, partition 2, has 77 records to read")
            expect(page.locator("#partitions-rows tr").first).to_contain_text("stands still for 300 s")
            expect(page.locator("#segments-rows tr")).to_have_count(4)
            expect(page.locator("#n-failed")).to_contain_text("%")
            scene.health = moving()
            visit.ask_again()
            expect(page.locator("#headline")).to_have_text("2 findings that nobody has acknowledged.")
            expect(page.locator("#why li")).to_have_count(0)
            expect(page.locator("#partitions-rows tr").first).to_contain_text("nothing to read")
            assert visit.said == []


def test_a_store_that_is_away_leaves_what_the_worker_knows(chromium: Browser, tmp_path: Path) -> None:
    with served("http://127.0.0.1:1/nowhere", tmp_path, up_s=60) as scene:
        scene.live(60)
        for visit in visiting(chromium, scene):
            page = visit.go("/")
            expect(page.locator("#why")).to_contain_text("ClickHouse at http://127.0.0.1:1 does not answer")
            expect(page.locator("#why")).to_contain_text("what this worker sees itself is of now")
            expect(page.locator("#no-findings")).to_have_text("Not known: the store does not answer.")
            expect(page.locator("#n-answers")).not_to_have_text(UNKNOWN)
            expect(page.locator("#n-events")).to_have_text(UNKNOWN)


def test_a_worker_that_is_gone_is_said_and_what_it_said_stays(chromium: Browser, store: str, tmp_path: Path) -> None:
    with served(store, tmp_path, up_s=60) as scene:
        scene.live(60)
        for visit in visiting(chromium, scene):
            page = visit.go("/")
            page.route("**/api/status*", lambda route: route.abort())
            visit.ask_again()
            expect(page.locator("#headline")).to_have_text("The worker does not answer.")
            expect(page.locator("#why")).to_contain_text("What is below is as it was")
            expect(page.locator("#n-answers")).not_to_have_text(UNKNOWN)
            page.unroute("**/api/status*")
            visit.ask_again()
            expect(page.locator("#headline")).to_have_text("2 findings that nobody has acknowledged.")


def test_a_report_opens_in_its_fence(visit: Visit) -> None:
    page = visit.go("/")
    page.get_by_role("link", name="report of 2026-W46").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2026-W46: 60 items for people to decide on")
    assert page.locator("#map use").count() >= 60
    page.locator("#legend button").first.click()
    expect(page.locator("#shown")).to_contain_text("of 60 items are shown")
    assert page.evaluate("() => window.origin") == "null", "it could ask no other page of the worker's"
    assert visit.said == []
