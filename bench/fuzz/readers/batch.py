"""What reads a batch's folder: manifest, log, decisions, receipts, policy, releases, and the files that people send."""

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.fuzz.json_mutations import Tree
from bench.fuzz.readers.reader import Read, Reader
from bench.fuzz.text_mutations import Words
from sinks.review import audit, decisions, manifest, policy_page
from sinks.review.audit import Audit, Step, state_of, vouched
from sinks.review.erasure import receipt
from sinks.review.policy import Policy
from sinks.review.refusals import CutRefused, TamperedBatch
from sinks.review.release import log
from sinks.review.release import manifest as release_manifest
from sinks.review.release.manifest import ReleaseManifest, SourceFact, TamperedRelease
from sinks.review.sign_off import sign, signatures
from tests.sinks.review.deciding import MONDAY, batch, item, keep, says

ITEMS = ("a", "b", "c")


def _decided(folder: Path) -> Path:
    """Write a batch that is decided and signed."""
    made = batch(folder, [item(name) for name in ITEMS])
    better = [{"role": "assistant", "parts": [{"type": "text", "content": "so"}]}]
    keep(made, says("Ada", "a", labels=["tone"], note="näher\n", seconds=12.5), says("Ada", "b", "reject"))
    keep(made, says("Ben", "c", "correct", correction=better), says("Ben", "a", source="csv"), step=Step.IMPORTED)
    sign(made, "Cy", "curator", MONDAY)
    return made


def _written(path: Path, reads: Callable[[], object]) -> Read:
    """Read what comes as a file at a place."""

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return reads()

    return read


def _policies(_folder: Path) -> Sequence[bytes]:
    plug = b'[[prelabels]]\nkind = "classifier"\nname = "own"\nurl = "https://127.0.0.1/x"\ntoken = "SLUICE_TOKEN_A"\n'
    some = b'seed = 7\n[budget]\nitems = 20\nminutes = 30\n[participation]\nmode = "partial"\n'
    some += b'verdicts = {"a=b" = "accept"}\n'
    return policy_page.page(Policy()).encode(), some, some + plug, b"", b"folding.jaccard = 0.8\n"


def _policy(folder: Path) -> Read:
    path = folder / "review.toml"
    return _written(path, lambda: Policy.read(path).sha256)


def _manifests(folder: Path) -> Sequence[bytes]:
    return [(batch(folder, [item(name) for name in ITEMS]) / manifest.NAME).read_bytes()]


def _manifest(folder: Path) -> Read:
    """A manifest is compared with its own writing: what is changed is written as it would be, or none got further."""
    made = batch(folder, [item(name) for name in ITEMS])

    def read(data: bytes) -> object:
        (made / manifest.NAME).write_bytes(_canonical(data) if len(data) % 2 else data)
        held = manifest.verify(made)
        return held.window.span, held.sha256_as_cut, Audit(made).steps()

    return read


def _canonical(data: bytes) -> bytes:
    """Write JSON as manifests are, with the hash of its policy; numbers keep all their digits."""
    try:
        said = json.loads(data)
        said["policy_sha256"] = sha256(_json(said["policy"])).hexdigest()
    except (ValueError, LookupError, TypeError, RecursionError):
        return data
    return json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _json(value: object) -> bytes:
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-8", "surrogatepass")


def _chained(data: bytes, before: str, key: str) -> Iterator[bytes]:
    """Write lines of a log with the hashes of those before, as whoever forges a whole log would."""
    for number, line in enumerate(data.splitlines(), 1):
        try:
            said = json.loads(line)
            said[key] = before
            said = said | {"number": number} if "number" in said else said
            line = _json(said)
        except (ValueError, TypeError, RecursionError):
            pass
        yield line + b"\n"
        before = sha256(line + b"\n").hexdigest()


def _logs(folder: Path) -> Sequence[bytes]:
    return [(_decided(folder) / audit.FOLDER / audit.NAME).read_bytes()]


