"""A language model behind any server that speaks OpenAI's chat-completions protocol."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from bot.errors import ModelDenied, ModelRefused, ModelUnavailable
from bot.models.assembly import LIMIT, Assembly
from bot.models.blind import without_pictures
from bot.models.dialect import Dialect
from bot.models.encoding import encoded
from bot.models.openai_errors import ErrorMap, ErrorObject, attempted, caught, codes, said
from bot.models.reading import is_all_thought, tidied
from bot.models.server_window import ServerWindow, server_window
from bot.ports import Clock, Form, ModelReply, ModelRequest

if TYPE_CHECKING:
    import ssl

    import httpx2
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
DRAIN_S = 0.1
_WIDER = 4  # times the tokens for a reply that was all thought
_LESSONS = 12  # that one request may teach
WIRE_LIMIT = 2 * LIMIT  # bytes of one event or of one plain answer


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a server is waited for, in seconds: ``timeout_s`` for one answer from start to end, ``stall_s`` for its
    next bytes.

    ``first_s``, where it is set, is for a slow server's first word, before both: it may have to load the model, to read
    the whole prompt, to answer others. Such a server is not asked again at once when the time is over, for it may still
    be at work. Only ``at_once`` requests are put to a server at the same time. ``retries`` is how often one step is
    quickly asked again, under the same Idempotency-Key, before `ModelUnavailable` is raised; a server that wants more
    than 60 s (Retry-After) is left to the caller.
    """

    timeout_s: float = 300.0
    stall_s: float = 60.0
    first_s: float | None = None
    at_once: int = 64
    retries: int = 3


