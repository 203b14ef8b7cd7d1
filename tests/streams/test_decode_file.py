"""`sluice decode`: the first thing that a gateway's owner tries, from a file or a pipe, with its headers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.pseudonyms import Pseudonyms
from streams.settings import load
from tests.streams.test_events import RESPONSE

FIXTURES = Path(__file__).parents[1] / "fixtures"
OF_THE_MACHINE = [name for name in os.environ if name.startswith("SLUICE_")]
SAID = [{"role": "assistant", "parts": [{"type": "text", "content": "Write to ann@example.com"}]}]


def decode(*arguments: str | Path, given: bytes | None = None) -> Result:
    environment = dict.fromkeys(OF_THE_MACHINE)
    return CliRunner().invoke(main, ["decode", *map(str, arguments)], env=environment, input=given)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_message_is_an_event_a_line_and_headers_may_come_from_a_file() -> None:
    value = FIXTURES / "kserve" / "openai_chat.request.kafka-binary.value"
    for headers in (
        value.with_suffix(".meta.json"),
        FIXTURES / "kserve" / "openai_chat.request.http-binary.headers.json",
    ):
        seen = decode(value, "--format", "cloudevents", "--headers", f"@{headers}")
        assert seen.exit_code == 0, seen.output
        (event,) = lines(seen)
        assert (event["kind"], event["gen_ai.operation.name"], event["service.name"]) == ("request", "chat", "llama3")
        assert event["content_state"] == "redacted"


def test_headers_may_be_written_out() -> None:
    value = FIXTURES / "kserve" / "v1_iris.request.kafka-binary.value"
    told = {"ce_id": "7", "ce_source": "http://x/", "ce_type": "org.kubeflow.serving.inference.request"}
    named = told | {"ce_specversion": "1.0", "ce_inferenceservicename": "iris", "ce_time": "2026-11-21T02:00:30Z"}
    seen = decode(value, "--format", "cloudevents", *(f"--headers={name}: {said}" for name, said in named.items()))
    assert seen.exit_code == 0, seen.output
    assert lines(seen)[0]["inference_id"] == "ce:iris:7"


def test_what_would_be_stored_is_shown_and_that_goes_by_the_policy() -> None:
    sent = json.dumps(RESPONSE | {"gen_ai.output.messages": SAID, "user.id": "ann"}).encode()

    def kept(content: str) -> Any:
        (event,) = lines(decode("-", "--format", "native_responses", "--content", content, given=sent))
        assert event["user.id"] == Pseudonyms(load().pseudonyms).of_user("ann"), "whatever the policy"
        return event.get("gen_ai.output.messages")

    assert kept("full") == SAID
    assert kept("redacted")[0]["parts"][0]["content"] == "Write to [EMAIL]"
    assert "ann@example.com" not in json.dumps(kept("hashed"))
    assert kept("none") is None


def test_a_dead_letter_has_its_reason_and_the_exit_code_says_so() -> None:
    wrong = FIXTURES / "otel" / "WRONG_VARIANT.protobuf_jsonpb_base64_ids.traces.json"
    seen = decode(wrong, "--format", "otlp_traces")
    assert seen.exit_code == 1
    assert {line["kind"] for line in lines(seen)} == {"dead_letter"}
    assert lines(seen)[0]["reason"] == "not_otlp_json"
    assert "cannot be read" in seen.stderr


@pytest.mark.parametrize(
    ("headers", "says"),
    [("ce_id", "write 'name: value', or @FILE of JSON"), (f"@{FIXTURES / 'phoenix'}/no.json", "No such file")],
)
def test_headers_that_are_none_are_said(headers: str, says: str) -> None:
    seen = decode("-", "--format", "cloudevents", "--headers", headers, given=b"{}")
    assert seen.exit_code == 2
    assert says in seen.stderr
    assert "Traceback" not in seen.stderr


def test_a_file_of_headers_that_holds_none_is_said(tmp_path: Path) -> None:
    for text in ("[1, 2]", "7", "not JSON"):
        (tmp_path / "headers.json").write_text(text)
        seen = decode("-", "--format", "cloudevents", "--headers", f"@{tmp_path / 'headers.json'}", given=b"{}")
        assert seen.exit_code == 2
        assert "holds no headers" in seen.stderr
