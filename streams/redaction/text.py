"""Texts pass through, and leave with placeholders for what must not be stored."""

import operator
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from streams.redaction import contacts, numbers, secrets
from streams.redaction.page import Check, Page, TooDense
from streams.redaction.triggers import Scan, asks_for_a_look, folded, triggered

_CHECKS: dict[str, Check] = {
    "pem": secrets.private_key,
    "url": secrets.url_credentials,
    "header": secrets.header,
    "named": secrets.named,
    "spoken": secrets.spoken,
    "bearer": secrets.bearer,
    "key": secrets.key,
    "iban": numbers.account,
    "coded": numbers.coded,
    "mail": contacts.email,
    "colons": contacts.v6,
    "digits": numbers.number,
}
_BORDER = "\x00"  # between texts that are searched as one; no pattern goes across it
# What stood right behind a number may have kept it from being believed, until a placeholder stood there. Two passes
# are hardly ever not enough.
_PASSES = 4
_AT_ONCE = 1_000_000  # characters that are searched as one


def asking_for_a_look(texts: Sequence[str], ends: Sequence[int]) -> set[int]:
    """Say which groups of texts hold a trigger, by their numbers; the others are as `redact_all` would leave them.

    One search through a megabyte costs less than a search through each text of it. `ends` (rising) is where in `texts`
    each group ends.
    """
    return {bisect_right(ends, number) for number in _asking(texts, 0)}


def _asking(texts: Sequence[str], first: int) -> Iterator[int]:
    if len(texts) > 1 and sum(map(len, texts)) > _AT_ONCE:
        half = len(texts) // 2
        yield from _asking(texts[:half], first)
        yield from _asking(texts[half:], first + half)
        return
    for number in triggered(texts, _BORDER):
        yield first + number


def redact(text: str) -> tuple[str, Counter[str]]:
    """Redact one text, as `redact_all` does."""
    texts, counts = redact_all([text])
    return texts[0], counts


def redact_all(texts: Sequence[str]) -> tuple[Sequence[str], Counter[str]]:
    """Replace what must not be stored by [EMAIL], [PHONE], [CARD], [IBAN], [NATIONAL_ID], [IP], [SECRET], [HEADER].

    The texts belong together: a word at the end of one tells what a number in the next is. Twice gives the same as
    once. No pattern takes longer than linear time, and all close looks together a few hundredths of a second: from
    where these run out, the rest of each text that asks for one is [UNCHECKED].

    Returns:
        the texts, the same object where nothing was found, and how often each kind was.
    """
    joined = _BORDER.join(texts)
    if joined.count(_BORDER) != max(0, len(texts) - 1):  # hostile: nobody types it
        return redact_all([text.replace(_BORDER, "\ufffd") for text in texts])
    result, counts = _redact(joined, joined)
    for _ in range(_PASSES - 1 if counts else 0):
        result, more = _redact(result, result)
        if not more:
            break
        counts += more
    return (result.split(_BORDER) if counts else texts), counts


def _redact(text: str, original: str) -> tuple[str, Counter[str]]:
    try:
        scan = Scan(text)
    except UnicodeEncodeError:
        return _redact(folded(text), original)
    trigger = scan.next(0)
    if trigger is None:
        return original, Counter()
    page = Page(text, original)
    while trigger is not None:
        name = trigger.lastgroup or ""
        if name == "unfolded" and text is original:
            return _redact(folded(text), original)
        try:
            page.look()
            for found in _CHECKS[name](page, trigger) if name in _CHECKS else ():
                page.replace(found)
        except TooDense:
            return _given_up(page, max(page.done, trigger.start()))
        trigger = scan.next(max(trigger.end(), page.done))
    return (page.result(), page.counts) if page.counts else (original, page.counts)


def _given_up(page: Page, place: int) -> tuple[str, Counter[str]]:
    """Drop the rest of the text at a place, and of the texts after it each that asks for a look."""
    settled, (_, *later) = page.result(place), page.original[place:].split(_BORDER)
    kept = ["[UNCHECKED]" if asks_for_a_look(text) else text for text in later]
    dropped = 1 + sum(map(operator.is_not, kept, later))
    return _BORDER.join((f"{settled}[UNCHECKED]", *kept)), page.counts + Counter(UNCHECKED=dropped)
