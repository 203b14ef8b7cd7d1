"""Sentences with their marks become the labelled set: handwritten ones, and values drawn into sentences around them."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stdnum import iban, luhn, verhoeff
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.es import dni
from stdnum.fr import nir

from tests.streams import redaction_handwritten as handwritten
from tests.streams import redaction_near_misses as near_misses
from tests.streams import redaction_unseen as unseen

_MARK = re.compile(r"⟦([A-Z_]+):(.*?)⟧", re.DOTALL)
_PLACEHOLDER = re.compile(r"\[(EMAIL|PHONE|CARD|IBAN|NATIONAL_ID|IP|SECRET|HEADER|UNCHECKED)\]")
Span = tuple[int, int, str]


@dataclass(frozen=True)
class Case:
    """A text, and which of its characters must not be stored: start, end and kind of each place."""

    text: str
    spans: frozenset[Span]
    source: str  # hand or drawn

    @property
    def is_miss(self) -> bool:
        return not self.spans


def marked(sentence: str, source: str, chance: random.Random) -> Case:
    """Read a marked sentence."""
    sentence = re.sub(r"§(\w+)§", lambda name: SECRETS[name[1]](chance), sentence)
    text, spans, end = "", set(), 0
    for mark in _MARK.finditer(sentence):
        text += sentence[end : mark.start()]
        spans.add((len(text), len(text) + len(mark[2]), mark[1]))
        text, end = text + mark[2], mark.end()
    return Case(text + sentence[end:], frozenset(spans), source)


def replaced(text: str, redacted: str) -> frozenset[Span]:
    """Find what a redaction replaced, from the text before and after alone."""
    kinds = _PLACEHOLDER.findall(redacted)
    between = _PLACEHOLDER.sub("\x00", redacted).split("\x00")
    whole = re.fullmatch("(.+?)".join(map(re.escape, between)), text, re.DOTALL)
    if whole is None:
        raise AssertionError("redaction changed what it did not replace")
    return frozenset((*whole.span(place), kind) for place, kind in enumerate(kinds, 1))


@dataclass
class Score:
    """How often each kind was found where it is, where it is not, and how often it was missed; exact places count."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Case, str]] = field(default_factory=list)

    def add(self, case: Case, redacted: str) -> None:
        found = replaced(case.text, redacted)
        self.right.update(kind for *_, kind in found & case.spans)
        self.wrong.update(kind for *_, kind in found - case.spans)
        self.missed.update(kind for *_, kind in case.spans - found)
        if found != case.spans:
            self.failed.append((case, redacted))

    def precision(self, *kinds: str) -> float:
        """Return which share of what was found is there, of these kinds or of all."""
        right, wrong = (self._sum(counts, kinds) for counts in (self.right, self.wrong))
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, *kinds: str) -> float:
        """Return which share of what is there was found, of these kinds or of all."""
        right, missed = (self._sum(counts, kinds) for counts in (self.right, self.missed))
        return right / (right + missed) if right + missed else 1.0

    @staticmethod
    def _sum(counts: Counter[str], kinds: tuple[str, ...]) -> int:
        return sum(counts[kind] for kind in kinds) if kinds else counts.total()


def score(cases: Iterable[Case], redact: Callable[[str], str]) -> Score:
    """Redact every case, and count."""
    total = Score()
    for case in cases:
        total.add(case, redact(case.text))
    return total


def _letters(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choices(alphabet, k=length))


def _secret(
    prefix: str, length: int, alphabet: str = string.ascii_letters + string.digits
) -> Callable[[random.Random], str]:
    draw = _letters(alphabet, length - 2)
    return lambda chance: f"{prefix}{alphabet[0]}7{draw(chance)}"


