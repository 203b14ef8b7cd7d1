"""A record of JSON comes out changed in a few places (other types, odd numbers, broken text), or flooded.

Numbers that JSON does not have, lone surrogates and keys that come twice cannot be dumped: so the record is held as
pieces of text, and a place in it as the first and the last piece.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import orjson

MARKER = b"m4rk3r"  # stands for the content of a record: no detail of a dead letter may have it

_NUMBERS = (
    b"0", b"-1", b"1", b"0.5", b"-0.0", b"1e999", b"-1e999", b"1e-400", b"1e300", b"-1e300", b"NaN", b"Infinity",
    b"-Infinity", b"9" * 400, b"9007199254740993", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775809", b"18446744073709551616", b"1795226500000000000", b"1795226500000", b"1795226500.25",
    b"4102444800000000000",
)  # fmt: skip
_TEXTS = (
    b"", b" ", b"0", b"-1", b"12", b"1e400", b"nan", b"-inf", b"true", b"null", b"9" * 19, b"9" * 5000,
    b"[]", b"{", b"[\\\"a", b"[[1],{}]", b"[" * 400, b"{\\\"a\\\":" * 300, b"[" * 210 + b"]" * 210,
    b"[" * 900 + b"]" * 900, b"\\u0663\\u0664", b"\\u00b2", b"\\u0000", b"\\ud800", b"\\udfff\\ud800",
    b"\xff\xfe", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe7\x95\x8c" * 300, b"\\ud83d\\ude00" * 200, b"\\n" * 200,
    b"a" * 300, MARKER, MARKER * 100, b"0" * 32, b"A" * 32, b"AAAAAAAAAAAAAAAAAAAAAA==",
    b"2026-02-30T00:00:00Z", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59.999999-23:59", b"2026-11-21T02:00:00",
    b"20261121", b"2026-W47-6", b"user", b"tool", b"image", b"image/png", b"stop", b"data:", b"application/json",
)  # fmt: skip
_SHAPES = (
    b"null", b"true", b"false", b"[]", b"{}", b"[null]", b"[[]]", b'[""]', b"[0]", b"[{}]", b'{"":{}}',
    b'{"a":1,"a":"b"}', b"", b",", b"]", b"}", b'"', b"[" * 150 + b"]" * 150, b"[" * 260 + b"]" * 260,
    b'{"a":' * 190 + b"0" + b"}" * 190, b"[" * 1100 + b"]" * 1100, b'{"%b":1}' % MARKER,
    b'{"role":"user","content":[0,"%b",null,{}]}' % MARKER, b'[{"role":"user","parts":[{"type":0}]}]',
    b'[{"role":"%b","content":{}}]' % MARKER, b'{"error":{"type":[],"message":"%b"}}' % MARKER,
    b'[{"index":null,"delta":{"tool_calls":[{}]}},{"index":"a"}]', b'{"stringValue":"%b"}' % MARKER,
    b'{"arrayValue":{"values":[{}]}}',
)  # fmt: skip
_HOSTILE = (*_NUMBERS, *(b'"%b"' % text for text in _TEXTS), *_SHAPES)
HOSTILE_TEXTS = tuple(json.loads(b'"%b"' % text) for text in _TEXTS if text.isascii() and b"\\ud" not in text)
_UNITS = (
    b"{}", b"[]", b'""', b"0", b'"a"', b"null", b"[0.5]", b'{"a":{}}', b"[[[[]]]]", b"-0.0", b'"\\u0000"',
    b'{"role":""}', b'{"role":"a","content":"b"}', b'{"role":"a","content":["b","c"]}', b'{"type":"text","text":"a"}',
    b'{"function":{"arguments":"{}"}}', b'{"index":0,"delta":{}}', b'{"key":"a","value":{}}', b'{"values":[{},{}]}',
    b"12345678901234567890123",
)  # fmt: skip
_LONG = (b"a", b"\\u0000", b"\\\\", b"[", b'{\\"a\\":', b"9", b"\xe7\x95\x8c", b"data: {}\\n")

Place = tuple[int, int]  # the first piece, and the one behind the last


class Tree:
    """A record of JSON, of JSON lines or of server-sent events, and where in it values and members begin and end."""

    def __init__(self, record: bytes) -> None:
        self.pieces: list[bytes] = []
        self.values: list[Place] = []
        self.members: list[Place] = []
        self.keys: list[int] = []
        self.inner: list[tuple[int, Tree]] = []  # texts that are JSON themselves
        for line in _lines(record):
            start = line.find(b"{") if line.startswith((b"data:", b"{")) else 0
            try:
                value = orjson.loads(line[start:])
            except ValueError:
                self.pieces.append(line)
            else:
                self.pieces.append(line[:start])
                self._write(value)
            self.pieces.append(b"\n")
        self.pieces.pop()

    def _write(self, value: Any) -> None:
        first = len(self.pieces)
        if isinstance(value, dict):
            self._write_object(value)
        elif isinstance(value, list):
            self.pieces.append(b"[")
            for item in value:
                self._write(item)
                self.pieces.append(b",")
            self._close(b"]", empty=not value)
        else:
            self.pieces.append(orjson.dumps(value))
            if isinstance(value, str) and value[:1] in ("{", "["):
                self.inner.append((first, Tree(value.encode())))
        self.values.append((first, len(self.pieces)))

    def _write_object(self, value: dict[str, Any]) -> None:
        self.pieces.append(b"{")
        for key, each in value.items():
            first = len(self.pieces)
            self.keys.append(first)
            self.pieces += (orjson.dumps(key), b":")
            self._write(each)
            self.pieces.append(b",")
            self.members.append((first, len(self.pieces)))
        self._close(b"}", empty=not value)

    def _close(self, bracket: bytes, *, empty: bool) -> None:
        if not empty:
            self.pieces[-1] = b""
        self.pieces.append(bracket)

    def mutated(self, draw: Random) -> bytes:
        """Change it in one to three places."""
        pieces = self.pieces.copy()
        for _ in range(draw.choice((1, 1, 2, 3))):
            draw.choice(_CHANGES)(self, pieces, draw)
        return b"".join(pieces)

    def flooded(self, draw: Random, size: int) -> bytes:
        """Put in the place of one value, or around all of them, so many bytes of small things."""
        if draw.random() < 0.2:
            whole = b"".join(self.pieces)
            return b"[" + b",".join([whole] * (size // max(1, len(whole)))) + b"]"
        pieces = self.pieces.copy()
        _put(pieces, draw.choice(self.values), _flood(draw, size, self._some(draw)))
        return b"".join(pieces)

    def _some(self, draw: Random) -> bytes:
        first, last = draw.choice(self.values)
        return b"".join(self.pieces[first:last])


def _lines(record: bytes) -> list[bytes]:
    try:
        orjson.loads(record)
    except ValueError:
        return record.split(b"\n")
    return [record]


def _put(pieces: list[bytes], place: Place, text: bytes) -> None:
    first, last = place
    pieces[first] = text
    pieces[first + 1 : last] = [b""] * (last - first - 1)


def _other_value(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.values:
        _put(pieces, draw.choice(tree.values), draw.choice(_HOSTILE))


def _moved_value(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.values:
        _put(pieces, draw.choice(tree.values), tree._some(draw))


def _wrapped(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.values:
        first, last = draw.choice(tree.values)
        said = b"".join(pieces[first:last])
        wraps = (b"[%b]" % said, b'{"a":%b}' % said, orjson.dumps(said.decode("utf-8", "replace")))
        _put(pieces, (first, last), draw.choice(wraps))


def _dropped(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.members:
        first, last = draw.choice(tree.members)
        if pieces[last - 1] == b",":  # without the last one, the comma before it would be left
            _put(pieces, (first, last), b"")


def _doubled(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.members:
        first, last = draw.choice(tree.members)
        pieces[first] = b"".join(pieces[first : last - 1]) + b"," + pieces[first]


def _renamed(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.keys:
        new = b'"%b"' % draw.choice(_TEXTS) if draw.random() < 0.5 else tree.pieces[draw.choice(tree.keys)]
        pieces[draw.choice(tree.keys)] = new


def _inside(tree: Tree, pieces: list[bytes], draw: Random) -> None:
    if tree.inner:
        place, inner = draw.choice(tree.inner)
        pieces[place] = orjson.dumps(inner.mutated(draw).decode("utf-8", "replace"))


_CHANGES: tuple[Callable[[Tree, list[bytes], Random], None], ...] = (
    _other_value, _other_value, _other_value, _moved_value, _wrapped, _dropped, _doubled, _renamed, _inside, _inside,
)  # fmt: skip


def _flood(draw: Random, size: int, known: bytes) -> bytes:
    unit = draw.choice((*_UNITS, known, known))
    count = size // (len(unit) + 1)
    kind = draw.randrange(6)
    if kind < 3:
        return b"[" + b",".join([unit] * count) + b"]"
    if kind == 3:
        return b"{" + b",".join([b'"%d":%b' % (number, unit) for number in range(size // (len(unit) + 8))]) + b"}"
    if kind == 4:
        return b'"' + draw.choice(_LONG) * (size // 6) + b'"'
    return b"[" * (size // 2) + b"]" * (size // 2)
