"""config.toml and the environment, parsed once into frozen objects. Unknown keys fail.

Every key is explained in config.example.toml. The environment beats the file: see `bot.environment`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from bot import environment
from bot.errors import SettingsError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _url(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            good = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port >= 0)
        except ValueError:  # no port, no address
            good = False
        if not good:
            raise ValueError(f"is not an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return text

    return AfterValidator(check)


def _like(pattern: str, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {what}")
        return text

    return AfterValidator(check)


_SERVER = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}")
WebAddress = Annotated[str, _url("http", "https")]
Hours = Annotated[
    str, _like(r"\s*([01]?\d|2[0-3])\s*-\s*([01]?\d|2[0-4])\s*", "a range of hours such as 9-21")
]
Account = Annotated[
    str,
    _like(
        r"discord:\d+|slack:[^/\s]+/[^/\s]+|(?!discord:|slack:)\w+:\S(.*\S)?",
        'an account such as "discord:123" or "slack:T1/U1" (/whoami tells one\'s own)',
    ),
]


class EndpointSettings(_Section):
    """A further model. What is not set is as under ``[model]``; its key, only where the address is that one's too."""

    name: str
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    context_window: int | None = Field(None, ge=2_048)
    timeout_s: float | None = Field(None, gt=0)
    stall_s: float | None = Field(None, gt=0)
    first_s: float | None = Field(None, gt=0)
    at_once: int | None = Field(None, ge=1)
    tools: Literal["full", "lean"] | None = None
    protocol: Literal["tools", "json"] | None = None
    temperature: float | None = None
    vision: bool | None = None
    extra: Mapping[str, Any] = Field(default_factory=dict)


