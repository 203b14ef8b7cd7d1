"""docs/gateways.md: what a gateway's owner copies from it parses, loads, and does what the page says."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from click.testing import CliRunner

from streams.cli import main
from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.gateways import otlp_traces
from streams.receiver.endpoints import ENDPOINTS
from streams.settings import load
from streams.sources import Content, Format
from tests.streams.gateways.otlp_messages import INGEST_NS, span, traces

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "gateways.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = "\n".join(code for language, code in BLOCKS if language == "sh")
DECODES = re.findall(r"^sluice (decode .*)$", SHELL, re.MULTILINE)
KINDS: dict[str, type[Event]] = {"request": InferenceRequest, "response": InferenceResponse, "feedback": Feedback}


def blocks(language: str) -> list[str]:
    return [code for named, code in BLOCKS if named == language]


def decoded(command: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.chdir(ROOT)
    ran = CliRunner().invoke(main, shlex.split(command))
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_every_format_has_a_row_in_the_table_of_senders() -> None:
    [table] = re.findall(r"^\| sender \|.*?(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL)
    assert not [form for form in get_args(Format) if f"`{form}`" not in table]


def test_the_table_of_paths_is_the_receivers() -> None:
    rows = re.findall(r"^\| `(/[^`]+)` \| `(\w+)`[^|]*\| (\d{3})", PAGE, re.MULTILINE)
    assert rows == [(each.path, each.form, str(each.statuses[0])) for each in ENDPOINTS]


def test_every_policy_is_explained() -> None:
    [table] = re.findall(r"^\| `content` \|.*?(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL)
    _header, *explained = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert sorted(explained) == sorted(get_args(Content))


@pytest.mark.parametrize("code", blocks("toml"))
def test_what_is_for_sluice_toml_loads(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sluice.toml").write_text(code)
    monkeypatch.chdir(tmp_path)
    named = re.findall(r'^\[sources\."([^"]+)"\]', code, re.MULTILINE)
    assert named
    assert list(load().sources) == named


@pytest.mark.parametrize("code", blocks("yaml"))
def test_a_gateways_yaml_parses_and_is_short(code: str) -> None:
    assert all(isinstance(document, dict) for document in yaml.safe_load_all(code))
    assert len(code.splitlines()) <= 11


def test_settings_for_the_receiver_name_a_path_that_it_has() -> None:
    """Base addresses are for clients that add a path themselves."""
    named = set(re.findall(r"http://(?:any:TOKEN@)?sluice:6066(/[\w/]+)", PAGE))
    assert named
    assert named <= {each.path for each in ENDPOINTS}


@pytest.mark.parametrize("code", blocks("json"))
def test_json_is_an_event_of_the_contract(code: str) -> None:
    said = KINDS[json.loads(code)["kind"]].model_validate_json(code)
    assert not set(json.loads(code)) - set(json.loads(said.model_dump_json(by_alias=True)))


def test_the_feedback_that_curl_sends_is_of_the_contract() -> None:
    [(address, body)] = re.findall(r"^curl -i (\S+) .* -d '(\{.*?\})'$", SHELL, re.MULTILINE | re.DOTALL)
    assert address.endswith("/v1/feedback")
    said = Feedback.model_validate_json(body)
    assert (said.name, said.score, said.rater_kind, said.aliases) == ("user.thumbs", 0, "human", ["resp:chatcmpl-1"])
    unknown = set(json.loads(body)) - set(json.loads(said.model_dump_json(by_alias=True)))
    assert not unknown


@pytest.mark.parametrize("command", DECODES)
def test_what_is_to_be_decoded_is_here_and_can_be_read(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shlex.split(command)[1].startswith("tests/fixtures/")
    assert decoded(command, monkeypatch)


def test_the_output_that_is_shown_is_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    [(command, shown)] = re.findall(
        r"^sluice (decode [^\n]*)\n```\n```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )
    assert decoded(command, monkeypatch) == [json.loads(shown)]


def test_cloudflares_spans_are_calls_as_the_collectors_statements_leave_them() -> None:
    documented = {
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.model.provider": "openai",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.prompt_json": '[{"role": "user", "content": "Where?"}]',
        "gen_ai.completion_json": '{"role": "assistant", "content": "Paris"}',
    }
    assert list(otlp_traces.traces(traces(span(documented)), (), INGEST_NS)) == []
    to_be = re.compile(r'set\(span\.attributes\["([^"]+)"\], (?:"([^"]+)"|span\.attributes\["([^"]+)"\])\)')
    changed = documented | {name: text or documented[source] for name, text, source in to_be.findall(PAGE)}
    request, response = otlp_traces.traces(traces(span(changed)), (), INGEST_NS)
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    assert (request.operation, request.provider, request.request_model) == ("chat", "openai", "gpt-4o")
    assert request.input_messages == [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}]
    assert response.output_messages == [{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}]}]
    assert response.input_tokens == 3
