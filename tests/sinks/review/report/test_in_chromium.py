"""A real browser opens the report from disk: it asks no network, runs nothing of a stranger's, and fits its window."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import CONTRAST


@dataclass
class Visit:
    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture
def visit(chromium: Browser, batch: Path) -> Iterator[Visit]:
    with chromium.new_context(offline=True, viewport={"width": 1400, "height": 900}) as context:
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.said.append(dialog.message))
        seen.page.goto((batch / "report.html").as_uri())
        yield seen


def test_it_opens_from_disk_and_asks_nothing_else(visit: Visit, batch: Path) -> None:
    for details in visit.page.locator("summary").all():
        details.focus()
    visit.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert visit.requests == [(batch / "report.html").as_uri()]
    assert visit.said == []


def test_nothing_of_a_strangers_becomes_an_element(visit: Visit) -> None:
    page = visit.page
    assert page.locator("script").count() == page.locator("style").count() == page.locator("h1").count() == 1
    assert (
        page.locator("img, base, iframe, form, link, textarea, [onfocus], [onerror], [autofocus], [style]").count() == 0
    )
    assert page.get_by_text("<script>fetch('https://evil.example')</script>").count() > 0
    assert page.get_by_text("\\x1b[31mred\\x1b[0m\\x07\\x00").count() > 0
    assert page.get_by_text("{{ 7 * 7 }}").count() > 0
    assert not {"\x1b", "\x00", "\x07", "\u202e", "\u2066"} & set(page.content())


@pytest.mark.parametrize("width", [1400, 768, 400])
def test_no_width_scrolls_sideways(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert visit.page.evaluate(CONTRAST) >= 4.5


def test_the_keyboard_reaches_the_filter_and_every_item(visit: Visit) -> None:
    page = visit.page
    shown = page.locator("#map [data-reasons]:not(.off)")
    assert shown.count() == page.locator("#rows tbody tr").count() == 120
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.reason") == "control":
            break
    page.keyboard.press("Enter")
    controls = page.locator("#map [data-reasons~=control]").count()
    assert 0 < controls < 120
    assert shown.count() == page.locator("#rows tbody tr:not([hidden])").count() == controls
    assert page.locator("#shown").inner_text() == f"{controls} of 120 items are shown."
    page.locator("#map [tabindex='0']").focus()
    first = page.locator("#text").inner_text(), page.locator("#about").inner_text()
    page.keyboard.press("ArrowRight")
    assert (page.locator("#text").inner_text(), page.locator("#about").inner_text()) != first
    page.locator("#all").click()
    assert shown.count() == 120


def test_headings_go_down_by_one_and_every_table_says_what_it_is(visit: Visit) -> None:
    levels = visit.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((each) => +each.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert visit.page.locator("table:not(:has(caption)):not(#rows)").count() == 0
