"""Text goes in; which language it is in, as far as a glance tells, comes out."""

from collections import Counter

import numpy as np

GLANCE = 250  # characters
FEWEST = 2  # function words, or signs of a script, that tell a language
TEXT = 10  # words of letters that make a text in some language, if in none of those known

# Words that one language has many of, and the others none.
_FUNCTION_WORDS = {
    "en": "the and of to is that you for with are this it be your can from as or have not will if which",
    "de": "der die das und ist nicht ein eine zu den mit sie für auf dem sich auch werden wird können oder wenn ich",
    "fr": "le les des et est une vous pour dans que qui sur avec pas ce au du plus votre nous cette je sont",
    "es": "el los las es una para con que por se del su más como pero puede usted al lo este son",
    "pt": "os um uma não para com que por se do da em mais como você ao na são sua isso",
    "it": "il gli di che per con non una sono del della nel più come questo anche può si ed le",
    "nl": "het een van en is niet dat op te voor met zijn je naar ook er aan wordt kunt deze",
}
_ONLY = Counter(word for words in _FUNCTION_WORDS.values() for word in words.split())
_LANGUAGE_OF = {
    word: language for language, words in _FUNCTION_WORDS.items() for word in words.split() if _ONLY[word] == 1
}

_ENGLISH = (" the ", " and ", " of ", " you ", " is ")

_SCRIPTS = ("", "latin", "zh", "kana", "ko", "ru", "ar", "he", "el", "hi", "th")
_BLOCKS = (
    *(("latin", 0x40, 0x24F), ("el", 0x370, 0x3FF), ("ru", 0x400, 0x52F), ("he", 0x590, 0x5FF), ("ar", 0x600, 0x77F)),
    *(("hi", 0x900, 0x97F), ("th", 0xE00, 0xE7F), ("ko", 0x1100, 0x11FF), ("kana", 0x3040, 0x30FF)),
    *(("zh", 0x3400, 0x4DBF), ("zh", 0x4E00, 0x9FFF), ("ko", 0xAC00, 0xD7AF)),
)
# A sign of these says as much as a few letters.
_WEIGHTS = np.array([0, 1, 3, 3, 3, 1, 1, 1, 1, 1, 1])


def _script_table() -> np.ndarray:  # of 16 code points each
    table = np.zeros(0x1000, np.uint8)
    for script, first, last in _BLOCKS:
        table[first >> 4 : (last >> 4) + 1] = _SCRIPTS.index(script)
    return table


_SCRIPT_OF = _script_table()


def language(text: str) -> str | None:
    """Tell a text's language: a code of two letters, `latin` for others in Latin letters; None where there is too
    little to tell.

    >>> language("The bill is on its way to you."), language("账单正在路上。"), language("42")
    ('en', 'zh', None)
    """
    glance = text[:GLANCE]
    if sum([word in glance for word in _ENGLISH]) >= FEWEST:  # what most are, told at a fifth of the cost
        return "en"
    # Mostly letters of one byte: marks of punctuation and accents do not make another script.
    return _latin(glance) if len(glance.encode(errors="replace")) < 1.15 * len(glance) else _by_script(glance)


def _latin(glance: str) -> str | None:
    words = glance.lower().split()
    hits = list(filter(None, map(_LANGUAGE_OF.get, words)))
    named = max(dict.fromkeys(hits), key=hits.count, default=None)
    if named is not None and hits.count(named) >= FEWEST:
        return named
    return "latin" if sum(map(str.isalpha, words)) >= TEXT else None


def _by_script(glance: str) -> str | None:
    units = np.frombuffer(glance.encode("utf-16-le", "surrogatepass"), "<u2")
    counts = np.bincount(_SCRIPT_OF[units >> 4], minlength=len(_SCRIPTS)) * _WEIGHTS
    counts[0] = 0
    script = _SCRIPTS[int(counts.argmax())]
    if script == "latin":
        return _latin(glance)
    if counts.max() < FEWEST:
        return None
    han, kana = counts[2], counts[3]
    return ("ja" if kana * 5 >= han else "zh") if script in ("zh", "kana") else script
