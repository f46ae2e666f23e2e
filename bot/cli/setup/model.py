"""The wizard's questions about the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.agent.lean.tools import SHAPE
from bot.backends.clock import SystemClock
from bot.backends.models import examine, is_own, offered
from bot.cli.doctor import line_of
from bot.cli.setup.draft import Draft
from bot.cli.setup.terminal import Terminal, agreed
from bot.errors import EverbotError
from bot.parts.window import needed_window
from bot.settings import Settings

_OPENAI = "https://api.openai.com/v1"
_OFFLINE = "offline"
_SHOWN = 40
_INTRODUCED = """
The model. Any server that speaks OpenAI's protocol will do: OpenAI itself
(https://api.openai.com/v1), another service, or one of your own (Ollama:
http://localhost:11434/v1, llama.cpp: http://localhost:8080/v1). "offline" is
a stand-in without a key, good for trying everything else."""


def ask_model(draft: Draft, terminal: Terminal) -> None:
    """Which model, at which server. What is there is tried, and kept unless another is wished for."""
    terminal.tell(_INTRODUCED)
    if draft.settings().model.kind == "openai":
        good = _is_good(draft.settings(), terminal)
        if not agreed(terminal, "Another model?", default=not good):
            return
    model = draft.settings().model
    url = _OFFLINE if model.kind == "offline" and draft.says("model.kind") else model.base_url
    while True:
        try:
            url = _address(draft, terminal, url)
            if url == _OFFLINE:
                draft.put({"model.kind": "offline"})
                return
            answers = _tried(draft, terminal, url)
            if _is_good(draft.settings(answers), terminal) or agreed(
                terminal, "Keep it all the same?", default=False
            ):
                draft.put(answers)
                return
        except EverbotError as error:
            terminal.tell(line_of((False, "model", str(error))))
        if not agreed(terminal, "Try again?", default=True):
            terminal.tell("The model stays as it was.")
            return


def _address(draft: Draft, terminal: Terminal, before: str | None) -> str | None:
    """The server's address; None: OpenAI's. What the environment says is left to it."""
    if variable := draft.variable("model.base_url"):
        url = draft.settings().model.base_url
        terminal.tell(f"Its address is {url}, from {variable} in the environment.")
        return url
    url = terminal.ask(f"Address [{before or _OPENAI}]: ").strip() or before
    if url and url != _OFFLINE and "://" not in url:
        url = f"{'http' if is_own(f'http://{url}') else 'https'}://{url}"
    return None if url == _OPENAI else url


def _tried(draft: Draft, terminal: Terminal, url: str | None) -> dict[str, object]:
    """The server at that address, with its key, and the model. Raises `EverbotError` when it cannot be asked."""
    answers = _server(draft, terminal, url)
    names, path = _offered(draft.settings(answers)), urlsplit(url or "").path.strip("/")
    if url and not names and not path and draft.variable("model.base_url") is None:
        longer = f"{url.rstrip('/')}/v1"
        if names := _offered(draft.settings(answers | {"model.base_url": longer})):
            terminal.tell(f"Its address is {longer}")
            answers["model.base_url"] = longer
    if variable := draft.variable("model.name"):
        terminal.tell(f"The model is {draft.settings().model.name}, from {variable} in the environment.")
    else:
        answers["model.name"] = _name(draft.settings(answers), names, terminal)
    return answers


def _server(draft: Draft, terminal: Terminal, url: str | None) -> dict[str, object]:
    """Address and key. Raises `SettingsError` for no address."""
    main = draft.settings().model
    key = main.api_key
    answers: dict[str, object] = {"model.kind": "openai"}
    if url != main.base_url:
        draft.settings({"model.base_url": url, "model.kind": "offline"})  # is it an address?
        answers |= {"model.base_url": url}
        key = None  # it was given for another server
    if variable := draft.variable("model.api_key"):
        terminal.tell(f"Its key is the one of {variable} in the environment.")
        return answers
    without = "Enter: the one that is there" if key else "Enter: none" if is_own(url) else "it is needed"
    told = terminal.secret(f"Key (it is not shown; {without}): ").strip()
    if told or key is None:
        answers["model.api_key"] = told or None
    return answers


def _offered(settings: Settings) -> list[str]:
    return sorted(asyncio.run(offered(settings, SystemClock())))


def _name(settings: Settings, names: Sequence[str], terminal: Terminal) -> str:
    """One of the models that the server offers; any, where it does not tell."""
    known = settings.model.name in names or (not names and settings.model.base_url is None)
    usual = names[0] if len(names) == 1 else settings.model.name if known else ""
    if names:
        terminal.tell(f"It offers {len(names)} model{'' if len(names) == 1 else 's'}:")
        _list(names, names, terminal)
    number = ", or its number" if names else ""
    while True:
        answer = terminal.ask(f"Its name{number}{f' [{usual}]' if usual else ''}: ").strip() or usual
        if answer.isdecimal() and 0 < int(answer) <= len(names) and answer not in names:
            return names[int(answer) - 1]
        if answer in names or (answer and not names):
            return answer
        alike = [name for name in names if answer.lower() in name.lower()] if answer else []
        if len(alike) > 1:
            _list(alike, names, terminal)
        elif alike:
            usual = alike[0]
        elif answer and agreed(terminal, f"It does not offer {answer}. Take it all the same?", default=False):
            return answer


def _list(some: Sequence[str], names: Sequence[str], terminal: Terminal) -> None:
    for name in some[:_SHOWN]:
        terminal.tell(f"  {names.index(name) + 1:>3}  {name}")
    if len(some) > _SHOWN:
        terminal.tell(f"  ... and {len(some) - _SHOWN} more: type a part of the name to see those.")


def _is_good(settings: Settings, terminal: Terminal) -> bool:
    """Whether it answers, calls functions and reads enough: what `everbot doctor` finds is shown."""
    terminal.tell(f"Trying {settings.model.name} (on a machine of your own it may take a while to load) ...")

    async def look() -> bool:
        good = True
        async for finding in examine(settings, SystemClock(), needed_window(settings), SHAPE):
            terminal.tell(line_of(finding))
            good &= finding[0]
        return good

    return asyncio.run(look())
