"""Keys, tokens, passwords and requester headers pass by; variables and stand-ins for them may stay."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

import re
from collections.abc import Iterator

from streams.redaction.page import Found, Page

_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
# Every pattern stops here, so that a stranger who begins a secret at every other word costs no more than his text.
# What goes on behind is taken along without a look.
_LONGEST = 1024
_REST = re.compile(r"[^\s\"'\x00]*+")
_KEY = re.compile(
    r"sk-[0-9A-Za-z_\-]{18,1024}|[sprw]k_(?:live|test)_[0-9A-Za-z]{10,1024}|A[KS]IA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{30,1024}"
    r"|github_pat_[0-9A-Za-z_]{22,1024}|xox[a-z]-[0-9A-Za-z\-]{10,1024}|xapp-[0-9A-Za-z\-]{20,1024}|AIza[0-9A-Za-z_\-]{30,1024}"
    r"|ya29\.[0-9A-Za-z_\-]{20,1024}|glpat-[0-9A-Za-z_\-]{18,1024}|hf_[0-9A-Za-z]{28,1024}|npm_[0-9A-Za-z]{30,1024}"
    r"|pypi-A[0-9A-Za-z_\-]{40,1024}|SG\.[0-9A-Za-z_\-]{16,1024}\.[0-9A-Za-z_\-]{16,1024}|dop_v1_[0-9a-f]{40,1024}"
    r"|LTAI[0-9A-Za-z]{12,26}|AKID[0-9A-Za-z]{13,40}|gsk_[0-9A-Za-z]{30,1024}|xai-[0-9A-Za-z]{30,1024}|r8_[0-9A-Za-z]{30,1024}"
    r"|pplx-[0-9a-f]{30,1024}|lsv2_[a-z]{2}_[0-9a-f_]{32,1024}|[ps]k-lf-[0-9a-f\-]{30,1024}|whsec_[0-9A-Za-z+/=]{24,1024}"
    r"|hooks\.slack\.com/services/[0-9A-Za-z/]{20,1024}|\d{8,10}:AA[0-9A-Za-z_\-]{30,1024}"
    r"|eyJ[0-9A-Za-z_\-]{8,1024}\.[0-9A-Za-z_\-]{4,1024}(?:\.[0-9A-Za-z_\-]{1,1024}){0,3}"
)
_BEARER = re.compile(r"[A-Za-z]+[ \t]+([0-9A-Za-z\-._~+/]{12,1024}={0,2})")
_HEADER_VALUE = re.compile(
    r"[ \t]{0,8}(?:[fbr]?\\{0,3}[\"'`])?(?P<value>(?P<scheme>(?i:bearer|basic|token|digest|api-?key|negotiate|hmac"
    r"|aws4-hmac-sha256)[ \t]+)?(?P<token>[^\s\"'`\\\x00,;]{6,1024}))"
)
_COOKIES = re.compile(
    r"[ \t]{0,8}(?:\\{0,3}[\"'`])?(?P<value>[^\s=;,:\"'\x00]{1,64}=(?:\"[^\"\n\x00]{0,512}\"|[^\s;\"'\\\x00]{4,1024})"
    r"(?:;[ ]?[^\s=;,\"'\\\x00]{1,64}(?:=(?:\"[^\"\n\x00]{0,512}\"|[^\s;\"'\\\x00]{0,1024}))?){0,64})"
)
_NAMED_VALUE = re.compile(
    r"[ \t]{0,4}(?:(?P<quote>\\{0,3}[\"'`])(?P<quoted>[^\"'`\s\\\x00]{4,1024})(?P=quote)"
    r"|(?P<bare>(?:(?!&[A-Za-z_]+=)[!#-&*-+\--:=?-Z^_a-z|~]){4,1024})(?P<after>[(\[{]?))"
)
_SPOKEN_VALUE = re.compile(r"[0-9A-Za-z!@#$%^&*_.\-]{6,64}")
_MIXED = re.compile(r"(?=.*[A-Za-z])(?=.*\d)(?:.*\d.*\d|.*[!@#$%^&*]|.*[a-z].*[A-Z]|.*[A-Z].*[a-z])")
_ALGORITHM = re.compile(
    r"(?:sha|md|aes|rsa|utf|base|oauth|pbkdf|argon|scrypt|bcrypt|http|ntlm)[0-9_\-]*\d", re.IGNORECASE
)
# The last of the words in a longer name that says its value is no secret: token_count, password_length, secret_name.
_ABOUT = re.compile(
    r"(?:s|[_\-]?(?:count|len|length|limit|type|id|name|usage|policy|min|max|url|uri|path|file|expiry|expires(?:_in|_at)?"
    r"|hash|field|reset|version|size|budget|ids|index|prompt|hint|ttl|age|manager|format|status))"
    r"\\{0,3}[\"'\]]{0,2}[ \t]{0,3}(?:[:=：]|is[ \t]|是|为)$",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"passw|passphrase|pwd|secret_?key|client_secret|api[_\- ]?key|access[_\-]?key|account|密码|口令|密钥|私钥",
    re.IGNORECASE,
)
_STANDS_IN = re.compile(
    r"[\[<${%*]|(?:x+|\*+|\.+|•+|-+|_+|0+)$|.{0,8}(?:your|my|the|insert|enter|example|placeholder|redacted|changeme|dummy"
    r"|replace)[_\- ]|.{0,24}x{6}|(?:none|null|nil|true|false|undefined|string|str|text|bytes|int|required|optional|env"
    r"|process\.env|os\.environ|config|settings|secrets|self|args|request|req|params)(?:$|[^0-9A-Za-z])",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"\[SECRET\]|\$PWD|\{PWD")  # a placeholder; the working directory
_DIGIT = re.compile("[0-9]")
_REFERENCE = re.compile(r"[A-Za-z_]+(?:[.:][A-Za-z_]+)*[.:]?$")


def private_key(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the block that a private key's first line begins; where its end is missing, the rest of the text."""
    border = page.text.find("\x00", trigger.end())
    limit = len(page.text) if border < 0 else border
    end = _PEM_END.search(page.text, trigger.end(), limit)
    yield Found(trigger.start(), end.end() if end else limit, "SECRET")


