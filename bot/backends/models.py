"""The configured language models."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.backends.watched import WatchedModel
from bot.errors import EverbotError, ModelError, SettingsError
from bot.models.fallbacks import WithFallbacks
from bot.models.trial import eyes, trial
from bot.ports import ChatModel, Clock, Form
from bot.settings import EndpointSettings, ModelSettings, Settings

if TYPE_CHECKING:
    from bot.models.openai import OpenAIModel, Patience
    from bot.models.server_window import ServerWindow

log = logging.getLogger(__name__)

Finding = tuple[bool, str, str]
"""Good or not, of what, told to people."""

_FIRST_S, _AT_ONCE = 600.0, 4  # of a server in one's own network: small machines take their time
_WHOLE_S = 3_600.0  # that its answer may take as long as it keeps coming; `stall_s` tells when it does not
_MANY = 64


class ConfiguredModels:
    """`bot.ports.Models` of the settings. ``only`` takes the place of all of them."""

    def __init__(self, settings: Settings, clock: Clock, only: ChatModel | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._only = only
        self._known: dict[str, WatchedModel] = {}
        self.default = self.named("")
        self.quiet = self.named(settings.heartbeat.model or "")
        self.summarizer = self.named(summaries) if (summaries := settings.memory.summary_model) else None
        self.describer = self._describer()

    def named(self, name: str) -> WatchedModel:
        if self._settings.model.kind == "offline" or name == self._settings.model.name:
            name = ""  # the stand-in is one, whatever it is called
        if name not in self._known:
            chosen = self._only or choose_model(self._settings, self._clock, name)
            self._known[name] = WatchedModel(chosen, self._clock, self._forms(name))
        return self._known[name]

    def _describer(self) -> WatchedModel | None:
        """The one that describes pictures; None where none sees."""
        if name := self._settings.memory.caption_model:
            return self.named(name)
        return self.default if self._settings.model.vision else None

    def all_forms(self) -> list[Form]:
        """Those of all models that may be shown a conversation, the usual one's first."""
        return list(
            dict.fromkeys(form for name in ("", *self._settings.models) for form in self._forms(name))
        )

    def are_local(self) -> bool:
        """Whether the usual one runs at a server of one's own, or is a small one."""
        main = self._settings.model
        return is_own(main.base_url) or main.is_lean

    def _forms(self, name: str) -> list[Form]:
        stand_in = self._settings.model.kind == "offline" and self._only is None
        return [Form.FULL] if stand_in else forms(self._settings, name)

    async def aclose(self) -> None:
        for one in self._known.values():
            await one.aclose()


def choose_model(settings: Settings, clock: Clock, name: str = "") -> ChatModel:
    """The model of that name, and those that are asked when it does not answer: one of ``[models]``, else one at the
    endpoint of ``[model]``, else ("") the one configured there."""
    if settings.model.kind == "offline":
        from bot.models.offline import OfflineModel

        return OfflineModel()
    places = dict(endpoints(settings, name))
    models: dict[str, ChatModel] = {}
    for number, (label, place) in enumerate(places.items(), start=1):
        # Where there is another to ask, one that fails is asked again once at most.
        retries = place.retries if number == len(places) else min(1, place.retries)
        models[label] = _model(place, retries, clock)
    return WithFallbacks(models, clock) if len(models) > 1 else models.popitem()[1]


def endpoints(settings: Settings, name: str = "") -> Iterator[tuple[str, ModelSettings]]:
    """What is asked for that name, in order: what it is called for people, and all that is set of it."""
    main = settings.model
    if name in settings.models:
        yield name, _filled(main, settings.models[name])
    else:
        yield name or main.name, main.model_copy(update={"name": name} if name else {})
    taken = {name or main.name}
    for fallback in main.fallbacks:
        label = fallback if isinstance(fallback, str) else fallback.name
        place = settings.models[fallback] if isinstance(fallback, str) else fallback
        while label in taken:
            label += "'"  # the same model elsewhere
        taken.add(label)
        yield label, _filled(main, place)


def form_of(place: ModelSettings | EndpointSettings, main: ModelSettings | None = None) -> Form:
    """In which form this model is asked; what it does not set is as in ``main``."""
    protocol = place.protocol or (main.protocol if main else "tools")
    return Form.JSON if protocol == "json" else Form(place.tools or (main.tools if main else "full"))


def forms(settings: Settings, name: str = "") -> list[Form]:
    """The forms in which the models of that name are asked, its own first."""
    main = settings.model
    asked: list[str | EndpointSettings] = [name or main.name, *main.fallbacks]
    places = [settings.models.get(place, main) if isinstance(place, str) else place for place in asked]
    return list(dict.fromkeys(form_of(place, main) for place in places))


def each(settings: Settings, clock: Clock) -> Iterator[tuple[str, ModelSettings, OpenAIModel]]:
    """Every model that is configured, by what it is called for people: the usual one first, then those that are asked
    in its stead, then the named ones."""
    told: set[tuple[str | None, str, Form]] = set()
    for name in ("", *settings.models):
        for label, place in endpoints(settings, name):
            which = (place.base_url, place.name, form_of(place))
            if which not in told:
                told.add(which)
                yield label, place, _model(place, place.retries, clock)