class ModelSettings(_Section):
    kind: Literal["offline", "openai"] = "offline"
    name: str = "gpt-5-mini"
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    context_window: int = Field(16_384, ge=2_048)
    reply_reserve: int = Field(2_048, ge=256)
    timeout_s: float = Field(120.0, gt=0)
    stall_s: float = Field(45.0, gt=0)
    first_s: float | None = Field(None, gt=0)
    at_once: int | None = Field(None, ge=1)
    retries: int = Field(4, ge=0)
    tools: Literal["full", "lean"] = "full"
    protocol: Literal["tools", "json"] = "tools"
    temperature: float | None = None
    vision: bool = False
    extra: Mapping[str, Any] = Field(default_factory=dict)
    fallbacks: tuple[str | EndpointSettings, ...] = ()

    @property
    def is_lean(self) -> bool:
        """Whether it is asked in one of the forms for small models."""
        return self.tools == "lean" or self.protocol == "json"

    @property
    def reserve(self) -> int:
        """Tokens that are kept free for the reply: of a small window an eighth, if nothing is set."""
        return self.reserve_of(self.context_window)

    def reserve_of(self, window: int) -> int:
        """The same in another window."""
        told = "reply_reserve" in self.model_fields_set
        return self.reply_reserve if told else min(self.reply_reserve, window // 8)


class EmbedderSettings(_Section):
    kind: Literal["auto", "multilingual", "english", "openai", "none"] = "auto"
    name: str = "text-embedding-3-small"
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("is not an address that begins with postgresql://")
    return url


class StoreSettings(_Section):
    # What is wrong with it is never told with it: it may hold a password.
    url: Annotated[SecretStr, AfterValidator(_database)] | None = None
    standby: bool = False

    @model_validator(mode="after")
    def _shared(self) -> Self:
        if self.standby and not (self.url and self.url.get_secret_value()):
            raise ValueError("standby needs url: what several processes share is a PostgreSQL database")
        return self


class AudioSettings(_Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    timeout_s: float = Field(60.0, gt=0, le=600)
    speak: bool = False
    speech_name: str = "gpt-4o-mini-tts"
    voice: str = "alloy"

    @property
    def hears(self) -> bool:
        """Whether anything is set up that writes down what is spoken."""
        return self.name is not None or self.base_url is not None


class ImagesSettings(_Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    size: str | None = None
    timeout_s: float = Field(120.0, gt=0, le=600)


class IndexSettings(_Section):
    chroma_url: WebAddress | None = None


class AgentSettings(_Section):
    max_steps: int = Field(12, ge=2)
    max_calls: int = Field(64, ge=1)
    max_posts: int = Field(20, ge=1)
    page_size: int = Field(5, ge=1, le=50)
    block_limit: int = Field(2_000, ge=100)
    debounce_s: float = Field(1.0, ge=0, le=600)
    expire_hours: float = Field(24.0, gt=0, le=8_760)
    concurrent_turns: int = Field(64, ge=1)
    timezone: str = "UTC"
    tools: tuple[str, ...] = ()
    tool_timeout_s: float = Field(30.0, gt=0)


class AccessSettings(_Section):
    dm_policy: Literal["open", "allowlist", "pairing", "disabled"] = "open"
    people: tuple[Account, ...] = ()
    denied: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    require_mention: bool = True
    free_response: tuple[str, ...] = ()
    bots: bool = False
    owners: tuple[Account, ...] = ()
    admins: Mapping[str, tuple[Account, ...]] = Field(default_factory=dict)


class RoomSettings(_Section):
    answers_per_hour: int = Field(60, ge=0)


class LimitSettings(_Section):
    messages_per_minute: int = Field(20, ge=0)
    commands_per_minute: int = Field(30, ge=0)
    user_tokens_per_day: int = Field(0, ge=0)
    tokens_per_day: int = Field(0, ge=0)
    reminders: int = Field(50, ge=0)
    reminders_per_day: int = Field(24, ge=0)


class BeatRules(_Section):
    every_hours: float | None = Field(None, ge=0.5, le=168)
    speak_first: bool | None = None
    daily_beats: int | None = Field(None, ge=0)
    daily_messages: int | None = Field(None, ge=0)
    daily_tokens: int | None = Field(None, ge=0)


class HeartbeatSettings(_Section):
    enabled: bool = True
    every_hours: float = Field(4.0, ge=0.5, le=168)
    speak_first: bool = False
    hours: Hours = "9-21"
    daily_beats: int = Field(6, ge=0)
    daily_messages: int = Field(3, ge=0)
    daily_tokens: int = Field(50_000, ge=0)
    model: str | None = None
    max_steps: int = Field(6, ge=2)
    communities: Mapping[str, BeatRules] = Field(default_factory=dict)


class EventSettings(_Section):
    first_contact: bool = True
    return_after_days: float = Field(7.0, ge=0, le=36_500)
    documents: bool = True
    reactions: bool = True
    memory_pressure: bool = True


class PriceSettings(_Section):
    """For a million tokens; of what makes pictures, speaks and hears: for a picture, for 1,000 characters, for a
    minute."""

    input: float | None = Field(None, ge=0)
    output: float | None = Field(None, ge=0)
    cached: float | None = Field(None, ge=0)
    picture: float | None = Field(None, ge=0)
    characters: float | None = Field(None, ge=0)
    minute: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.input is None) != (self.output is None) or (self.input is None and self.cached is not None):
            raise ValueError("input and output are set together")
        if self.input is None and self.picture is None and self.characters is None and self.minute is None:
            raise ValueError("needs input and output, or picture, characters or minute")
        return self


class McpServerSettings(_Section):
    """A server of tools (docs/tools.md): ``command`` starts one, ``url`` is where one is."""

    about: str = ""
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, SecretStr] = Field(default_factory=dict)
    cwd: Path | None = None
    url: WebAddress | None = None
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    token: SecretStr | None = None
    token_env: str | None = None
    auth: Literal["none", "token", "oauth"] = "none"
    client_id: str | None = None
    client_secret: SecretStr | None = None
    scope: str | None = None
    per_person: bool = False
    personas: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    people: tuple[Account, ...] = ()
    tools: tuple[str, ...] = ()
    ask_first: Literal["marked", "all", "none"] | tuple[str, ...] = "marked"
    connect_s: float = Field(20.0, gt=0, le=600)
    timeout_s: float = Field(30.0, gt=0, le=600)
    result_chars: int = Field(20_000, ge=200, le=1_000_000)

    @property
    def wants_token(self) -> bool:
        """Whether a person connects with a token of their own."""
        return self.per_person and self.auth != "oauth"


class McpSettings(_Section):
    shown: int = Field(20, ge=1, le=200)
    servers: Mapping[str, McpServerSettings] = Field(default_factory=dict)


class RunSettings(_Section):
    health: str = "127.0.0.1:8080"
    drain_s: float = Field(15.0, ge=0, le=19)
    catch_up_hours: float = Field(12.0, ge=0, le=8_760)
    context_lines: int = Field(6, ge=0, le=50)


class WebSignInSettings(_Section):
    client_id: str | None = None
    client_secret: SecretStr | None = None


class WebDiscordSettings(WebSignInSettings):
    authorize_url: WebAddress = "https://discord.com/oauth2/authorize"
    api_url: WebAddress = "https://discord.com/api/v10"


class WebSlackSettings(WebSignInSettings):
    authorize_url: WebAddress = "https://slack.com/openid/connect/authorize"
    api_url: WebAddress = "https://slack.com/api/"


_ORIGIN = r"^https?://[A-Za-z0-9.-]+(:\d+)?$"  # RFC 6454; nothing else gets into a header


class WidgetSettings(_Section):
    origins: tuple[Annotated[str, Field(pattern=_ORIGIN)], ...] = ()
    guests: bool = False
    guest_days: float = Field(7.0, gt=0, le=365)
    guests_per_hour: int = Field(20, ge=1)
    guest_tokens_per_day: int = Field(200_000, ge=1)


class WebSettings(_Section):
    listen: str | None = None
    public_url: WebAddress | None = None
    proxies: int = Field(1, ge=0, le=8)
    session_days: float = Field(30.0, gt=0, le=400)
    requests_per_minute: int = Field(240, ge=1)
    chat: bool = True
    programs: bool = False
    discord: WebDiscordSettings = WebDiscordSettings()
    slack: WebSlackSettings = WebSlackSettings()
    widget: WidgetSettings = WidgetSettings()

    @property
    def url(self) -> str:
        """Of the page, without a stroke at its end; empty where there is no page."""
        return (self.public_url or f"http://{self.listen}").rstrip("/") if self.listen else ""


class DiscordSettings(_Section):
    token: SecretStr | None = None
    message_content: bool = False
    guilds_wait_s: float = Field(0.5, ge=0)
    api_url: WebAddress = "https://discord.com/api/v10"
    gateway_url: Annotated[str, _url("ws", "wss")] = "wss://gateway.discord.gg/"


class SlackSettings(_Section):
    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    config_token: SecretStr | None = None
    mode: Literal["socket", "http"] = "socket"
    listen: str = "127.0.0.1:3000"
    api_url: WebAddress = "https://slack.com/api/"
    post_interval_s: float = Field(1.0, ge=0)


class PersonaSettings(_Section):
    default: str = "ever"
    on_removal: Literal["keep", "delete"] = "keep"
    removal_days: float = Field(30.0, ge=0, le=36_500)


class MemorySettings(_Section):
    surface_tokens: int = Field(300, ge=0, le=4_000)
    documents: int = Field(200, ge=0, le=10_000)
    summary_model: str | None = None
    caption_model: str | None = None


class PrivacySettings(_Section):
    keep_messages_days: int = Field(0, ge=0, le=36_500)
    keep_logs_days: int = Field(14, ge=1, le=36_500)


class ModerationSettings(_Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    timeout_s: float = Field(5.0, gt=0, le=60)
    categories: tuple[str, ...] = ()
    when_down: Literal["pass", "refuse"] = "pass"

    @property
    def judges(self) -> bool:
        """Whether anything is set up that judges texts."""
        return self.name is not None or self.base_url is not None


class SafetySettings(_Section):
    secrets: Literal["mask", "keep"] = "mask"
    words: tuple[str, ...] = ()
    refuse: tuple[Literal["heard", "said"], ...] = ("heard", "said")
    adults: tuple[str, ...] = ()
    reports: bool = False
    crisis: bool = False
    crisis_region: Annotated[str, _like(r"[A-Z]{2}", "a country's two letters, such as DE")] | None = None
    crisis_lines: Mapping[str, str] = Field(default_factory=dict)
    moderation: ModerationSettings = ModerationSettings()


class BackupSettings(_Section):
    keep: int = Field(0, ge=0, le=10_000)
    every_hours: float = Field(24.0, ge=0.1, le=8_760)
    folder: Path | None = None


class TelemetrySettings(_Section):
    metrics: bool = True
    traces: bool = False
    endpoint: WebAddress = "http://127.0.0.1:4318"
    texts: bool = False


class LogSettings(_Section):
    file: Path | None = None
    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"


class Settings(_Section):
    """All of config.toml. Paths are absolute."""

    data_dir: Path = Field(default_factory=lambda: user_data_path("everbot", appauthor=False))
    secret_key: SecretStr | None = None
    model: ModelSettings = ModelSettings()
    models: Mapping[str, EndpointSettings] = Field(default_factory=dict)
    embedder: EmbedderSettings = EmbedderSettings()
    store: StoreSettings = StoreSettings()
    audio: AudioSettings = AudioSettings()
    images: ImagesSettings = ImagesSettings()
    index: IndexSettings = IndexSettings()
    agent: AgentSettings = AgentSettings()
    access: AccessSettings = AccessSettings()
    rooms: RoomSettings = RoomSettings()
    limits: LimitSettings = LimitSettings()
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    currency: str = "USD"
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    privacy: PrivacySettings = PrivacySettings()
    safety: SafetySettings = SafetySettings()
    events: EventSettings = EventSettings()
    run: RunSettings = RunSettings()
    web: WebSettings = WebSettings()
    mcp: McpSettings = McpSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    memory: MemorySettings = MemorySettings()
    backup: BackupSettings = BackupSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    personas: PersonaSettings = PersonaSettings()

    @property
    def sees(self) -> bool:
        """Whether pictures that people send are looked at by any model."""
        return self.model.vision or self.memory.caption_model is not None


@dataclass(frozen=True)
class Source:
    """Where a configuration comes from: a file, and what the environment says of which keys."""

    path: Path
    there: bool  # whether there is such a file
    data: dict[str, Any] = field(repr=False)
    variables: Mapping[str, tuple[str, Any]] = field(repr=False)

    def beaten(self) -> list[str]:
        """The keys that the environment sets, each with the variable and what it beats, for people."""
        return [
            f"{key} is set by {variable}"
            + (f", not by {self.path}" if environment.has(self.data, key) else "")
            for key, (variable, _) in sorted(self.variables.items())
        ]

    @property
    def wishes(self) -> list[str]:
        """Variables that ask for a real model, where nothing says which kind it is to be."""
        asking = [
            self.variables[key][0] for key in ("model.api_key", "model.base_url") if key in self.variables
        ]
        return [] if "model.kind" in self.variables else asking


def source(path: Path | None = None, env: Mapping[str, str] | None = None, *, new: bool = False) -> Source:
    """A configuration as it was written (default: config.toml in the working directory, if there is one).

    ``new``: nor need there be a file of that path yet. Raises `SettingsError`.
    """
    env = os.environ if env is None else env
    needed = path is not None and not new
    path = path or Path("config.toml")
    there = needed or path.exists()
    return Source(path, there, _read(path) if there else {}, environment.told(env, Settings))


def load(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
    *,
    new: bool = False,
) -> Settings:
    """The settings of a file (default: config.toml in the working directory, if there is one).

    The environment beats the file. ``changes`` beat both: keys as in the file, a section's keys are replaced one
    by one. ``new``: there need be no such file yet. Raises `SettingsError` with one sentence that names the key.
    """
    found = source(path, env, new=new)
    data = deepcopy(found.data)
    for key, (_, value) in found.variables.items():
        environment.put(data, key, value)
    if found.wishes and isinstance(data["model"], dict):
        # A key or an endpoint in the environment is a wish to use it, unless the file says otherwise.
        data["model"].setdefault("kind", "openai")
    for key, value in (changes or {}).items():
        known = data.get(key)
        data[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(_sentence(error, found)) from None
    _check(settings)
    agent = settings.agent.model_copy(update={"tools": tuple(_beside(found.path, settings.agent.tools))})
    data_dir = settings.data_dir.expanduser().absolute()
    return settings.model_copy(update={"data_dir": data_dir, "agent": agent})


def _beside(path: Path, modules: Sequence[str]) -> Iterator[str]:
    """Modules of tools, those that lie beside the configuration file as paths of their files."""
    folder = path.absolute().parent
    for name in modules:
        file = folder / (name if name.endswith(".py") else f"{name.replace('.', '/')}.py")
        yield str(file) if name.endswith(".py") or (name and file.is_file()) else name


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no configuration file {path} (--config).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def _check(settings: Settings) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    model = settings.model
    if model.kind == "openai" and model.api_key is None and model.base_url is None:
        raise SettingsError(
            'model.kind is "openai", but there is no key: set OPENAI_API_KEY (or model.api_key), '
            "or model.base_url for a server that needs none."
        )
    if model.reserve > model.context_window // 2:
        raise SettingsError("model.reply_reserve may be at most half of model.context_window.")
    describer = settings.models.get(settings.memory.caption_model or "")
    if describer is not None and not (model.vision if describer.vision is None else describer.vision):
        raise SettingsError(
            f"memory.caption_model: [models.{settings.memory.caption_model}] sees no pictures; set vision = true there."
        )
    unknown = [name for name in model.fallbacks if isinstance(name, str) and name not in settings.models]
    if unknown:
        raise SettingsError(
            f"model.fallbacks: there is no [models.{unknown[0]}]; name one, or give its name, base_url and key."
        )
    try:
        ZoneInfo(settings.agent.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "Europe"
        raise SettingsError(
            f"agent.timezone: {settings.agent.timezone!r} is not an IANA time zone such as Europe/Berlin."
        ) from None
    if settings.run.health:
        address(settings.run.health, "run.health")
    address(settings.slack.listen, "slack.listen")
    _check_web(settings)
    for name, server in settings.mcp.servers.items():
        _check_server(name, server)


def _check_web(settings: Settings) -> None:
    web, slack = settings.web, settings.slack
    if web.listen is not None:
        address(web.listen, "web.listen")
    if web.listen is not None and web.listen == slack.listen and slack.mode == "http":
        raise SettingsError("web.listen and slack.listen are the same: give each a port of its own.")
    for name, provider in (("discord", web.discord), ("slack", web.slack)):
        if (provider.client_id is None) != (provider.client_secret is None):
            raise SettingsError(
                f"web.{name}: client_id and client_secret belong together; set both, or neither."
            )
        if provider.client_id is not None and web.public_url is None:
            raise SettingsError(
                f"web.{name}: to sign in there, web.public_url must say how the page is reached from outside."
            )


def _check_server(name: str, server: McpServerSettings) -> None:
    where = f"mcp.servers.{name}"
    if not _SERVER.fullmatch(name) or "__" in name:
        raise SettingsError(
            f"{where}: a server's name is made of a-z, 0-9, - and _ (at most 24, no two _ together)."
        )
    if name == "program":
        raise SettingsError(f"{where}: another name, please: /connect program is for people's own programs.")
    if (server.command is None) == (server.url is None):
        raise SettingsError(f"{where}: set either command (a program to start) or url (where a server is).")
    if server.command is not None and (server.auth == "oauth" or server.headers or server.token is not None):
        raise SettingsError(f"{where}: auth, headers and token are for a url; a program is given env.")
    if server.command is not None and server.per_person and not server.token_env:
        raise SettingsError(
            f"{where}: per_person with a command needs token_env: the variable for a person's token."
        )
    if server.per_person and (server.auth == "none" and server.url is not None):
        raise SettingsError(f'{where}: per_person needs auth = "token" or auth = "oauth".')
    if server.per_person and server.token is not None:
        raise SettingsError(
            f"{where}: with per_person everyone connects a token of their own; leave token out."
        )
    if server.auth == "token" and not server.per_person and server.token is None:
        raise SettingsError(
            f'{where}: auth = "token" needs token (EVERBOT_MCP__SERVERS__{name.upper()}__TOKEN).'
        )


def _sentence(error: ValidationError, found: Source) -> str:
    """pydantic's first complaint, in one sentence that names the key and where it is set, and never shows a value."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    parts = key.split(".")
    prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    variable, _ = next((told for name in prefixes if (told := found.variables.get(name))), ("", None))
    where = f"The environment variable {variable}" if variable else str(found.path)
    if first["type"] == "extra_forbidden":
        return f"{where}: the key {key!r} is unknown. config.example.toml lists all of them."
    why = first["msg"].removeprefix("Value error, ")
    if variable and first["type"] in ("tuple_type", "dict_type", "mapping_type", "list_type"):
        why = f"{why} (a list or a table is written as JSON)"
    return f"{where}: {key}{'' if why.startswith('is not') else ':'} {why}."


def address(listen: str, setting: str) -> tuple[str, int]:
    """Host and port of ``host:port``. Raises `SettingsError` naming the setting."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(f"{setting}: {listen!r} is not host:port, such as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)
