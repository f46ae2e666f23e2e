"""The wizard's questions about the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.agent.lean.tools import SHAPE
from bot.app import needed_window
from bot.backends.clock import SystemClock
from bot.backends.models import examine, is_own, offered
from bot.cli.doctor import line_of
from bot.cli.setup.draft import Draft
from bot.cli.setup.terminal import Terminal, agreed
from bot.errors import EverbotError
from bot.settings import Settings

_OPENAI = "https://api.openai.com/v1"
_SHOWN = 40
_INTRODUCED = """
The model. Any server that speaks OpenAI's protocol will do: OpenAI itself,
another service, or one of your own (Ollama: http://localhost:11434/v1,
llama.cpp: http://localhost:8080/v1). "offline" is a stand-in without a key,
good for trying everything else."""


def ask_model(draft: Draft, terminal: Terminal) -> None:
    """Which model, at which server. What is there is tried, and kept unless another is wished for."""
    terminal.tell(_INTRODUCED)
    if draft.settings().model.kind == "openai":
        good = _is_good(draft.settings(), terminal)
        if not agreed(terminal, "Another model?", default=not good):
            return
    while True:
        try:
            answers = _server(draft, terminal)
            if answers.get("model.kind") == "offline":
                draft.put(answers)
                return
            settings = draft.settings(answers)
            if variable := draft.variable("model.name"):
                terminal.tell(f"The model is {settings.model.name}, from {variable} in the environment.")
            else:
                answers["model.name"] = _name(settings, terminal)
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


def _server(draft: Draft, terminal: Terminal) -> dict[str, object]:
    """Address and key. What the environment says is left to it. Raises `SettingsError` for no address."""
    main = draft.settings().model
    url, key = main.base_url, main.api_key
    if variable := draft.variable("model.base_url"):
        terminal.tell(f"Its address is {url}, from {variable} in the environment.")
    else:
        url = terminal.ask(f"Address [{url or _OPENAI}]: ").strip() or url
        if url == "offline":
            return {"model.kind": "offline"}
        url = None if url == _OPENAI else url
    answers: dict[str, object] = {"model.kind": "openai"}
    if url != main.base_url:
        answers |= {"model.base_url": url}
        key = None  # it was given for another server
    if variable := draft.variable("model.api_key"):
        terminal.tell(f"Its key is the one of {variable} in the environment.")
        return answers
    draft.settings({"model.base_url": url, "model.kind": "offline"})  # is it an address?
    without = "Enter: the one that is there" if key else "Enter: none" if is_own(url) else "it is needed"
    told = terminal.secret(f"Key (it is not shown; {without}): ").strip()
    if told or key is None:
        answers["model.api_key"] = told or None
    return answers


def _name(settings: Settings, terminal: Terminal) -> str:
    """One of the models that the server offers. Raises `ModelError` when it cannot be asked."""
    names = sorted(asyncio.run(offered(settings, SystemClock())))
    usual = settings.model.name if settings.model.name in names or not names else ""
    usual = names[0] if len(names) == 1 else usual
    if names:
        terminal.tell("It offers:")
        _list(names, names, terminal)
    while True:
        answer = terminal.ask(f"Its name, or its number{f' [{usual}]' if usual else ''}: ").strip() or usual
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
