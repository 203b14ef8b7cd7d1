"""What a section's jobs return becomes tables, with the targets beside, and the section's part of the JSON file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from bench import nab
from bench.detection import fleets, scores, targets
from bench.detection.peers import Results
from bench.detection.scores import Run
from bench.detection_texts import Delay, Null


@dataclass(frozen=True, slots=True)
class Outcome:
    """A section's rows (dataclasses, by kind), the tables that show them, and how they stand to the targets."""

    rows: Mapping[str, Sequence[Any]]
    tables: Sequence[Table] = ()
    verdicts: Sequence[targets.Verdict] = ()
    failures: Sequence[str] = field(default=())


def outcome(section: str, results: Sequence[Any]) -> Outcome:
    """Sum up what the jobs of a section returned."""
    return _SECTIONS[section](results)


def keep(path: Path, section: str, came: Outcome, about: Mapping[str, Any]) -> None:
    """Put a section into the file in place of what was there of it, a row a line."""
    kept: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    targets_ = [asdict(each) | {"said": str(each)} for each in came.verdicts]
    rows = {kind: [asdict(row) for row in rows] for kind, rows in came.rows.items()}
    kept[section] = {**about, "targets": targets_, **rows, "failures": list(came.failures)}
    path.write_text("{\n" + ",\n".join(f"{_json(name)}: {_part(part)}" for name, part in kept.items()) + "\n}\n")


def _raced(results: Sequence[list[Run]]) -> Outcome:
    rows = scores.scored(list(chain.from_iterable(results)))
    tables = [scores.table(rows, metric) for metric in dict.fromkeys(row.metric for row in rows)]
    return Outcome({"scores": rows}, tables, list(targets.of_scores(rows)))


def _peers(results: Sequence[Results]) -> Outcome:
    came = _raced([each.runs for each in results])
    return Outcome(came.rows, came.tables, failures=list(dict.fromkeys(chain(*(each.failures for each in results)))))


def _fleets(results: Sequence[list[Run]]) -> Outcome:
    rows = fleets.counted(list(chain.from_iterable(results)), targets.OURS)
    return Outcome({"fleets": rows}, [fleets.table(rows)], list(targets.of_fleets(rows)))


def _texts(results: Sequence[Any]) -> Outcome:
    swaps, surges, nulls = results
    tables = [_delays([*swaps, *surges]), _nulls(nulls)]
    return Outcome({"delays": [*swaps, *surges], "nulls": nulls}, tables, list(targets.of_texts(swaps)))


def _nab(results: Sequence[list[nab.Row]]) -> Outcome:
    rows = list(chain.from_iterable(results))
    return Outcome({"detectors": rows}, [nab.table(rows)], list(targets.of_nab(rows)))


def _cost(results: Sequence[float]) -> Outcome:
    return Outcome({}, verdicts=[targets.of_cost(*results)])


_SECTIONS: dict[str, Callable[[Sequence[Any]], Outcome]] = {
    "nulls": _raced,
    "changes": _raced,
    "peers": _peers,
    "cost": _cost,
    "fleet": _fleets,
    "texts": _texts,
    "nab": _nab,
}


def _delays(rows: Sequence[Delay]) -> Table:
    drawn = Table("texts: change", title="texts from the change to the first alarm")
    for column in ("median", "90%", "later than 250", "missed", "within", "false", "runs"):
        drawn.add_column(column, justify="right")
    for row in rows:
        shares = (f"{row.late:.0%}", f"{row.missed:.0%}", f"{row.limit:,}", f"{row.false_alarms}", f"{row.runs}")
        drawn.add_row(row.stream, f"{row.median:.0f}", f"{row.p90:.0f}", *shares)
    return drawn


def _nulls(rows: Sequence[Null]) -> Table:
    drawn = Table("texts at rest", "texts", "false alarms")
    for row in rows:
        drawn.add_row(row.stream, f"{row.events:,}", f"{row.false_alarms}")
    return drawn


def _part(part: Mapping[str, Any]) -> str:
    return "{\n" + ",\n".join(f" {_json(name)}: {_lines(said)}" for name, said in part.items()) + "\n}"


def _lines(said: Any) -> str:
    if not isinstance(said, list) or not said:
        return _json(said)
    return "[\n  " + ",\n  ".join(_json(row) for row in said) + "\n ]"


def _json(said: Any) -> str:
    """Four digits are enough of a figure, and what does not apply need not be said."""
    if isinstance(said, dict):
        said = {key: _rounded(value) for key, value in said.items() if value is not None}
    return orjson.dumps(said).decode()  # infinity becomes null


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