class OpenAIModel:
    """A `bot.ports.ChatModel`. The SDK is loaded at the first call, off the event loop.

    ``base_url`` None means OpenAI itself. ``extra`` is merged into every body. Without ``sees`` it is sent no
    pictures. No redirect is followed: what people say goes to the configured server alone.
    """

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        base_url: str | None = None,
        api_key: str | None = None,
        patience: Patience | None = None,
        extra: Mapping[str, Any] | None = None,
        form: Form = Form.FULL,
        sees: bool = True,
    ) -> None:
        self.name, self.form, self.sees = name, form, sees
        self._clock = clock
        self._base_url = base_url
        self._api_key = (api_key or "").strip()
        self._patience = patience or Patience()
        self.place = host_of(base_url) if base_url else "api.openai.com"
        origin = hashlib.sha256(f"{base_url or ''} {name}".encode()).hexdigest()[:16]
        self._dialect = Dialect(name, origin, extra or {})
        self._errors = ErrorMap(model=name, place=self.place, secret=self._api_key)
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(self._patience.at_once)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One answer, streamed. Cancelling it closes the HTTP response."""
        request = request.in_form(self.form)
        if not self.sees:
            request = without_pictures(request)
        raw = await self._patiently(request)
        reply = tidied(raw, request)
        if request.max_tokens is not None and is_all_thought(raw, reply):
            log.warning(
                "%s spent all of its %d tokens on thinking; it is asked once more with more room. Raise [model] "
                "reply_reserve (%s).", self.name, request.max_tokens, request.key,
            )  # fmt: skip
            wider = replace(request, key=f"{request.key}/wider", max_tokens=request.max_tokens * _WIDER)
            again = await self._patiently(wider)
            reply = replace(tidied(again, wider), usage=raw.usage + again.usage, requests=2)
        return replace(reply, model=self.name, form=request.form, origin=self._dialect.origin)

    async def _patiently(self, request: ModelRequest) -> ModelReply:
        attempt = 0
        while True:
            try:
                return await self._once(request)
            except ModelUnavailable as error:
                wait = max(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S), error.retry_after or 0.0)
                still_at_work = error.timed_out and self._patience.first_s is not None
                if attempt >= self._patience.retries or wait > LONGEST_WAIT_S or still_at_work:
                    raise
                attempt += 1
                log.info("%s Asking again in %.1f s (%s).", error, wait, request.key)
            await self._clock.sleep(wait)

    async def check(self) -> str:
        """For ``everbot doctor``: a sentence on a model that works, or the error of `complete`."""
        offered = await self.offered()
        if self.name in offered:
            return f"The model {self.name} is offered by {self._errors.place}."
        greeting = [{"role": "user", "content": "Hello"}]
        key = f"check/{uuid.uuid4()}"  # never the same: the server is to answer anew
        await self._once(ModelRequest(key=key, messages=greeting, max_tokens=16))
        return f"The model {self.name} at {self._errors.place} answers."

    async def offered(self) -> list[str]:
        """The names that GET /models lists; none when the server has no such list. Raises `ModelError`."""
        client = await self._open()
        try:
            async with asyncio.timeout(self._patience.timeout_s):
                listing = await client.get("/models", cast_to=object, options={"follow_redirects": False})
        except caught() as error:
            if getattr(error, "status_code", None) in (404, 405, 501):
                return []
            raise self._errors.of(error, self._clock.now()) from None
        models = listing.get("data") if isinstance(listing, dict) else None
        return [str(m.get("id")) for m in models or () if isinstance(m, dict)]

    async def window(self, *, own: bool) -> ServerWindow | None:
        """What its server tells of how much it reads at once; ``own``: it is one's own, and asked by all ways."""
        return await server_window(await self._open(), self._base_url, self.name, own=own)

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
            raise ModelDenied("The API key holds characters that no key has; check [model] api_key.")
        if not self._api_key and self._base_url is None:
            raise ModelDenied("No API key is set; set OPENAI_API_KEY or [model] api_key.")
        silence = max(self._patience.stall_s, self._patience.first_s or 0.0)
        url, _, query = (self._base_url or "").partition("?")
        options = dict(parse_qsl(query))
        # Azure's older addresses name a version, and take keys in a header of their own.
        version = options.pop("api-version", None)
        kind = partial(openai.AsyncAzureOpenAI, api_version=version) if version else openai.AsyncOpenAI
        try:
            return kind(
                base_url=url or None,
                # A server of one's own often wants no key, but the SDK does.
                api_key=self._api_key or "none",
                default_query=options or None,
                max_retries=0,
                timeout=httpx2.Timeout(silence, connect=min(self._patience.stall_s, 10.0)),
                http_client=openai.DefaultAsyncHttpxClient(verify=trusted()),
            )
        except (openai.OpenAIError, httpx2.InvalidURL, ValueError, TypeError) as error:
            raise self._errors.of(error, self._clock.now()) from None

    async def _once(self, request: ModelRequest) -> ModelReply:
        """One request, and again at once if the server only minds how we put it."""
        client = await self._open()
        vendor = caught()
        for _ in range(_LESSONS):
            body = self._dialect.body(request)
            content = encoded(body, self._dialect.origin)
            try:
                async with self._slots:
                    return await self._ask(client, request, content)
            except vendor as error:
                if (text := attempted(error)) is not None:
                    return ModelReply(text=text)
                taught = self._dialect.learn(body, _status(error), said(error), codes(error))
                if taught is None:
                    self._dialect.give_up()
                    raise self._errors.about(request.messages).of(error, self._clock.now()) from None
                log.warning("The model %s at %s %s.", self.name, self._errors.place, taught)
        raise ModelRefused(f"{self._errors.place} refused the request in {_LESSONS} forms.")

    async def _ask(self, client: AsyncOpenAI, request: ModelRequest, content: bytes) -> ModelReply:
        # `client.post` and plain JSON events: `chat.completions.create` would walk every message
        # through its typed dicts, eight times the processor time at 40 messages.
        from openai import AsyncStream

        patience = self._patience
        async with asyncio.timeout(patience.first_s or patience.timeout_s) as limit:
            stream = await client.post(
                "/chat/completions",
                content=content,
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
                options={
                    "headers": {"Idempotency-Key": request.key},
                    "idempotency_key": request.key,
                    "follow_redirects": False,
                },
            )
            async with stream:
                if request.hearer:
                    request.hearer.begins(request.form)
                kind = stream.response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind == "application/json":
                    return await self._read_plain(stream.response)
                return await self._read_stream(stream.response, limit, Assembly(request.hearer))

    async def _read_stream(
        self, response: httpx2.Response, limit: asyncio.Timeout, assembly: Assembly
    ) -> ModelReply:
        import httpx2

        events = aiter(httpx2.EventSource(response, max_event_size=WIRE_LIMIT))
        end = 0.0
        async for event in events:
            end = self._wait_on(limit, end)
            if event.data.startswith("[DONE]"):
                assembly.end()
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

    def _wait_on(self, limit: asyncio.Timeout, end: float) -> float:
        """Once its first word came, a slow server is waited for as any other: until ``end`` (0: not set yet)."""
        if self._patience.first_s is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        end = end or now + self._patience.timeout_s
        limit.reschedule(min(end, now + self._patience.stall_s))
        return end

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
        if data.get("error") or data.get("object") == "error" or ErrorObject.code_in(data):
            raise ErrorObject(data)
        for choice in data.get("choices") or ():
            if isinstance(choice, dict) and choice.get("error"):  # OpenRouter's, of the provider
                raise ErrorObject(choice)
        return data


@cache
def trusted() -> ssl.SSLContext:
    """Whom TLS trusts. Reading the certificates takes longer than making a client: once will do for all models."""
    import httpx2

    return httpx2.create_ssl_context()


def host_of(url: str) -> str:
    """Host and port, as people should read them: without credentials, path or query."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2] or url


def _status(error: BaseException) -> int | None:
    """The HTTP status of a refusal, or what it would have been."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None
