"""`python -m bench.detection.peers.runner MODULE FOLDER LIMIT`: streams in a folder pass a module's competitors.

Runs in the peers' environment. A line of JSON is written for each competitor and stream, as soon as it is known.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench.detection.race import Competitor
from bench.detection.streams import Metric, Stream


def load(path: Path) -> Stream:
    """Read what `bench.detection.peers.save` wrote."""
    with np.load(path) as saved:
        change_at = int(saved["change_at"])
        return Stream(
            cast("Metric", str(saved["metric"])),
            saved["values"],
            saved["times"],
            int(saved["reference"]),
            None if change_at < 0 else change_at,
        )


def watched(competitors: Iterable[Competitor], folder: Path, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield what each competitor said of each stream that it can watch, or how it failed."""
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        stream = load(path)
        for competitor in competitors:
            if stream.metric not in competitor.metrics:
                continue
            try:
                said = asdict(competitor.run(stream, limit_s))
            except Exception as error:  # a peer's failure is a finding about the peer
                said = {"failure": f"{type(error).__name__} on {stream.metric}: {error}"}
            yield {"competitor": competitor.name, "stream": number, **said}


def main(module: str, folder: Path, limit_s: float) -> None:
    """Write MODULE.jsonl."""
    competitors: list[Competitor] = import_module(module).competitors()
    with (folder / f"{module}.jsonl").open("w") as lines:
        for said in watched(competitors, folder, limit_s):
            print(json.dumps(said), file=lines, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
