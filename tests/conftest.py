"""The servers that integration tests talk to: two brokers, one suite; a local ClickHouse; and the system's Chromium."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka

BROKERS: tuple[type[KafkaServer], ...] = (EmbeddedBroker, ApacheKafka)


def require_kafka_or_skip() -> None:
    """Skip the test that calls this where Apache Kafka cannot run, and say why; REQUIRE_KAFKA=1 fails it."""
    reason = kafka.missing()
    if reason and os.environ.get("REQUIRE_KAFKA") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session", params=BROKERS, ids=[kind.name for kind in BROKERS])
def broker(request: pytest.FixtureRequest) -> Iterator[KafkaServer]:
    """A running broker with `.name` and `.bootstrap`; every test that takes it runs against each of BROKERS."""
    kind: type[KafkaServer] = request.param
    if kind is ApacheKafka:
        require_kafka_or_skip()
    with kind() as running:
        yield running


@pytest.fixture(scope="session")
def clickhouse_url() -> Iterator[str]:
    """ "http://127.0.0.1:PORT" of a local ClickHouse on an empty directory; each test makes a database of its own."""
    with LocalClickHouse() as running:
        yield running.url


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
