"""The languages that everbot speaks with people, from gettext's catalogues (docs/languages.md).

What goes to people is written in English, marked where it stands: ``gettext("There is no note {uid!r}.", uid=uid)``; a
constant is ``marked("...")`` and goes through `gettext` where it is said. In which language that is, is set once, where
an event comes in or a text is made for somebody: ``with spoken("de"): ...``. Nowhere set, it is English: what goes to
models and to whoever runs the bot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

ENGLISH = "en"
LANGUAGES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "fr": "français",
    "es": "español",
    "pt-BR": "português (Brasil)",
    "ru": "русский",
    "ja": "日本語",
    "zh-CN": "简体中文",
}
"""Those that there are catalogues of, each by its own name."""
LOCALE = Path(__file__).with_name("locale")
_UNLIKE = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")  # other signs than those of zh-CN

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """What is said in the block is in that language, one of `LANGUAGES`; also in tasks that begin in it."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def language() -> str:
    """The one that is spoken now."""
    return _spoken.get()


def nearest(locale: str) -> str:
    """The language for a locale as platforms and terminals write it (``de-AT``, ``pt_BR.UTF-8``); empty for none."""
    tag = locale.partition(".")[0].partition("@")[0].replace("_", "-").lower()
    if tag.startswith(_UNLIKE):
        return ""
    first = tag.partition("-")[0]
    same = (one for one in LANGUAGES if one.lower() == tag)
    like = (one for one in LANGUAGES if one.lower().partition("-")[0] == first)
    return next(same, None) or next(like, "")


def marked(text: str) -> str:
    """The text as it stands: one that is translated where it is said."""
    return text


def gettext(text: str, /, **values: object) -> str:
    """The text in the language that is spoken; with ``values`` for what stands in braces, as in `str.format`."""
    return _filled(_catalogue(_spoken.get()).gettext(text) if text else "", text, values)


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """The form for this number, which may stand in it as ``{n}``."""
    told = _catalogue(_spoken.get()).ngettext(one, many, n)
    return _filled(told, one if n == 1 else many, {"n": n, **values})


def counted(n: int, one: str, many: str = "") -> str:
    """So many of them, in English, for whoever runs the bot: 1 message, 1,200 messages."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def pgettext(context: str, text: str, /) -> str:
    """A text that would be ambiguous without its context, such as a pattern of dates."""
    return _catalogue(_spoken.get()).pgettext(context, text)


def translations(text: str) -> dict[str, str]:
    """The text in every language but English."""
    return {one: _catalogue(one).gettext(text) for one in LANGUAGES if one != ENGLISH and text}


def _filled(told: str, english: str, values: dict[str, object]) -> str:
    if not values:
        return told
    try:
        return told.format(**values)
    except (LookupError, ValueError):  # a catalogue that somebody changed by hand
        return english.format(**values)


@cache
def _catalogue(one: str) -> NullTranslations:
    path = LOCALE / one.replace("-", "_") / "LC_MESSAGES" / "everbot.mo"
    if one == ENGLISH or not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        return GNUTranslations(file)
