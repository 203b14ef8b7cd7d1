"""Secrets that open nothing, a world that is given all of them, and the look for them in what was heard or written."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy.local.broker import EmbeddedBroker
from streams.settings import Settings
from tests.whole.harness import World

PASSWORD = "planted-clickhouse-password"  # noqa: S105
SECRETS = {
    name: f"planted-{name}-of-more-than-32-characters"
    for name, field in Settings.model_fields.items()
    if field.annotation is SecretStr
}
# No settings: services' own clients take them from the environment.
OF_SERVICES = {
    "SLUICE_TOKEN_TOPICS": "planted-token-of-a-labelling-service",
    "AWS_ACCESS_KEY_ID": "planted-id-of-a-key",
    "AWS_SECRET_ACCESS_KEY": "planted-key-of-a-store",
}


@contextmanager
def world_with_secrets(clickhouse_url: str, folder: Path) -> Iterator[World]:
    own: dict[str, Any] = {name: SecretStr(secret) for name, secret in SECRETS.items()}
    own |= {"releases": folder / "releases", "review_policy": folder / "review.toml"}
    url = clickhouse_url.replace("//", f"//ann:{PASSWORD}@")
    with EmbeddedBroker() as broker, World(broker.bootstrap, url, folder, **own) as world:
        yield world


def assert_no_secret_in(heard: Mapping[str, str]) -> None:
    for where, text in heard.items():
        assert not [each for each in (*SECRETS.values(), *OF_SERVICES.values(), PASSWORD) if each in text], where
