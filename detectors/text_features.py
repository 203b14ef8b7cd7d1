"""Texts go in; out come levels that say how each is written, and which of 1,024 buckets its words fall into."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.text_scan import CLASS, CLASSES, Scan, scan
from detectors.text_words import GRAMS, GROUPS, grams, groups_of

VERSION = 1  # of what the numbers mean: a detector that learned from another version learns anew
LEVELS = 256  # a style feature is a whole number below it, so that a reference takes a byte for each
_BLOCK = 64  # texts worked on at once: what is computed of them fits a processor's cache

_ENDINGS = ("ing", "ed", "ly", "ion", "s")
_PER_WORD = {
    "comma": "commas",
    "period": "full stops",
    "colon": "colons",
    "semicolon": "semicolons",
    "paren": "parentheses",
    "bracket": "brackets",
    "quote": "quotation marks",
    "hyphen": "hyphens",
    "dash": "dashes",
    "slash": "slashes",
    "sign": "mathematical and other signs",
    "backtick": "backticks",
    "star": "asterisks",
}
_COUNTED = {"question": "question marks", "exclamation": "exclamation marks", "emoji": "emoji"}
_PER_CHARACTER = {"digits": ("digit",), "capitals": ("upper",), "other alphabets": ("latin", "letter")}
_PER_CHARACTER |= {"Chinese and Japanese": ("han", "kana")}

Numbers = NDArray[np.float64]


def features(texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the style of k texts (float32[k, len(STYLE)], whole numbers in [0, 255]) and their words (uint8[k, 1024]).

    Column b of the words is 1 where a text has a word of four letters or more, or a pair of Chinese characters, that
    falls into bucket b; words of grammar do not count. Any text will do: empty, of lone surrogates, of megabytes.
    The same text has the same features in every process, for as long as VERSION stays.

    >>> style, words = features(["Here is **one** list:\\n\\n- first\\n- second", ""])
    >>> style.shape == (2, len(STYLE)), words.shape, int(words[0].sum()), bool(style[1].any())
    (True, (2, 1024), 3, False)
    """
    style, words = [np.zeros((0, len(STYLE)), np.float32)], [np.zeros((0, GRAMS), np.uint8)]
    for start in range(0, len(texts), _BLOCK):
        found = scan(texts[start : start + _BLOCK])
        groups = groups_of(found)
        levels = np.column_stack(list(_style(found, groups).values())) * (LEVELS - 1)
        style.append(np.clip(np.rint(levels), 0, LEVELS - 1).astype(np.float32))
        words.append(grams(found, groups))
    return np.concatenate(style), np.concatenate(words)


def _style(found: Scan, groups: NDArray[np.int64]) -> dict[str, Numbers]:
    """Return each style feature by its name in plain words, most between 0 and 1: what is beyond is cut off."""
    words = _tally(found, found.word_text)
    return {
        **_size(found, words),
        **_layout(found),
        **_signs(found, words),
        **_edges(found),
        **_vocabulary(found, words, groups),
    }


def _size(found: Scan, words: Numbers) -> dict[str, Numbers]:
    letters = found.word_end - found.word_start
    sentences = _tally(found, found.text[_sentence_ends(found)])
    lines = _tally(found, found.line_text[found.line_first < found.line_end])
    return {
        "length": np.log1p(found.lengths) / 14,  # a million characters
        "words a line": np.log1p(words / np.maximum(lines, 1)) / 7,
        "letters a word": _share(_tally(found, found.word_text, letters), words) / 12,
        "words a sentence": np.log1p(words / np.maximum(sentences, 1)) / 6,
        "long words": _share(_tally(found, found.word_text[letters >= 8]), words),
        "distinct words": _share(_distinct(found), words),
    }


def _layout(found: Scan) -> dict[str, Numbers]:
    """Say what lines begin and end with: lists, headings, tables, code."""
    kind, first = found.kind, found.line_first
    full = first < found.line_end
    lines, empty = _tally(found, found.line_text[full]), _tally(found, found.line_text[~full])
    one, two, three = (kind[np.minimum(first + step, len(kind) - 1)] for step in range(3))
    star, space, tick = CLASS["star"], CLASS["space"], CLASS["backtick"]
    marks = {
        "bullets": ((one == star) | (one == CLASS["hyphen"])) & (two == space),
        "numbered items": (one == CLASS["digit"]) & ((two == CLASS["period"]) | (three == CLASS["period"])),
        "headings": one == CLASS["hash"],
        "bold lines": (one == star) & (two == star),
        "tables": one == CLASS["pipe"],
        "code blocks": (one == tick) & (two == tick),
        "lines that end in a colon": kind[np.maximum(found.line_end - 1, 0)] == CLASS["colon"],
    }
    shares = {name: np.sqrt(_share(_tally(found, found.line_text[full & mark]), lines)) for name, mark in marks.items()}
    return {"lines": np.log1p(lines) / 8, "empty lines": _share(empty, lines + empty) * (lines > 0), **shares}


