"""In which of our languages somebody writes, where no platform tells: by script, else by little words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_LOOKED_AT = 300  # characters of a text
_SIGN = 3  # letters that a sign of Chinese or Japanese stands for
_SHORT = 3  # words of a text in which one is enough
_KANA, _HAN = re.compile(r"[\u3041-\u30ff]"), re.compile(r"[\u4e00-\u9fff]")
_RUSSIAN, _OTHER_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE), re.compile(r"[іїєґўђћџј]", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*[/@]\S*")
_WORD = re.compile(r"[^\W\d_]+['’]?")  # an elided word with its apostrophe: a letter alone is none
_WORDS = {
    "en": """i you he she it we they is are am was the a an and or not no to of in on for with my me your what who how
        when where why this that have do can will want hello hi hey thanks please good morning yes""",
    "de": """ich du er sie es wir ihr ist sind bin bist war der die das ein eine einen und oder nicht kein zu von im
        auf für mit mein meine mir mich dir dich was wer wie wann wo warum habe hast kann kannst will bitte danke hallo
        guten morgen heute ja nein""",
    "fr": """je tu il elle on nous vous est sont suis es le la les un une des et ou ne pas de du dans sur pour avec mon
        ma mes moi toi me te ce qui que quoi comment quand où pourquoi ai as peux peut veux bonjour salut merci oui non
        j' c' d' l' qu'""",
    "es": """yo tú él ella nosotros es son soy eres el la los las un una y o no de del en con para por mi mis me te se
        qué que quién cómo cuándo dónde tengo puedo puedes quiero hola gracias buenos días sí por favor""",
    "pt-BR": """eu você ele ela nós é são sou o a os as um uma e ou não de do da em no na com para por meu minha me te
        se que quem como quando onde tenho posso pode quero olá oi obrigado obrigada bom dia sim está isso""",
}
_WHOSE: dict[str, set[str]] = {}  # a word, and the languages that have it
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _WHOSE.setdefault(_word, set()).add(_language)


def guessed(text: str) -> str:
    """One of `bot.language.LANGUAGES`; empty where it is none of them, or more than one."""
    return _guessed(text[:_LOOKED_AT])


@lru_cache(maxsize=256)  # it is asked several times on a message's way
def _guessed(text: str) -> str:
    text = _ADDRESS.sub(" ", text.lower())
    letters = sum(map(str.isalpha, text))
    kana, han, russian = (len(script.findall(text)) for script in (_KANA, _HAN, _RUSSIAN))
    if _SIGN * (kana + han) > letters:  # a name or a word in another script makes no text of that language
        return "ja" if kana else "zh-CN"
    if 2 * russian > letters:
        return "" if _OTHER_CYRILLIC.search(text) else "ru"
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    counts = Counter(
        language for word in words for language in _of(word) | (_of(word[:-1]) if word[-1] == "'" else set())
    )
    (best, most), (_, next_most) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    enough = 1 if len(words) <= _SHORT else 2
    return best if most >= enough and most > next_most else ""


def _of(word: str) -> set[str]:
    return _WHOSE.get(word, set())
