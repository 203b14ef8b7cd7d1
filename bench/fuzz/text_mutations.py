"""A text of words and signs (CSV, TOML, a line of settings) comes out with a few of them changed, or flooded."""

import re
from collections.abc import Callable
from random import Random

_PIECE = re.compile(rb"[\w.+:-]+|\s+|.", re.DOTALL)
_WORDS = (
    b"", b"0", b"-1", b"1e999", b"nan", b"inf", b"true", b"null", b"9" * 5000, b"-9223372036854775809", b"0xffffffff",
    b"18446744073709551616", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"2026-02-30", b"2026-W54",
    b"1970-01-01", b"24:00", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x00", b"\x1b[31m", b"a" * 300, b"../",
    b"/dev/null", b"' OR 1=1 --", b"\\", b"{{7*7}}", b"%s%n", b"=cmd()", b"@", b"[" * 1200, b"{a=" * 1200, b"[[" * 300,
    b"a." * 1200, b"# ", b'"""', b"'''", b'"', b"'", b",", b"=", b"[", b"]", b"{", b"}", b"\n", b"\r", b"\r\n", b"\t",
    b"\\u0000", b"\\ud800", b"\\UFFFFFFFF", b"\xef\xbb\xbf", b"1_000", b"+0", b"inf_", b"0o8", b"a.b.c", b'"a"."b"',
)  # fmt: skip


class Words:
    """A text, and where in it words and signs begin."""

    def __init__(self, text: bytes) -> None:
        self._pieces = _PIECE.findall(text) or [b""]

    def mutated(self, draw: Random) -> bytes:
        """Change it in one to three places."""
        pieces = self._pieces.copy()
        for _ in range(draw.choice((1, 1, 2, 3))):
            draw.choice(_CHANGES)(pieces, draw)
        return b"".join(pieces)

    def flooded(self, draw: Random, size: int) -> bytes:
        """Repeat a few pieces, or one sign that opens something, until it is so long."""
        at = draw.randrange(len(self._pieces))
        unit = draw.choice((b"".join(self._pieces[at : at + 8]), b"".join(self._pieces), draw.choice(_WORDS))) or b"["
        flood = (unit * (size // len(unit) + 1))[:size]
        return b"".join((*self._pieces[:at], flood, *self._pieces[at:]))


def _put(pieces: list[bytes], draw: Random) -> None:
    pieces[draw.randrange(len(pieces))] = draw.choice(_WORDS)


def _inserted(pieces: list[bytes], draw: Random) -> None:
    pieces.insert(draw.randrange(len(pieces)), draw.choice(_WORDS))


def _dropped(pieces: list[bytes], draw: Random) -> None:
    at = draw.randrange(len(pieces))
    del pieces[at : at + draw.choice((1, 1, 2, 10))]
    pieces.append(b"")  # never without any


def _doubled(pieces: list[bytes], draw: Random) -> None:
    at = draw.randrange(len(pieces))
    pieces[at:at] = pieces[at : at + draw.choice((1, 3, 20))]


def _moved(pieces: list[bytes], draw: Random) -> None:
    one, other = draw.randrange(len(pieces)), draw.randrange(len(pieces))
    pieces[one], pieces[other] = pieces[other], pieces[one]


_CHANGES: tuple[Callable[[list[bytes], Random], None], ...] = (_put, _put, _put, _inserted, _dropped, _doubled, _moved)
