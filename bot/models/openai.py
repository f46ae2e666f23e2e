"""A language model behind any server that speaks OpenAI's chat-completions protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.errors import ModelRefused, ModelUnavailable
from bot.models.assembly import LIMIT, Assembly
from bot.models.openai_errors import ErrorMap, caught, said
from bot.ports import Clock, ModelReply, ModelRequest, Rendered

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
DRAIN_S = 0.1
WIRE_LIMIT = 2 * LIMIT  # bytes of one event or of one plain answer


class OpenAIModel:
    """A `bot.ports.ChatModel`. The SDK is loaded at the first call, off the event loop.

    ``base_url`` None means OpenAI itself. ``timeout_s`` bounds one request from start to end,
    ``stall_s`` any wait inside it for the server's next bytes. ``retries`` is how often one step is
    quickly asked again, under the same Idempotency-Key, before `ModelUnavailable` is raised; a server
    that wants more than 60 s (Retry-After) is left to the caller. ``extra`` is merged into every body.
    """

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 300.0,
        stall_s: float = 60.0,
        retries: int = 3,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._base_url = base_url
        self._api_key = (api_key or "").strip()
        self._timeout_s, self._stall_s, self._retries = timeout_s, stall_s, retries
        self._settings = dict(extra or {})
        place = host_of(base_url) if base_url else "api.openai.com"
        self._errors = ErrorMap(model=name, place=place, secret=self._api_key)
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._asks_usage = True  # until the server refuses stream_options
        self._limit_name = "max_tokens"  # until the server wants it by its newer name

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One answer, streamed. Cancelling it closes the HTTP response."""
        attempt = 0
        while True:
            try:
                return await self._once(request)
            except ModelUnavailable as error:
                wait = max(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S), error.retry_after or 0.0)
                if attempt >= self._retries or wait > LONGEST_WAIT_S:
                    raise
                attempt += 1
                log.warning("%s Asking again in %.1f s (%s).", error, wait, request.key)
            await self._clock.sleep(wait)

    async def check(self) -> str:
        """For ``everbot doctor``: a sentence on a model that works, or the error of `complete`."""
        offered = await self._offered()
        if self.name in offered:
            return f"The model {self.name} is offered by {self._errors.place}."
        greeting = [{"role": "user", "content": "Hello"}]
        key = f"check/{uuid.uuid4()}"  # never the same: the server is to answer anew
        await self._once(ModelRequest(key=key, messages=greeting, max_tokens=16))
        return f"The model {self.name} at {self._errors.place} answers."

    async def aclose(self) -> None:
        """Close all connections. A later call opens them anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _open(self) -> AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self._build)
        return self._client

    def _build(self) -> AsyncOpenAI:
        import httpx2
        import openai

        if not (self._api_key.isascii() and self._api_key.isprintable()):
            raise ModelRefused("The API key holds characters that no key has; check [model] api_key.")
        if not self._api_key and self._base_url is None:
            raise ModelRefused("No API key is set; set OPENAI_API_KEY or [model] api_key.")
        try:
            return openai.AsyncOpenAI(
                base_url=self._base_url,
                # A server of one's own often wants no key, but the SDK does.
                api_key=self._api_key or "none",
                max_retries=0,
                timeout=httpx2.Timeout(self._stall_s, connect=min(self._stall_s, 10.0)),
            )
        except (openai.OpenAIError, httpx2.InvalidURL, ValueError, TypeError) as error:
            raise self._errors.of(error, self._clock.now()) from None

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.name, "messages": list(request.messages), "stream": True}
        if self._asks_usage:
            body["stream_options"] = {"include_usage": True}
        if request.tools:
            body["tools"] = list(request.tools)
            if request.tool_choice != "auto":
                body["tool_choice"] = request.tool_choice
        if request.max_tokens is not None:
            body[self._limit_name] = request.max_tokens
        return body | self._settings

    async def _once(self, request: ModelRequest) -> ModelReply:
        """One request, and again at once if the server only minds how we put it."""
        client = await self._open()
        vendor = caught()
        while True:
            body = self._body(request)
            content = encoded(body)
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._ask(client, request.key, content)
            except vendor as error:
                if not self._adapts(body, error):
                    raise self._errors.of(error, self._clock.now()) from None

    def _adapts(self, body: dict[str, Any], error: Exception) -> bool:
        """Learn from a refusal that names a parameter; is it worth asking again?"""
        if getattr(error, "status_code", None) not in (400, 422):
            return False
        text = said(error)
        if "stream_options" in body and "stream_options" in text and "stream_options" not in self._settings:
            self._asks_usage = False
            return True
        if "max_tokens" in body and "max_completion_tokens" in text and "max_tokens" not in self._settings:
            self._limit_name = "max_completion_tokens"
            return True
        return False

    async def _ask(self, client: AsyncOpenAI, key: str, content: bytes) -> ModelReply:
        # `client.post` and plain JSON events: `chat.completions.create` would walk every message
        # through its typed dicts, eight times the processor time at 40 messages.
        from openai import AsyncStream

        stream = await client.post(
            "/chat/completions",
            content=content,
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
            options={"headers": {"Idempotency-Key": key}, "idempotency_key": key},
        )
        async with stream:
            kind = stream.response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":
                return await self._read_plain(stream.response)
            return await self._read_stream(stream.response)

    async def _read_stream(self, response: httpx2.Response) -> ModelReply:
        import httpx2

        assembly = Assembly()
        events = aiter(httpx2.EventSource(response, max_event_size=WIRE_LIMIT))
        async for event in events:
            if event.data.startswith("[DONE]"):
                break
            if event.data:
                assembly.add(self._chunk(json.loads(event.data)))
        reply = assembly.reply()
        # HTTP/1.1 can use the connection again only when the body was read to its end.
        with contextlib.suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(DRAIN_S):
                async for _ in events:
                    pass
        return reply

    async def _read_plain(self, response: httpx2.Response) -> ModelReply:
        """The answer of a server that took no notice of ``stream``."""
        content = bytearray()
        async for part in response.aiter_bytes():
            content += part
            if len(content) > WIRE_LIMIT:
                raise ModelUnavailable(f"The model's answer was cut off at {WIRE_LIMIT // 2**20} MB.")
        data = self._chunk(json.loads(content))
        if not data.get("choices"):
            raise ModelUnavailable(f"{self._errors.place} answered without choices; check base_url.")
        assembly = Assembly()
        assembly.add(data)
        assembly.finish("stop")
        return assembly.reply()

    def _chunk(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValueError(f"expected a JSON object, got {type(data).__name__}")
        if data.get("error") or data.get("object") == "error":
            raise self._errors.of_object(data)
        return data

    async def _offered(self) -> list[str]:
        """The names that GET /models lists; none when the server has no such list."""
        client = await self._open()
        try:
            async with asyncio.timeout(self._timeout_s):
                listing = await client.get("/models", cast_to=object)
        except caught() as error:
            if getattr(error, "status_code", None) in (404, 405, 501):
                return []
            raise self._errors.of(error, self._clock.now()) from None
        models = listing.get("data") if isinstance(listing, dict) else None
        return [str(m.get("id")) for m in models or () if isinstance(m, dict)]


def host_of(url: str) -> str:
    """Host and port, as people should read them: without credentials, path or query."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2] or url


def encoded(body: Mapping[str, Any]) -> bytes:
    """The body as JSON. Halves of surrogate pairs, which UTF-8 cannot hold, are joined or replaced."""
    try:
        text = ",".join(f"{_json(name)}:{_json(value)}" for name, value in body.items())
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelRefused(f"The request cannot be written as JSON ({error}); check [model] extra.") from None
    try:
        return f"{{{text}}}".encode()
    except UnicodeEncodeError:
        return f"{{{text}}}".encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _json(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(each.text if isinstance(each, Rendered) else _json(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=dict)
