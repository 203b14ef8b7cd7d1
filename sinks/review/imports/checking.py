"""A row that came back is held against its item as exported: the same texts, a verdict, answers that there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from sinks.review.decisions import Decision, same
from sinks.review.exports.sheet import Sheet
from sinks.review.imports.said import VERDICTS, Problem, Said


class Known(NamedTuple):
    """What was exported of an item: the hash of each text that was shown, and the names of its answers."""

    fingerprint: str
    shown: dict[str, str]
    answers: frozenset[str]


def known(sheet: Sheet, shown: Mapping[str, Any]) -> Known:
    """Return what must come back unchanged with a sheet's decisions; `shown` is what the export showed of it."""
    own = {f"{sheet.inference_id}#0"}
    hashes = {name: _hash(text) for name, text in shown.items()}
    return Known(sheet.fingerprint, hashes, frozenset(own | {each["id"] for each in sheet.answers}))


def _hash(shown: Any) -> str:
    """Spreadsheets write line ends of their own: these are no change."""
    text = orjson.dumps(shown.replace("\r\n", "\n") if isinstance(shown, str) else shown, option=orjson.OPT_SORT_KEYS)
    return sha256(text).hexdigest()


def wrong(said: Said, items: Mapping[str, Known]) -> str | None:
    """Return why a row cannot be taken, with the cure; None where it can."""
    item = items.get(said.inference_id)
    if item is None:
        return f"{said.inference_id} is no item of this batch: import it into the batch that has it."
    altered = [name for name, text in said.shown.items() if _hash(text) != item.shown.get(name)]
    if altered or said.fingerprint not in (None, item.fingerprint):
        return (
            f"{said.inference_id}: the {altered[0] if altered else 'fingerprint'} is not what was exported, so that "
            "something else was decided on: decide it on a fresh export."
        )
    if said.verdict not in VERDICTS:
        return f"{said.inference_id}: {said.verdict!r} is no verdict: write one of {', '.join(VERDICTS)}."
    if strange := sorted(set(said.ranking or ()) - item.answers):
        return f"{said.inference_id}: the ranking names {strange[0]}, which is none of its answers."
    return None


def consistent(decided: Iterable[tuple[str, Decision]]) -> tuple[list[Decision], list[Problem]]:
    """Set aside what one person said of one item at one time in two ways: no order tells which of them holds."""
    by_moment: dict[tuple[str, str, str], list[tuple[str, Decision]]] = defaultdict(list)
    for row, each in decided:
        by_moment[each.inference_id, same(each.reviewer), each.decided_at].append((row, each))
    good, problems = [], []
    for said in by_moment.values():
        if len({each.substance for _, each in said}) == 1:
            good += [each for _, each in said]
            continue
        rows = ", ".join(row for row, _ in said)
        verdicts = ", ".join(each.verdict for _, each in said)
        first = said[0][1]
        problems += [
            Problem(
                row,
                f"{first.inference_id}: {first.reviewer} says {verdicts} in {rows}: leave one of them, or give each "
                "the time at which it was decided.",
            )
            for row, _ in said
        ]
    return good, problems