async def examine(settings: Settings, clock: Clock, needed: int, shape: object) -> AsyncIterator[Finding]:
    """What `everbot doctor` tells of each model: whether it is there, does what is asked of it (in ``shape``, if it is
    asked for JSON), and reads as much as everbot sends; ``needed`` tokens are the least."""
    for number, (label, place, model) in enumerate(each(settings, clock)):
        what = "model" if number == 0 else f"model {label}"
        try:
            yield True, what, await model.check()
            good, told = await trial(model, shape)
            yield good, f"{what}, its calls", told
            if place.vision:
                seen, told = await eyes(model)
                yield seen, f"{what}, its eyes", told
            window = await model.window(own=is_own(place.base_url))
            if window is not None:
                yield compared(settings, window, needed, f"{what}, its window")
        except ModelError as error:
            yield False, what, str(error)
        finally:
            await model.aclose()


async def offered(settings: Settings, clock: Clock) -> list[str]:
    """The names of the models that the usual one's server lists; none where it has no list. Raises `ModelError`."""
    model = _model(settings.model, 0, clock)
    try:
        return await model.offered()
    finally:
        await model.aclose()


async def tell_windows(settings: Settings, clock: Clock, needed: int) -> None:
    """Log what the servers tell of how much they read at once: a warning where it is less than they are sent. What
    cannot be asked is left out, for whoever asks next is told why."""
    with suppress(EverbotError):
        for label, place, model in each(settings, clock):
            window = None
            with suppress(ModelError):
                window = await model.window(own=is_own(place.base_url))
            await model.aclose()
            if window is not None:
                good, _, told = compared(settings, window, needed, label)
                log.log(logging.INFO if good else logging.WARNING, "The model %s: %s", label, told)


def compared(settings: Settings, window: ServerWindow, needed: int, what: str) -> Finding:
    """A server's window beside ours."""
    ours = least_window(settings)
    if window.tokens >= ours:
        return True, what, f"server window {window.tokens}, [model] context_window {ours}."
    more = window.more.format(wanted=max(ours, needed))
    if window.tokens < needed:
        less = "" if settings.model.is_lean else ', or set [model] tools = "lean", which needs less'
        told = f"server window {window.tokens}, everbot needs at least {needed}: {more or 'use another server'}{less}."
        return False, what, told
    told = f"server window {window.tokens}, but [model] context_window is {ours}: set it to {window.tokens}"
    return False, what, f"{told}, or {more}." if more else f"{told}."


def least_window(settings: Settings) -> int:
    """Tokens that every model takes which may be shown the same conversation."""
    windows = [settings.model.context_window]
    windows += [place.context_window for _, place in endpoints(settings)]
    windows += [place.context_window for place in settings.models.values() if place.context_window]
    return min(windows)


def _filled(main: ModelSettings, place: EndpointSettings) -> ModelSettings:
    """The endpoint with what it does not set as in ``[model]``; a key is for the server that it was given for."""
    told = {name: getattr(place, name) for name in place.model_fields_set}
    if place.vision is None:
        told.pop("vision", None)
    if place.base_url is not None and place.base_url != main.base_url:
        told |= {"api_key": None, "extra": place.extra} | {n: v for n, v in told.items() if n == "api_key"}
    if place.api_key_env is not None and place.api_key is None:
        if not (key := os.environ.get(place.api_key_env)):
            raise SettingsError(
                f"The environment variable {place.api_key_env}, the key of {place.name}, is not set."
            )
        told["api_key"] = SecretStr(key)
    told.pop("api_key_env", None)
    return main.model_copy(update={**told, "fallbacks": ()})


def _model(place: ModelSettings, retries: int, clock: Clock) -> OpenAIModel:
    from bot.models.openai import OpenAIModel

    temperature = {} if place.temperature is None else {"temperature": place.temperature}
    return OpenAIModel(
        name=place.name,
        base_url=place.base_url,
        api_key=place.api_key.get_secret_value() if place.api_key else None,
        patience=replace(patience_of(place), retries=retries),
        extra=temperature | dict(place.extra),
        form=form_of(place),
        sees=place.vision,
        clock=clock,
    )


def patience_of(place: ModelSettings) -> Patience:
    """How long its server is waited for. One in one's own network is given time, where nothing else is set: for its
    first word, and for a whole answer as long as it keeps coming."""
    from bot.models.openai import Patience

    own, told = is_own(place.base_url), place.model_fields_set
    first = (
        _FIRST_S if place.first_s is None and own and not {"timeout_s", "stall_s"} & told else place.first_s
    )
    slow = own and first is not None and "timeout_s" not in told
    return Patience(
        timeout_s=_WHOLE_S if slow else place.timeout_s,
        stall_s=place.stall_s,
        first_s=first,
        at_once=place.at_once or (_AT_ONCE if own else _MANY),
    )


def is_own(base_url: str | None) -> bool:
    """Whether the server is in one's own network."""
    host = urlsplit(base_url).hostname if base_url else None
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa"))
