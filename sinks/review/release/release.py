"""Signed batches become a release: the only way in which anything leaves toward training."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from sinks.review import manifest as batches_manifest
from sinks.review.audit import Audit, Step
from sinks.review.decisions import seal_of
from sinks.review.folder import sync, workshop
from sinks.review.items import read_line
from sinks.review.manifest import code_versions, fact
from sinks.review.outcomes import Outcome, survey
from sinks.review.refusals import CutRefused
from sinks.review.release import log
from sinks.review.release.leakage import Sides, is_for_evaluation
from sinks.review.release.manifest import NAME, ReleaseManifest, SourceFact, read
from sinks.review.release.shapes import SHAPES, LeftOut, Made, made
from sinks.review.sign_off import signatures

FILES = (*(f"{shape}.jsonl" for shape in SHAPES), "evaluation.jsonl")
LINEAGE = "lineage.jsonl"
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class NotSigned(CutRefused):
    """A batch is not signed off, or not any more: nothing of it leaves."""


class NotReleased(CutRefused):
    """A release cannot be made so: its name is taken or none, or nothing is in it."""


@dataclass(frozen=True)
class Released:
    """A release on disk."""

    path: Path
    manifest: ReleaseManifest


@dataclass
class _Lines:
    """What is written, and counted, while items go by."""

    records: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)  # that gave a record, of each batch
    left_out: Counter[str] = field(default_factory=Counter)


def release(
    batches: Sequence[Path], releases: Path, version: str, by: str, at: datetime, without: frozenset[str] = frozenset()
) -> Released:
    """Release the decided items of signed batches into `releases/<version>`: data, lineage, manifest and card.

    Args:
        batches: folders of batches, each signed off.
        releases: where releases lie; made if missing.
        version: a name that was never given.
        by: who releases.
        at: when, aware.
        without: inferences to leave out, because they were erased.

    Raises:
        NotSigned: names the batch, and what is missing.
        NotReleased: the version is there, or no name, or there is nothing to release.
        TamperedBatch, TamperedRelease: name what was changed.
    """
    if not VERSION.fullmatch(version):
        raise NotReleased(f"{version!r} is no name of a release: letters, digits, dots and dashes, such as 2026.47.")
    if len({batch.resolve() for batch in batches}) < len(batches):
        raise NotReleased("A batch is named twice, and would be in the release twice: name each once.")
    if (releases / version).exists():
        raise NotReleased(f"{releases / version} is there already, and a release stays as it is: name another version.")
    sources = [_source(batch) for batch in batches]
    before = log.current(releases) if releases.is_dir() else None
    with workshop(releases, version) as folder:
        share = batches_manifest.read(batches[0]).policy.release.evaluation_share
        lines = _write(folder, batches, _known(releases), share, without)
        if not lines.records.total():
            raise NotReleased(f"There is nothing to release: {_counted(lines.left_out)}.")
        manifest = ReleaseManifest(
            version=version,
            released_by=by,
            released_at=at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            sources=sources,
            supersedes=before,
            evaluation_share=share,
            records={name: lines.records[name] for name in FILES},
            left_out=dict(sorted(lines.left_out.items())),
            code=code_versions(),
            files={},
        )
        (folder / "README.md").write_text(card(manifest), encoding="utf-8")
        facts = {path.name: fact(path) for path in sorted(folder.iterdir())}
        manifest = manifest.model_copy(update={"files": facts})
        (folder / NAME).write_bytes(manifest.to_bytes())
        for path in (*folder.iterdir(), folder):
            sync(path)
        folder.rename(releases / version)
    sync(releases)
    for batch in batches:
        Audit(batch).append(
            Step.RELEASED, by, at, version=version, release_sha256=manifest.sha256, items=lines.items[batch.name]
        )
    log.append(releases, "released", version, by, at)
    return Released(releases / version, manifest)


def _source(batch: Path) -> SourceFact:
    held, signed = batches_manifest.verify(batch), signatures(batch)
    if not signed.complete:
        why = signed.void or f"{len(signed.valid)} of {signed.needed} people have signed it."
        raise NotSigned(f"{batch} is not signed off: {why} `sluice batch status` says what is missing.")
    steps = Audit(batch).steps()
    return SourceFact(
        batch=held.window.name,
        manifest_sha256=held.sha256,
        decisions_sha256=seal_of(steps).sha256,
        audit_sha256=sha256(steps[-1].line()).hexdigest(),
        signed_by=[entry.by for entry in signed.valid],
    )


def _known(releases: Path) -> Sides:
    """Return the prompts of all releases that there are, withdrawn ones too: who had them has trained on them."""
    sides = Sides()
    for path in sorted(releases.iterdir()):
        if (path / LINEAGE).is_file():
            read(path)
            lineage = [orjson.loads(line) for line in (path / LINEAGE).read_bytes().splitlines()]
            prompts = {(each["file"] == "evaluation.jsonl", each["inference_id"]): each["prompt"] for each in lineage}
            sides.know(
                [(name, text) for (evaluates, name), text in prompts.items() if not evaluates],
                [(name, text) for (evaluates, name), text in prompts.items() if evaluates],
            )
    return sides


def _write(folder: Path, batches: Sequence[Path], sides: Sides, share: float, without: frozenset[str]) -> _Lines:
    lines = _Lines()
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / name).open("wb")) for name in (*FILES, LINEAGE)}
        for batch in batches:
            outcomes = survey(batch).outcomes
            signed = [entry.by for entry in signatures(batch).valid]
            for item, fingerprint in _items(batch):
                name = item["inference_id"]
                if name in without:
                    lines.left_out["erased"] += 1
                    continue
                try:
                    for file, record, lineage in _records(item, outcomes[name], sides, share):
                        line = lines.records[file] = lines.records[file] + 1
                        files[file].write(_line(record))
                        whence = {"file": file, "line": line, "batch": batch.name, "signed_by": signed}
                        whence["item_sha256"] = fingerprint
                        files[LINEAGE].write(_line(whence | lineage))
                    lines.items[batch.name] += 1
                except LeftOut as why:
                    lines.left_out[str(why)] += 1
    return lines


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
    evaluates = is_for_evaluation(conversation, share)
    if evaluates and of.expected is None:
        raise LeftOut("for evaluation, and no answer to stand for")
    if sides.leak(item["inference_id"], prompt, to_evaluation=evaluates):
        raise LeftOut("near a training prompt" if evaluates else "near an evaluation prompt")
    whence = {
        "inference_id": item["inference_id"],
        "decision_ids": list(outcome.decision_ids),
        "reviewers": list(outcome.reviewers),
        "adjudicated_by": outcome.adjudicated_by,
        "prelabel": outcome.prelabel,
        "verdict": outcome.verdict,
        "reasons": item["reasons"],
        "prompt": prompt,
    }
    if evaluates:
        yield "evaluation.jsonl", _evaluation(item, of, outcome), whence
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


def _counted(left_out: Counter[str]) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(left_out.items())) or "no items"


def _split(file: str) -> str:
    return "test" if file == "evaluation.jsonl" else "train"


def card(manifest: ReleaseManifest) -> str:
    configs = "\n".join(
        f"- config_name: {name.removesuffix('.jsonl')}\n  data_files:\n  - split: {_split(name)}\n    path: {name}"
        for name in FILES
        if manifest.records[name]
    )
    sources = "\n".join(f"- {each.batch}, signed by {' and '.join(each.signed_by)}" for each in manifest.sources)
    rows = "\n".join(f"| `{name}` | {count:,} |" for name, count in manifest.records.items())
    left = "\n".join(f"- {count}: {why}" for why, count in manifest.left_out.items()) or "- nothing"
    return f"""---
configs:
{configs}
---

# Release {manifest.version}

Released by {manifest.released_by} on {manifest.released_at}. Every line was decided by people, or by a label whose
audit by people shows that it may stand, in batches that people have signed:

{sources}

| file | lines |
|---|---:|
{rows}

`sft.jsonl`, `dpo.jsonl`, `kto.jsonl` and `reward.jsonl` are in TRL's conversational shapes. `evaluation.jsonl` is never
trained on: a conversation is on one side for good, and no prompt of one side is near one of the other in any release.
`lineage.jsonl` leads from each line to its inference, decisions, people and signatures.

Left out:

{left}
"""
