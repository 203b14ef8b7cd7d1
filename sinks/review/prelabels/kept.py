"""What plugs have said is kept beside the batches, so that cutting a window once more here takes the same labels."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import orjson

from sinks.review.prelabels.plug import Plug, Prelabel

FOLDER = ".prelabels"  # in the folder of batches


def fingerprint(inference_id: str, text: str) -> str:
    """Name what was asked about: an item and the text that was shown of it."""
    return sha256(orjson.dumps([inference_id, text])).hexdigest()


class Kept:
    """The labels of one plug, as it is configured: a file of JSON lines, appended as answers come.

    A line that a kill left half is passed over; what it said is asked again. One process writes at a time: a cut holds
    the lock of the folder of batches.
    """

    def __init__(self, batches: Path, plug: Plug) -> None:
        self.path = batches / FOLDER / f"{plug.name}-{plug.sha256[:16]}.jsonl"
        self._labels: dict[str, list[Prelabel]] = {}
        if self.path.exists():
            for line in self.path.read_bytes().splitlines():
                try:
                    said = orjson.loads(line)
                    self._labels[said["fingerprint"]] = [Prelabel(**label) for label in said["labels"]]
                except (ValueError, KeyError, TypeError):
                    continue

    def get(self, name: str) -> list[Prelabel] | None:
        """Return the labels of what a fingerprint names; None where it was never answered."""
        return self._labels.get(name)

    def add(self, inference_id: str, name: str, labels: Sequence[Prelabel]) -> None:
        """Keep an answer. The id stands beside it, so that erasing an inference finds it."""
        self._labels[name] = list(labels)
        said = {"inference_id": inference_id, "fingerprint": name, "labels": [asdict(label) for label in labels]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            # A line of its own, whatever a kill left before it.
            file.write(b"\n" * (file.tell() > 0 and not _ends_a_line(self.path)))
            file.write(orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