def _signs(found: Scan, words: Numbers) -> dict[str, Numbers]:
    cells = found.text * len(CLASSES) + found.kind
    counts = np.bincount(cells, minlength=len(found.starts) * len(CLASSES)).reshape(-1, len(CLASSES)).astype(float)
    counts[:, CLASS["newline"]] -= 1  # the one that was put after it
    column = {name: counts[:, number] for name, number in CLASS.items()}
    letters = found.letters
    contracted = np.flatnonzero((found.kind[1:-1] == CLASS["apostrophe"]) & letters[:-2] & letters[2:]) + 1
    return {
        **{name: np.sqrt(column[kind] / np.maximum(words, 1)) for kind, name in _PER_WORD.items()},
        **{name: np.log1p(column[kind]) / 4 for kind, name in _COUNTED.items()},
        **{
            name: np.sqrt(_share(sum((column[part] for part in parts), np.zeros(1)), counts.sum(axis=1)))
            for name, parts in _PER_CHARACTER.items()
        },
        "contractions": np.sqrt(_share(_tally(found, found.text[contracted]), words)),
    }


def _edges(found: Scan) -> dict[str, Numbers]:
    """Say how texts begin and end."""
    stops = np.flatnonzero(_sentence_ends(found) | (found.kind == CLASS["newline"]))
    sentence = stops[np.searchsorted(stops, found.starts)] - found.starts
    first = np.searchsorted(found.line_text, np.arange(len(found.starts)))
    full = np.flatnonzero(found.line_first < found.line_end)
    last = np.searchsorted(found.line_text[full], np.arange(len(found.starts)), side="right") - 1
    line = np.append(full, 0)[last]  # of an empty text: another's, which does not count
    filled = _tally(found, found.line_text[full]) > 0
    ends, begins = found.kind[found.line_end[line] - 1], found.kind[found.starts]
    lengths = {
        "length of the first line": found.line_end[first] - found.starts,
        "length of the first sentence": sentence,
        "length of the last line": (found.line_end[line] - found.line_first[line]) * filled,
    }
    marks = {
        "ends in a question": ends == CLASS["question"],
        "ends in an exclamation": ends == CLASS["exclamation"],
        "ends in a full stop": ends == CLASS["period"],
        "ends in a colon": ends == CLASS["colon"],
        "ends without a sign": found.letters[found.line_end[line] - 1],
        "begins with a capital": begins == CLASS["upper"],
        "begins with a small letter": begins == CLASS["lower"],
    }
    return {name: np.log1p(length) / 8.5 for name, length in lengths.items()} | {
        name: mark * filled * 1.0 for name, mark in marks.items()
    }


def _vocabulary(found: Scan, words: Numbers, groups: NDArray[np.int64]) -> dict[str, Numbers]:
    known = groups >= 0
    cells = found.word_text[known] * len(GROUPS) + groups[known]
    counts = np.bincount(cells, minlength=len(found.starts) * len(GROUPS)).reshape(-1, len(GROUPS))
    endings = {f"words in -{ending}": _tally(found, found.word_text[_ends_in(found, ending)]) for ending in _ENDINGS}
    named = {f"words: {name}": count.astype(float) for name, count in zip(GROUPS, counts.T, strict=True)}
    return {name: np.sqrt(_share(count, words)) for name, count in (named | endings).items()}


def _ends_in(found: Scan, ending: str) -> NDArray[np.bool_]:
    hit = found.word_end - found.word_start > len(ending) + 2
    for back, letter in enumerate(reversed(ending), start=1):
        hit = hit & np.equal(found.code[found.word_end - back], ord(letter))
    ends: NDArray[np.bool_] = hit
    return ends


def _sentence_ends(found: Scan) -> NDArray[np.bool_]:
    stop = np.isin(found.kind, [CLASS["period"], CLASS["question"], CLASS["exclamation"]])
    after = np.append(found.kind[1:], CLASS["newline"])
    wide = np.greater(found.code, 0x3000)  # Chinese sentences end without a space
    ends: NDArray[np.bool_] = stop & ((after == CLASS["space"]) | (after == CLASS["newline"]) | wide)
    return ends


def _distinct(found: Scan) -> Numbers:
    order = np.lexsort((found.word_hash, found.word_text))
    text, hashes = found.word_text[order], found.word_hash[order]
    new = np.ones(len(order), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (text[1:] != text[:-1])
    return _tally(found, text[new])


def _tally(found: Scan, text: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> Numbers:
    return np.bincount(text, weights=weights, minlength=len(found.starts)).astype(float)


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return part / np.maximum(whole, 1)


STYLE = tuple(_style(scan(["a"]), np.full(1, -1)))  # the names of the style features, in the order of the columns
