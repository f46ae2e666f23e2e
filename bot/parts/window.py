"""The room that a model's window has, beside what is always in it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.agent.forms import Forms
from bot.agent.window import LEAST_ROOM, Window
from bot.backends.clock import SystemClock
from bot.backends.models import ConfiguredModels, least_window
from bot.errors import SettingsError
from bot.parts.tools import registry_of
from bot.settings import Settings
from memory.ports import TokenCounter
from memory.tokens import Calibrated, Estimator


def window_of(settings: Settings, counter: TokenCounter, always: Sequence[str]) -> Window:
    """The room beside what is ``always`` in the model's window. Raises `SettingsError` when there is none."""
    model = settings.model
    fixed = _fixed(settings, counter, always)
    window = least_window(settings)
    room = window - model.reserve
    if room < fixed + LEAST_ROOM:
        raise SettingsError(
            f"model.context_window {window} is too small: instructions, tools and core memory "
            f"take {fixed} tokens, the reply {model.reserve} (model.reply_reserve), and "
            f"{LEAST_ROOM} are needed for the conversation."
        )
    return Window(Calibrated(counter), room, fixed, model.name)


def needed_window(settings: Settings) -> int:
    """About the least window that a model needs, in tokens. Raises `SettingsError` for tools that cannot be."""
    always = Forms(registry_of(settings), ConfiguredModels(settings, SystemClock()).all_forms(), 0).always
    room = _fixed(settings, Estimator(), always) + LEAST_ROOM
    return room + settings.model.reserve_of(room * 8 // 7)


def _fixed(settings: Settings, counter: TokenCounter, always: Sequence[str]) -> int:
    """Tokens of every request: what is ``always`` in it, and core memory."""
    return sum(map(counter.count, always)) + settings.agent.block_limit // 2
