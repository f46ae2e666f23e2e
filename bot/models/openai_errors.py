"""Every way in which a chat-completions server or its SDK fails, as one of our model errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import ModelDenied, ModelError, ModelOverflow, ModelRefused, ModelUnavailable
from bot.models.quoting import without, words_of

TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size|limit)|maximum context|too many (total |input |prompt )?(text )?(tokens"
    r"|bytes)"
    r"|input tokens? (count|length|limit|exceed)|string_above_max_length|string too long|reduce the length"
    r"|(prompt|input|request|messages?|conversation|content|payload|body)( (is|are|was|were))? too (long|large|big)"
    r"|exceed.{0,60}(context|number of tokens|max\w* .{0,20}(tokens|length)|limit of \d+|\d+ tokens|max_?length)"
    r"|(prompt|input|request|message)s? .{0,30}exceed|(token|input|prompt)s?( count| length)? (exceed|is (greater"
    r"|longer|larger))"
    r"|max\w* (prompt|input|sequence) (length|tokens|size)|range of input length|token limit"
    r"|tokens .{0,40}max_new_tokens"
    r"|(less|fewer|more|greater|larger|longer) than .{0,24}(tokens|context|n_ctx)|n_ctx|num_ctx"
    r"|maximum (allowed|number of) (input |prompt )?tokens|max_(model|sequence|total|prompt)_(len|length|tokens)"
    r"|longer than the max|too long|shorten|reduce (your|the) (prompt|input)|tokens_limit"
    r"|max_tokens must be .{0,12}got -"
    r"|超过|超出|过长|超长|過長|長すぎ|너무 (길|깁)",
    re.IGNORECASE | re.DOTALL,
)
CONTENT = re.compile(
    r"content[ _-]?(filter|management|policy|policies|moderation|risk|exists risk|inspection|safety)"
    r"|responsible_?ai|raipolicy"
    r"|data_?inspection|inappropriate|unsafe|moderation|flagged|usage (policy|policies|guidelines)|safety"
    r"|invalid_prompt"
    r"|prohibited_?content|harmful|high[ -]risk|jailbreak|sensitive_?(content|word|information)|new_sensitive"
    r"|敏感|违规|不安全"
    r"|violat\w* .{0,60}(polic|guideline|terms|rules)|(content|prompt|input|output|policy"
    r"|guidelines) .{0,40}(violat|blocked)"
    r"|image_parse|(invalid|unsupported|corrupt)[ _]?(image|base64)"
    r"|(?<![\w-])(images?|image_url|vision|multimodal|mmproj|llava|audio)(?![\w-])",
    re.IGNORECASE | re.DOTALL,
)
"""A request that is refused for what is in it: also for images, where they are named at all."""
_TEMPLATE = re.compile(
    r"jinja|(chat|prompt) template|content part|is not callable|json\.exception|parse messages|raise_exception",
    re.IGNORECASE,
)
"""What local servers say, as an error of theirs, of messages that their model's template does not take."""
ACCOUNT = re.compile(
    r"api[ _-]?key|incorrect key|unauthori[sz]ed|authenticat|credential|billing|credits?\b|quota|balance|payment"
    r"|subscription"
    r"|account|organi[sz]ation|permission|country|region\b|territor|suspended"
    r"|model[ _](not[ _]found|does not exist)|(model|deployment) .{0,80}(not found|not exist|doesn't exist"
    r"|not available"
    r"|no longer|deprecated|retired|decommissioned)"
    r"|(invalid|unknown|no such) model\b|not a valid model|model_not_supported",
    re.IGNORECASE | re.DOTALL,
)
"""A request that is refused for who asks, or whom: every other one would be, too."""
NEVER_FITS = re.compile(r"tokens must be reduced", re.IGNORECASE)  # a 429 that waiting cannot mend

WORDS = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "insufficient_balance": 402,
    "model_not_found": 404,
    "not_found_error": 404,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "invalid_prompt": 400,
    "data_inspection_failed": 400,
    "invalid_request_error": 400,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    # MiniMax
    "1002": 429,
    "1004": 401,
    "1008": 402,
    "1026": 400,
    "1027": 400,
    "1039": 400,
    "2013": 400,
}
"""The status that an error object in the middle of a stream would have had."""


class ErrorObject(ValueError):
    """An error object that came where a chunk or an answer was due. ``status_code`` is what it would have had."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__("an error object")
        if code := self.code_in(body):
            body = {"error": {"message": body["base_resp"].get("status_msg"), "code": code}}
        self.body = body
        inner = body.get("error", body)
        fields = inner if isinstance(inner, dict) else {}
        self.status_code = 500
        for word in (fields.get("type"), fields.get("code")):  # the code is the more exact one
            text = str(word)
            self.status_code = (
                int(text) if re.fullmatch(r"[45]\d\d", text) else WORDS.get(text, self.status_code)
            )

    @staticmethod
    def code_in(body: Mapping[str, Any]) -> str:
        """MiniMax' number of an error, beside an answer that is none; "" for none."""
        told = body.get("base_resp")
        return str(told.get("status_code") or "") if isinstance(told, dict) else ""


