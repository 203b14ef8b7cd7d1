"""All that reads what others wrote gives a value or refuses in words; what once broke a reader breaks it no more.

`make fuzz` has the time for millions; decoders of gateways' formats are fed in tests/streams/gateways/test_hostile.py.
"""

import json
import tarfile
from pathlib import Path

import msgpack
import orjson
import pytest

from bench.fuzz.readers.archive import packed
from bench.fuzz.readers.reader import Reader, Reading
from bench.fuzz.run import fuzz
from bench.fuzz.seeds import Seed
from bench.fuzz.targets import READERS
from bench.fuzz.text_mutations import Words
from streams.backup import MANIFEST, STATE
from tests.sinks.review.deciding import batch, item

DEEP = b"[" * 1200


@pytest.mark.parametrize("name", READERS)
def test_hostile_inputs(name: str) -> None:
    tally = fuzz(name, inputs=80, seed=1)
    assert tally.failures == []
    assert tally.inputs == 80
    assert tally.read + tally.refused.total() == 80


def _forged(data: bytes) -> bytes:
    """Make a file one that its reader chains, or writes canonically, before it is read: of an odd length."""
    return data + b" " * (not len(data) % 2)


def _signature(**facts: object) -> bytes:
    return _forged(orjson.dumps({"number": 1, "step": "signed_off", "by": "Ada", "at": "", "facts": facts}))


def _manifest(tmp_path: Path) -> dict[str, object]:
    said: dict[str, object] = orjson.loads((batch(tmp_path, [item("a")]) / "manifest.json").read_bytes())
    return said


def _line(**said: object) -> bytes:
    return orjson.dumps({"inference_id": "b", "verdict": "correct", "reviewer": "Ada"} | said)


def _backup(manifest: object, states: object) -> bytes:
    held = {STATE: msgpack.packb(states), MANIFEST: orjson.dumps(manifest)}
    return packed([(name, tarfile.REGTYPE, data) for name, data in held.items()])


BROKE = {
    "a manifest of a backup that lists no hashes": ("backup", _backup({"version": 1, "files": []}, {})),
    "states of a backup that are a list": ("backup", _backup({"version": 1, "files": {}}, [1])),
    "a backup without states": ("backup", packed([(MANIFEST, tarfile.REGTYPE, b'{"version":1,"files":{}}')])),
    "lists in lists": ("policy", b"seed = " + DEEP),
    "a number of 5,000 digits": ("policy", b"seed = " + b"9" * 5000),
    "lists in lists in sluice.toml": ("settings_file", b"segments = " + DEEP),
    "lists in lists for a number": ("settings_file", b"segments = " + b"[" * 400 + b"]" * 400),
    "a header in another encoding": ("import_csv", "inference_id,verdict,é\n".encode("utf-16")),
    "a header that is not CSV": ("import_csv", b'"inference_id"x,verdict\n'),
    "half a surrogate in bytes": ("import_label_studio", b'[{"\xed\xa0\x80": 1}]'),
    "lists in lists of a tool": ("import_argilla", b'[{"id":' + b"[" * 900 + b"]" * 900 + b"}]"),
    "100,000 lists in lists": ("import_argilla", b"[" * 100_000 + b"]" * 100_000),
    "a correction of words for parts": ("import_jsonl", _line(correction=[{"parts": "abc"}])),
    "a correction of numbers for parts": ("import_jsonl", _line(correction=[{"parts": [5]}])),
    "a time before the first day": ("import_jsonl", _line(correction="so", decided_at="0001-01-01T00:00:00+23:59")),
    "a signature without participation": ("audit_log", _signature(complete=True)),
    "a signature of a list": ("audit_log", _signature(participation=[])),
    "a fact of 65 bits": ("audit_log", _forged(_signature().replace(b'"facts":{}', b'"facts":{"a":%d}' % 2**64))),
    "a receipt without a time": ("erasure_receipts", _forged(b"{}")),
    "an array that is an expression": (
        "detector_state",
        msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb(["(3,", [1], b"a"]))}),
    ),
    "a version that is an array": (
        "detector_state",
        msgpack.packb({"version": msgpack.ExtType(1, msgpack.packb(["<f8", [2], bytes(16)])), "log_threshold": 1}),
    ),
    "a state of a version alone": ("detector_state", msgpack.packb({"version": 2})),
    "metrics named by bytes": (
        "measurements_topic",
        msgpack.packb(
            {"version": 3, "source": bytes(8), "position": bytes(8), "time_unix_nano": bytes(8), "inference_id": ["a"]}
            | {"values": {b"error": bytes(8)}, "words": {}, "texts": {}}
        ),
    ),
}


@pytest.mark.parametrize(("name", "data"), BROKE.values(), ids=BROKE)
def test_what_once_broke_a_reader(tmp_path: Path, name: str, data: bytes) -> None:
    reading = Reading(READERS[name], tmp_path, floods=0.0)
    assert reading.wrong(Seed(data, ()), thoroughly=True) is None


@pytest.mark.parametrize(
    ("place", "value"), [("stored_until", 2**70), ("window", {"name": "a", "begin": "A", "end": ""})]
)
def test_manifests_that_once_broke_their_reader(tmp_path: Path, place: str, value: object) -> None:
    said = _forged(json.dumps(_manifest(tmp_path) | {place: value}).encode())
    (tmp_path / "own").mkdir()
    reading = Reading(READERS["batch_manifest"], tmp_path / "own", floods=0.0)
    assert reading.wrong(Seed(said, ()), thoroughly=True) is None
    assert reading.tally.refused.keys() == {"TamperedBatch"}


def test_what_a_reader_must_not_do_is_seen(tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        if data == b"raises":
            raise ZeroDivisionError
        raise LookupError(data.decode())

    reading = Reading(Reader(lambda _: [b"a"], Words, lambda _: read, (LookupError,)), tmp_path, floods=0.0)
    wrong = [reading.wrong(Seed(data, ()), thoroughly=True) for data in (b"raises", b"short", b"\x1b[31m" + b"a" * 30)]
    assert [each and each.partition(" ")[0] for each in wrong] == ["ZeroDivisionError:", "LookupError", "LookupError"]
    assert reading.wrong(Seed(b"No such thing: name another.", ()), thoroughly=True) is None
