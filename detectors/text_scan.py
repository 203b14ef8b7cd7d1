"""Texts go in; out come arrays of their characters, words and lines, found without a loop over characters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HEAD, _TAIL = 3_000, 1_000  # characters looked at: how a text begins and how it ends say most

# Classes of characters, by explicit ranges: Unicode's own tables grow with each version of Python.
CLASSES = (
    *("other", "lower", "upper", "latin", "letter", "digit", "han", "kana", "emoji", "space", "newline"),
    *("comma", "period", "question", "exclamation", "colon", "semicolon", "paren", "bracket", "quote", "apostrophe"),
    *("hyphen", "dash", "backtick", "star", "hash", "pipe", "slash", "sign"),
)
CLASS = {name: number for number, name in enumerate(CLASSES)}
_SIGNS = {
    "space": " \t\r\x0b\x0c\xa0\u3000",
    "newline": "\n\u2028\u2029",
    "comma": ",\uff0c\u3001",
    "period": ".\u3002\u2026",
    "question": "?\uff1f",
    "exclamation": "!\uff01",
    "colon": ":\uff1a",
    "semicolon": ";\uff1b",
    "paren": "()\uff08\uff09",
    "bracket": "[]{}\u3010\u3011",
    "quote": '"\u201c\u201d\u00ab\u00bb\u300c\u300d\u300e\u300f',
    "apostrophe": "'\u2018\u2019",
    "hyphen": "-",
    "dash": "\u2013\u2014\u2015",
    "backtick": "`",
    "star": "*\u2022",
    "hash": "#",
    "pipe": "|",
    "slash": "/",
    "sign": "=+<>^$%&\\_~@",
}
_RANGES = (
    ("lower", 0x61, 0x7A),
    ("upper", 0x41, 0x5A),
    ("digit", 0x30, 0x39),
    ("latin", 0xC0, 0x24F),
    ("letter", 0x250, 0x1FFF),
    ("emoji", 0x2600, 0x27BF),
    ("kana", 0x3040, 0x30FF),
    ("han", 0x3400, 0x4DBF),
    ("han", 0x4E00, 0x9FFF),
    ("letter", 0xAC00, 0xD7A3),
)
_CAPITALS = ((0x41, 0x5A), (0xC0, 0xDE), (0x391, 0x3A9), (0x410, 0x42F))  # the small letter comes 32 later
_LAST = 0xFFFF


def _class_table() -> NDArray[np.uint8]:
    table = np.zeros(_LAST + 1, np.uint8)
    for name, first, last in _RANGES:
        table[first : last + 1] = CLASS[name]
    for name, signs in _SIGNS.items():
        table[[ord(sign) for sign in signs]] = CLASS[name]
    return table


def _fold_table() -> NDArray[np.uint64]:
    table = np.arange(_LAST + 1, dtype=np.uint64)
    for first, last in _CAPITALS:
        table[first : last + 1] += np.uint64(32)
    return table


def _powers(base: int) -> NDArray[np.uint64]:
    powers = np.full(_HEAD + _TAIL + 2, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers)


_TABLE, _FOLD = _class_table(), _fold_table()
_IN_WORD = np.isin(np.arange(len(CLASSES)), [CLASS[name] for name in ("lower", "upper", "latin", "letter", "digit")])
_ALONE = np.isin(np.arange(len(CLASSES)), [CLASS["han"], CLASS["kana"]])  # written without spaces: each a word
_BASE = 0x9E3779B97F4A7C15
_POWERS, _INVERSES = _powers(_BASE), _powers(pow(_BASE, -1, 2**64))


@dataclass(frozen=True, slots=True)
class Scan:
    """What is found in n texts, laid end to end with a newline after each.

    `starts` (int[n]) is where each text begins, `lengths` its characters before it was cut. A character has the number
    of its `text`, its `code`, folded to the small letter, and its class, `kind`. A word has the number of its text,
    where it begins and ends, and the hash of its folded letters (uint64), which never changes; characters of Han and
    Kana are words by themselves. A line has its text, the place of its first sign that is no space, and the place
    after its last (equal: an empty line).
    """

    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    text: NDArray[np.int64]
    code: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    word_text: NDArray[np.int64]
    word_start: NDArray[np.int64]
    word_end: NDArray[np.int64]
    word_hash: NDArray[np.uint64]
    line_text: NDArray[np.int64]
    line_first: NDArray[np.int64]
    line_end: NDArray[np.int64]

    @property
    def letters(self) -> NDArray[np.bool_]:
        """Say which characters are letters or digits of words that are written with spaces."""
        return _IN_WORD[self.kind]

    @property
    def word_alone(self) -> NDArray[np.bool_]:
        """Say which words are single characters of Han or Kana."""
        return _ALONE[self.kind[self.word_start]]


def scan(texts: Sequence[str]) -> Scan:
    """Find characters, words and lines of texts, of long ones in the first 3,000 characters and the last 1,000."""
    cut = [text if len(text) <= _HEAD + _TAIL else text[:_HEAD] + text[-_TAIL:] for text in texts]
    sizes = np.array([len(text) + 1 for text in cut])
    starts = np.cumsum(sizes) - sizes
    raw = np.frombuffer(("\n".join(cut) + "\n").encode("utf-32-le", "surrogatepass"), np.uint32)
    small = np.minimum(raw, _LAST)
    kind = _TABLE[small]
    kind[(raw >= 0x1F000) & (raw <= 0x1FAFF)] = CLASS["emoji"]
    kind[(raw >= 0x20000) & (raw <= 0x3FFFF)] = CLASS["han"]
    code, text = _FOLD[small], np.repeat(np.arange(len(cut)), sizes)
    word_start, word_end = _words(kind)
    newlines = np.flatnonzero(kind == CLASS["newline"])
    line_first, line_end = _lines(kind, newlines)
    return Scan(
        lengths=np.array([len(text) for text in texts]),
        starts=starts,
        text=text,
        code=code,
        kind=kind,
        word_text=text[word_start],
        word_start=word_start,
        word_end=word_end,
        word_hash=_hashes(code, np.arange(len(raw)) - starts[text], word_start, word_end),
        line_text=text[newlines],
        line_first=line_first,
        line_end=line_end,
    )


def mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread what differs anywhere in 64 bits over all of them (the finaliser of SplitMix64, Steele et al. 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _words(kind: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    letters, alone = _IN_WORD[kind], _ALONE[kind]
    edge = np.diff(letters, prepend=False, append=False)  # True where a run of letters begins, or has just ended
    return np.flatnonzero((edge[:-1] & letters) | alone), np.flatnonzero((edge[1:] & letters) | alone) + 1


def _lines(kind: NDArray[np.uint8], newlines: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    signs = np.flatnonzero((kind != CLASS["newline"]) & (kind != CLASS["space"]))
    begin, end = (np.searchsorted(signs, edge) for edge in (np.append(0, newlines[:-1] + 1), newlines))
    full = begin < end
    first = np.append(signs, 0)[begin]
    last = np.append(signs, 0)[end - 1]
    return np.where(full, first, newlines), np.where(full, last + 1, newlines)


def _hashes(
    code: NDArray[np.uint64], place: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash words as polynomials modulo 2^64: differences of one running sum, shifted back to the word's own start."""
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(code * _POWERS[place])])
    return mixed((sums[end] - sums[start]) * _INVERSES[place[start]])
