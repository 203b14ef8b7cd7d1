"""Settings: options before the environment before sluice.toml, and one line with the cure for each that is wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, load, shown, tokens, unknown_variables
from streams.stack import LocalWorker

SECRET = "s3cr%2F3t"  # noqa: S105  # of nobody


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and no SLUICE_ variables: what is read is what a test puts there."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLUICE_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    return monkeypatch.setenv


def test_without_a_word_everything_has_a_default() -> None:
    settings = load()
    assert settings.kafka_bootstrap == "127.0.0.1:9092"
    assert settings.lateness.total_seconds() == 24 * 3600
    assert settings.state_key.get_secret_value() == ""


def test_options_win_over_the_environment_which_wins_over_the_file(
    folder: Path, setenv: Callable[[str, str], None]
) -> None:
    (folder / "sluice.toml").write_text('group = "file"\npartitions = 7\nlog_level = "ERROR"\nweb_port = 7000\n')
    setenv("SLUICE_PARTITIONS", "8")
    setenv("SLUICE_WEB_PORT", "8000")
    settings = load(web_port=9000)
    assert (settings.group, settings.log_level, settings.partitions, settings.web_port) == ("file", "ERROR", 8, 9000)


def test_a_sluice_toml_elsewhere_is_not_read(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "sluice.toml").write_text('group = "below"\n')
    assert load().group == "sluice"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("kafka_bootstrap", "kafka", "pattern"),
        ("kafka_bootstrap", "kafka://kafka:9092", "pattern"),
        ("clickhouse_url", "ch:8123", "pattern"),
        ("clickhouse_url", "http://ch:8123/a-b", "pattern"),
        ("clickhouse_url", "http://ch:notaport/x", "host:port/database"),
        ("clickhouse_url", "http://ch:99999/x", "host:port/database"),
        ("clickhouse_url", "http://ch:0/x", "host:port/database"),
        ("pages_url", "sluice.example", "pattern"),
        ("kafka_token_url", "https://id:secret@login.example/token", "pattern"),
        ("pages_url", "http://sluice.example:99999", "host[:port]"),
        ("pages_url", "https://ann:secret@sluice.example", "without a user"),
        ("pages_url", "https://sluice.example/?page=1", "host[:port]"),
        ("group", "", "at least 1 character"),
        ("topic_prefix", "a b", "pattern"),
        ("partitions", "0", "greater than or equal to 1"),
        ("partitions", "many", "valid integer"),
        ("web_port", "70000", "less than or equal to 65535"),
        ("checkpoint_seconds", "0", "greater than 0"),
        ("false_alarms", "0", "greater than 0"),
        ("text_share", "1.1", "less than or equal to 1"),
        ("linger_seconds", "-1", "greater than or equal to 0"),
        ("linger_seconds", "nan", "finite number"),
        ("lateness_hours", "inf", "finite number"),
        ("poison_share", "1.5", "less than or equal to 1"),
        ("cut_schedule", "every monday", "five crontab fields"),
        ("log_level", "loud", "pattern"),
        ("rebalance_seconds", "1", "greater than or equal to 2"),
    ],
)
def test_a_wrong_value_gets_one_line_with_variable_value_and_meaning(
    name: str, value: str, complaint: str, setenv: Callable[[str, str], None]
) -> None:
    setenv(f"SLUICE_{name.upper()}", value)
    with pytest.raises(SettingsError) as wrong:
        load()
    said = str(wrong.value)
    assert said.startswith(f"SLUICE_{name.upper()}={value!r} is wrong: ")
    assert complaint in said
    assert said.endswith(f"It sets: {Settings.model_fields[name].description}")
    assert "\n" not in said


@pytest.mark.parametrize("name", ["receiver_tokens", "metrics_token", "pages_token"])
@pytest.mark.parametrize("token", ["s3cr3t-of-15-ch", " s3cr3t-of-15-ch ", "\t"])
def test_a_token_that_can_be_guessed_is_refused_with_the_cure_and_not_shown(
    name: str, token: str, setenv: Callable[[str, str], None]
) -> None:
    held = f"{SECRET * 4}, {token}x, s3cr3t" if name == "receiver_tokens" else token
    setenv(f"SLUICE_{name.upper()}", held)
    with pytest.raises(SettingsError) as wrong:
        load()
    said = str(wrong.value)
    assert said.startswith(f"SLUICE_{name.upper()}='(not shown)' is wrong: ")
    assert "takes 16 characters or more, for example the output of `openssl rand -hex 16`" in said
    assert "s3cr" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("receiver_tokens", ""),
        ("receiver_tokens", " , "),
        ("receiver_tokens", "a-token-of-16-ch, another-of-16-ch,"),
        ("metrics_token", ""),
        ("metrics_token", "a-token-of-16-ch"),
        ("pages_token", ""),
        ("pages_token", "a password, of people"),
    ],
)
def test_a_token_of_16_characters_is_taken_and_so_is_none(name: str, token: str) -> None:
    assert getattr(load(**{name: token}), name).get_secret_value() == token


def test_a_findings_page_lies_below_where_people_reach_the_pages(setenv: Callable[[str, str], None]) -> None:
    assert load().finding_page("ab12") == "http://127.0.0.1:6066/findings/ab12"
    setenv("SLUICE_PAGES_URL", "https://ops.example/sluice/")
    assert load().finding_page("a/b") == "https://ops.example/sluice/findings/a%2Fb"


def test_each_wrong_setting_has_a_line_of_its_own(folder: Path, setenv: Callable[[str, str], None]) -> None:
    (folder / "sluice.toml").write_text("partitions = 0\ncolour = 'red'\n")
    setenv("SLUICE_WEB_PORT", "x")
    with pytest.raises(SettingsError) as wrong:
        load()
    lines = str(wrong.value).splitlines()
    assert sorted(line.split("=")[0] for line in lines) == [
        "SLUICE_PARTITIONS",
        "SLUICE_WEB_PORT",
        "There is no setting colour (SLUICE_COLOUR); `sluice settings` lists those that there are.",
    ]


@pytest.mark.parametrize("content", [b"group = \n", b"\xff\xfe", b"[group"])
def test_a_file_that_is_not_toml_is_said_in_a_line(folder: Path, content: bytes) -> None:
    (folder / "sluice.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^sluice\.toml cannot be read: .+$") as wrong:
        load()
    assert "\n" not in str(wrong.value)


def test_a_file_that_would_take_minutes_to_read_is_refused_at_once(folder: Path) -> None:
    (folder / "sluice.toml").write_text(".".join("a" * 50_000) + " = 1\n")
    with pytest.raises(SettingsError, match=r"^sluice\.toml has 100,004 bytes, and may have 65,536\.$"):
        load()


def test_the_state_key_is_never_shown(folder: Path, setenv: Callable[[str, str], None]) -> None:
    setenv("SLUICE_STATE_KEY", "my very secret key")
    settings = load()
    assert "secret key" not in repr(settings) + str(settings) + str(settings.state_key)
    assert shown("state_key", "my very secret key") == "(not shown)"
    (folder / "sluice.toml").write_text("state_key = ['my very secret key']\n")
    with pytest.raises(SettingsError) as wrong:
        load(state_key=["my very secret key"])
    assert "secret key" not in str(wrong.value)
    assert "SLUICE_STATE_KEY" in str(wrong.value)


@pytest.mark.parametrize(
    "url",
    [
        f"http://alice:{SECRET}@ch:port/sluice",
        f"http://alice:{SECRET}@ch:8123/not-a-name",
        f"http://alice:{SECRET}#@ch:8123/sluice",  # not percent-encoded
        f"http://alice:{SECRET}@@ch:99999/sluice",
        f"alice:{SECRET}@ch:8123",
        f"http://alice:{SECRET}\u2100@ch:8123/sluice",  # of which urlsplit says all
        f"http://alice:{SECRET}@[ch]:8123/sluice",
    ],
)
def test_user_and_password_in_a_url_are_never_shown(url: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load(clickhouse_url=url)
    assert not any(word in str(wrong.value) for word in ("alice", "s3cr"))


def test_a_password_with_odd_characters_is_taken_when_it_is_encoded() -> None:
    assert load(clickhouse_url=f"https://alice:{SECRET}@ch.example/sluice").clickhouse_url.endswith(
        "@ch.example/sluice"
    )
    assert shown("clickhouse_url", f"http://alice:{SECRET}@ch:8123/x") == "http://(not shown)@ch:8123/x"
    assert shown("clickhouse_url", "http://ch:8123/x") == "http://ch:8123/x"
    assert shown("partitions", 4) == "4"


def test_settings_do_not_change_once_they_are_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().partitions = 5  # type: ignore[misc]  # which mypy says as well


def test_variables_that_look_like_settings_and_are_none_are_named(setenv: Callable[[str, str], None]) -> None:
    assert unknown_variables() == []
    setenv("SLUICE_GROUP", "known")
    setenv("SLUICE_GRUOP", "mistyped")
    setenv("SLUICE_PORT", "tcp://10.0.0.1:80")  # Kubernetes', where a service is called sluice
    assert unknown_variables() == ["SLUICE_GRUOP", "SLUICE_PORT"]
    assert load().group == "known"


@pytest.mark.parametrize(
    "name", [name for name, each in Settings.model_fields.items() if each.annotation in (int, float)]
)
def test_a_number_that_nothing_can_hold_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"SLUICE_{name.upper()}"):
        load(**{name: 10**30})


def test_each_setting_can_be_shown() -> None:
    settings = load(state_key="k" * 32, clickhouse_url="http://alice:s3cret@ch:8123/x")
    said = {name: settings.shown(name) for name in Settings.model_fields}
    assert said["clickhouse_url"] == "http://(not shown)@ch:8123/x"
    assert said["state_key"] == "(not shown)"
    assert said["partitions"] == "4"


def test_tokens_for_others_are_variables_of_their_own_and_no_other_is_one(setenv: Callable[[str, str], None]) -> None:
    setenv("SLUICE_TOKEN_JUDGE", SECRET)
    setenv("SLUICE_STATE_KEY", "0" * 32)
    setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert tokens() == {"SLUICE_TOKEN_JUDGE": SECRET}
    assert unknown_variables() == []


def test_a_worker_gets_all_settings_of_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sluice.toml").write_text(
        'partitions = 8\n[segment_shares]\n"chat|/v1/chat|large|production" = 0.25\n'
        '[sources.spans]\nformat = "otlp_traces"\ncontent = "none"\n'
    )
    told = load(state_key="k" * 32, clickhouse_url="http://u:p@h:8123/d")
    (folder / "sluice.toml").unlink()
    for name, value in LocalWorker(told).environment().items():
        monkeypatch.setenv(name, value)
    assert load() == told
