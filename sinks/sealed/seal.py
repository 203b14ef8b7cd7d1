"""Tables of columns go to ClickHouse through here where content is sealed: plain columns out, a sealed one in."""

from collections.abc import Sequence

import msgpack
import pyarrow as pa

from sinks.sealed.envelope import DataKey, Kek
from sinks.sealed.terms import terms

# What stands for which columns; the key of a row is its place's other half.
REQUEST = ("sealed_request", ("input_messages", "system_instructions", "tool_definitions", "input"))
RESPONSE = ("sealed_response", ("output_messages", "output", "error_message"))
EXPLANATION = ("sealed_explanation", ("explanation",))
CORRECTION = ("sealed_correction", ("correction",))
QUESTION = "sealed"  # the terms of a question, in prompt_vectors


def place(column: str, row: str) -> str:
    """Return to what a value is bound: the column that it is in, and the id of its row."""
    return f"{column}\0{row}"


def sealed(rows: pa.Table, what: tuple[str, Sequence[str]], ids: Sequence[str], keys: Sequence[DataKey]) -> pa.Table:
    """Return rows with some columns sealed into one; null where a row has none of them."""
    into, names = what
    there = [name for name in names if name in rows.column_names]
    if not there:
        return rows
    values: list[bytes | None] = []
    for row, key, content in zip(ids, keys, zip(*(rows[name].to_pylist() for name in there), strict=True), strict=True):
        said = {name: _bytes(each) for name, each in zip(there, content, strict=True) if each is not None}
        values.append(key.seal(msgpack.packb(said), place(into, row)) if said else None)
    return rows.drop_columns(there).append_column(into, pa.array(values, pa.binary()))


def hashed_prompts(rows: pa.Table, kek: Kek) -> pa.Table:
    """Return plain requests with the hash by which a cut knows equal prompts: ClickHouse would see none to hash."""
    hashes = [None if prompt is None else kek.prompt_hash(prompt) for prompt in _prompts(rows)]
    return rows.append_column("prompt_hash", pa.array(hashes, pa.uint64()))


def questions(rows: pa.Table, keys: Sequence[DataKey]) -> pa.Table:
    """Return the rows of `sealed_questions` for plain requests that are no synthetic traffic."""
    asked = zip(rows["inference_id"].to_pylist(), rows["synthetic"].to_pylist(), _prompts(rows), keys, strict=True)
    values = [
        key.seal(msgpack.packb(found), place(QUESTION, row))
        if prompt is not None and not synthetic and (found := terms(prompt))
        else None
        for row, synthetic, prompt, key in asked
    ]
    told = pa.table(
        {"inference_id": rows["inference_id"], "time": rows["time"], "sealed": pa.array(values, pa.binary())}
    )
    return told.filter(pa.compute.is_valid(told["sealed"]))


def _prompts(rows: pa.Table) -> list[bytes | None]:
    """Return what each row asks, as ClickHouse's expressions have it: the dialogue, else the plain input."""
    none = [None] * rows.num_rows
    dialogues, inputs = (
        rows[name].to_pylist() if name in rows.column_names else none for name in ("input_messages", "input")
    )
    return [one if one is not None else other for one, other in zip(dialogues, inputs, strict=True)]


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
