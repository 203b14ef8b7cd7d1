"""Every knob of Sluice, read once from the environment (`SLUICE_…`) and `sluice.toml` into one frozen object."""

import hmac
import os
import re
import reprlib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, quote

import croniter
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from sinks.retention import Retention
from sinks.urls import parts_of
from streams.readable import harmless
from streams.sources import Source

FILE = Path("sluice.toml")
SHORTEST = 16  # characters of what is asked for at a port
LONGEST = 64 * 1024  # bytes of it: what reads TOML takes the square of its length in time, and in memory, at worst
TOKEN = "SLUICE_TOKEN_"  # noqa: S105  how the variables begin that hold tokens for others: no settings of ours


class SettingsError(Exception):
    """A setting is wrong; the message names the variable, what it holds and what it takes."""


def _crontab(value: str) -> str:
    if not croniter.croniter.is_valid(value):
        raise ValueError("takes five crontab fields, for example '0 6 * * 1'")
    return value


def _has_host(parts: SplitResult) -> bool:
    """Whether a URL names a host, and ends with its path."""
    try:
        return parts.hostname is not None and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:  # the port is not a number, or too great
        return False


def _clickhouse_url(value: str) -> str:
    parts = parts_of(value)
    trust = parts.query.startswith("ca=") and parts.scheme == "https"
    if not _has_host(parts._replace(query="") if trust else parts):
        raise ValueError(
            "takes http[s]://[user:password@]host:port/database, with https also ?ca=FILE; "
            "/ ? # in a password are %2F %3F %23"
        )
    return value


def _pages_url(value: str) -> str:
    parts = parts_of(value)
    if not _has_host(parts) or parts.username is not None:
        raise ValueError("takes http[s]://host[:port][/path], without a user or a password")
    return value.rstrip("/")


