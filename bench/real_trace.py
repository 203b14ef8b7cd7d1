"""Rows of a real trace of model traffic, with real prompts and answers, become native events for a replay.

    python -m bench.real_trace DATA_DIR --out FILE

The times and the numbers of tokens are the Azure LLM inference trace of November 2023 (one hour, two services); the
prompts and answers are AlpacaEval's. The two do not belong together: texts are dealt out to the rows in turn, so an
answer's length in characters follows its text and its length in tokens follows the trace. One model's answers are
dealt before the middle row and another's, much shorter, from there on, while the requested model keeps its name: a
gateway whose alias was pointed at a cheaper model. The trace has no durations; they are derived, see `duration`.
"""

import argparse
import gzip
import heapq
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

TRACES = {"conv": "azure_llm_trace_2023_conv.jsonl.gz", "code": "azure_llm_trace_2023_code.jsonl.gz"}
ANSWERS = "alpaca_eval_outputs.jsonl.gz"
BEFORE, AFTER = "gpt4_1106_preview", "gpt-3.5-turbo-1106"  # 2,049 and 797 characters an answer on the average
ALIAS = "assistant"
SEED = 2023


class DataMissing(Exception):
    """The data is not there; the message says which files."""


def events(data: Path) -> Iterator[dict[str, Any]]:
    """Yield a request and a response for each row of the trace, rows in order of time."""
    rows = list(heapq.merge(*(_trace(data, service) for service in TRACES), key=lambda row: row[0]))
    before, after = _answers(data)
    noise = random.Random(SEED)  # noqa: S311  # reproducible, not secret
    for number, (moment, service, context_tokens, generated_tokens) in enumerate(rows):
        answers = before if number < len(rows) // 2 else after
        prompt, answer = answers[number % len(answers)]
        seconds = duration(generated_tokens, noise)
        call = _call(f"azure-2023-{number:05d}", service)
        yield call | {
            "kind": "request",
            "event_id": f"{call['inference_id']}/request",
            "time_unix_nano": moment,
            "content_state": "captured",
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": prompt}]}],
        }
        yield call | {
            "kind": "response",
            "event_id": f"{call['inference_id']}/response",
            "time_unix_nano": moment + round(seconds * 1e9),
            "status": "ok",
            "duration_s": round(seconds, 6),
            "gen_ai.response.model": BEFORE if answers is before else AFTER,
            "gen_ai.usage.input_tokens": context_tokens,
            "gen_ai.usage.output_tokens": generated_tokens,
            "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}],
        }


def duration(generated_tokens: int, noise: random.Random) -> float:
    """Derive seconds from tokens: 0.3 + 0.02 a token, times log-normal noise of sigma 0.25; no change is put in.

    The trace does not say how long an answer took, and a detector of latency wants something to be silent on.
    """
    return (0.3 + 0.02 * generated_tokens) * noise.lognormvariate(0.0, 0.25)


def write(data: Path, out: Path) -> int:
    """Write the events, one a line, gzip when the name ends in .gz; return how many. Raises DataMissing."""
    missing = [name for name in (*TRACES.values(), ANSWERS) if not (data / name).is_file()]
    if missing:
        raise DataMissing(f"{data} lacks {', '.join(missing)}: name the folder that holds them.")
    lines = 0
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(out.open("wb"))
        if out.suffix == ".gz":
            file = cast("BinaryIO", stack.enter_context(gzip.GzipFile("", "wb", 4, file, mtime=0)))
        for event in events(data):
            file.write(orjson.dumps(event) + b"\n")
            lines += 1
    return lines


def _call(inference_id: str, service: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "inference_id": inference_id,
        "source.format": "native",
        "service.name": service,
        "http.route": "/v1/chat/completions",
        "deployment.environment.name": "production",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": ALIAS,
    }


def _trace(data: Path, service: str) -> list[tuple[int, str, int, int]]:
    return [
        (_nanoseconds(row["ts"]), service, row["context_tokens"], row["generated_tokens"])
        for row in _rows(data / TRACES[service])
    ]


def _answers(data: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return prompts with the answers of the model before, and of the one after."""
    told: dict[str, list[tuple[str, str]]] = {BEFORE: [], AFTER: []}
    for row in _rows(data / ANSWERS):
        if row["model"] in told:
            told[row["model"]].append((row["instruction"], row["output"]))
    # In one order of chance for both: the file is sorted by data set, and each has answers of another length, which is
    # a change of its own every few hundred calls.
    for answers in told.values():
        random.Random(SEED).shuffle(answers)  # noqa: S311  # reproducible, not secret
    return told[BEFORE], told[AFTER]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as lines:
        yield from map(orjson.loads, lines)


def _nanoseconds(text: str) -> int:
    """Read a UTC time such as 2023-11-16 18:15:46.6805900, whose seven decimals a datetime would cut to six."""
    whole, _, fraction = text.partition(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_trace", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the trace and the answers")
    parser.add_argument("--out", type=Path, required=True, help="file to write, for sluice replay")
    given = parser.parse_args()
    try:
        print(f"{write(given.data, given.out):,} events written to {given.out}")
    except DataMissing as missing:
        sys.exit(f"real_trace: {missing}")


if __name__ == "__main__":
    main()
