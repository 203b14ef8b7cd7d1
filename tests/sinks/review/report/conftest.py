"""Two batches, one after the other, made once; and the system's Chromium, in which their report is looked at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from sinks.review.manifest import verify
from tests.sinks.review.report.making import make


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the later one."""
    out = tmp_path_factory.mktemp("batches")
    before = make(out, "2026-W45", items=60)
    return make(out, "2026-W46", items=120, parents=(verify(before),))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Skip where there is no Chromium; REQUIRE_CHROMIUM=1 fails it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium: apt-get install chromium"
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container does not give; the pages here are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
