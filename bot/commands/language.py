"""`/language`: in which language everbot speaks of itself."""

from __future__ import annotations

from bot.commands.table import Control, Run
from bot.commands.words import LANGUAGE
from bot.errors import CommandError
from bot.events import Action, Command, CommandSpec, Suggestion, View
from bot.language import LANGUAGES, gettext, marked, nearest, spoken
from bot.people.identities import Identities, Identity

_AUTO = "auto"


class LanguageCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="language",
                    summary=marked("which language I speak"),
                    argument="[de | fr | ... | auto]",
                    words=LANGUAGE,
                ),
                self._language,
            )
        ]

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`."""
        return [Suggestion(value=code, label=name) for code, name in LANGUAGES.items()]

    async def _language(self, command: Command, who: Identity, control: Control) -> View:
        asked = command.argument.strip()
        if not asked:
            return self._shown(who)
        code = "" if asked.lower() == _AUTO else _meant(asked)
        language = await self._identities.choose_language(who.user, code)
        with spoken(language):
            told = gettext("I speak {language} with you from now on.", language=LANGUAGES[language])
            return View(text=told, language=language)

    def _shown(self, who: Identity) -> View:
        language = LANGUAGES[who.language]
        if who.user.language:
            told = gettext("I speak {language} with you, as you wished.", language=language)
        else:
            told = gettext("I speak {language} with you, as far as I know what you read.", language=language)
        more = gettext(
            "That is for commands and notices; when we talk, I answer in the language that you write."
        )
        actions = [
            Action(label=name, command="language", argument=code)
            for code, name in LANGUAGES.items()
            if code != who.language
        ]
        if who.user.language:
            actions.append(Action(label=gettext("Automatic"), command="language", argument=_AUTO))
        return View(text=f"{told} {more}", actions=tuple(actions))


def _meant(asked: str) -> str:
    """The code of a language that is named by it, by a locale, or by its own name."""
    names = {name.casefold(): code for code, name in LANGUAGES.items()}
    code = names.get(asked.casefold()) or nearest(asked)
    if not code:
        known = ", ".join(f"{code} {name}" for code, name in LANGUAGES.items())
        raise CommandError(
            gettext("I don't speak {language!r}. I speak: {known}.", language=asked, known=known)
        )
    return code
