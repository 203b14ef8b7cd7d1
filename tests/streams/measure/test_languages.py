"""A glance tells the language of an answer, or that it cannot tell."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

import pytest

from streams.measure.languages import language
from streams.traffic.text import Texts
from streams.traffic.words import WORDS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The bill is on its way to you, and it will be there in a day.", "en"),
        ("It’s on the way “to you” – and that is good 👍", "en"),
        ("Die Rechnung ist auf dem Weg und wird nicht vor Montag da sein.", "de"),
        ("La facture est dans le courrier et sera chez vous lundi avec les autres.", "fr"),
        ("La factura está en el correo y llegará con las otras por la mañana.", "es"),
        ("O seu pedido não foi enviado, mas você pode pedir uma segunda via.", "pt"),
        ("La bolletta è di ieri, non è una nuova, ma può essere pagata anche con la carta.", "it"),
        ("Het pakket is niet bij de buren, maar je kunt het op het postkantoor ophalen.", "nl"),
        ("Rachunek jest w drodze, dotrze jutro rano razem z innymi listami pocztowymi do domu.", "latin"),
        ("账单正在路上，明天就到。", "zh"),
        ("使用 Python 的 requests 库发送请求，然后检查返回的状态码。", "zh"),
        ("請求書は明日届きます。", "ja"),
        ("청구서는 내일 도착합니다.", "ko"),
        ("Счёт придёт завтра утром.", "ru"),
        ("الفاتورة في الطريق", "ar"),
        ("החשבונית בדרך", "he"),
        ("Ο λογαριασμός έρχεται", "el"),
        ("42", None),
        ("", None),
        ("billing", None),
        ("👍👍👍", None),
        ("\ud800", None),
    ],
)
def test_the_language_of_a_text(text: str, told: str | None) -> None:
    assert language(text) == told


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_the_simulators_answers(spoken: str) -> None:
    texts = Texts(6, "answers")
    said = [texts.answer(spoken, topic, 120, listed=False) for topic in WORDS for _ in range(20)]
    assert sum(language(text) == spoken for text in said) >= 0.99 * len(said)
