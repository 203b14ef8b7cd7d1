"""Words of a scan go in; out come how often kinds of words stand in each text, and which buckets the others fall in."""

import numpy as np
from numpy.typing import NDArray

from detectors.text_scan import Scan, mixed, scan

GRAMS = 1024
_CONTENT = 4  # letters from which a word says what a text is about

# Words that say who speaks to whom, how, and of what; the Chinese ones are single characters.
GROUPS = {
    "first person": "i my me mine im myself 我",
    "we": "we our us ours 咱",
    "second person": "you your yours u 你 您",
    "third person": "he she him her his hers they them their someone somebody people person guy girl man woman 他 她",
    "the": "the",
    "a, an": "a an",
    "and": "and 和 与 及",
    "of": "of 的",
    "to": "to",
    "in, on, at": "in on at by from into",
    "for, with, as": "for with as",
    "modal verbs": "can will would should may might could must 能 会 可",
    "forms of be": "is are was were be been am 是",
    "forms of have": "have has had having 有",
    "forms of do": "do does did doing done don 做",
    "this, that, it": "this that these those it its 这 那",
    "here, there": "here there",
    "connectives": "also however while additionally overall finally furthermore moreover therefore thus 但 而 因",
    "or, but, if": "or but so if because 或 如",
    "negations": "not no never none t without nothing 不 没 无",
    "question words": "how what why who where when which 怎 什 何 哪",
    "requests": "please write give create make explain provide describe help 请",
    "courtesies": "sure certainly sorry thank thanks glad happy course apologize hope hi hello",
    "everyday verbs": "get go want know think like need tell say find",
    "words of harm": "kill killing murder die dead death bomb gun weapon weapons drug drugs cocaine meth weed "
    "marijuana steal stealing rob hack hate rape sex sexual porn fuck fucking shit ass bitch damn racist stupid idiot "
    "prison police jail crime criminal illegal poison violence hurt attack torture fight shoot cheat lie fraud blood "
    "drunk alcohol suicide 杀 毒 枪 骗",
}


def _group_hashes() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of all words above, rising, and the number of each one's group."""
    words = [(word, number) for number, group in enumerate(GROUPS.values()) for word in group.split()]
    hashes = scan([word for word, _ in words]).word_hash
    order = np.argsort(hashes)
    return hashes[order], np.array([number for _, number in words])[order]


_GROUP_HASH, _GROUP_OF = _group_hashes()


def groups_of(found: Scan) -> NDArray[np.int64]:
    """Return the number of each word's group in GROUPS, -1 where it is in none."""
    at = np.minimum(np.searchsorted(_GROUP_HASH, found.word_hash), len(_GROUP_HASH) - 1)
    return np.where(_GROUP_HASH[at] == found.word_hash, _GROUP_OF[at], -1)


def grams(found: Scan, groups: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return uint8[n, GRAMS]: 1 where a word of a text, or a pair of Chinese characters, falls into a bucket."""
    alone = found.word_alone
    content = (found.word_end - found.word_start >= _CONTENT) & (groups < 0)
    pairs = alone[:-1] & alone[1:] & (found.word_end[:-1] == found.word_start[1:])
    joined = mixed(found.word_hash[:-1] * np.uint64(3) + found.word_hash[1:])[pairs]
    table = np.zeros((len(found.starts), GRAMS), np.uint8)
    table[found.word_text[content], _bucket(found.word_hash[content])] = 1
    table[found.word_text[:-1][pairs], _bucket(joined)] = 1
    return table


def _bucket(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    return ((hashes >> np.uint64(40)) % np.uint64(GRAMS)).astype(np.intp)
