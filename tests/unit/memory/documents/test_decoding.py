"""Bytes to text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.documents.decoding import decode
from memory.documents.reading import read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes("# Käse\r\n\r\nOld\rMac 日本 🧀\n".encode(encoding))
    assert read_text(path) == "# Käse\n\nOld\nMac 日本 🧀\n"


def test_utf_16_of_either_order(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        path.write_bytes(mark + "Grüße".encode(encoding))
        assert read_text(path) == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Grüße aus München"),
        ("latin-1", "naïve café déjà vu"),
        ("latin-1", "Les élèves étaient très contents de leur journée à la plage."),
        ("cp1252", "“The price is 20 €” – they said."),
        ("cp1251", "Привет, как дела? Сегодня хорошая погода."),
        ("cp1250", "Wszystkie kraje świata mają własne zwyczaje, a każdy człowiek powinien je szanować."),
        ("shift_jis", "日本語のテキストです。今日は天気がいい。"),
    ],
)
def test_older_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(path) == text


def test_an_odd_byte_far_down_does_not_hide_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "Plain words only. " * 20_000 + "Nur hier: Grüße aus München, schöne Straße."
    path.write_bytes(text.encode("latin-1"))
    assert read_text(path) == text


SENTENCES = {
    "de": "Das Paßwort für den Tresor lautet Sommer.",
    "es": "La contraseña de la caja fuerte es «verano».",
    "pl": "Hasło do sejfu to lato. Klucz leży pod wycieraczką.",
    "tr": "Kasanın şifresi yaz. Anahtar paspasın altında.",
    "ru": "Пароль от сейфа: лето.",
    "uk": "Пароль від сейфа: літо. Ключ під килимом.",
    "el": "Ο κωδικός του χρηματοκιβωτίου είναι καλοκαίρι.",
    "he": "הסיסמה לכספת היא קיץ. המפתח מתחת לשטיח.",
    "ar": "كلمة سر الخزنة هي الصيف. المفتاح تحت السجادة.",
    "th": "รหัสตู้เซฟคือฤดูร้อน กุญแจอยู่ใต้พรม",
    "zh": "保险箱的密码是夏天，不要忘记。",
    "zh-tw": "保險箱的密碼是夏天，不要忘記。",
    "ja": "金庫の暗証番号は夏です。",
    "ko": "금고 비밀번호는 여름입니다.",
}
OLDER = {
    "de": "cp1252",
    "es": "cp1252",
    "pl": "cp1250 iso8859-2",
    "tr": "cp1254",
    "ru": "cp1251 koi8-r cp866 iso8859-5",
    "uk": "cp1251 koi8-u",
    "el": "cp1253 iso8859-7",
    "he": "cp1255",
    "ar": "cp1256",
    "th": "cp874",
    "zh": "gbk gb18030",
    "zh-tw": "big5",
    "ja": "shift_jis euc_jp iso2022_jp",
    "ko": "euc_kr cp949",
}


@pytest.mark.parametrize(
    ("language", "encoding"), [(of, e) for of, all in OLDER.items() for e in all.split()]
)
def test_one_sentence_tells_its_older_encoding(language: str, encoding: str) -> None:
    assert decode(SENTENCES[language].encode(encoding)) == SENTENCES[language]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("language", SENTENCES)
def test_unicode_without_a_mark(language: str, encoding: str) -> None:
    assert decode(SENTENCES[language].encode(encoding)) == SENTENCES[language]


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 8,
        b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        b"\xff\xfe\x00\x00" + b"A" * 4_001,  # the mark of UTF-32 before what is none
        b"\x89PNG\r\n\x1a\n" + bytes(range(0, 256, 3)) * 9,
    ],
)
def test_what_is_no_text_is_none(data: bytes) -> None:
    assert decode(data) is None


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1))
def test_marks_and_utf_8_tell_all(text: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        text = text.removeprefix("\ufeff")
        if not text.startswith("\ufffe") and "\ufffd" not in text:
            assert decode(text.encode(encoding)) == text
