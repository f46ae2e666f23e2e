"""What of the Discord application is as it must be, and how to mend the rest."""

from __future__ import annotations

import discord
from discord.http import Route

from adapters.discord.invite import intents, invite_url
from bot.errors import AdapterError

Finding = tuple[bool, str]

_CONTENT = (1 << 18) | (1 << 19)  # application flags: the intent is granted, or switched on for few guilds


async def check(token: str, api_url: str, message_content: bool) -> list[Finding]:
    """Token and intents. Raises nothing: what is wrong is a finding."""
    Route.BASE = api_url.rstrip("/")
    client = _client(message_content)
    try:
        await client.login(token)
        application = await client.application_info()
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
    return found


async def invitation(token: str, api_url: str) -> str:
    """The address by which a guild's admin lets the bot in. Raises `AdapterError`."""
    Route.BASE = api_url.rstrip("/")
    client = _client(False)
    try:
        await client.login(token)
        return invite_url((await client.application_info()).id)
    except discord.LoginFailure:
        raise AdapterError("Discord refuses the token: set DISCORD_BOT_TOKEN.") from None
    except (discord.DiscordException, OSError, TimeoutError) as error:
        raise AdapterError(f"Discord does not answer ({type(error).__name__}).") from None
    finally:
        await client.close()


def _client(message_content: bool) -> discord.Client:
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
    return discord.Client(intents=intents(message_content))
