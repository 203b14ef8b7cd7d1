"""Rows of digits pass by: payment cards, IBANs, ids, addresses and telephone numbers are taken out of them."""

import re
from collections.abc import Iterator
from functools import cache

from stdnum import iban, luhn, numdb

from streams.redaction.contacts import v4
from streams.redaction.national import announced_id, shaped_id
from streams.redaction.page import Found, Page
from streams.redaction.phones import ROW, phone, says_phone

# The schemes' prefixes and lengths: Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Mir, RuPay.
_CARD = re.compile(
    r"(?<![0-9A-Za-z_.])(?:"
    r"62\d{2}(?P<long>[ -]?)\d{4}(?P=long)\d{4}(?P=long)\d{4}(?P=long)\d{1,3}|62\d{4} \d{13}"
    r"|(?:4\d{3}|5[1-5]\d{2}|2(?:22[1-9]|2[3-9]\d|[3-6]\d{2}|7[01]\d|720)|6(?:011|4[4-9]\d|5\d{2})"
    r"|35(?:2[89]|[3-8]\d)|62\d{2}|81\d{2}|220[0-4]|60\d{2}|508\d)(?P<sep>[ -]?)\d{4}(?P=sep)\d{4}(?P=sep)\d{4}"
    r"|3[47]\d{2}(?P<amex>[ -]?)\d{6}(?P=amex)\d{5}"
    r"|3(?:0[0-5]|[689]\d)\d(?P<diners>[ -]?)\d{6}(?P=diners)\d{4}"
    r")(?![0-9A-Za-z_]|\.\d)"
)
_LETTER = re.compile(r"[^\W\d_]")
_STEP = re.compile(r"\d+[^\d+(]*")


def number(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find what a row of digits holds, trying each of its groups as a beginning."""
    start, end = trigger.span()
    while start < end:
        page.look()
        found = _at(page, start)
        if found is not None:
            yield found
            start = found.end
            continue
        if page.text[start].isdigit():
            step = _STEP.match(page.text, start, end)
            start = step.end() if step else end
        else:
            start += 1


def _at(page: Page, start: int) -> Found | None:
    found = v4(page, start) or shaped_id(page, start) or card(page, start)
    if found is not None or ROW.match(page.text, start) is None:
        return found
    before = page.before(start)
    if _LETTER.search(before) is None:  # one number among many
        return phone(page, start, before, said=False)
    return announced_id(page, start, before) or phone(page, start, before, said=says_phone(before))


def card(page: Page, start: int) -> Found | None:
    """Find a payment card's number at a place: a scheme's prefix and length, and Luhn's check digit."""
    found = _CARD.match(page.text, start)
    if found is None:
        return None
    page.look()
    return Found(start, found.end(), "CARD") if luhn.is_valid(re.sub("[ -]", "", found[0])) else None


def account(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find an IBAN: as many groups as its country's length and check digits ask for."""
    shape = _account(trigger[0][:2])
    found = shape.match(page.text, trigger.start()) if shape else None
    if found is None:
        yield from number(page, trigger)
    # Mod 97 and the country's structure; some countries' own check digits inside are no longer kept by their banks.
    elif iban.is_valid(found[0], check_country=False):
        yield Found(found.start(), found.end(), "IBAN")


def coded(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find an id that begins with letters; else what its digits alone are."""
    start = trigger.start()
    found = shaped_id(page, start) or announced_id(page, start, page.before(start))
    if found is not None:
        yield found
    else:
        yield from number(page, trigger)


@cache
def _account(country: str) -> re.Pattern[str] | None:
    """Return the shape of a country's IBANs in groups of any size; None where there are none."""
    parts = numdb.get("iban").info(country)
    if not parts[0][1]:
        return None
    length = sum(map(int, re.findall(r"(\d+)!", parts[0][1]["bban"])))
    return re.compile(rf"[A-Z]{{2}}[0-9]{{2}}(?:[ -]?[0-9A-Z]){{{length}}}(?![0-9A-Za-z_])")