def _audit(folder: Path) -> Read:
    made = _decided(folder)
    begin = manifest.read(made).sha256

    def read(data: bytes) -> object:
        forged = b"".join(_chained(data, begin, "before")) if len(data) % 4 else data
        (made / audit.FOLDER / audit.NAME).write_bytes(forged)
        steps = Audit(made).steps()
        return vouched(made, steps), state_of(steps), decisions.read(made), signatures(made)

    return read


def _decision_files(folder: Path) -> Sequence[bytes]:
    return [(_decided(folder) / audit.FOLDER / decisions.NAME).read_bytes()]


def _decisions(folder: Path) -> Read:
    return lambda data: [
        (each.line(), each.order, each.substance) for each in decisions.parse(data, folder / decisions.NAME)
    ]


def _receipts(folder: Path) -> Sequence[bytes]:
    places = {"tables": {"found": 1, "left": 0}}
    for _ in range(3):
        receipt.append(folder, receipt.Receipt("2026-11-23T09:00:00Z", "Ada", ["x"], ["y"], 1, places, ["so"]))
    return [(folder / receipt.NAME).read_bytes()]


def _receipt(folder: Path) -> Read:
    def read(data: bytes) -> object:
        forged = b"".join(_chained(data, "0" * 64, "previous")) if len(data) % 4 else data
        (folder / receipt.NAME).write_bytes(forged)
        return receipt.verified(folder), receipt.finished(folder)

    return read


def _releases(_folder: Path) -> Sequence[bytes]:
    source = SourceFact(
        batch="2026-W46", manifest_sha256="0" * 64, decisions_sha256="1", audit_sha256="2", signed_by=["Ada"]
    )
    said: dict[str, Any] = {
        "released_at": "2026-11-23T09:00:00Z",
        "records": {"sft.jsonl": 2},
        "left_out": {"erased": 1},
    }
    said |= {"evaluation_share": 0.1, "code": {"sluice": "1"}, "files": {}, "supersedes": None, "released_by": "Ada"}
    return [ReleaseManifest(version="1", sources=[source], **said).to_bytes()]


def _release(folder: Path) -> Read:
    def read(data: bytes) -> object:
        (folder / release_manifest.NAME).write_bytes(_canonical_release(data) if len(data) % 2 else data)
        return release_manifest.verify(folder).sha256

    return read


def _canonical_release(data: bytes) -> bytes:
    try:
        return json.dumps(json.loads(data), indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    except (ValueError, RecursionError):
        return data


def _release_logs(folder: Path) -> Sequence[bytes]:
    for what, version, more in (("released", "1", {}), ("handed_over", "1", {"to": "x"}), ("withdrawn", "1", {})):
        log.append(folder, what, version, "Ada", MONDAY, **more)  # type: ignore[arg-type]
    log.append(folder, "released", "1-e1", "Ada", MONDAY, instead_of="1")
    return [(folder / log.NAME).read_bytes()]


def _release_log(folder: Path) -> Read:
    def read(data: bytes) -> object:
        forged = b"".join(_chained(data, log.FIRST, "before")) if len(data) % 4 else data
        (folder / log.NAME).write_bytes(forged)
        return log.versions(folder), log.current(folder), log.holders(folder, "1")

    return read


READERS = {
    "policy": Reader(_policies, Words, _policy, (CutRefused,)),
    "batch_manifest": Reader(_manifests, Tree, _manifest, (CutRefused,)),
    "audit_log": Reader(_logs, Tree, _audit, (CutRefused,)),
    "decisions": Reader(_decision_files, Tree, _decisions, (TamperedBatch,)),
    "erasure_receipts": Reader(_receipts, Tree, _receipt, (CutRefused,)),
    "release_manifest": Reader(_releases, Tree, _release, (CutRefused,)),
    "release_log": Reader(_release_logs, Tree, _release_log, (TamperedRelease,)),
}
