"""Near-duplicates are found, others are left alone, in both scripts; the exact similarity decides."""

import random

import pytest

from sinks.review.folding import Folds, jaccard, shingled

ENGLISH = [
    f"{first}{second}" for first in ("har", "til", "mos", "pen", "rud") for second in ("bour", "ted", "ling", "der")
]
CHINESE = "账单退款快递密码火车数据网络花园厨房星空修理健身合同发票天气图书电影"


def texts(script: str, count: int, draw: random.Random) -> list[str]:
    if script == "zh":
        return ["".join(draw.choices(CHINESE, k=240)) for _ in range(count)]
    return [" ".join(draw.choices(ENGLISH, k=80)) for _ in range(count)]


@pytest.mark.parametrize("script", ["en", "zh"])
def test_planted_pairs_are_found_and_nothing_under_the_limit_is_folded(script: str) -> None:
    draw = random.Random(3)  # noqa: S311  texts, not secrets
    originals = texts(script, 300, draw)
    folds = Folds(0.9)
    assert [folds.place(str(n), text) for n, text in enumerate(originals)] == [None] * 300
    missed = folded = 0
    for n, text in enumerate(originals):
        units = list(text) if script == "zh" else text.split(" ")
        units[draw.randrange(len(units))] = "改" if script == "zh" else "changed"
        near = ("" if script == "zh" else " ").join(units)
        similar = jaccard(shingled(near), shingled(text)) >= 0.9
        found = folds.place(f"near {n}", near)
        folded += found is not None
        missed += similar and found != str(n)
        assert similar or found is None
    assert folded > 200
    assert missed <= 1


def test_case_and_punctuation_do_not_count_and_order_does() -> None:
    folds = Folds(0.9)
    assert folds.place("a", "The refund never came, though I asked twice.") is None
    assert folds.place("b", "the refund never came though i asked twice") == "a"
    assert folds.place("c", "twice asked i though came never refund the") is None


def test_what_has_no_word_is_like_no_other() -> None:
    folds = Folds(0.9)
    assert [folds.place(name, text) for name, text in [("a", ""), ("b", ""), ("c", "…!")]] == [None, None, None]


def test_short_texts_fold_when_they_say_the_same() -> None:
    folds = Folds(0.9)
    assert [folds.place(str(n), text) for n, text in enumerate(["Yes.", "yes", "no", "谢谢", "谢谢"])] == [
        None,
        "0",
        None,
        None,
        "3",
    ]


def test_a_pair_at_the_limit_itself_is_found() -> None:
    draw = random.Random(5)  # noqa: S311  texts, not secrets
    folds, missed, near_the_limit = Folds(0.9), 0, 0
    for n, said in enumerate(texts("en", 600, draw)):
        assert folds.place(str(n), said) is None
        words = said.split(" ")
        changed = " ".join([*words[:-4], "others", *words[-3:]])
        similar = jaccard(shingled(said), shingled(changed))
        near_the_limit += 0.9 <= similar < 0.93
        missed += similar >= 0.9 and folds.place(f"near {n}", changed) != str(n)
    assert near_the_limit > 500
    assert missed == 0
