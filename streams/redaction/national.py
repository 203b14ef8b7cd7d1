"""Numbers shaped like a country's id of a person pass by; their check digits, or a word before them, say which are."""

import re
from collections.abc import Callable

import re2
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.exceptions import ValidationError
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.us import ssn
from stdnum.za import idnr as za_id

from streams.redaction.page import Found, Page

Valid = Callable[[str], bool]

# Written so that hardly anything else is: the shape and the check decide.
_SHAPED: tuple[tuple[str, Valid], ...] = (
    (r"\d{6} ?\d{8} ?\d{3}[\dXx]", lambda number: resident(number)),
    (r"[12] ?\d{2} ?[0-3]\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", nir.is_valid),
    (r"\d{3}-\d{2}-\d{4}", ssn.is_valid),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", cpf.is_valid),
    (r"\d{6}-[1-8]\d{6}", rrn.is_valid),
    (r"756\.\d{4}\.\d{4}\.\d{2}", ahv.is_valid),
    (r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid),
    (r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]", hetu.is_valid),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", nn.is_valid),
    (r"(?<!\d )[2-9]\d{3} \d{4} \d{4}(?! \d)", aadhaar.is_valid),
    (r"(?<!\d )[1-9]\d \d{3} \d{3} \d{3}(?! \d)", idnr.is_valid),
    (r"\d{8}-?[A-Z]", dni.is_valid),
    (r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid),
    (r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]", codicefiscale.is_valid),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", curp.is_valid),
    (r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: \d{2}){3} [A-D]", lambda number: nino(number)),
    (r"[A-Z][12]\d{8}", lambda number: taiwan(number)),
    (r"[A-Z]{1,2}\d{6}\([0-9A]\)", lambda number: hong_kong(number)),
)
_SHAPE = re.compile(
    r"(?<![0-9A-Za-z_])(?<!\d[.\-])(?:"
    + "|".join(f"(?P<_{place}>{shape})" for place, (shape, _) in enumerate(_SHAPED))
    + r")(?![0-9A-Za-z_]|[.\-]\d)"
)

# Rows of digits, of which one in ten or so passes the check by chance: a word before them has to say what they are.
_WORDED: tuple[tuple[str, tuple[Valid, ...]], ...] = (
    (r"\bssn\b|social security|\b(?:my|her|his|their) social\b|社会安全号|社安号", (ssn.is_valid,)),
    (r"\bnhs\b", (nhs.is_valid,)),
    (r"\bnational insurance|\bnino\b|\bni (?:no|number)", (lambda number: nino(number),)),
    (r"\bbsn\b|burgerservicenummer|sofinummer", (bsn.is_valid,)),
    (r"\bsteuer-?id|\bidnr\b|steueridentifikation|steuerliche id", (idnr.is_valid,)),
    (r"\bcpf\b", (cpf.is_valid,)),
    (r"\ba?adhaa?r\b", (aadhaar.is_valid,)),
    (r"\bpan\b", (pan.is_valid,)),
    (r"(?-i:\bMy ?Number\b)|マイナンバー|個人番号", (my_number.is_valid,)),
    (r"주민등록번호|\brrn\b", (rrn.is_valid,)),
    (r"\bsin\b|social insurance", (sin.is_valid,)),
    (r"\btfn\b|tax file", (tfn.is_valid,)),
    (r"\bpesel\b", (pesel.is_valid,)),
    (r"f[øo]dselsnummer|\bpersonnummer\b", (fodselsnummer.is_valid, personnummer.is_valid)),
    (r"\bcpr\b", (cpr.is_valid,)),
    (r"\btc ?kimlik|\btckn\b", (tckimlik.is_valid,)),
    (r"\b(?:sa|south african) id\b", (za_id.is_valid,)),
    (r"rijksregister|registre national|\bnn\b", (nn.is_valid,)),
    (r"\bdni\b|\bnie\b|\bnif\b", (dni.is_valid, nie.is_valid)),
    (r"身份[证證]|身分證|\bhkid\b", (lambda number: hong_kong(number),)),
)
_WORD = re.compile("|".join(f"(?P<_{place}>{words})" for place, (words, _) in enumerate(_WORDED)), re.IGNORECASE)
_ANY_WORD = re2.compile("(?i)" + "|".join(words for words, _ in _WORDED))
_ROW = re.compile(r"(?<![0-9A-Za-z_])[A-Z]{0,5}[ -]?\d(?:[ .\-/(]{0,2}\d){3,16}(?:[ -]?[A-Z]\b|\))?(?![0-9A-Za-z_])")
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, Z is 33, O is 35


def shaped_id(page: Page, start: int) -> Found | None:
    """Find an id that its shape and check give away at a place, which may be a digit or a letter."""
    shaped = _SHAPE.match(page.text, start)
    if shaped is None or shaped.lastgroup is None:
        return None
    page.look(5)
    return Found(start, shaped.end(), "NATIONAL_ID") if _SHAPED[int(shaped.lastgroup[1:])][1](shaped[0]) else None


def announced_id(page: Page, start: int, before: str) -> Found | None:
    """Find an id that a word before it announces."""
    row = _ROW.match(page.text, start) if names_an_id(before) else None
    if row is None:
        return None
    page.look(10)
    compact = re.sub("[^0-9A-Z]", "", row[0])
    words = {int(word.lastgroup[1:]) for word in _WORD.finditer(before) if word.lastgroup is not None}
    valid = any(check(compact) for place in words for check in _WORDED[place][1])
    return Found(start, row.end(), "NATIONAL_ID") if valid else None


def names_an_id(before: str) -> bool:
    """Tell whether the words before a number announce a person's id."""
    return _ANY_WORD.search(before) is not None


def resident(number: str) -> bool:
    """Check a Chinese resident's id by its date of birth and check digit.

    Not by stdnum's list of counties: it asks for one that existed at birth, while ids name the one of registration.
    """
    compact = number.replace(" ", "").upper()
    try:
        born = ric.get_birth_date(compact)
    except ValidationError:
        return False
    return born.year >= 1880 and compact[0] in "12345689" and ric.calc_check_digit(compact) == compact[-1]


def nino(number: str) -> bool:
    """Check a British National Insurance number, which has no check digit (HMRC, NIM39110)."""
    return _NINO.fullmatch(number.replace(" ", "")) is not None


def taiwan(number: str) -> bool:
    """Check a Taiwanese id: a letter that stands for two digits, nine digits, and a weighted sum of tens."""
    letter = _TAIWAN_LETTERS.index(number[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, number[1:])]
    return (
        sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
    )


def hong_kong(number: str) -> bool:
    """Check a Hong Kong identity card's number: letters count from A = 10, a space 36, and the sum is of elevens."""
    compact = re.sub(r"[^0-9A-Z]", "", number)
    if re.fullmatch(r"[A-Z]{1,2}\d{6}[0-9A]", compact) is None:
        return False
    values = [36 if each == " " else int(each, 36) for each in compact.rjust(9)]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0
