"""What the bot asks for when it is invited to a guild."""

from __future__ import annotations

import discord

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    create_public_threads=True,
    send_messages_in_threads=True,
    read_message_history=True,
    embed_links=True,
    attach_files=True,
    send_voice_messages=True,
    add_reactions=True,
    manage_webhooks=True,
    use_application_commands=True,
)


def invite_url(application_id: int) -> str:
    """Where a guild's admin lets the bot in."""
    return discord.utils.oauth_url(
        application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
    )


def intents(message_content: bool) -> discord.Intents:
    """The fewest that do: messages and reactions; their content where it is not given anyway."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = wanted.dm_messages = True
    wanted.guild_reactions = wanted.dm_reactions = True
    wanted.message_content = message_content
    return wanted
