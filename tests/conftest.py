"""The servers that integration tests talk to: two brokers, one suite; a local ClickHouse; and the system's Chromium."""

import gc
import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from tests.whole.side_by_side import BODIES

BROKERS: tuple[type[KafkaServer], ...] = (EmbeddedBroker, ApacheKafka)

gc.set_threshold(50_000)  # as `sluice` does; what tests leave open is found all the same when a process ends

# By default Hypothesis bounds an example, and its making, by the clock, which a busy machine breaks. More examples:
# `pytest --hypothesis-profile=thorough`, and `make fuzz` for all that reads what others wrote.
settings.register_profile("quick", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1_000)
settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests stay together when several processes run them: those of a file, for the servers that they share.

    The tests that wait side by side are one group, and the longest: it begins first.
    """
    items.sort(key=lambda item: not _waits(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("side by side" if _waits(item) else item.path.as_posix()))


def _waits(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.function in BODIES


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