_HEX = "0123456789abcdef"
SECRETS: dict[str, Callable[[random.Random], str]] = {
    "openai": _secret("sk-", 48),
    "openai_project": _secret("sk-" + "proj-", 74),
    "anthropic": _secret("sk-" + "ant-api03-", 93),
    "aws": _secret("AK" + "IA", 16, string.ascii_uppercase + string.digits),
    "aws_secret": _secret("", 40, string.ascii_letters + string.digits + "+/"),
    "ghp": _secret("gh" + "p_", 36),
    "github_pat": _secret("github" + "_pat_", 82),
    "slack": lambda chance: "xo" + f"xb-{chance.randrange(10**11, 10**12)}-" + _secret("", 24)(chance),
    "slack_hook": lambda chance: (
        "hooks.slack" + f".com/services/T{_secret('', 8)(chance)}/B1/{_secret('', 24)(chance)}"
    ),
    "google": _secret("AI" + "za", 35),
    "gitlab": _secret("gl" + "pat-", 20),
    "hugging": _secret("h" + "f_", 34),
    "stripe": _secret("sk" + "_live_", 24),
    "aliyun": _secret("LT" + "AI", 20),
    "opaque": _secret("", 32),
    "jwt": lambda chance: ".".join(
        ("ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "J" + _secret("", 30)(chance), _secret("", 43)(chance))
    ),
    "begin_rsa": lambda _: "-----BEGIN" + " RSA PRIVATE KEY-----",
    "begin_openssh": lambda _: "-----BEGIN" + " OPENSSH PRIVATE KEY-----",
    "ric": lambda chance: _ric(chance),
    "unionpay": lambda chance: _luhn(chance, "622202", 19),
    "unionpay_spaced": lambda chance: _fours(_luhn(chance, "622202", 19), " "),
}


def _digits(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(string.digits, k=length))


def _luhn(chance: random.Random, prefix: str, length: int) -> str:
    number = prefix + _digits(chance, length - 1 - len(prefix))
    return number + luhn.calc_check_digit(number)


def _ric(chance: random.Random) -> str:
    born = f"{chance.randrange(1950, 2010)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    number = chance.choice(("110105", "310101", "440305", "510104", "330106")) + born + _digits(chance, 3)
    return number + ric.calc_check_digit(f"{number}0")


def _wrong(right: str) -> str:
    """Change the last character, so that the check fails and nothing else does."""
    last = right[-1]
    if last.isdigit():
        return right[:-1] + string.digits[(int(last) + 3) % 10]
    return right[:-1] + ("0" if last == "X" else "C" if last == "A" else "A")


def _fours(number: str, separator: str) -> str:
    return separator.join(number[place : place + 4] for place in range(0, len(number), 4))


def _iban(chance: random.Random, country: str, account: str) -> str:
    bare = "".join(
        chance.choice(string.digits) if each == "n" else chance.choice(string.ascii_uppercase) for each in account
    )
    return country + iban.calc_check_digits(f"{country}00{bare}") + bare


def _nir(chance: random.Random) -> str:
    number = f"{chance.randrange(1, 3)}{_digits(chance, 2)}{chance.randrange(1, 13):02}75{chance.randrange(10**6):06}"
    return number + nir.calc_check_digits(number)


def _cpf(chance: random.Random) -> str:
    number = _digits(chance, 9)
    return next(cpf.format(full) for check in range(100) if cpf.is_valid(full := f"{number}{check:02}"))


def _aadhaar(chance: random.Random) -> str:
    number = f"{chance.randrange(2, 10)}{_digits(chance, 10)}"
    return _fours(number + verhoeff.calc_check_digit(number), " ")


def _dni(chance: random.Random) -> str:
    number = _digits(chance, 8)
    return number + dni.calc_check_digit(number)


# The secrets that say by their beginning what they are.
_KNOWN_BY_SIGHT = (
    *("openai", "openai_project", "anthropic", "aws", "ghp", "github_pat", "slack", "slack_hook", "google", "gitlab"),
    *("hugging", "stripe", "aliyun", "jwt"),
)
Draw = Callable[[random.Random], str]
_HITS: dict[str, tuple[Draw, ...]] = {
    "CARD": (
        lambda c: _luhn(c, c.choice(("4", "51", "55", "2221", "6011", "3528")), 16),
        lambda c: _fours(_luhn(c, c.choice(("4", "53", "6221", "65")), 16), c.choice(" -")),
        lambda c: _luhn(c, c.choice(("34", "37")), 15),
        lambda c: _luhn(c, "62", c.choice((16, 17, 18, 19))),
    ),
    "IBAN": (
        lambda c: _iban(c, "DE", "n" * 18),
        lambda c: _fours(_iban(c, "GB", "aaaa" + "n" * 14), " "),
        lambda c: _fours(_iban(c, "FR", "n" * 23), " "),
        lambda c: _iban(c, "NL", "aaaa" + "n" * 10),
    ),
    "NATIONAL_ID": (
        _ric,
        _dni,
        _nir,
        _cpf,
        _aadhaar,
        lambda c: f"{c.randrange(100, 660)}-{c.randrange(10, 99)}-{c.randrange(1000, 9999)}",
    ),
    "PHONE": (
        lambda c: f"1{c.choice(('38', '39', '50', '77', '86', '99'))}{_digits(c, 8)}",
        lambda c: f"+86 1{c.choice(('38', '59', '86'))} {_digits(c, 4)} {_digits(c, 4)}",
        lambda c: f"({c.choice((212, 415, 650, 312))}) {c.randrange(200, 999)}-{_digits(c, 4)}",
        lambda c: f"+1-{c.choice((212, 415, 617))}-{c.randrange(200, 999)}-{_digits(c, 4)}",
        lambda c: f"+44 7{c.choice((400, 520, 912))} {c.randrange(100000, 899999)}",
        lambda c: f"+49 151 {c.randrange(10**7, 10**8)}",
        lambda c: f"0{c.choice(('10', '21', '755'))}-{c.randrange(2, 9)}{_digits(c, 7)}",
    ),
    "EMAIL": (
        lambda c: f"{_word(c)}.{_word(c)}@{_word(c)}.{c.choice(('com', 'org', 'cn', 'co.uk', 'io', 'de'))}",
        lambda c: f"{_word(c)}{c.randrange(100)}@{c.choice(('qq', '163', 'gmail'))}.example",
        lambda c: f"{_word(c)}+{_word(c)}@mail.{_word(c)}-{_word(c)}.com",
    ),
    "IP": (
        lambda c: ".".join(str(c.randrange(11, 220)) for _ in range(4)),
        lambda c: f"10.{c.randrange(256)}.{c.randrange(256)}.{c.randrange(1, 255)}",
        lambda c: f"2001:db8:{c.randrange(1, 65536):x}::{c.randrange(1, 65536):x}",
        lambda c: "2400:" + ":".join(f"{c.randrange(4096, 65536):x}" for _ in range(7)),
    ),
    "SECRET": tuple(SECRETS[name] for name in _KNOWN_BY_SIGHT),
}
_MISSES: tuple[Draw, ...] = (
    lambda c: _wrong(_luhn(c, c.choice(("4", "51", "6011")), 16)),
    lambda c: _fours(_wrong(_luhn(c, "4", 16)), " "),
    lambda c: _wrong(_luhn(c, "6222", 19)),
    lambda c: _wrong(_iban(c, "DE", "n" * 18)),
    lambda c: _fours(_wrong(_iban(c, "FR", "n" * 23)), " "),
    lambda c: _wrong(_ric(c)),
    lambda c: _wrong(_dni(c)),
    lambda c: _wrong(_cpf(c)),
    lambda c: _wrong(_nir(c)),
    lambda c: f"{c.randrange(1_500_000_000, 1_800_000_000)}",
    lambda c: f"{c.randrange(1_500_000_000_000, 1_800_000_000_000)}",
    lambda c: _letters(_HEX, 40)(c),
    lambda c: "-".join(_letters(_HEX, length)(c) for length in (8, 4, 4, 4, 12)),
    lambda c: f"v{c.randrange(20)}.{c.randrange(20)}.{c.randrange(20)}.{c.randrange(20)}",
    lambda c: f"{c.randrange(1, 10**6)}.{_digits(c, 12)}",
    lambda c: str(datetime.fromtimestamp(c.randrange(2 * 10**9), UTC))[:19],
    lambda c: f"978-{c.randrange(10)}-{_digits(c, 2)}-{_digits(c, 6)}-{c.randrange(10)}",
    lambda c: f"{c.randrange(-90, 90)}.{_digits(c, 6)}, {c.randrange(-180, 180)}.{_digits(c, 6)}",
    lambda c: f"${c.randrange(1, 999)},{_digits(c, 3)},{_digits(c, 3)}.{_digits(c, 2)}",
    lambda c: f"chatcmpl-{_letters(string.ascii_letters + string.digits, 29)(c)}",
    lambda c: f"ORD-{c.randrange(2015, 2030)}{_digits(c, 4)}-{_digits(c, 10)}",
    lambda c: f"{_word(c)}@{c.randrange(9)}.{c.randrange(30)}.{c.randrange(30)}",
    lambda c: f"https://example.com/{_word(c)}/{c.randrange(10**9, 10**10)}",
    lambda c: f"0x{_letters(_HEX, 16)(c)}",
    lambda c: " ".join(str(c.randrange(1000)) for _ in range(12)),
)
_AROUND = {
    "CARD": (
        "Please charge {} today.",
        "card: {}",
        "paid with {}, thanks",
        "我的卡号是{}，被锁了",
        "从{}扣款失败",
        '{{"card": "{}"}}',
    ),
    "IBAN": ("Transfer it to {} please", "IBAN: {}", "mein Konto {} bei der Bank", "汇款账户{}，请确认", "({})"),
    "NATIONAL_ID": ("My id is {}, born in May", "id={};", "{} is on the form", "证件号{}，请登记", "客户（{}）已实名"),
    "PHONE": (
        "Call {} after lunch.",
        "my phone is {}",
        "Tel: {}, fax none",
        "请打电话{}找我",
        "联系方式：{}",
        "{}，微信同号",
    ),
    "EMAIL": ("Write to {} or come by.", "<{}>", "contact={}&x=1", "发到{}就行", "邮箱{}收不到验证码", "{}, thanks"),
    "IP": ("connected from {} again", "host={} status=502", "[{}] denied", "来自{}的请求太多", "服务器{}宕机了"),
    "SECRET": (
        "I use {} in production",
        "key: {}",
        'Client("{}")',
        "我的密钥{}失效了",
        "密钥：{}",
        "export KEY={} # old",
    ),
}
_AROUND_MISSES = (
    "the value {} came back",
    "got {} from the log",
    "{}",
    "返回了{}这个值",
    "编号{}，请核对",
    '{{"x": "{}"}}',
    "line 7: {} ok",
)


def _word(chance: random.Random) -> str:
    return "".join(
        chance.choice(("ba", "ko", "li", "mo", "ra", "se", "tu", "ven", "shi")) for _ in range(chance.randrange(2, 4))
    )


def _drawn(chance: random.Random, each: int, misses: int) -> Iterator[Case]:
    for kind, draws in _HITS.items():
        for number in range(each):
            sentence = chance.choice(_AROUND[kind]).format(f"⟦{kind}:{draws[number % len(draws)](chance)}⟧")
            yield marked(sentence, "drawn", chance)
    for number in range(misses):
        draw = _MISSES[number % len(_MISSES)]
        yield marked(chance.choice(_AROUND_MISSES).format(draw(chance)), "drawn", chance)


def labelled(seed: int = 3) -> list[Case]:
    """Return the labelled set: all handwritten sentences, and as many drawn ones; the same seed draws the same."""
    chance = random.Random(seed)  # noqa: S311  # drawing test data
    sentences = (
        *handwritten.ENGLISH_HITS,
        *handwritten.CHINESE_HITS,
        *near_misses.ENGLISH,
        *near_misses.CHINESE,
    )
    later = (*unseen.HITS, *unseen.SECOND_LOOK, *unseen.MISSES)
    return [
        *(marked(sentence, "hand", chance) for sentence in sentences),
        *(marked(sentence, "unseen", chance) for sentence in later),
        *_drawn(chance, each=30, misses=200),
    ]


# What a stranger may repeat for megabytes: nothing but beginnings of something, or look-alikes.
HOSTILE = {
    "digits": "1234567890",
    "groups": "1 ",
    "cards": "4111111111111112 ",
    "ids": "A1234567 ",
    "at signs": "a.a.a.a@",
    "addresses": "1.1.1.1 ",
    "colons": "a:b:c:",
    "ports": "://a:",
    "tokens": "token: ",
    "passwords": "password=",
    "key beginnings": "sk-a-",
    "jwt beginnings": "eyJaaaaaaaa.",
    "pem beginnings": "-----BEGIN PRIVATE KEY",
    "full width": "１２３４",
    "parentheses": "((((1",
    "phones": "+1 415 555 2671 ",
    "nothing": "x",
}