def _long_enough(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if 0 < len(secret) < 32 or "," in secret:
        raise ValueError("takes 32 characters or more without commas, for example the output of `openssl rand -hex 32`")
    return value


def _hard_to_guess(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if secret and len(secret.strip()) < SHORTEST:
        raise ValueError(f"takes {SHORTEST} characters or more, for example the output of `openssl rand -hex 16`")
    return value


def _each_hard_to_guess(value: SecretStr) -> SecretStr:
    for token in filter(None, map(str.strip, value.get_secret_value().split(","))):
        _hard_to_guess(SecretStr(token))
    return value


class Settings(BaseSettings):
    """The settings, each with one line of help; `sluice settings` prints them with their values."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", toml_file=FILE, frozen=True, extra="forbid", allow_inf_nan=False
    )

    kafka_bootstrap: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$",
        description="Kafka brokers, host:port[,host:port].",
    )
    clickhouse_url: Annotated[str, AfterValidator(_clickhouse_url)] = Field(
        "http://127.0.0.1:8123/sluice",
        pattern=r"^https?://[^\s/?]+(/[A-Za-z_][A-Za-z0-9_]*)?(\?ca=[^\s&#]+)?$",
        description="ClickHouse over HTTP, http[s]://[user:password@]host:port/database[?ca=FILE of whom to trust].",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How Kafka is spoken to: with TLS (SSL), with a login (SASL), or both."
    )
    kafka_ssl_ca: Path | None = Field(None, description="PEM file of whom to trust; where unset, the system's.")
    kafka_ssl_certificate: Path | None = Field(None, description="PEM file of the own certificate, for mutual TLS.")
    kafka_ssl_key: Path | None = Field(None, description="PEM file of its key, where that is a file of its own.")
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="How a login proves who it is."
    )
    kafka_user: str = Field("", description="Who logs in to Kafka; of OAUTHBEARER the client id.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Its password; of OAUTHBEARER the client secret.")
    kafka_token_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/@]+[^\s@]*)?$",
        description="Where OAUTHBEARER fetches tokens (client credentials).",
    )
    group: str = Field("sluice", min_length=1, description="Consumer group; workers of one group share the partitions.")
    topic_prefix: str = Field("", pattern=r"^[a-zA-Z0-9._-]*$", description="Put before every topic's name.")
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of topics that Sluice has to create.")
    replication: int = Field(1, ge=1, le=9, description="Replicas of topics that Sluice has to create.")

    web_host: str = Field("127.0.0.1", description="Where /metrics, the pages and the receiver are served.")
    web_port: int = Field(6066, ge=1, le=65535, description="Port of all three; one for each worker of a machine.")
    receiver_tokens: Annotated[SecretStr, AfterValidator(_each_hard_to_guess)] = Field(
        SecretStr(""),
        description="What senders show the receiver, comma-separated, each of 16 characters or more; only on loopback "
        "may it be empty.",
    )

    metrics_token: Annotated[SecretStr, AfterValidator(_hard_to_guess)] = Field(
        SecretStr(""),
        description="What Prometheus shows for /metrics (Authorization: Bearer), 16 characters or more; empty leaves "
        "it open.",
    )

    pages_url: Annotated[str, AfterValidator(_pages_url)] = Field(
        "http://127.0.0.1:6066",
        pattern=r"^https?://[^\s]+$",
        description="Where people reach the worker's pages; Grafana, alerts and annotations lead there.",
    )
    pages_token: Annotated[SecretStr, AfterValidator(_hard_to_guess)] = Field(
        SecretStr(""),
        description="Password of the worker's pages, any user, 16 characters or more; only on loopback may it be "
        "empty.",
    )
    grafana_url: str = Field(
        "",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Grafana: where findings become annotations, and dashboards are pushed to; empty for none.",
    )
    grafana_token: SecretStr = Field(
        SecretStr(""),
        description="Shown to Grafana: a service account's token, or user:password; Editor to annotate, Admin to push.",
    )

    state_key: SecretStr = Field(
        SecretStr(""),
        description="Signs detector state (HMAC-SHA256), 32 characters or more, the same for all workers of a group.",
    )
    checkpoint_seconds: float = Field(
        5.0, gt=0, le=300, description="How often detector state goes to its changelog, at most."
    )
    segments: int = Field(
        2000,
        ge=1,
        le=10_000_000,
        description="Segments watched apart; the rest is one, `other`. SLUICE_FALSE_ALARMS is shared between so many.",
    )
    pseudonym_key: SecretStr = Field(
        SecretStr(""), description="Makes users' pseudonyms (HMAC-SHA256); where empty, made of the state key."
    )
    pseudonym_keys_before: SecretStr = Field(
        SecretStr(""),
        description="Keys that made pseudonyms before, comma-separated: `sluice erase` looks for those names, too.",
    )
    content_key: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        SecretStr(""),
        description="Seals what people and models said, per user, before it is stored (AES-256-GCM); 32 characters or "
        "more, empty for not at all.",
    )
    content_keys_before: SecretStr = Field(
        SecretStr(""),
        description="Keys that sealed before, comma-separated, until `sluice rewrap` has run.",
    )
    label_studio_token: SecretStr = Field(
        SecretStr(""), description="Shown to Label Studio by `sluice batch export --url`; legacy or personal."
    )
    false_alarms: float = Field(
        10.0,
        gt=0,
        le=10_000,
        description="False alarms a week that you accept, over all that is watched.",
    )

    text_share: float = Field(
        0.05, ge=0, le=1, description="Share of inferences whose texts are watched for drift, by a hash of the id."
    )
    text_vectors: Literal["none", "minilm"] = Field(
        "none",
        description="minilm: watched texts get vectors, too. One takes 20 to 30 ms of a core, so at text_share 0.05 a "
        "core does about 400 inferences/s. Needs the extra `embeddings` and, first, all workers upgraded.",
    )

    segment_shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="Share of a hot segment's inferences that is watched, by a hash of the id: a table in sluice.toml.",
    )
    sources: dict[str, Source] = Field(
        default_factory=dict, description="What topics of gateways' own formats hold: a table each in sluice.toml."
    )
    response_timeout_seconds: float = Field(
        900.0, ge=1, le=86_400, description="How long a request waits for its response until it counts as unanswered."
    )
    linger_seconds: float = Field(0.25, ge=0, le=60, description="How long a block waits for more records.")
    block_records: int = Field(10_000, ge=1, le=1_000_000, description="Records that make a block full.")
    event_bytes: int = Field(
        8_388_608,
        ge=1024,
        le=2**30,
        description="The receiver refuses larger bodies; larger records go to the dead letters.",
    )
    poison_share: float = Field(
        0.5, gt=0, le=1, description="Share of dead letters among the last 10,000 records at which the worker stops."
    )

    batches: Path = Field(Path("batches"), description="Folder of the review batches.")
    releases: Path = Field(Path("releases"), description="Folder of the releases.")
    review_policy: Path = Field(
        Path("review.toml"), description="What a cut may take, a TOML file; where there is none, the defaults hold."
    )
    lateness_hours: float = Field(
        24.0, ge=0, le=8_760, description="How long after its end a window waits for late events."
    )
    cut_schedule: Annotated[str, AfterValidator(_crontab)] = Field(
        "0 6 * * *", description="When the leader cuts weeks that are due: crontab, UTC."
    )

    stalled_seconds: float = Field(
        120.0,
        ge=20,
        le=86_400,
        description="How long a partition with work may stand still before /livez says that it is dead.",
    )
    keep_content_days: int = Field(
        90, ge=0, le=36_500, description="How long what people and models said is kept, 0 for ever; numbers stay."
    )
    keep_rows_days: int = Field(400, ge=0, le=36_500, description="How long inferences are kept, 0 for ever.")
    keep_feedback_days: int = Field(400, ge=0, le=36_500, description="How long feedback is kept, 0 for ever.")
    keep_dead_letters_days: int = Field(
        30, ge=0, le=36_500, description="How long unreadable records are kept, unredacted, 0 for ever."
    )
    keep_findings_days: int = Field(400, ge=0, le=36_500, description="How long findings are kept, 0 for ever.")

    rebalance_seconds: float = Field(
        30.0, ge=2, le=3_600, description="How long Kafka waits for workers when the group changes."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe line to log.")

    def finding_page(self, finding_id: str) -> str:
        """Return where a finding's page is."""
        return f"{self.pages_url}/findings/{quote(finding_id, safe='')}"

    @property
    def lateness(self) -> timedelta:
        return timedelta(hours=self.lateness_hours)

    @property
    def retention(self) -> Retention:
        return Retention(
            content=self.keep_content_days,
            rows=self.keep_rows_days,
            feedback=self.keep_feedback_days,
            dead_letters=self.keep_dead_letters_days,
            findings=self.keep_findings_days,
        )

    @property
    def pseudonyms(self) -> bytes:
        """The key of pseudonyms."""
        own = self.pseudonym_key.get_secret_value()
        return own.encode() if own else self._pseudonyms_by_state

    @property
    def pseudonyms_before(self) -> list[bytes]:
        """The keys that made pseudonyms before; where the key has a value of its own, what the state key makes too."""
        said = self.pseudonym_keys_before.get_secret_value().split(",")
        own = bool(self.pseudonym_key.get_secret_value())
        return [key.strip().encode() for key in said if key.strip()] + [self._pseudonyms_by_state] * own

    @property
    def _pseudonyms_by_state(self) -> bytes:
        return hmac.digest(self.state_key.get_secret_value().encode(), b"sluice pseudonyms", "sha256")

    def shown(self, name: str) -> str:
        """Return a setting's value as it may be shown: without keys and passwords."""
        return shown(name, getattr(self, name))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**overrides: object) -> Settings:
    """Read the settings; `overrides` (command-line options) win over the environment, which wins over the file.

    Raises SettingsError with one line for each wrong setting.
    """
    try:
        if FILE.is_file() and (size := FILE.stat().st_size) > LONGEST:
            raise SettingsError(f"{FILE} has {size:,} bytes, and may have {LONGEST:,}.")
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks what the options hold
    except ValidationError as wrong:
        raise SettingsError("\n".join(_line(error) for error in wrong.errors())) from None
    except (ValueError, OSError, RecursionError) as wrong:  # a broken TOML file
        raise SettingsError(f"{FILE} cannot be read: {harmless(str(wrong))[:300]}") from None


def unknown_variables() -> list[str]:
    """Name the variables that look like settings and are none.

    They are said, not refused: Kubernetes sets SLUICE_PORT and the like where a service is called sluice.
    """
    known = {f"SLUICE_{name.upper()}" for name in Settings.model_fields}
    named = (name for name in os.environ if name.startswith("SLUICE_") and not name.startswith(TOKEN))
    return sorted(name for name in named if name not in known)


def tokens() -> dict[str, str]:
    """Return what services that the policy of a cut names are shown, by variable: all that begin with SLUICE_TOKEN_.

    No others: else a policy could send any secret of the environment to an address of its own.
    """
    return {name: value for name, value in os.environ.items() if name.startswith(TOKEN)}


def _line(error: object) -> str:
    assert isinstance(error, dict)  # noqa: S101  # pydantic's ErrorDetails, which has no public name
    name = str(error["loc"][0]) if error["loc"] else "?"
    if name not in Settings.model_fields:
        said = harmless(name)[:60]
        return f"There is no setting {said} (SLUICE_{said.upper()}); `sluice settings` lists those that there are."
    help_, said = Settings.model_fields[name].description, error["input"]
    # Lists in lists in lists would be too deep to be written whole.
    value = shown(name, said if isinstance(said, str) else reprlib.repr(said))
    return f"SLUICE_{name.upper()}={value!r:.200} is wrong: {error['msg']}. It sets: {help_}"


def shown(name: str, value: object) -> str:
    """Return a setting's value for a person's eyes: without the state key, or the user and password in a URL."""
    if Settings.model_fields[name].annotation is SecretStr:
        return "(not shown)"
    return re.sub(r"^(\w+://)?.*@", r"\1(not shown)@", str(value)) if name == "clickhouse_url" else str(value)
