"""Who may send: what a request shows is compared with the tokens of the settings; without tokens, only this machine."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Iterator, Mapping

from streams.receiver.refusals import CannotServe, Refused
from streams.settings import Settings


class Door:
    """Lets requests in by their token, wherever the sender's client puts it.

    Taken are `Authorization: Bearer TOKEN`, `Authorization: Basic` with the token as the password (Langfuse),
    `x-api-key` (LangSmith) and `api_key` (older Phoenix clients).

    Raises:
        CannotServe: there are no tokens, and others than this machine would be served.
    """

    def __init__(self, settings: Settings) -> None:
        said = settings.receiver_tokens.get_secret_value().split(",")
        self._tokens = [token.strip().encode() for token in said if token.strip()]
        if not self._tokens and not is_loopback(settings.web_host):
            raise CannotServe(
                f"The receiver would take records from anyone on {settings.web_host}: set SLUICE_RECEIVER_TOKENS to "
                "what senders have to show (openssl rand -hex 16 makes one), or SLUICE_WEB_HOST to 127.0.0.1."
            )

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise Refused, 401 or 403, for a request that may not send."""
        if not self._tokens:
            # A page in the browser of whoever works on this machine can post here, too, and says its Origin.
            if "Origin" in headers:
                raise Refused(403, "forbidden", "Web pages may send with a token only: set SLUICE_RECEIVER_TOKENS.")
            return
        shown = [token.encode(errors="surrogateescape") for token in _shown(headers)]
        # A sum, where any() would end at the first that is right: each pair is compared, so that time tells nothing.
        if not sum(hmac.compare_digest(token, known) for token in shown for known in self._tokens):
            wrong = "The token is not one of" if shown else "Send one of"
            raise Refused(
                401,
                "unauthorized",
                f"{wrong} those in SLUICE_RECEIVER_TOKENS: as `Authorization: Bearer TOKEN`, as the password of "
                "`Authorization: Basic`, as `x-api-key` or as `api_key`.",
            )


def shows(headers: Mapping[str, str], token: bytes) -> bool:
    """Whether `Authorization` shows a token, each that it shows compared in the same time."""
    shown = [each.encode(errors="surrogateescape") for each in passwords(headers)]
    return bool(sum(hmac.compare_digest(each, token) for each in shown))


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
