"""What a worker reads: measurements and words to detectors, its own state, settings, and files that are replayed."""

import gzip
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bench.fuzz.hostile_records import Template
from bench.fuzz.json_mutations import Tree
from bench.fuzz.packed_mutations import Packed
from bench.fuzz.readers.reader import Read, Reader
from bench.fuzz.seeds import INGEST_MS, seeds
from bench.fuzz.text_mutations import Words
from detectors.bank import SegmentBank
from detectors.base import Measurements
from detectors.base import Words as Labels
from detectors.budget import Budget
from detectors.packed import unpack
from detectors.sealed import StateRefused, seal
from detectors.usage import UsageBank
from sinks.dead_letters import NoSuchLetter, Place
from sinks.review.refusals import InvalidWindow
from sinks.review.windows import Window
from streams import commands, forgetting, measure
from streams import settings as settings_module
from streams.detect import Watch
from streams.gateways.base import InvalidEvent
from streams.replay import Replay, UnreadableFile
from streams.segments import opened
from streams.settings import Settings, SettingsError

KEY = b"k" * 32
SEGMENT, USERS = "chat|/v1/chat|small|production", "users/0"
NS = 1_000_000_000


def _measurements(rows: int = 6) -> Measurements:
    draw = np.random.default_rng(1)
    return Measurements(
        source=np.zeros(rows, np.int64),
        position=np.arange(rows),
        time_unix_nano=INGEST_MS * 1_000_000 + np.arange(rows) * NS,
        inference_id=[f"i{number}" for number in range(rows)],
        values={"error": np.zeros(rows), "duration_s": draw.lognormal(size=rows), "input_tokens": np.full(rows, 40.0)},
        words={"response_model": Labels(np.zeros(rows, np.int32), ("small",))},
    )


def _messages(_folder: Path) -> Sequence[bytes]:
    wish = commands.Command("accept", "error", "Ada", "so", INGEST_MS * 1_000_000)
    return [measure.pack(_measurements()), measure.pack(_measurements(1)), commands.pack(wish), *_forgotten()]


def _forgotten() -> Iterable[bytes]:
    return forgetting.packed([bytes(8), b"\x01" * 8])


def _topic(_folder: Path) -> Read:
    """Read a message as stage 2 does, and let the detectors of a segment see it."""

    def read(data: bytes) -> object:
        watch = Watch({}, KEY, Budget(10, 10.0), lambda: None)
        if commands.is_command(data):
            watch.obey(SEGMENT, commands.unpack(data), 0)
        elif forgetting.is_forget(data):
            watch.drop(SEGMENT, forgetting.unpack(data), 0)
        else:
            watch.take(SEGMENT, measure.unpack(data), 0, 0, now=0.0, block=0)
        return watch.release(1e6), list(watch.checkpoint())

    return read


def _states(_folder: Path) -> Sequence[bytes]:
    bank, usage = SegmentBank(Budget(10, 10.0)), UsageBank()
    bank.process(_measurements())
    return [zlib.decompress(bank.dumps()), zlib.decompress(usage.dumps())]


def _state(_folder: Path) -> Read:
    """Read a state that somebody with the key has sealed, and see whether what it holds can go on."""
    budget = Budget(10, 10.0)

    def read(data: bytes) -> object:
        payload = zlib.compress(data, 1)
        segment = USERS if b"log_threshold" in data else SEGMENT
        return opened(segment, seal(payload, KEY, context=segment), KEY, budget)

    return read


def _sealed(folder: Path) -> Sequence[bytes]:
    return [seal(zlib.compress(state), KEY, context=SEGMENT) for state in _states(folder)] + [
        zlib.compress(state) for state in _states(folder)
    ]


def _unsealed(_folder: Path) -> Read:
    def read(data: bytes) -> object:
        if data[:1] == b"x":  # as zlib begins
            return unpack(data)
        return opened(SEGMENT, data, KEY, Budget(10, 10.0))

    return read


def _files(_folder: Path) -> Sequence[bytes]:
    lines = [seed.value for form in ("native_requests", "native_feedback") for seed in seeds(form)[:3]]
    return [b"\n".join(lines), *lines, gzip.compress(b"\n".join(lines))]


def _lines(data: bytes) -> Template:
    return Tree(data) if data[:1] == b"{" else Words(data)


def _replay(folder: Path) -> Read:
    path = folder / "events.jsonl"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return list(Replay([path], otherwise="other" if len(data) % 2 else None))

    return read


def _environments(_folder: Path) -> Sequence[bytes]:
    some = [
        f"{name}={Settings.model_fields[name].get_default()}" for name in Settings.model_fields if name != "sources"
    ]
    return [line.encode() for line in some] + [
        b"clickhouse_url=https://user:pass%2F@[::1]:8443/sluice?ca=/etc/ca.pem",
        b"kafka_bootstrap=a:9092,b:9093",
        b'sources={"t":{"format":"kong","content":"none"}}',
        b"cut_schedule=0 6 * * 1",
    ]


def _environment(_folder: Path) -> Read:
    def read(data: bytes) -> object:
        name, _, value = data.partition(b"=")
        field = name.decode(errors="replace")
        if field not in Settings.model_fields:
            field = sorted(Settings.model_fields)[len(data) % len(Settings.model_fields)]
        os.environ[variable := f"SLUICE_{field.upper()}"] = value.replace(b"\x00", b"").decode(errors="surrogateescape")
        try:
            held = settings_module.load()
            return (
                [held.shown(each) for each in Settings.model_fields],
                held.retention,
                held.finding_page("a"),
                held.lateness,
            )
        finally:
            del os.environ[variable]

    return read


def _tomls(_folder: Path) -> Sequence[bytes]:
    return [b'kafka_bootstrap = "a:9092"\nsegments = 50\n[sources."kong.logs"]\nformat = "kong"\ncontent = "none"\n']


def _toml(folder: Path) -> Read:
    path = folder / "sluice.toml"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        before = Path.cwd()
        os.chdir(folder)
        try:
            return settings_module.load()
        finally:
            os.chdir(before)

    return read


def _words(_folder: Path) -> Sequence[bytes]:
    return [b"2026-W46", b"sluice.requests/3/17/2", b"topic/0/0", b"2026-W01"]


def _word(_folder: Path) -> Read:
    """Read what people type after commands: a week, and a dead letter's place."""
    return lambda data: (
        Place.of(data.decode(errors="replace")) if b"/" in data else Window.week(data.decode(errors="replace")).name
    )


READERS = {
    # Six answers, weeks apart: a detector of minutes counts the empty ones, up to four weeks at a time.
    "measurements_topic": Reader(_messages, Packed, _topic, (InvalidEvent,), seconds=10.0),
    "detector_state": Reader(_states, Packed, _state, (StateRefused,)),
    "sealed_state": Reader(_sealed, Words, _unsealed, (StateRefused,)),
    "replayed_file": Reader(_files, _lines, _replay, (UnreadableFile,)),
    "environment": Reader(_environments, Words, _environment, (SettingsError,)),
    "settings_file": Reader(_tomls, Words, _toml, (SettingsError,)),
    "places_and_weeks": Reader(_words, Words, _word, (NoSuchLetter, InvalidWindow)),
}
