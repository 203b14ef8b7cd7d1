"""The real trace with real texts: 28,185 requests and their answers, valid, in order, with a change in the middle."""

import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

from bench.real_trace import AFTER, ALIAS, BEFORE, write
from streams.events import CONTRACT, InferenceRequest, InferenceResponse
from streams.measure import output_chars
from streams.replay import Replay

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data is not at {DATA}")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[InferenceRequest], list[InferenceResponse]]:
    out = tmp_path_factory.mktemp("real") / "real.jsonl.gz"
    assert write(DATA, out) == 2 * 28_185
    events = [CONTRACT[record.topic].model_validate_json(record.value) for record in Replay([out])]
    requests = [event for event in events if isinstance(event, InferenceRequest)]
    responses = [event for event in events if isinstance(event, InferenceResponse)]
    assert len(events) == len(requests) + len(responses)
    return requests, responses


@needs_data
def test_each_row_is_a_request_and_a_response(
    replayed: tuple[list[InferenceRequest], list[InferenceResponse]],
) -> None:
    requests, responses = replayed
    ids = [event.inference_id for event in requests]
    assert ids == [event.inference_id for event in responses]
    assert len(set(ids)) == 28_185
    times = [event.time_unix_nano for event in requests]
    assert times == sorted(times)
    assert times[0] == 1_700_158_546_680_590_000  # 2023-11-16 18:15:46.68059 UTC
    assert {event.service for event in requests} == {"conv", "code"}
    assert {event.request_model for event in responses} == {ALIAS}


@needs_data
def test_tokens_are_the_trace_and_durations_follow_them(
    replayed: tuple[list[InferenceRequest], list[InferenceResponse]],
) -> None:
    requests, responses = replayed
    assert (responses[0].input_tokens, responses[0].output_tokens) == (374, 44)
    assert sum(event.service == "code" for event in requests) == 8_819
    for asked, event in zip(requests, responses, strict=True):
        assert event.duration_s is not None
        assert event.output_tokens is not None
        assert 0.3 < event.duration_s / (0.3 + 0.02 * event.output_tokens) < 3.5
        assert event.time_unix_nano - asked.time_unix_nano == pytest.approx(event.duration_s * 1e9, abs=1000)


@needs_data
def test_the_answers_change_in_the_middle_and_nowhere_else(
    replayed: tuple[list[InferenceRequest], list[InferenceResponse]],
) -> None:
    _, responses = replayed
    models = [event.response_model for event in responses]
    assert models == [BEFORE] * 14_092 + [AFTER] * 14_093
    lengths = [output_chars(event) or 0 for event in responses]
    quarters = [mean(lengths[start : start + 7_000]) for start in (0, 7_000, 14_100, 21_100)]
    assert quarters[0] == pytest.approx(quarters[1], rel=0.02)
    assert quarters[2] == pytest.approx(quarters[3], rel=0.02)
    assert quarters[2] < 0.5 * quarters[1]


def test_missing_data_is_named_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "real.jsonl.gz"
    command = [sys.executable, "-m", "bench.real_trace", str(tmp_path), "--out", str(out)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "lacks azure_llm_trace_2023_conv.jsonl.gz" in ran.stderr
    assert not out.exists()
