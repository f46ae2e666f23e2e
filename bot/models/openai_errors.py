"""Every way in which a chat-completions server or its SDK fails, as one of our three model errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import ModelError, ModelOverflow, ModelRefused, ModelUnavailable

TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|too many (input |prompt )?tokens|input token"
    r"|(prompt|input|request|messages?) (is|are) too (long|large)|reduce the length|string_above_max_length"
    r"|exceed.{0,60}(context|number of tokens|max\w* .{0,20}(tokens|length))|max_new_tokens",
    re.IGNORECASE | re.DOTALL,
)
NEVER_FITS = re.compile(r"tokens must be reduced", re.IGNORECASE)  # a 429 that waiting cannot mend

WORDS = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
}
"""The status that an error object in the middle of a stream would have had."""


def caught() -> tuple[type[Exception], ...]:
    """What to catch around the SDK: its own errors, its HTTP library's, and what both let through."""
    import anyio
    import httpx2
    import openai

    return (
        openai.OpenAIError,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        httpx2.CookieConflict,
        anyio.EndOfStream,  # raised by TLS in places; see the SDK's own list
        anyio.BrokenResourceError,
        anyio.ClosedResourceError,
        ValueError,  # JSONDecodeError, UnicodeDecodeError, pydantic.ValidationError
        OSError,  # TimeoutError, ssl.SSLError
        RuntimeError,  # httpx2.StreamError, RecursionError of absurdly nested JSON
        TypeError,  # the SDK's answer to a body of an unexpected shape
        LookupError,
        AttributeError,
    )


def said(error: object) -> str:
    """What the server itself said: the message inside an error's body."""
    body = getattr(error, "body", error)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            message = inner.get("message") or inner.get("detail") or ""
            return message if isinstance(message, str) else str(message)
        return str(inner)
    text = body.strip() if isinstance(body, str) else ""
    return "" if text.startswith("<") else text  # a web page says nothing to anyone


def retry_after(headers: Any, now: datetime) -> float | None:
    """Seconds to wait, from ``Retry-After`` (seconds or a date) or ``retry-after-ms``."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < 1e9 else None
    try:
        return max((parsedate_to_datetime(headers.get("retry-after", "")) - now).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, kw_only=True)
class ErrorMap:
    """Maps errors of one configured model. ``secret`` is the API key, which no text may hold."""

    model: str
    place: str  # host of the server
    secret: str = ""

    def of(self, error: BaseException, now: datetime) -> ModelError:
        """Any exception. Its text is one sentence, naming the setting when the operator must act."""
        import httpx2
        import openai

        if isinstance(error, ModelError):
            return error
        if isinstance(error, openai.APIStatusError):
            headers = getattr(getattr(error, "response", None), "headers", {})
            return self.of_status(error.status_code, said(error), error.code, retry_after(headers, now))
        cause = error.__cause__ or error
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.InvalidURL):
            return ModelRefused(f"{self.place} cannot be asked ({self._clean(cause)}): check base_url.")
        if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
            return ModelUnavailable(f"The model server {self.place} did not answer in time.")
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError | OSError):
            why = self._clean(cause)
            return ModelUnavailable(f"The model server {self.place} cannot be reached or broke off: {why}.")
        if isinstance(error, openai.APIError) and getattr(error, "body", None):
            return self.of_object(error.body)
        why = f"{type(error).__name__}: {self._clean(error)}"
        return ModelUnavailable(f"The model server {self.place} sent what cannot be read ({why}).")

    def of_object(self, error: object) -> ModelError:
        """An error object that came where a chunk or an answer was due."""
        inner = error.get("error", error) if isinstance(error, dict) else error
        fields = inner if isinstance(inner, dict) else {}
        status = 500
        for word in (fields.get("type"), fields.get("code")):  # the code is the more exact one
            text = str(word)
            status = int(text) if re.fullmatch(r"[45]\d\d", text) else WORDS.get(text, status)
        return self.of_status(status, said(error), str(fields.get("code") or ""), None)

    def of_status(self, status: int, text: str, code: str | None, wait: float | None) -> ModelError:
        """An HTTP status of 300 or more, with what the server said."""
        what = f": {cut}" if (cut := self._clean(text)) else "."
        said_so = f"{code} {text}"
        too_long = status in (400, 422, 500) and TOO_LONG.search(said_so)
        if too_long or status == 413 or (status == 429 and NEVER_FITS.search(said_so)):
            return ModelOverflow(f"The request does not fit the model {self.model}{what}")
        if status in (408, 409, 425, 429) or status >= 500:
            trouble = "is busy or over its quota" if status == 429 else "has trouble"
            return ModelUnavailable(f"The model server {self.place} {trouble} ({status}){what}", wait)
        return ModelRefused(self._advice(status) + what)

    def _advice(self, status: int) -> str:
        if status == 401:
            return f"{self.place} refused the API key; check [model] api_key or OPENAI_API_KEY"
        if status == 403:
            return f"{self.place} denies access; check [model] api_key (OPENAI_API_KEY) and [model] name"
        if status == 404:
            return f"{self.place} has no model {self.model!r} there; check [model] name and base_url"
        if status < 400:
            return f"{self.place} redirects elsewhere ({status}); check [model] base_url"
        return f"{self.place} refused the request ({status}); check [model] name, base_url and extra"

    def _clean(self, text: object) -> str:
        """At most 300 characters on one line, without the key or anything that looks like one."""
        line = " ".join(str(text).split())
        if self.secret:
            line = line.replace(self.secret, "***")
        line = re.sub(r"\b(sk|key)-[\w-]{8,}", "***", line)
        return line if len(line) <= 300 else line[:299] + "…"