def attempted(error: object) -> str | None:
    """What the model wrote, where its server could not make the call of it that it was meant to be (Groq)."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    text = inner.get("failed_generation") if isinstance(inner, dict) else None
    return text if isinstance(text, str) and text.strip() else None


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
    """What the server itself said: the message inside an error's body, wherever it lies there."""
    body = getattr(error, "body", error)
    if isinstance(body, dict):
        inner = body.get("error", body)
        inner = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(inner, dict):
            return str(inner)
        parts = [inner.get("message") or inner.get("detail") or inner.get("msg") or ""]
        raw = inner.get("metadata", {}).get("raw") if isinstance(inner.get("metadata"), dict) else None
        parts += [raw] if raw else []  # what the server behind a router said
        return " ".join(part if isinstance(part, str) else str(part) for part in parts).strip()
    if isinstance(body, list):
        return said(body[0]) if body else ""
    text = body.strip() if isinstance(body, str) else ""
    return "" if text.startswith("<") else text  # a web page says nothing to anyone


def codes(error: object) -> str:
    """The words by which programs tell errors apart, of all levels of an error's body."""
    found: list[str] = []

    def look(value: object, depth: int) -> None:
        if isinstance(value, list):
            for item in value[:8]:
                look(item, depth + 1)
        if not isinstance(value, dict) or depth > 5:
            return
        for name, inner in value.items():
            if name in ("code", "type", "status", "reason", "param") and isinstance(inner, str | int):
                found.append(str(inner))
            look(inner, depth + 1)

    look(getattr(error, "body", error), 0)
    return " ".join(found)


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
    section: str = "model"  # of the settings that names it
    said: frozenset[str] = frozenset()  # words that no text may hold: see `bot.models.quoting`

    def about(self, messages: Sequence[Mapping[str, Any]]) -> ErrorMap:
        """The same for errors of one request, which may quote what people said in it."""
        return replace(self, said=words_of(messages))

    def of(self, error: BaseException, now: datetime) -> ModelError:
        """Any exception. Its text is one sentence, naming the setting when the operator must act."""
        import httpx2
        import openai

        if isinstance(error, ModelError):
            return error
        if isinstance(error, ErrorObject):
            return self.of_status(error.status_code, said(error), codes(error), None)
        if isinstance(error, openai.APIStatusError):
            headers = getattr(getattr(error, "response", None), "headers", {})
            return self.of_status(error.status_code, said(error), codes(error), retry_after(headers, now))
        cause = error.__cause__ or error
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.InvalidURL):
            return ModelDenied(f"{self.place} cannot be asked ({self._clean(cause)}): check base_url.")
        if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
            return ModelUnavailable(f"The model server {self.place} did not answer in time.", timed_out=True)
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError | OSError):
            why = self._clean(cause)
            return ModelUnavailable(
                f"The model server {self.place} cannot be reached or broke off ([{self.section}] base_url): {why}."
            )
        if isinstance(error, openai.APIError) and getattr(error, "body", None):
            return self.of(ErrorObject({"error": error.body}), now)
        why = f"{type(error).__name__}: {self._clean(error)}"
        return ModelUnavailable(f"The model server {self.place} sent what cannot be read ({why}).")

    def of_status(self, status: int, text: str, code: str | None, wait: float | None) -> ModelError:
        """An HTTP status of 300 or more, with what the server said."""
        what = f": {cut}" if (cut := self._clean(text)) else "."
        said_so = f"{code} {text}"
        if self._is_of_content(status, said_so):
            return ModelRefused(f"The model {self.model} refused this request ({status}){what}", content=True)
        too_long = status in (400, 422, 500) and TOO_LONG.search(said_so)
        if too_long or status == 413 or (status == 429 and NEVER_FITS.search(said_so)):
            return ModelOverflow(f"The request does not fit the model {self.model}{what}")
        if status == 500 and _TEMPLATE.search(said_so):
            return ModelRefused(self._advice(status) + what)
        if status in (408, 409, 425, 429) or status >= 500:
            trouble = "is busy or over its quota" if status == 429 else "has trouble"
            return ModelUnavailable(f"The model server {self.place} {trouble} ({status}){what}", wait)
        if status in (400, 422) and not ACCOUNT.search(said_so):
            return ModelRefused(self._advice(status) + what)
        return ModelDenied(self._advice(status) + what)

    def _is_of_content(self, status: int, said_so: str) -> bool:
        if status == 451:
            return True
        of_account = status in (403, 404) and ACCOUNT.search(said_so)
        known = status in (400, 403, 404, 405, 415, 422, 500, 501) and CONTENT.search(said_so)
        return bool(known and not of_account and not TOO_LONG.search(said_so))

    def _advice(self, status: int) -> str:
        if status == 401:
            return f"{self.place} refused the API key; check [{self.section}] api_key or OPENAI_API_KEY"
        if status == 403:
            where = f"[{self.section}]"
            return f"{self.place} denies access; check {where} api_key (OPENAI_API_KEY) and {where} name"
        if status == 404:
            return f"{self.place} has no model {self.model!r} there; check [{self.section}] name and base_url"
        if status < 400:
            return f"{self.place} redirects elsewhere ({status}); check [{self.section}] base_url"
        return f"{self.place} refused the request ({status}); check [{self.section}] name, base_url and extra"

    def _clean(self, text: object) -> str:
        """At most 300 characters on one line, without the key or anything that looks like one."""
        line = " ".join(str(text).split())
        if self.secret:
            line = line.replace(self.secret, "***")
        line = without(self.said, re.sub(r"\b(sk|key)-[\w-]{8,}", "***", line))
        return line if len(line) <= 300 else line[:299] + "…"