def url_credentials(_: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the user and password in a URL."""
    password = trigger[0].partition(":")[2].partition(":")[2][:-1]
    if not _STANDS_IN.match(password):
        yield Found(trigger.start() + 3, trigger.end() - 1, "SECRET")


def key(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find a key or token that says by its beginning whose it is."""
    page.look(3)
    found = _KEY.match(page.text, trigger.start())
    if found is not None and random_looking(found[0]):
        yield _found(page, *found.span())


def bearer(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the token after the word Bearer or Basic."""
    found = _BEARER.match(page.text, trigger.start())
    if found is not None and random_looking(found[1]):
        yield _found(page, *found.span(1))


def header(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the value of a requester's header."""
    if "cookie" in trigger[0].lower():
        found = _COOKIES.match(page.text, trigger.end())
    else:
        found = _HEADER_VALUE.match(page.text, trigger.end())
        if found is not None and not random_looking(found["token"], least=6 if found["scheme"] else 12):
            return
    if found is not None and not _STANDS_IN.match(found["value"]):
        yield _found(page, *found.span("value"), kind="HEADER")


def named(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the value that a name like password= gives away."""
    found = _NAMED_VALUE.match(page.text, trigger.end())
    page.look()
    if found is None or _ABOUT.search(trigger[0]) or _NO_NAME.match(page.text, trigger.start() - 1):
        return
    form = "quoted" if found["quoted"] else "bare"
    value = found[form] if form == "quoted" else found[form].rstrip(".:")
    if _STANDS_IN.match(value) or not (_STRONG.match(trigger[0]) or random_looking(value)):
        return
    if form == "quoted" or not (found["after"] or _REFERENCE.match(value)):
        yield _found(page, found.start(form), found.start(form) + len(value))


def spoken(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the password that follows the word without more ado; only what no word looks like is believed to be one."""
    found = _SPOKEN_VALUE.match(page.text, trigger.end() - 6)
    if found is None or _STANDS_IN.match(found[0]) or _ALGORITHM.match(found[0]):
        return
    if _MIXED.match(found[0]) or (found[0].isdigit() and not trigger[0].isascii()):
        yield Found(*found.span(), "SECRET")


def random_looking(token: str, least: int = 12) -> bool:
    """Tell a token that a machine drew from words put together: digits among its letters, and few of them alike."""
    drawn = len(token) >= least and _DIGIT.search(token) and len(set(token)) >= min(least, 8)
    return bool(drawn) and not _STANDS_IN.match(token)


def _found(page: Page, start: int, end: int, kind: str = "SECRET") -> Found:
    rest = _REST.match(page.text, end) if end - start >= _LONGEST else None
    return Found(start, rest.end() if rest else end, kind)
