"""The command line where no server is needed: what it prints, what it refuses, and that it never shows a secret."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context, Group
from click.testing import CliRunner, Result

from deploy.local.broker import KafkaServer
from sinks.review.manifest import NAME, Counts, Manifest, WindowFact, code_versions, fact
from sinks.review.policy import Policy
from streams.cli.group import WHERE, main
from streams.events import json_schema
from streams.settings import Settings

COMMANDS = (
    "backup",
    "batch",
    "dead-letters",
    "decode",
    "demo",
    "doctor",
    "erase",
    "findings",
    "grafana",
    "incidents",
    "ledger",
    "metrics",
    "migrate",
    "openapi",
    "plan",
    "receive",
    "reference",
    "release",
    "replay",
    "restore",
    "rewind",
    "rewrap",
    "schema",
    "settings",
    "similar",
    "simulate",
    "status",
    "up",
    "worker",
)
OF_THE_MACHINE = [name for name in os.environ if name.startswith("SLUICE_")]


def sluice(*arguments: str | Path, **given: str) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], env=dict.fromkeys(OF_THE_MACHINE) | given)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_with_what_it_does(option: str) -> None:
    said = sluice(option)
    assert said.exit_code == 0
    listed = dict(re.findall(r"^  ([\w-]+) {2,}(\S.*)$", said.stdout.partition("To begin:")[2], re.MULTILINE))
    assert tuple(sorted(listed)) == COMMANDS
    assert listed.keys() == WHERE.keys()
    assert max(map(len, said.stdout.splitlines())) <= 80


def test_help_does_not_load_what_commands_do() -> None:
    listed = "from streams.cli import main; main(['--help'], standalone_mode=False)"
    code = f"import sys; {listed}; sys.exit(any(name in sys.modules for name in ('faust', 'numpy', 'pyarrow')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, stdout=subprocess.DEVNULL).returncode == 0


BELOW = {
    "batch": (
        "adjudicate",
        "audit",
        "conflicts",
        "cut",
        "decide",
        "export",
        "import",
        "mend",
        "plan",
        "policy",
        "push",
        "reject",
        "report",
        "review",
        "sign",
        "status",
        "verify",
    ),
    "dead-letters": ("list", "replay", "show"),
    "findings": ("accept", "ack", "show"),
    "grafana": ("push",),
    "reference": ("pin", "reset", "show", "unpin"),
    "release": ("cut", "diff", "hand-over", "list", "rollback", "show", "verify"),
}


def test_groups_have_the_commands_that_are_looked_at_here() -> None:
    known = {name: main.get_command(Context(main), name) for name in main.list_commands(Context(main))}
    groups = {name: tuple(sorted(each.commands)) for name, each in known.items() if isinstance(each, Group)}
    assert groups == BELOW
    assert main.commands.keys() == WHERE.keys(), "no module has a command that is not listed"


@pytest.mark.parametrize("command", [*COMMANDS, *(f"{group} {name}" for group in BELOW for name in BELOW[group])])
def test_each_command_has_help_of_its_own(command: str) -> None:
    said = sluice(*command.split(), "--help")
    assert said.exit_code == 0
    assert re.search(r"\n\n  [A-Z][^.]+\.", said.stdout), "a sentence"


def test_the_version_is_the_packages() -> None:
    assert re.fullmatch(r".*\b\d+\.\d+\.\d+\n", sluice("--version").stdout)


def test_schema_prints_the_contract() -> None:
    said = sluice("schema")
    assert said.exit_code == 0
    assert json.loads(said.stdout) == json_schema()


def test_settings_lists_all_of_them_without_secrets() -> None:
    said = sluice(
        "settings",
        SLUICE_STATE_KEY="a secret of more than 32 characters",
        SLUICE_CLICKHOUSE_URL="https://reader:pa55word@clickhouse:8443/sluice",
        SLUICE_PARTITIONS="12",
    )
    assert said.exit_code == 0
    listed = dict(re.findall(r"^(SLUICE_\w+)=(.*)$", said.stdout, re.MULTILINE))
    assert set(listed) == {f"SLUICE_{name.upper()}" for name in Settings.model_fields}
    assert listed["SLUICE_PARTITIONS"] == "12"
    assert "clickhouse:8443/sluice" in listed["SLUICE_CLICKHOUSE_URL"]
    for secret in ("a secret", "pa55word", "reader"):
        assert secret not in said.output
    for field in Settings.model_fields.values():
        assert field.description
        assert field.description in said.stdout


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A review batch of one item."""
    folder = tmp_path / "2026-W46"
    folder.mkdir()
    (folder / "items.jsonl").write_bytes(b'{"inference_id":"call-1","reasons":["control"]}\n')
    policy = Policy()
    manifest = Manifest(
        window=WindowFact(name="2026-W46", begin="2026-11-09T00:00:00Z", end="2026-11-16T00:00:00Z"),
        lateness_s=86_400.0,
        policy=policy.said(),
        policy_sha256=policy.sha256,
        code=code_versions(),
        parents={},
        stored_until=0,
        counts=Counts(
            inferences=1,
            synthetic=0,
            without_consent=0,
            in_another_batch=0,
            late=0,
            eligible=1,
            candidates={"control": 1},
            items=1,
            folded=0,
            by_reason={"control": 1},
            prelabels={},
        ),
        files={"items.jsonl": fact(folder / "items.jsonl")},
    )
    (folder / NAME).write_bytes(manifest.to_bytes())
    return folder


