"""One embedded broker, and a receiver on it, for all tests of the receiver."""

from collections.abc import Iterator

import httpx
import pytest

from deploy.local.broker import EmbeddedBroker
from tests.streams.receiver.scene import TOKEN, Receiving, receiving, settings_for


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture(scope="module")
def receiver(embedded: EmbeddedBroker, request: pytest.FixtureRequest) -> Iterator[Receiving]:
    prefix = request.module.__name__.rpartition(".")[2] + "."
    with receiving(settings_for(embedded.bootstrap, prefix, event_bytes=100_000)) as running:
        yield running


@pytest.fixture
def http(receiver: Receiving) -> Iterator[httpx.Client]:
    """A client that shows the token; what was sent before the test is out of sight."""
    receiver.taken()
    with httpx.Client(base_url=receiver.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        yield client
