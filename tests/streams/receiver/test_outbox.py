"""Kafka is slow, away or full: senders are told to try again, nothing is said to be accepted, and it passes."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from deploy.local.broker import EmbeddedBroker, KafkaServer
from streams import topics
from streams.receiver import outbox
from streams.topics import KafkaUnreachable
from tests.streams.receiver.scene import TOKEN, Receiving, receiving, settings_for
from tests.streams.receiver.sent import FEEDBACK, feedback_of

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def own_broker() -> Iterator[EmbeddedBroker]:
    """A broker of the test's own, to be stopped and killed."""
    with EmbeddedBroker() as running:
        yield running


@contextmanager
def _stopped(broker: EmbeddedBroker) -> Iterator[None]:
    """Make the broker stand still: connections stay open, and nothing is answered."""
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def _post(receiver: Receiving, path: str = "/v1/feedback", content: bytes = feedback_of(500)) -> httpx.Response:
    return httpx.post(receiver.url + path, content=content, headers=HEADERS, timeout=90)


def _is_told_to_try_again(answer: httpx.Response, status: int = 429) -> None:
    assert answer.status_code == status
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["reason"] == "busy"
    assert "Nothing was accepted" in answer.json()["detail"]


def test_while_kafka_does_not_confirm_senders_are_told_to_try_again(
    own_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sluice.receiver")
    monkeypatch.setattr(outbox, "CONFIRM_SECONDS", 0.5)
    with receiving(settings_for(own_broker.bootstrap, "slow.")) as receiver:
        assert _post(receiver).status_code == 202
        with _stopped(own_broker):
            for _ in range(2):
                _is_told_to_try_again(_post(receiver))
        monkeypatch.setattr(outbox, "CONFIRM_SECONDS", 60)
        assert _post(receiver).status_code == 202, "it goes on without being started again"
        assert len(receiver.taken()) >= 2, "what was answered with 202 is there; what was not may be"
    said = [record.message for record in caplog.records if record.name == "sluice.receiver"]
    assert len(said) == 2, "the turns are logged, not each request"
    assert "does not confirm" in said[0]
    assert "again" in said[1]


def test_what_waits_for_kafka_is_bounded(own_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAITING_BYTES", 0)  # which leaves two bodies of event_bytes
    monkeypatch.setattr(outbox, "CONFIRM_SECONDS", 2)
    with receiving(settings_for(own_broker.bootstrap, "full.", event_bytes=50_000)) as receiver:
        assert _post(receiver).status_code == 202
        with _stopped(own_broker), ThreadPoolExecutor(4) as senders:
            sent = [senders.submit(_post, receiver, "/v1/feedback", feedback_of(40_000)) for _ in range(4)]
            answers = [each.result() for each in sent]
        for answer in answers:
            _is_told_to_try_again(answer)
        first, second, third, fourth = sorted(answers, key=lambda answer: answer.elapsed)
        assert all("wait for Kafka" in answer.json()["detail"] for answer in (first, second)), "these at once"
        assert all("did not confirm" in answer.json()["detail"] for answer in (third, fourth)), "these in the end"
        assert _post(receiver, content=feedback_of(40_000)).status_code == 202, "what was refused is held no longer"


def test_with_kafka_dead_nothing_is_said_to_be_accepted(
    own_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CONFIRM_SECONDS", 0.5)
    with receiving(settings_for(own_broker.bootstrap, "dead.")) as receiver:
        own_broker.kill()
        _is_told_to_try_again(_post(receiver))
        assert _post(receiver, content=b"not JSON").status_code == 400, "what will never be valid is said even so"
        answer = httpx.post(f"{receiver.url}/v1/feedback", content=feedback_of(500))
        assert answer.status_code == 401


def test_a_record_that_kafka_does_not_take_is_refused_for_good(broker: KafkaServer) -> None:
    prefix = f"{uuid.uuid4().hex[:8]}."
    asyncio.run(topics.ensure(settings_for(broker.bootstrap, prefix, event_bytes=100_000)))  # made for less
    noise = json.dumps(FEEDBACK | {"gen_ai.evaluation.explanation": os.urandom(2_000_000).hex()}).encode()
    with receiving(settings_for(broker.bootstrap, prefix)) as receiver:
        answer = _post(receiver, content=noise)
        # The embedded broker takes whatever comes.
        assert answer.status_code == {"tansu": 202, "apache-kafka": 413}[broker.name]
        if answer.status_code == 413:
            assert f"max.message.bytes of the topic {prefix}sluice.received" in answer.json()["detail"]
        assert _post(receiver).status_code == 202
        assert len(receiver.taken()) == {202: 2, 413: 1}[answer.status_code]


def test_without_kafka_it_does_not_start(own_broker: EmbeddedBroker) -> None:
    own_broker.kill()
    with (
        pytest.raises(KafkaUnreachable, match="SLUICE_KAFKA_BOOTSTRAP"),
        receiving(settings_for(own_broker.bootstrap, "")),
    ):
        pass


PROGRAM = """
import asyncio
from streams.receiver.alone import serve
from streams.settings import load
asyncio.run(serve(load()))
"""


def test_when_it_is_told_to_end_it_finishes_what_is_under_way(own_broker: EmbeddedBroker) -> None:
    settings = settings_for(own_broker.bootstrap, "ending.")
    environment = {
        "SLUICE_KAFKA_BOOTSTRAP": own_broker.bootstrap,
        "SLUICE_TOPIC_PREFIX": settings.topic_prefix,
        "SLUICE_PARTITIONS": "1",
        "SLUICE_WEB_PORT": str(settings.web_port),
    }
    url = f"http://127.0.0.1:{settings.web_port}"
    with (
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=os.environ | environment, stdout=subprocess.PIPE, text=True
        ) as serving,
        ThreadPoolExecutor(1) as sender,
    ):
        try:
            assert serving.stdout
            assert serving.stdout.readline() == f"Sluice receives at {url}, see {url}/openapi.json\n"
            assert httpx.post(f"{url}/v1/feedback", json=FEEDBACK).status_code == 202
            with _stopped(own_broker):
                under_way = sender.submit(httpx.post, f"{url}/v1/feedback", json=FEEDBACK)
                with pytest.raises(TimeoutError):
                    under_way.result(0.3)
                serving.send_signal(signal.SIGTERM)
                with pytest.raises(subprocess.TimeoutExpired):
                    serving.wait(0.3)
            assert under_way.result(60).status_code == 202
            assert serving.wait(60) == 0
        finally:
            serving.kill()
