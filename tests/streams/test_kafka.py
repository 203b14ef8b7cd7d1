"""Locked ways to Kafka, tried on Apache Kafka itself: who has no key stays outside, and what is missing is named."""

import asyncio
import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local.processes import free_port
from sinks.clickhouse import connect
from streams import offsets, topics
from streams.doctor import kafka as examined
from streams.kafka import CannotCall, NoToken, Tokens, connection
from streams.produce import produce
from streams.settings import Settings, load
from streams.simulate import simulate
from streams.stack import LocalWorker
from streams.topics import KafkaUnreachable
from streams.traffic.plan import WEEK, Plan, week_start
from tests.conftest import require_kafka_or_skip
from tests.deploy.secure_kafka import PASSWORD, USER, SecureKafka

DEADLINE_S = 180.0


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    require_kafka_or_skip()
    with SecureKafka(tmp_path_factory.mktemp("keys")) as kafka:
        yield kafka


@pytest.fixture
async def token_url() -> AsyncIterator[str]:
    """An endpoint that gives who knows the password a token (unsigned: what Kafka's own validator for trials takes)."""

    async def give(request: web.Request) -> web.Response:
        form = await request.post()
        shown = b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if shown != f"{USER}:{PASSWORD}" or form["grant_type"] != "client_credentials":
            return web.json_response({"error": "invalid_client"}, status=401)
        now = int(time.time())
        claims = {"sub": USER, "iat": now, "exp": now + 300}
        return web.json_response({"access_token": _unsigned(claims), "token_type": "Bearer", "expires_in": 300})

    application = web.Application()
    application.router.add_post("/token", give)
    async with TestServer(application) as server:
        yield str(server.make_url("/token"))


def _unsigned(claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def held(**given: Any) -> Settings:
    return load(topic_prefix=f"k{uuid4().hex[:10]}.", group=f"g{uuid4().hex[:10]}", partitions=2, **given)


def by_login(locked: SecureKafka, mechanism: str, **given: Any) -> Settings:
    login = {"kafka_user": USER, "kafka_password": PASSWORD, "kafka_sasl_mechanism": mechanism}
    way = {"kafka_bootstrap": locked.sasl, "kafka_security_protocol": "SASL_SSL", "kafka_ssl_ca": locked.ca}
    return held(**(way | login | given))


def by_certificate(locked: SecureKafka, **given: Any) -> Settings:
    keys = {"kafka_ssl_ca": locked.ca, "kafka_ssl_certificate": locked.certificate} | given
    return held(kafka_bootstrap=locked.ssl, kafka_security_protocol="SSL", **keys)


async def there_and_back(settings: Settings) -> None:
    await topics.ensure(settings)
    records, truth = simulate(Plan(week_start("2026-W40"), WEEK, 20))
    produced = await produce(records, connection(settings), settings.topic_prefix)
    assert produced.confirmed.total() >= 2 * truth.inferences
    assert (await offsets.progress(settings)).lag == produced.confirmed.total()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_login_by_password(locked: SecureKafka, mechanism: str) -> None:
    await there_and_back(by_login(locked, mechanism))


async def test_a_login_by_token(locked: SecureKafka, token_url: str) -> None:
    await there_and_back(by_login(locked, "OAUTHBEARER", kafka_token_url=token_url))


async def test_a_certificate_of_our_own(locked: SecureKafka) -> None:
    await there_and_back(by_certificate(locked))


async def test_who_has_no_key_stays_outside(locked: SecureKafka) -> None:
    for settings in (
        by_login(locked, "SCRAM-SHA-512", kafka_password=PASSWORD[:-1]),
        by_login(locked, "SCRAM-SHA-512", kafka_ssl_ca=None),  # nobody the machine trusts vouches for this broker
        by_certificate(locked, kafka_ssl_certificate=None),
    ):
        with pytest.raises(KafkaUnreachable):
            await topics.ensure(settings)
        diagnosis = await examined(settings)
        assert not diagnosis.well
        assert PASSWORD[:-1] not in diagnosis.words


async def test_a_worker_behind_a_lock(locked: SecureKafka, clickhouse_url: str, token_url: str) -> None:
    url = f"{clickhouse_url}/k{uuid4().hex}"
    settings = by_login(
        locked,
        "OAUTHBEARER",
        kafka_token_url=token_url,
        clickhouse_url=url,
        state_key="0123456789abcdef" * 2,
        web_port=free_port(),
        rebalance_seconds=4.0,
    )
    await topics.ensure(settings)
    records, truth = simulate(Plan(week_start("2026-W40"), WEEK, 50))
    await produce(records, connection(settings), settings.topic_prefix)
    # The token endpoint lives in this loop, so that the worker must not be waited for in it.
    await asyncio.to_thread(_read_all, settings, truth.inferences)


def _read_all(settings: Settings, inferences: int) -> None:
    with LocalWorker(settings) as worker:
        until = time.monotonic() + DEADLINE_S
        client = connect(settings.clickhouse_url)
        while client.query("SELECT uniqExact(inference_id) FROM inferences").result_rows != [(inferences,)]:
            worker.check()
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "SCRAM-SHA-512 needs SLUICE_KAFKA_USER and SLUICE_KAFKA_PASSWORD"),
        (
            {
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_mechanism": "OAUTHBEARER",
                "kafka_user": "a",
                "kafka_password": "b",
            },
            "OAUTHBEARER needs SLUICE_KAFKA_TOKEN_URL",
        ),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_ca": "no/such.pem"}, "SLUICE_KAFKA_SSL_CA=no/such.pem is no"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ssl_certificate": "no/such.pem"},
            "SLUICE_KAFKA_SSL_CERTIFICATE=no/such.pem and SLUICE_KAFKA_SSL_KEY=no/such.pem are no PEM",
        ),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotCall, match=says):
        connection(load(**given))


async def test_a_token_is_fetched_once_and_a_refusal_is_said(token_url: str) -> None:
    tokens = Tokens(token_url, USER, PASSWORD)
    assert await tokens.token() == await tokens.token()
    with pytest.raises(NoToken, match=f"{token_url} answers 401"):
        await Tokens(token_url, USER, PASSWORD[:-1]).token()
    with pytest.raises(NoToken, match="gives no token: ClientConnectorError"):
        await Tokens(f"http://127.0.0.1:{free_port()}/token", USER, PASSWORD).token()
