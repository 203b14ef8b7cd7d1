"""Items of signed batches, with what was decided of them, become lines of files, each with its lineage."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from sinks.review.items import read_line
from sinks.review.outcomes import Outcome, survey
from sinks.review.release.leakage import Sides, hashed
from sinks.review.release.manifest import EVALUATION, FILES, LINEAGE
from sinks.review.release.shapes import LeftOut, Made, made
from sinks.review.sign_off import signatures


@dataclass
class Written:
    """What is counted while items go by: lines of each file, and items that gave none, by reason."""

    records: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{count} {why}" for why, count in sorted(self.left_out.items())) or "no items"


def write(folder: Path, batches: Sequence[Path], sides: Sides, share: float, without: frozenset[str]) -> Written:
    """Write the files of a release, and say what was written.

    Args:
        folder: an empty one.
        batches: signed.
        sides: what earlier releases train and evaluate on; learns what this one does.
        share: of the conversations that are evaluated on, where no release knows them.
        without: inferences to leave out, because they were erased.
    """
    written = Written()
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / name).open("wb")) for name in (*FILES, LINEAGE)}
        for batch in batches:
            outcomes = survey(batch).outcomes
            signed = [entry.by for entry in signatures(batch).valid]
            for item, fingerprint in _items(batch):
                name = item["inference_id"]
                if name in without:
                    written.left_out["erased"] += 1
                    continue
                try:
                    for file, record, lineage in _records(item, outcomes[name], sides, share):
                        line = written.records[file] = written.records[file] + 1
                        files[file].write(_line(record))
                        whence = {"file": file, "line": line, "batch": batch.name, "signed_by": signed}
                        whence["item_sha256"] = fingerprint
                        files[LINEAGE].write(_line(whence | lineage))
                except LeftOut as why:
                    written.left_out[str(why)] += 1
    return written


def _records(
    item: dict[str, Any], outcome: Outcome, sides: Sides, share: float
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give an item's records with their files and what they came from. Raises LeftOut before the first."""
    of = made(item, outcome)
    if not of.prompt:
        raise LeftOut("no content")
    if not of.records:
        raise LeftOut("answers that are equal")
    prompt = "\n".join(f"{message['role']}: {message['content']}" for message in of.prompt)
    conversation = item["conversation_id"] or prompt
    evaluates = sides.evaluates(conversation, share)
    if evaluates and of.expected is None:
        raise LeftOut("for evaluation, and no answer to stand for")
    if sides.leak(item["inference_id"], prompt, to_evaluation=evaluates):
        raise LeftOut("near a training prompt" if evaluates else "near an evaluation prompt")
    whence = {
        "inference_id": item["inference_id"],
        "conversation_sha256": hashed(conversation),
        "decision_ids": list(outcome.decision_ids),
        "reviewers": list(outcome.reviewers),
        "adjudicated_by": outcome.adjudicated_by,
        "prelabel": outcome.prelabel,
        "verdict": outcome.verdict,
        "reasons": item["reasons"],
        "prompt": prompt,
    }
    if evaluates:
        yield EVALUATION, _evaluation(item, of, outcome), whence
        return
    for shape, record in of.records:
        yield f"{shape}.jsonl", record, whence


def _evaluation(item: dict[str, Any], of: Made, outcome: Outcome) -> dict[str, Any]:
    """A prompt as a template and its variables, with the answer that people stand for."""
    question = of.prompt[-1]["content"]
    template = [*of.prompt[:-1], of.prompt[-1] | {"content": "{{question}}"}]
    return {
        "template": template,
        "variables": {"question": question},
        "expected": of.expected,
        "labels": list(outcome.labels),
        "inference_id": item["inference_id"],
    }


def _items(batch: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Give the items of a batch, each with the hash of its line."""
    with (batch / "items.jsonl").open("rb") as lines:
        for line in lines:
            yield read_line(line), sha256(line.rstrip(b"\n")).hexdigest()


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
