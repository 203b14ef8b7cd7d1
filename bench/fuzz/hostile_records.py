"""Real records become hostile ones, each by a number: the same number makes the same record again."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from bench.fuzz.json_mutations import Tree
from bench.fuzz.protobuf_mutations import KINDS, Wire, parses
from bench.fuzz.seeds import Seed, seeds

_NOISE, _BYTES, _HEADERS = 0.02, 0.15, 0.05  # shares of the inputs
_SIZES = (100_000, 120_000, 200_000, 300_000)  # of floods
_HEADER_VALUES = (
    None,
    b"",
    b"\xff\xfe",
    b"1.0",
    b"application/json",
    b"application/x-protobuf",
    b"a" * 5000,
    b"{" * 300,
    b"0",
)
_RARELY_BIG = 2_000  # bytes; records above come once in so many draws of the rest
_BIG_SHARE = 0.03


class Template(Protocol):
    """A real record, of which hostile ones are made."""

    def mutated(self, draw: Random) -> bytes:
        """Change it in a few places."""

    def flooded(self, draw: Random, size: int) -> bytes:
        """Make it so many bytes long, of small things."""


class Hostile:
    """Makes hostile records of real ones."""

    def __init__(self, known: Sequence[tuple[Seed, Template]], *, floods: float) -> None:
        """Take what is to be changed; `floods` is the share of records of 100 KB and more."""
        self._draw = Random()  # noqa: S311  # not for secrets
        self._floods = floods
        self._all = sorted(known, key=lambda each: len(each[0].value))
        self._small = [each for each in self._all if len(each[0].value) <= _RARELY_BIG] or self._all[:8]

    @property
    def seeds(self) -> list[Seed]:
        """The real ones."""
        return [seed for seed, _ in self._all]

    def record(self, number: int) -> Seed:
        """Make the record of a number."""
        draw = self._draw
        draw.seed(number)
        seed, template = draw.choice(self._all if draw.random() < _BIG_SHARE else self._small)
        if draw.random() < self._floods:
            value = template.flooded(draw, draw.choice(_SIZES))
        elif draw.random() < _NOISE:
            value = draw.randbytes(draw.randrange(1, 200))
        else:
            value = template.mutated(draw)
            if draw.random() < _BYTES:
                value = _bent(value, draw)
        headers = _other_headers(seed, draw) if draw.random() < _HEADERS else seed.headers
        return Seed(value, headers)


def of_format(form: str, *, floods: float) -> Hostile:
    """Make hostile records of a format's fixtures."""
    return Hostile([(seed, _template(form, seed.value)) for seed in seeds(form)], floods=floods)


def _template(form: str, value: bytes) -> Template:
    return Wire(form, value) if form in KINDS and parses(form, value) else Tree(value)


def _other_headers(seed: Seed, draw: Random) -> list[tuple[str, bytes | None]]:
    headers = list(seed.headers) or [("content-type", b"")]
    place = draw.randrange(len(headers))
    headers[place] = (headers[place][0], draw.choice(_HEADER_VALUES))
    return headers if draw.random() < 0.7 else headers[:place]


def _bent(value: bytes, draw: Random) -> bytes:
    """Change bytes without a look at what they mean."""
    return draw.choice(_BENDS)(bytearray(value) or bytearray(b"0"), draw)


def _flipped(value: bytearray, draw: Random) -> bytes:
    for _ in range(draw.choice((1, 2, 8))):
        value[draw.randrange(len(value))] ^= 1 << draw.randrange(8)
    return bytes(value)


def _cut(value: bytearray, draw: Random) -> bytes:
    return bytes(value[: draw.randrange(len(value))]) or b"0"


def _spliced(value: bytearray, draw: Random) -> bytes:
    first, last = sorted(draw.choices(range(len(value)), k=2))
    at = draw.randrange(len(value))
    value[at:at] = value[first:last]
    return bytes(value)


def _inserted(value: bytearray, draw: Random) -> bytes:
    at = draw.randrange(len(value))
    value[at:at] = draw.randbytes(draw.randrange(1, 9))
    return bytes(value)


_BENDS: tuple[Callable[[bytearray, Random], bytes], ...] = (_flipped, _cut, _spliced, _inserted)
