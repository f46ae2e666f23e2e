"""How much a server lets a model read at once: what it tells beside its answers, each server in its own way.

What `/v1/models` tells: llama.cpp ``meta.n_ctx`` (of one slot), vLLM and SGLang ``max_model_len``, LM Studio
``loaded_context_length``, OpenRouter ``context_length`` and ``top_provider.context_length``, Groq ``context_window``,
Mistral ``max_context_length``. Servers of one's own are asked by their own ways, too: llama.cpp's ``/props``,
Ollama's ``/api/ps`` (of a model that is loaded) and ``/api/show`` (``num_ctx`` of its Modelfile), LM Studio's
``/api/v0/models``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.models.openai_errors import caught

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_WAIT_S = 5.0
_KEYS = ("loaded_context_length", "max_model_len", "context_length", "context_window", "max_context_length")
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)", re.MULTILINE)
_OLLAMA = "start Ollama with OLLAMA_CONTEXT_LENGTH={wanted}"
_LLAMA_CPP = "start llama.cpp's server with -c {wanted} (times the slots of --parallel)"
_LM_STUDIO = "load the model with a context length of {wanted} in LM Studio"
_VLLM = "start the server with --max-model-len {wanted}"


@dataclass(frozen=True)
class ServerWindow:
    """``more`` says how the server is given more: ``{wanted}`` tokens."""

    tokens: int
    more: str = ""


async def server_window(
    client: AsyncOpenAI, base_url: str | None, name: str, *, own: bool
) -> ServerWindow | None:
    """What the server tells; None where it tells nothing, or does not answer. ``own``: it is asked by all ways."""
    ask = _Asking(client)
    if found := next(_in_listing(await ask.get("/models"), name), None):
        return found
    if not own or not base_url:
        return None
    root = re.sub(r"(/api)?/v\d+/?$", "", base_url.rstrip("/"))
    props = await ask.get(f"{root}/props")
    if tokens := _tokens(_object(props.get("default_generation_settings")).get("n_ctx")):
        return ServerWindow(tokens, _LLAMA_CPP)
    for entry in _entries((await ask.get(f"{root}/api/ps")).get("models"), name):
        if tokens := _tokens(entry.get("context_length")):
            return ServerWindow(tokens, _OLLAMA)
    if tokens := _shown(await ask.post(f"{root}/api/show", {"model": name})):
        return ServerWindow(tokens, _OLLAMA)
    return next(_in_listing(await ask.get(f"{root}/api/v0/models"), name), None)


class _Asking:
    """Questions that may well not be understood: then the answer is empty."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def get(self, path: str) -> Mapping[str, Any]:
        return await self._asked(self._client.get(path, cast_to=object, options={"follow_redirects": False}))

    async def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._asked(
            self._client.post(path, body=body, cast_to=object, options={"follow_redirects": False})
        )

    async def _asked(self, answer: Any) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(_WAIT_S):
                return _object(await answer)
        except caught():
            return {}


def _in_listing(listing: Mapping[str, Any], name: str) -> Iterator[ServerWindow]:
    for entry in _entries(listing.get("data"), name):
        if tokens := _tokens(_object(entry.get("meta")).get("n_ctx")):
            yield ServerWindow(tokens, _LLAMA_CPP)
        told = [tokens for key in _KEYS if (tokens := _tokens(entry.get(key)))][:1]
        told += filter(None, [_tokens(_object(entry.get("top_provider")).get("context_length"))])
        if told:
            more = (
                _LM_STUDIO if "loaded_context_length" in entry else _VLLM if "max_model_len" in entry else ""
            )
            yield ServerWindow(min(told), more)


def _entries(entries: Any, name: str) -> Iterable[Mapping[str, Any]]:
    """Those of the model of that name; Ollama adds a tag to it, and a server of one model may not care for it."""
    known = [_object(entry) for entry in entries] if isinstance(entries, list) else []
    names = (name, f"{name}:latest")
    own = [e for e in known if not {e.get("id"), e.get("name"), e.get("model")}.isdisjoint(names)]
    return own or (known if len(known) == 1 else ())


def _shown(show: Mapping[str, Any]) -> int:
    """Ollama's ``num_ctx`` where it is set of the model; what the model was made for says little of the server."""
    found = _NUM_CTX.search(str(show.get("parameters", "")))
    most = [
        value for key, value in _object(show.get("model_info")).items() if key.endswith(".context_length")
    ]
    if found:
        return min([int(found[1]), *filter(None, map(_tokens, most))])
    return 0


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tokens(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
