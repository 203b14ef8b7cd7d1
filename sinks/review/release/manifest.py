"""What a release says about itself: the batches it came from, who signed, what was left out, and its files' hashes."""

from hashlib import sha256
from pathlib import Path
from typing import Literal

import orjson
from pydantic import Field, ValidationError

from sinks.review.faults import are_not
from sinks.review.manifest import FileFact, Strict, torn_files
from sinks.review.refusals import CutRefused
from sinks.review.release.shapes import SHAPES

NAME = "manifest.json"
EVALUATION = "evaluation.jsonl"
FILES = (*(f"{shape}.jsonl" for shape in SHAPES), EVALUATION)
LINEAGE = "lineage.jsonl"
REPLACED = "REPLACED_BY"  # a file of a release from which something was erased: the version that took its place


class NotARelease(CutRefused):
    """A folder holds no release, or none of this version."""


class TamperedRelease(CutRefused):
    """A file of a release is not what its manifest says."""


class SourceFact(Strict):
    """A batch: its manifest, its decisions as they were signed, and by whom."""

    batch: str
    manifest_sha256: str
    decisions_sha256: str
    audit_sha256: str = Field(description="Of the last line of the batch's log when it was released.")
    signed_by: list[str]


class ReleaseManifest(Strict):
    schema_version: Literal[1] = 1
    version: str
    released_by: str
    released_at: str = Field(description="ISO 8601, UTC.")
    sources: list[SourceFact]
    supersedes: str | None = Field(description="The release before, whose place this one takes.")
    evaluation_share: float = Field(description="Of the conversations that no release held before.")
    stayed: int = Field(
        0, description="Conversations that this share would move, and that stay where an earlier release has them."
    )
    records: dict[str, int] = Field(description="Lines of each file of data.")
    left_out: dict[str, int] = Field(description="Items that gave no record, by reason.")
    code: dict[str, str]
    files: dict[str, FileFact]

    def to_bytes(self) -> bytes:
        """Return canonical JSON, without what was not said: a manifest that is older than a field has it not."""
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        said = self.model_dump(mode="json", exclude_unset=True) | {"schema_version": self.schema_version}
        return orjson.dumps(said, option=options)

    @property
    def sha256(self) -> str:
        return sha256(self.to_bytes()).hexdigest()


def read(release: Path) -> ReleaseManifest:
    """Return the manifest of a release. Raises NotARelease, TamperedRelease."""
    path = release / NAME
    if not path.is_file():
        raise NotARelease(f"{release} is no release: it has no {NAME}. `sluice release list` names those there are.")
    data = path.read_bytes()
    try:
        manifest = ReleaseManifest.model_validate_json(data)
    except ValidationError:
        raise NotARelease(f"{path} is no manifest of a release of this version.") from None
    try:
        own = manifest.to_bytes() == data
    except orjson.JSONEncodeError:  # a number of more than 64 bits, which is never written
        own = False
    if not own:
        raise TamperedRelease(f"{path} was edited by hand: restore it from a copy.")
    return manifest


def verify(release: Path) -> ReleaseManifest:
    """Return the manifest of a release whose files are what it says.

    Raises NotARelease, TamperedRelease: names each file that is not.
    """
    manifest = read(release)
    if (release / REPLACED).is_file():
        other = (release / REPLACED).read_text(encoding="utf-8").strip()
        raise NotARelease(f"{release} is no more: something was erased from it, and {other} took its place. Use that.")
    if wrong := torn_files(release, manifest.files):
        raise TamperedRelease(
            f"{release}: {are_not(wrong, NAME)}. Do not train on it; restore it from a copy, or take the release "
            "before."
        )
    return manifest
