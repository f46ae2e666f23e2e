"""A session with one MCP server, over a program's pipes or streamable HTTP. SDK: mcp, loaded with the first session.

Of the SDK's exceptions none gets out: `ServerDown` is for a server that is not there, `NotLetIn` for one that takes no
request with these credentials, `ToolError` for what the model can mend.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from bot.errors import ToolError
from bot.events import clean
from bot.settings import McpServerSettings

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

STEP_KEY = "everbot/step-key"
"""Of a request's ``_meta``: the same whenever the same call of a step is made again after a crash."""
_MOST_TOOLS, _PAGES = 1_000, 100
_DESCRIBED = 4_000  # characters of a tool's description
_DENIED = (401, 403)


class ServerDown(Exception):
    """It cannot be reached, or broke off. The text says why, in a few words of ours."""


class NotLetIn(ServerDown):
    """It refuses the credentials."""


@dataclass(frozen=True, kw_only=True)
class RemoteTool:
    """``name`` is the server's own; ``writes``: the server says that it may destroy something."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    writes: bool = False


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """With what a session is opened: a token, or what signs each request (OAuth)."""

    token: str = field(default="", repr=False)
    auth: httpx2.Auth | None = None


class Session(Protocol):
    """An open session."""

    async def tools(self) -> list[RemoteTool]:
        """All that the server has. Raises `ServerDown`."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Any], key: str) -> str:
        """What the tool says, as text. Raises `ServerDown`, and `ToolError` with what the server says is wrong."""
        ...


@asynccontextmanager
async def opened(server: McpServerSettings, credentials: Credentials) -> AsyncIterator[Session]:
    """Raises `ServerDown`, also when the session is broken off within the block."""
    seen = _Seen()
    try:
        async with AsyncExitStack() as stack:
            client = await _client(stack, server, credentials, seen)
            yield _Session(client, seen)
    except ServerDown:
        raise
    except Exception as error:  # out of the SDK's own task groups
        raise seen.why(_first(error)) from None


class _Seen:
    """What the server last answered over HTTP."""

    def __init__(self) -> None:
        self.status = 0

    async def note(self, response: httpx2.Response) -> None:
        self.status = response.status_code

    def why(self, error: BaseException) -> ServerDown:
        if self.status in _DENIED:
            return NotLetIn(f"it refuses the credentials (HTTP {self.status})")
        if self.status >= 400:
            return ServerDown(f"it answered HTTP {self.status}")
        if isinstance(error, FileNotFoundError | PermissionError):
            return ServerDown(f"its command cannot be started ({error.strerror})")
        return ServerDown(f"no session ({type(error).__name__})")


async def _client(
    stack: AsyncExitStack, server: McpServerSettings, credentials: Credentials, seen: _Seen
) -> Client:
    from mcp import Client, Implementation, StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    if server.command is not None:
        env = {name: value.get_secret_value() for name, value in server.env.items()}
        if server.token_env and credentials.token:
            env[server.token_env] = credentials.token
        params = StdioServerParameters(
            command=server.command, args=list(server.args), env=env, cwd=server.cwd
        )
        # What it says beside the protocol may be what people said: it is in no log of ours.
        nowhere = stack.enter_context(open(os.devnull, "w"))  # noqa: ASYNC230, SIM115 # no disk; the stack closes it
        transport: Any = stdio_client(params, errlog=nowhere)
    else:
        http = await stack.enter_async_context(_http(server, credentials, seen))
        assert server.url is not None
        transport = streamable_http_client(server.url, http_client=http)
    client = Client(transport, client_info=Implementation(name="everbot", version=version("everbot")))
    return await stack.enter_async_context(client)


def _http(server: McpServerSettings, credentials: Credentials, seen: _Seen) -> httpx2.AsyncClient:
    import httpx2

    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    token = credentials.token or (server.token.get_secret_value() if server.token else "")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx2.AsyncClient(
        headers=headers,
        auth=credentials.auth,
        timeout=httpx2.Timeout(server.connect_s, read=server.timeout_s + server.connect_s),
        event_hooks={"response": [seen.note]},
        verify=_trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Whom TLS trusts. Reading the certificates takes longer than all else of a connection: once will do for all."""
    import httpx2

    return httpx2.create_ssl_context()


class _Session:
    def __init__(self, client: Client, seen: _Seen) -> None:
        self._client = client
        self._seen = seen

    async def tools(self) -> list[RemoteTool]:
        found: list[RemoteTool] = []
        cursor = None
        for _ in range(_PAGES):
            try:
                page = await self._client.list_tools(cursor=cursor)
            except Exception as error:
                raise self._seen.why(error) from None
            found += map(_remote, page.tools)
            cursor = page.next_cursor
            if cursor is None or len(found) >= _MOST_TOOLS:
                break
        return found[:_MOST_TOOLS]

    async def call(self, tool: str, arguments: Mapping[str, Any], key: str) -> str:
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        self._seen.status = 0
        meta: Any = {STEP_KEY: key}
        try:
            result = await self._client.call_tool(tool, dict(arguments), meta=meta)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED or self._seen.status >= 400:
                raise self._seen.why(error) from None
            raise ToolError(f"The server refused the call: {clean(error.message)[:2_000]}") from None
        except Exception as error:
            raise self._seen.why(error) from None
        text = "\n".join(part for part in map(_said, result.content) if part)
        if not text and result.structured_content is not None:
            import json

            text = json.dumps(result.structured_content, ensure_ascii=False)
        if result.is_error:
            raise ToolError(clean(text) or "The tool failed and said nothing.")
        return clean(text)


def _remote(tool: Any) -> RemoteTool:
    marks = tool.annotations
    return RemoteTool(
        name=tool.name,
        description=clean(tool.description or tool.title or "")[:_DESCRIBED],
        parameters=tool.input_schema,
        writes=bool(marks and marks.destructive_hint and not marks.read_only_hint),
    )


def _said(part: Any) -> str:
    """A part of a result in words: what cannot be read is named."""
    if part.type == "text":
        return str(part.text)
    if part.type == "resource":
        text = getattr(part.resource, "text", None)
        return (
            str(text) if text is not None else f"[{part.resource.mime_type or 'a file'}: {part.resource.uri}]"
        )
    if part.type == "resource_link":
        return f"[{part.name}: {part.uri}]"
    return f"[{part.mime_type}, which cannot be shown]"


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