def test_a_batch_is_verified_until_somebody_touches_it(batch: Path) -> None:
    whole = sluice("batch", "verify", batch)
    assert whole.exit_code == 0
    assert whole.stdout == (
        f"{batch} is what its manifest says: 1 items of 2026-W46.\nIts log is whole, 0 steps, and so are 0 decisions.\n"
    )
    items = batch / "items.jsonl"
    items.write_bytes(items.read_bytes().replace(b"call-1", b"call-2"))
    assert_refused(sluice("batch", "verify", batch), r"items\.jsonl is not what manifest\.json says. Do not use")
    items.unlink()
    assert_refused(sluice("batch", "verify", batch), r"items\.jsonl is not what manifest\.json says")
    (batch / NAME).unlink()
    assert_refused(sluice("batch", "verify", batch), r"is no review batch: it has no manifest\.json")


def test_a_simulation_is_written_and_replayed_whole(broker: KafkaServer, tmp_path: Path) -> None:
    out = tmp_path / "week.jsonl.gz"
    written = sluice("simulate", "--week", "2025-W40", "--inferences", "500", "--seed", "3", "--out", out)
    assert written.exit_code == 0, written.output
    (records,) = re.findall(
        rf"^([\d,]+) records of 500 calls are in {re.escape(str(out))}\.$", written.stdout, re.MULTILINE
    )
    replayed = sluice(
        "replay", out, SLUICE_KAFKA_BOOTSTRAP=broker.bootstrap, SLUICE_TOPIC_PREFIX=f"cli-{tmp_path.name}."
    )
    assert replayed.exit_code == 0, replayed.output
    counts = re.findall(r"^([\d,]+) records to \S+\.inference\.(\w+)$", replayed.stdout, re.MULTILINE)
    assert {kind for _, kind in counts} == {"requests", "responses", "feedback"}
    assert sum(int(count.replace(",", "")) for count, _ in counts) == int(records.replace(",", ""))


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        sluice("simulate", "--week", "2025-W40", "--inferences", "100", "--seed", seed, "--out", tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a", "b", "c"))
    assert a == b != c


WRONG = {
    "simulate --speed fast": r"'fast' is no speed: give max, live, or a number",
    "simulate --inferences 0": r"0 is not in the range x>=1",
    "simulate --scenario earthquake --out x": r"no scenario 'earthquake'; there are quiet, ",
    "simulate --week 2025-W60 --out x": r"2025-W60",
    "simulate --hours=-1 --out x": r"hours|duration|time",
    "replay": r"Missing argument 'FILES",
    "replay nowhere.jsonl": r"nowhere\.jsonl cannot be read: No such file",
    "replay x --speed 0": r"'0' is no speed",
    "demo --inferences 10": r"10 is not in the range 5000<=x",
    "batch": r"Commands",
    "batch cut": r"--week",
    "batch cut --week W46": r"'W46' is no ISO week: write it as 2026-W46",
    "batch cut --week 2025-W60": r"There is no week 2025-W60",
    "batch verify": r"Missing argument 'FOLDER'",
    "findings ack x": r"Missing option '--by'",
    "findings accept x": r"Missing option '--by'",
    "findings show": r"Missing argument 'ID'",
    "reference": r"Commands",
    "reference pin": r"Missing argument 'SEGMENT'",
    "reference reset chat": r"Missing option '--by'",
    f"reference pin chat --by {'x' * 257}": r"takes 256 characters at most",
    "flush": r"No such command 'flush'",
    "ledger --weekly": r"No such option.*--weekly",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_words_are_refused_with_what_would_be_right(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = sluice(*words.split(), SLUICE_KAFKA_BOOTSTRAP="127.0.0.1:1", SLUICE_CLICKHOUSE_URL="http://127.0.0.1:1/x")
    assert isinstance(said.exception, SystemExit)
    assert said.exit_code == 2
    assert re.search(WRONG[words], said.stderr), said.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "variable"),
    [
        ("simulate --inferences 10", "SLUICE_KAFKA_BOOTSTRAP"),
        ("replay FILE", "SLUICE_KAFKA_BOOTSTRAP"),
        ("ledger", "SLUICE_KAFKA_BOOTSTRAP"),
        ("batch cut --week 2025-W40", "SLUICE_CLICKHOUSE_URL"),
        ("findings", "SLUICE_CLICKHOUSE_URL"),
        ("findings show x", "SLUICE_CLICKHOUSE_URL"),
        ("incidents", "SLUICE_CLICKHOUSE_URL"),
        ("reference show x", "SLUICE_CLICKHOUSE_URL"),
        ("reference reset x --by ann", "SLUICE_CLICKHOUSE_URL"),
    ],
)
def test_a_server_that_is_away_gets_one_line(words: str, variable: str, tmp_path: Path) -> None:
    file = tmp_path / "file.jsonl"
    file.write_text('{"kind": "request"}\n')
    away = {"SLUICE_KAFKA_BOOTSTRAP": "127.0.0.1:1", "SLUICE_CLICKHOUSE_URL": "http://127.0.0.1:1/x"}
    said = sluice(*words.replace("FILE", str(file)).split(), **away)
    assert_refused(said, rf"does not answer .*Start it .*or set {variable} to where it is")


def assert_refused(said: Result, words: str) -> None:
    assert isinstance(said.exception, SystemExit)
    assert said.exit_code == 2
    assert re.fullmatch(rf"sluice: .*{words}.*\n", said.stderr), said.output
    assert not said.stdout
