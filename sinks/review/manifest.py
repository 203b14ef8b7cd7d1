"""What a batch says about itself: its window, policy and counts, and the SHA-256 by which its files are known."""

import os
from collections.abc import Mapping
from datetime import datetime
from errno import ENAMETOOLONG
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sinks.review.faults import are_not, first
from sinks.review.policy import Policy
from sinks.review.refusals import NotABatch, TamperedBatch
from sinks.review.windows import Window

NAME = "manifest.json"


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WindowFact(Strict):
    """The window, half-open, in UTC."""

    name: str
    begin: str
    end: str

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        _ = self.span
        return self

    @property
    def span(self) -> Window:
        return Window.between(datetime.fromisoformat(self.begin), datetime.fromisoformat(self.end))


class Counts(Strict):
    """From all that happened in the window to what was picked."""

    events: int | None = Field(
        None,
        description="Requests and answers of these inferences, and feedback about the eligible ones. Null where the "
        "Sluice that cut did not count them.",
    )
    inferences: int = Field(description="All inferences of the window, synthetic ones included.")
    synthetic: int
    without_consent: int
    in_another_batch: int = Field(description="Items, or folded into items, of batches that were cut before.")
    late: int = Field(description="Of the window before, stored after it was cut; they are eligible here.")
    eligible: int = Field(description="N, from which the control is drawn.")
    candidates: dict[str, int] = Field(description="What each reason named; the policy chose among them.")
    items: int
    folded: int = Field(description="Near-duplicates that items stand for.")
    by_reason: dict[str, int] = Field(description="An item of several reasons counts in each.")
    prelabels: dict[str, dict[str, int]] = Field(description="Of each plug: items asked about, labelled, failed.")


class FileFact(Strict):
    bytes: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Tombstone(Strict):
    """An item that was erased, so that rates can still be estimated from the others."""

    item: str = Field(description="Salted SHA-256 of its inference id.")
    reasons: list[str]
    control_weight: float | None


class Manifest(Strict):
    """Holds nothing of when or where the batch was written, so that the same cut makes the same manifest."""

    schema_version: Literal[2] = 2
    state: Literal["cut"] = Field("cut", description="What it is when it is written; review/audit.jsonl has the rest.")
    window: WindowFact
    lateness_s: float = Field(
        description="The allowance for late events; feedback later than end + allowance is left out."
    )
    policy: Policy
    policy_sha256: str
    parents: dict[str, str] = Field(description="Batches that this one knew of, by window: SHA-256 of their manifests.")
    stored_until: int = Field(description="Greatest Kafka time among the window's rows, milliseconds since 1970.")
    code: dict[str, str] = Field(description="Versions of what the bytes depend on.")
    counts: Counts
    files: dict[str, FileFact]
    erased: list[Tombstone] = Field(
        default_factory=list, description="Items that are not in the files any more; the counts are those of the cut."
    )
    cut_sha256: str | None = Field(None, description="SHA-256 of the manifest as it was cut, where it is another now.")

    @property
    def sha256_as_cut(self) -> str:
        """The hash by which other batches know this one, whatever was erased since."""
        return self.cut_sha256 or self.sha256

    @property
    def sha256(self) -> str:
        """The hash of the manifest's file."""
        return sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return canonical JSON: sorted keys, two spaces, a final newline."""
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        # Of policy and counts what was written: a Sluice that knows more values since must not add them here.
        parts = {"policy": self.policy, "counts": self.counts}
        said = self.model_dump(mode="json")
        said |= {name: part.model_dump(mode="json", exclude_unset=True) for name, part in parts.items()}
        return orjson.dumps(said, option=options)


def code_versions() -> dict[str, str]:
    """Return the versions on which the bytes of a batch depend: of Sluice, and of what writes Parquet."""
    return {name: version(name) for name in ("sluice", "pyarrow")}


def fact(path: Path) -> FileFact:
    """Return a file's length and hash."""
    with path.open("rb") as file:
        return FileFact(bytes=os.fstat(file.fileno()).st_size, sha256=file_digest(file, "sha256").hexdigest())


def verify(batch: Path) -> Manifest:
    """Return the manifest of a batch whose files are what it says.

    Raises:
        NotABatch: the folder has no manifest.
        TamperedBatch: names each file that was changed or is missing, or the manifest itself.
    """
    manifest = read(batch)
    if wrong := torn_files(batch, manifest.files):
        raise TamperedBatch(
            f"{batch}: {are_not(wrong, NAME)}. Do not use this batch: `sluice batch mend` cuts its window again, and "
            "puts back what comes out the same."
        )
    return manifest


def torn_files(folder: Path, files: Mapping[str, FileFact]) -> list[str]:
    """Name the files of a batch, or of a release, that are not what a manifest says."""
    return [name for name, said in sorted(files.items()) if not _is(folder / name, said)]


def read(batch: Path) -> Manifest:
    """Return the manifest of a batch, whose files are not looked at. Raises NotABatch, TamperedBatch."""
    path = batch / NAME
    if not path.is_file():
        raise NotABatch(f"{batch} is no review batch: it has no {NAME}. Name the folder of a batch.")
    data = path.read_bytes()
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        where = first(error)[0] or "the file"
        raise TamperedBatch(
            f"{path} is no manifest of this version ({where}): restore it, or upgrade Sluice."
        ) from None
    if not _is_own(manifest, data):
        raise TamperedBatch(f"{path} was edited by hand: restore it, or cut the window again into another folder.")
    return manifest


def _is_own(manifest: Manifest, data: bytes) -> bool:
    """Whether Sluice would write this manifest so."""
    try:
        return manifest.to_bytes() == data and manifest.policy.said_sha256 == manifest.policy_sha256
    except orjson.JSONEncodeError:  # a number of more than 64 bits, which is never written
        return False


def _is(path: Path, said: FileFact) -> bool:
    try:
        return path.parent / path.name == path and path.is_file() and fact(path) == said
    except OSError as error:
        if error.errno == ENAMETOOLONG:  # a name that no file can have
            return False
        raise
