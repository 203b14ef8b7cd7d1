"""The settings become a way to Kafka: where its brokers are, whether the line is encrypted, and who is calling."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import faust
from aiokafka.abc import AbstractTokenProvider
from faust.types.auth import CredentialsT

from streams.settings import Settings

ANSWER_S = 10.0
SPENT = 0.8  # share of a token's life after which a new one is fetched: brokers ask again before the old one ends


class CannotCall(Exception):
    """The settings name no usable way to Kafka; the message names the setting."""


class NoToken(OSError):
    """The token endpoint gave no token. An OSError, so that a caller takes it for what it is: Kafka is out of reach."""


@dataclass(frozen=True)
class Connection:
    """A way to Kafka, which every client of Sluice takes."""

    bootstrap: str  # host:port[,host:port]
    protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    login: Mapping[str, Any] = field(default_factory=dict)  # aiokafka's sasl_… options

    def options(self) -> dict[str, Any]:
        """Return what aiokafka's clients take."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
            "ssl_context": self.tls,
            **self.login,
        }

    def credentials(self) -> CredentialsT | None:
        """Return the same for Faust; None where neither TLS nor a login is asked for."""
        if self.login:
            return _login(self.login, self.tls)
        return faust.SSLCredentials(self.tls) if self.tls else None


def connection(settings: Settings) -> Connection:
    """Return the way to Kafka that the settings name. Raises CannotCall."""
    protocol = settings.kafka_security_protocol
    return Connection(
        settings.kafka_bootstrap,
        protocol,
        _tls(settings) if protocol.endswith("SSL") else None,
        _sasl(settings) if protocol.startswith("SASL") else {},
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    ca, certificate, key = settings.kafka_ssl_ca, settings.kafka_ssl_certificate, settings.kafka_ssl_key
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as broken:
        raise CannotCall(f"SLUICE_KAFKA_SSL_CA={ca} is no readable PEM file of certificates: {broken}") from None
    if certificate:
        try:
            context.load_cert_chain(certificate, key, password=_no_passphrase)
        except (OSError, ssl.SSLError) as broken:
            raise CannotCall(
                f"SLUICE_KAFKA_SSL_CERTIFICATE={certificate} and SLUICE_KAFKA_SSL_KEY={key or certificate} are no PEM "
                f"certificate with its unencrypted key: {broken}"
            ) from None
    return context


def _no_passphrase() -> str:
    raise ssl.SSLError("the key has a passphrase")  # without this, Python asks for it at the terminal, and waits


def _sasl(settings: Settings) -> dict[str, Any]:
    user, secret = settings.kafka_user, settings.kafka_password.get_secret_value()
    mechanism = settings.kafka_sasl_mechanism
    if not user or not secret:
        raise CannotCall(f"{mechanism} needs SLUICE_KAFKA_USER and SLUICE_KAFKA_PASSWORD.")
    if mechanism != "OAUTHBEARER":
        return {"sasl_mechanism": mechanism, "sasl_plain_username": user, "sasl_plain_password": secret}
    if not settings.kafka_token_url:
        raise CannotCall("OAUTHBEARER needs SLUICE_KAFKA_TOKEN_URL, which gives tokens for user and password.")
    tokens = Tokens(settings.kafka_token_url, user, secret)
    return {"sasl_mechanism": mechanism, "sasl_oauth_token_provider": tokens}


def _login(login: Mapping[str, Any], tls: ssl.SSLContext | None) -> CredentialsT:
    if tokens := login.get("sasl_oauth_token_provider"):
        return faust.OAuthCredentials(oauth_cb=tokens, ssl_context=tls)
    return faust.SASLCredentials(
        username=login["sasl_plain_username"],
        password=login["sasl_plain_password"],
        mechanism=login["sasl_mechanism"],
        ssl_context=tls,
    )


class Tokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka publishes no types
    """Access tokens by the client credentials grant (RFC 6749, section 4.4), kept until most of their life is over."""

    def __init__(self, url: str, client: str, secret: str) -> None:
        self._url = url
        self._headers = {"Authorization": aiohttp.encode_basic_auth(quote_plus(client), quote_plus(secret))}
        self._token, self._until = "", 0.0

    async def token(self) -> str:
        """Return a token. Raises NoToken, within 10 s."""
        now = time.monotonic()
        if now >= self._until:
            self._token, lives_s = await self._fetched()
            self._until = now + SPENT * lives_s
        return self._token

    async def _fetched(self) -> tuple[str, float]:
        # A session each time: aiokafka's clients live in several threads, each with a loop of its own.
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_S)) as session,
                session.post(self._url, data={"grant_type": "client_credentials"}, headers=self._headers) as answer,
            ):
                if answer.status != 200:
                    raise NoToken(f"{self._url} answers {answer.status} instead of a token")
                said = await answer.json()
                return str(said["access_token"]), float(said.get("expires_in", 0))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as broken:
            raise NoToken(f"{self._url} gives no token: {type(broken).__name__}") from None
