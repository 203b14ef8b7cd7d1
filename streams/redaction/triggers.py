"""Texts pass through one linear scan, which finds where a closer look may be worth its cost."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import re2

# What other scripts write for ASCII: full-width forms, other digits, dashes and spaces. One character becomes one
# character, so that a place in the folded text is the same place in the text.
_OTHER_DIGITS = "٠-٩۰-۹०-९𝟎-𝟿"
_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63"
_SPACES = "\u00a0\u2000-\u200a\u202f\u3000"


def _characters(ranges: str) -> Iterator[str]:
    for first, last in re.findall(r"(.)(?:-(.))?", ranges):
        yield from map(chr, range(ord(first), ord(last or first) + 1))


_FOLDED = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {ord(each): str(unicodedata.decimal(each)) for each in _characters(_OTHER_DIGITS)}
    | {ord(each): "-" for each in _characters(_DASHES)}
    | {ord(each): " " for each in _characters(_SPACES)}
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # half of a surrogate pair
)

# In a syntax that re and re2 read alike, the first that fits at a place wins. Every one is bounded in how far it looks
# ahead, or ends where it could begin again, so that the scan as a whole stays linear.
TRIGGERS = {
    # Nothing of anybody's, but full of digits: passed over.
    "passed": r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b"
    r"|\b(?:19|20)[0-9]{2}[-/.][01]?[0-9][-/.][0-3]?[0-9]"
    r"(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?\b",
    "pem": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY",
    "url": r"://[^\s/@:?#\"'<>\x00]*:[^\s/@\"'<>\x00]+@",
    "header": r"(?i:\b(?:authorization|(?:set-)?cookie|(?:x-)?api-key|x-[a-z]{2,12}-(?:api-)?(?:key|token))"
    r"\\{0,3}[\"']?[\])]?[ \t]?[:=])",
    "named": r"(?i:(?:passw(?:or)?d|passphrase|\bpwd|secret|token|api[_\- ]?key|access[_\-]?key|private[_\-]?key"
    r"|account[_\-]?key|credentials?|密码|口令|密钥|令牌|私钥|暗号)[0-9a-z_\-]{0,16}\\{0,3}[\"'\]]{0,2}[ \t]{0,3}"
    r"(?:[:=：]|is[ \t]|是|为))",
    "spoken": r"(?i:\b(?:password|passwd|passcode|pwd)(?:'s|[ \t]?[-=]?>?)[ \t]{1,3}|\bpass[ \t]?[:=][ \t]?"
    r"|(?:密码|口令)[ \t]{0,3})"
    r"[0-9A-Za-z!@#$%^&*_.\-]{6}",
    "bearer": r"(?i:\b(?:bearer|basic)[ \t]+[0-9a-z\-._~+/]{12})",
    "key": r"\b(?:sk-[0-9A-Za-z]|[sprw]k_(?:live|test)_|A[KS]IA[0-9A-Z]{4}|gh[pousr]_[0-9A-Za-z]|github_pat_|xox[a-z]-"
    r"|xapp-[0-9]|AIza[0-9A-Za-z]|ya29\.|glpat-|hf_[0-9A-Za-z]{4}|npm_[0-9A-Za-z]{4}|pypi-A|SG\.[0-9A-Za-z]{4}|dop_v1_"
    r"|LTAI[0-9A-Za-z]{4}|AKID[0-9A-Za-z]{4}|gsk_[0-9A-Za-z]|xai-[0-9A-Za-z]|r8_[0-9A-Za-z]{4}|pplx-[0-9a-z]"
    r"|lsv2_|[ps]k-lf-|whsec_|hooks\.slack\.com/services/|[0-9]{8,10}:AA[0-9A-Za-z_\-]{4}"
    r"|eyJ[0-9A-Za-z_\-]{8})",
    "iban": r"\b[A-Z]{2}[0-9]{2}[ \-]?[0-9A-Z]{4}[ \-]?[0-9A-Z]{4}[ \-]?[0-9A-Z]{2}",
    "coded": r"\b(?:[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]"
    r"|[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]|[A-Z]{5}[0-9]{4}[A-Z]"
    r"|[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]|[XYZ]-?[0-9]{7}-?[A-Z]|[A-Z][\- ]?[0-9]{6,9})\b",
    "mail": r"[0-9A-Za-zÀ-ɏ_%+\-]@",
    "colons": r"(?:[0-9A-Fa-f]{1,4}:){3}[0-9A-Fa-f:]|[0-9A-Fa-f]{1,4}::[0-9A-Fa-f]{1,4}|::[0-9A-Fa-f]{1,4}:",
    "digits": r"\+?\(?[0-9](?:[ .\-()/]{0,2}[0-9]){6,30}|[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
    "unfolded": rf"[０-９Ａ-Ｚａ-ｚ＠{_OTHER_DIGITS}]|[0-9][{_DASHES}{_SPACES}－．]{{1,2}}[0-9]|（[0-9]{{2,4}}）",
}

_TRIGGER = re2.compile("|".join(TRIGGERS.values()).encode())
_NAMED = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in TRIGGERS.items()), re.ASCII)


class Scan:
    """Goes through a text once, from trigger to trigger; places are characters, while re2 counts bytes.

    Raises UnicodeEncodeError for a text with half a surrogate pair in it, which no UTF-8 has.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = text.encode()
        self._narrow = len(self._bytes) == len(text)
        self._char = self._byte = 0

    def next(self, start: int) -> re.Match[str] | None:
        """Find the next trigger that begins at or after a place; places never go back."""
        found = _TRIGGER.search(self._bytes, self._to_byte(start))
        if found is None:
            return None
        return _NAMED.match(self.text, self._to_char(found.start()))

    def _to_byte(self, char: int) -> int:
        if self._narrow:
            return char
        self._byte += len(self.text[self._char : char].encode())
        self._char = char
        return self._byte

    def _to_char(self, byte: int) -> int:
        if self._narrow:
            return byte
        self._char += len(self._bytes[self._byte : byte].decode())
        self._byte = byte
        return self._char


def triggered(texts: Sequence[str], border: str) -> Iterator[int]:
    """Give the numbers of the texts in which there is any trigger, or the border, which no trigger holds."""
    joined = border.join(texts)
    try:
        encoded = joined.encode()
    except UnicodeEncodeError:  # half a surrogate pair: whose it is comes out when each is read
        yield from range(len(texts))
        return
    if joined.count(border) > max(0, len(texts) - 1):  # hostile: nobody types it
        yield from (number for number, text in enumerate(texts) if border in text)
    narrow = len(encoded) == len(joined)
    found = _TRIGGER.search(encoded)
    if found is None:  # as a rule
        return
    ends = list(accumulate((len(text) if narrow else len(text.encode())) + 1 for text in texts))
    while found is not None:
        number = bisect_right(ends, found.start())
        yield number
        found = _TRIGGER.search(encoded, ends[number])


def folded(text: str) -> str:
    """Write what looks like ASCII as ASCII, and half a surrogate pair as U+FFFD, character by character."""
    return text.translate(_FOLDED)


def asks_for_a_look(text: str) -> bool:
    """Tell whether there is any trigger in a text."""
    return _TRIGGER.search(text.encode(errors="replace")) is not None
