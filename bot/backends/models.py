"""The language models at the configured endpoint."""

from __future__ import annotations

from bot.backends.watched import WatchedModel
from bot.models.offline import OfflineModel
from bot.ports import ChatModel, Clock
from bot.settings import Settings


class ConfiguredModels:
    """`bot.ports.Models` of the settings. ``only`` takes the place of all of them."""

    def __init__(self, settings: Settings, clock: Clock, only: ChatModel | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._only = only
        self._known: dict[str, WatchedModel] = {}
        self.default = self.named(settings.model.name)
        self.quiet = self.named(settings.heartbeat.model or settings.model.name)

    def named(self, name: str) -> WatchedModel:
        if self._settings.model.kind == "offline":
            name = ""  # the stand-in is one, whatever it is called
        if name not in self._known:
            model = self._settings.model.model_copy(update={"name": name} if name else {})
            settings = self._settings.model_copy(update={"model": model})
            chosen = self._only or choose_model(settings, self._clock)
            self._known[name] = WatchedModel(chosen, self._clock)
        return self._known[name]

    async def aclose(self) -> None:
        for one in self._known.values():
            await one.aclose()


def choose_model(settings: Settings, clock: Clock) -> ChatModel:
    """The configured language model."""
    chosen = settings.model
    if chosen.kind == "offline":
        return OfflineModel()
    from bot.models.openai import OpenAIModel, Patience

    temperature = {} if chosen.temperature is None else {"temperature": chosen.temperature}
    return OpenAIModel(
        name=chosen.name,
        base_url=chosen.base_url,
        api_key=chosen.api_key.get_secret_value() if chosen.api_key else None,
        patience=Patience(timeout_s=chosen.timeout_s, stall_s=chosen.stall_s),
        retries=chosen.retries,
        extra=temperature | dict(chosen.extra),
        clock=clock,
    )
