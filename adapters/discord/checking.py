"""What of the Discord application is as it must be, and how to mend the rest."""

from __future__ import annotations

import discord
from discord.http import Route

from adapters.discord.hosts import Hosts
from adapters.discord.invite import intents, invite_url
from bot.errors import AdapterError

Finding = tuple[bool, str]

_PAGE = 200
_NAMED = 20
_CONTENT = (1 << 18) | (1 << 19)  # application flags: the intent is granted, or switched on for few guilds


async def check(token: str, api_url: str, message_content: bool) -> list[Finding]:
    """Token and intents. Raises nothing: what is wrong is a finding."""
    Route.BASE = api_url.rstrip("/")
    try:
        client = _client(message_content, Hosts(api_url))
    except AdapterError as error:
        return [(False, str(error))]
    try:
        await client.login(token)
        application = await client.application_info()
        faceless = await _faceless(client)
    except discord.LoginFailure:
        return [
            (False, "the token is refused: set DISCORD_BOT_TOKEN to the one of your application's Bot page")
        ]
    except (discord.DiscordException, OSError, TimeoutError) as error:
        return [(False, f"{api_url} does not answer ({type(error).__name__})")]
    finally:
        await client.close()
    found = [(True, f"the token is of {application.name}")]
    granted = bool(application.flags.value & _CONTENT)
    if message_content and not granted:
        found.append(
            (
                False,
                "the Message Content Intent is off: switch it on on your application's Bot page, or set "
                "discord.message_content = false",
            )
        )
    elif not message_content:
        off = (
            "without discord.message_content, channel context, free-response channels, replies without a mention "
            "and !commands in channels are off"
        )
        found.append((True, off))
    if faceless:
        found.append(
            (
                True,
                f"without the permission Manage Webhooks personas speak as the bot, with their name before the text, "
                f"in {len(faceless)} guilds: grant it to the bot's role there, or invite the bot again "
                f"(`everbot discord invite`): {', '.join(faceless[:_NAMED])}",
            )
        )
    return found


async def _faceless(client: discord.Client) -> list[str]:
    """The guilds in which personas cannot be shown under their own name and picture."""
    found: list[str] = []
    after = 0
    while True:
        page = await client.http.get_guilds(_PAGE, after=after, with_counts=False)
        for guild in page:
            held = discord.Permissions(int(guild["permissions"]))
            if not (held.manage_webhooks or held.administrator):
                found.append(f"{guild['name']} ({guild['id']})")
        if len(page) < _PAGE:
            return found
        after = int(page[-1]["id"])


async def invitation(token: str, api_url: str) -> str:
    """The address by which a guild's admin lets the bot in. Raises `AdapterError`."""
    Route.BASE = api_url.rstrip("/")
    client = _client(False, Hosts(api_url))
    try:
        await client.login(token)
        return invite_url((await client.application_info()).id)
    except discord.LoginFailure:
        raise AdapterError("Discord refuses the token: set DISCORD_BOT_TOKEN.") from None
    except (discord.DiscordException, OSError, TimeoutError) as error:
        raise AdapterError(f"Discord does not answer ({type(error).__name__}).") from None
    finally:
        await client.close()


def _client(message_content: bool, hosts: Hosts) -> discord.Client:
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
    return discord.Client(intents=intents(message_content), http_trace=hosts.trace())
