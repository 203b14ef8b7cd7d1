"""Who may send: what a request shows is compared with the tokens of the settings; without tokens, only this machine."""

import base64
import binascii
import ipaddress
from collections.abc import Iterator, Mapping

from streams.attempts import Attempts, TooMany, is_known
from streams.receiver.refusals import CannotServe, Refused
from streams.settings import Settings


class Door:
    """Lets requests in by their token, wherever the sender's client puts it.

    Taken are `Authorization: Bearer TOKEN`, `Authorization: Basic` with the token as the password (Langfuse),
    `x-api-key` (LangSmith) and `api_key` (older Phoenix clients). An address that has shown too many wrong ones waits.
    A right token is let in from there all the same, other than at the pages: behind a proxy all senders have one
    address, LiteLLM's does not send twice what was refused, and tokens are made by machines, too long to be guessed.

    Raises:
        CannotServe: there are no tokens, and others than this machine would be served.
    """

    def __init__(self, settings: Settings) -> None:
        said = settings.receiver_tokens.get_secret_value().split(",")
        self._tokens = [token.strip().encode() for token in said if token.strip()]
        self._attempts = Attempts()
        if not self._tokens and not is_loopback(settings.web_host):
            raise CannotServe(
                f"The receiver would take records from anyone on {settings.web_host}: set SLUICE_RECEIVER_TOKENS to "
                "what senders have to show (openssl rand -hex 16 makes one), or SLUICE_WEB_HOST to 127.0.0.1."
            )

    def check(self, headers: Mapping[str, str], address: str | None) -> None:
        """Raise Refused, 401, 403 or 429, for a request that may not send."""
        if not self._tokens:
            # A page in the browser of whoever works on this machine can post here, too, and says its Origin.
            if "Origin" in headers:
                raise Refused(403, "forbidden", "Web pages may send with a token only: set SLUICE_RECEIVER_TOKENS.")
            return
        shown = list(_shown(headers))
        if is_known(shown, self._tokens):
            return
        try:
            if shown:
                self._attempts.require_left(address)
                self._attempts.failed(address)
        except TooMany as many:
            detail = "The token is wrong, and too many wrong ones came from this address. Nothing was accepted."
            raise Refused(429, "too_many_tries", detail, many.wait_s) from None
        wrong = "The token is not one of" if shown else "Send one of"
        raise Refused(
            401,
            "unauthorized",
            f"{wrong} those in SLUICE_RECEIVER_TOKENS: as `Authorization: Bearer TOKEN`, as the password of "
            "`Authorization: Basic`, as `x-api-key` or as `api_key`.",
        )


def passwords(headers: Mapping[str, str]) -> Iterator[str]:
    """Give what `Authorization` shows, the token of Bearer or the password of Basic, where there is either."""
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield credentials.strip()
    elif scheme.lower() == "basic":
        yield _password(credentials)


def _shown(headers: Mapping[str, str]) -> Iterator[str]:
    yield from passwords(headers)
    for name in ("x-api-key", "api_key"):
        if name in headers:
            yield headers[name]


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
