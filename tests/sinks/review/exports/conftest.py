"""A real Label Studio server of each session's own, on loopback, with two people; none where it is not installed."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import orjson
import pytest

from deploy.local.processes import free_port

PROGRAM = Path(__file__).parents[4] / ".label-studio" / "bin" / "label-studio"
TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105  of a server that lives as long as the tests


@dataclass(frozen=True)
class LabelStudio:
    url: str
    people: dict[str, str]  # e-mail address: token


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    if not PROGRAM.exists():
        pytest.skip("Label Studio is not installed: make label-studio")
    folder = tmp_path_factory.mktemp("label-studio")
    port = free_port()
    off = dict.fromkeys(("LATEST_VERSION_CHECK", "COLLECT_ANALYTICS"), "0") | {"SENTRY_DSN": ""}
    on = {"LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    command = [str(PROGRAM), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    command += ["--data-dir", str(folder), "--username", "ada@example.org", "--password", "of ada alone"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, "--user-token", TOKEN], env=os.environ | off | on, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(server, url, folder / "log")
        yield LabelStudio(url, {"ada@example.org": TOKEN, "ben@example.org": _sign_up(url, "ben@example.org")})
    finally:
        server.terminate()
        server.wait(30)


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{url}/health", timeout=5):  # noqa: S310  loopback
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def _sign_up(url: str, email: str) -> str:
    """Sign a person up as the page does, and return their token."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{url}/user/signup/", timeout=60) as page:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert found
    form = urlencode({"csrfmiddlewaretoken": found[1], "email": email, "password": "of ben alone"}).encode()
    with browser.open(Request(f"{url}/user/signup/", form, {"Referer": f"{url}/user/signup/"}), timeout=60):  # noqa: S310
        pass
    with browser.open(f"{url}/api/current-user/token", timeout=60) as answer:
        return str(orjson.loads(answer.read())["token"])
