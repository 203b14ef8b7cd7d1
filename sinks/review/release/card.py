"""A release's card: README.md, which Hugging Face's datasets reads for the files, and people for the rest."""

from sinks.review.release.manifest import EVALUATION, FILES, ReleaseManifest


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
{_share(manifest)}
`lineage.jsonl` leads from each line to its inference, decisions, people and signatures.

Left out:

{left}
"""


def _share(manifest: ReleaseManifest) -> str:
    stayed = (
        f" {manifest.stayed:,} conversations stay where an earlier release with another share has them."
        if manifest.stayed
        else ""
    )
    return f"Of conversations that no release held before, {manifest.evaluation_share:.1%} are for evaluation.{stayed}"


def _split(file: str) -> str:
    return "test" if file == EVALUATION else "train"
