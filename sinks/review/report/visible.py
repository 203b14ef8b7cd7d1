r"""Strangers' text becomes text that a browser can only show: what is unseen, or steers, is written as its escape."""

from unicodedata import category

_KEPT = "\n\t\u200c\u200d"  # the last two join and part letters of Persian, Hindi and emoji


def visible(text: str, limit: int | None = None) -> str:
    r"""Return text without control characters, ANSI, bidi marks and lone surrogates; HTML is the template's to escape.

    Args:
        text: of anyone.
        limit: characters to keep; how many are left out is said at the end.

    >>> visible("a\x1b[31m\u202eb\ud800 <i>\n小")
    'a\\x1b[31m\\u202eb\\ud800 <i>\n小'
    >>> visible("abcdef", 4)
    'abcd … (2 characters more)'
    """
    more = 0 if limit is None else len(text) - limit
    if more > 0:
        return f"{visible(text[:limit])} … ({more:,} characters more)"
    return text if text.isprintable() else "".join(map(_shown, text))


def line(text: str, limit: int) -> str:
    r"""Return text on one line, of at most so many characters.

    >>> line("two\n  lines", 80), line("abcdef", 4)
    ('two lines', 'abc…')
    """
    flat = visible(" ".join(text[: 4 * limit].split()))
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def _shown(character: str) -> str:
    if character.isprintable() or character in _KEPT or category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()
