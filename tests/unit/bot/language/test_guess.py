"""In which language a text is, where no platform tells."""

from __future__ import annotations

import pytest

from bot.language.guess import guessed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, who are you?", "en"),
        ("Hallo, wer bist du?", "de"),
        ("Ich wohne seit gestern in Lyon und mag es.", "de"),
        ("Bonjour, tu te souviens de moi ?", "fr"),
        ("J'habite à Lyon et c'est bien.", "fr"),
        ("Hola, ¿quién eres?", "es"),
        ("Mañana tengo que ir al médico, no te olvides.", "es"),
        ("Oi, quem é você?", "pt-BR"),
        ("Não esqueça que eu moro em Recife.", "pt-BR"),
        ("Привет! Кто ты?", "ru"),
        ("Привіт! Хто ти?", ""),  # Ukrainian
        ("こんにちは、覚えていますか", "ja"),
        ("你好,你是谁?", "zh-CN"),
        ("No", ""),
        ("我在用 Python 写代码", "zh-CN"),
        ("My tea is called 茶 and my cat Миша, and I like both", "en"),
        ("c", ""),
        ("C'est la vie", "fr"),
        ("Plan d", ""),
        ("Moikka, kuka sinä olet?", ""),  # Finnish
        ("https://example.com/a/b", ""),
        ("12:30", ""),
        ("", ""),
    ],
)
def test_a_text_tells_its_language_or_none(text: str, expected: str) -> None:
    assert guessed(text) == expected
