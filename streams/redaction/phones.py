"""Numbers shaped like a telephone number pass by; libphonenumber says which are some."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

import re
from functools import lru_cache

import phonenumbers
import re2

from streams.redaction.national import names_an_id
from streams.redaction.page import Found, Page

# Where a number without its country may be from: asked in this order where a word says that it is a telephone's.
REGIONS = ("CN", "US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "BR", "JP", "KR", "AU", "TW", "HK", "SG", "CH", "AT")

# Shapes that people write telephone numbers in, each with the regions that do. A bare row of digits is none: only a
# word before it tells it from an order number, except for a Chinese mobile number, which everybody writes bare.
_SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "international": (r"(?:\+|00) ?\(?[1-9]\d{0,2}\)?(?:[ .\-/]{0,2}\(?\d\)?){6,13}", ()),
    "cn_mobile": (r"(?:\(?86\)?[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}", ("CN",)),
    "cn_mobile_334": (r"1[3-9]\d[- ]\d{3}[- ]\d{5}|1[3-9]\d[- ]\d{3}[- ]\d{3}[- ]\d{2}", ("CN",)),
    "cn_landline": (
        r"\(0\d{2,3}\) ?\d{7,8}|0\d{2,3}[- ]\d{7,8}|0\d{2,3}[- ]\d{4}[- ]\d{4}|[48]00-\d{3}-?\d{4}",
        ("CN",),
    ),
    "nanp": (r"(?:1[-. ])?(?:\([2-9]\d{2}\)[-. ]?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}", ("US",)),
    "fr": (r"0[1-9](?:[ .-]\d{2}){4}", ("FR",)),
    "trunk": (r"\(?0\d{1,4}\)?[ /-]\d{3,8}(?:[ -]\d{1,4}){0,2}", ("GB", "DE", "JP", "KR", "AU", "TW", "NL", "IT")),
    "trunk_pairs": (r"0\d{1,4}[ /-]\d{2,4}(?:[ -]\d{2}){2,3}", ("DE", "CH", "AT", "FR")),
    "india": (r"[6-9]\d{4} \d{5}", ("IN",)),
    "brazil": (r"\(\d{2}\) ?9?\d{4}-\d{4}", ("BR",)),
    "spain": (r"[67]\d{2} \d{3} \d{3}", ("ES",)),
    "spain_pairs": (r"[679]\d{2}(?: \d{2}){3}", ("ES",)),
}
_SHAPE = re.compile("|".join(f"(?P<{name}>(?:{shape})(?!\\d))" for name, (shape, _) in _SHAPES.items()))
ROW = re.compile(r"[+(]?\d(?:[ .\-()/]{0,2}\d){6,14}(?!\d)")
_BEFORE = re.compile(r"[0-9A-Za-z_$€£¥￥#@\\]$|[0-9A-Za-z_][-./=:]$|\d[ ,]$")
_AFTER = re.compile(r"[A-Za-z_%°€]|\.\d|,\d{3}(?!\d)|[-/:]\d|-[A-Za-z]| (?:USD|EUR|元|ms|bytes|ns)\b")
_SPACED = re.compile(r" \d")
_SAID = re2.compile(
    r"(?i)(?:\b(?:phone|tel|telephone|mobile|cell|cellphone|call|ring|fax|whats ?app|sms"
    r"|text (?:me|us|him|her|them|to|at|on)"
    r"|dial|contact|hotline|reach|telefon|telefonnummer|handy|mobil|handynummer|tel[eé]fono|m[oó]vil"
    r"|t[eé]l[eé]phone|portable|telefone|celular)\b|手机|电话|联系|致电|拨打|座机|传真|微信|短信|來電|電話|手機|携帯|전화)"
    # … and what may link the word to its number
    r"(?:[\s\x00:：.()（）\-'\"=#,，/*|]|is|at|on|no|nr|num(?:ber)?s?|me|us|him|her|them|our|my|the|to|this|ist|est|es|an|al|le"
    r"|au|号码|號碼|号|號|是|为|我|你|他|她|请|打|到|给|番号)*$"
)
_OTHERWISE = re2.compile(
    r"(?i)(?:\b(?:order|invoice|tracking|ticket|case|ref|reference|serial|sku|isbn|ean|upc|imei|transaction|txn|id|uid|no|seed"
    r"|build|commit|account|timestamp|epoch|bytes|error|code|part|model|version)\b|订单|单号|编号|流水|工单|条码|运单|时间戳|种子|账号)"
    r"[^\d\n]{0,12}$"
)


def phone(page: Page, start: int, before: str, *, said: bool) -> Found | None:
    """Find a telephone number at a place, which may be a digit, a plus or a parenthesis, by what stands before it.

    Args:
        page: the text.
        start: the place.
        before: the characters in front of it, as they will be stored.
        said: whether a word among those says that it is a telephone's.
    """
    if before[-1:].isdigit():
        return None
    text, shape = page.text, _SHAPE.match(page.text, start)
    if not said and (shape is None or _BEFORE.search(before) or _AFTER.match(text, shape.end())):
        return None
    if shape is not None and shape.lastgroup is not None:
        sure = said or shape[0][0] in "+(" or not _doubtful(text, shape, before)
        if sure and _valid(page, _without_prefix(shape[0]), _SHAPES[shape.lastgroup][1]):
            return Found(start, shape.end(), "PHONE")
    anything = ROW.match(text, start) if said else None
    closed = anything is not None and (text[start] != "(" or ")" in anything[0])
    if anything is not None and closed and _valid(page, anything[0], REGIONS):
        return Found(start, anything.end(), "PHONE")
    return None


def says_phone(before: str) -> bool:
    """Tell whether the words right before a number announce a telephone's."""
    return _SAID.search(before) is not None


def _doubtful(text: str, shape: re.Match[str], before: str) -> bool:
    """Tell whether what has a telephone number's shape is an order's, an id's, or one of a row of numbers."""
    if _OTHERWISE.search(before) or names_an_id(before):
        return True
    short = sum(map(str.isdigit, shape[0])) < 10
    in_row = _SPACED.match(text, shape.end()) is not None and shape.lastgroup not in ("cn_mobile", "nanp")
    return in_row or (short and shape.lastgroup == "trunk")


def _without_prefix(number: str) -> str:
    """Write the international prefix of most countries, 00, as a plus."""
    return f"+{number[2:]}" if number.startswith("00") else number


def _valid(page: Page, number: str, regions: tuple[str, ...]) -> bool:
    """Ask libphonenumber whether a number is one: by itself where it begins with a plus, else in any of the regions."""
    for region in (None,) if number.startswith("+") else regions:
        page.look(5)
        if _valid_in(number, region):
            return True
    return False


@lru_cache(maxsize=8192)  # the turns of a dialogue repeat what was said
def _valid_in(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
