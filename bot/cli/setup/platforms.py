"""The wizard's questions about Discord and Slack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import quote

from bot.backends.platforms import check_platforms, discord_invite_url, slack_app_manifest
from bot.cli.doctor import line_of
from bot.cli.setup.draft import Draft
from bot.cli.setup.terminal import Terminal, agreed
from bot.errors import EverbotError

_DISCORD = """
  1. Open https://discord.com/developers/applications, press New Application,
     give it the name that people will see.
  2. On its page Bot, press Reset Token and copy the token. Whoever has it is
     your bot."""
_SLACK = """
  1. Open this address, which holds all that the app needs (`everbot slack
     manifest` prints it); choose your workspace, press Create:
     {link}"""
_SOCKET = """  2. Basic Information, App-Level Tokens, Generate Token: add the scope
     connections:write, copy the token (xapp-...).
"""
_HTTP = """  2. Basic Information: copy the Signing Secret.
"""
_INSTALL = """  3. Install App, Install to Workspace, allow; copy the Bot User OAuth Token
     (xoxb-...)."""
_CONTENT = """\
Shall it also read channel messages that do not mention it? Then switch on
Message Content Intent on the page Bot."""


def ask_discord(draft: Draft, terminal: Terminal) -> None:
    """The token. What is there is tried, and kept unless another is wished for."""
    if not _is_wished(draft, terminal, "discord", "discord.token"):
        return
    terminal.tell(_DISCORD)
    while token := terminal.secret("Bot token (it is not shown; Enter: none for now): ").strip():
        content = draft.settings().discord.message_content
        answers: dict[str, object] = {"discord.token": token}
        if draft.variable("discord.message_content") is None:
            wished = agreed(terminal, _CONTENT, default=content)
            answers |= {"discord.message_content": wished} if wished != content else {}
        if _is_kept(draft, terminal, "discord", answers):
            _invite(draft, terminal)
            return


def ask_slack(draft: Draft, terminal: Terminal) -> None:
    """The tokens, or the bot token and the signing secret where the app is posted to."""
    if not _is_wished(draft, terminal, "slack", "slack.bot_token"):
        return
    settings = draft.settings()
    http = settings.slack.mode == "http"
    manifest = quote(json.dumps(slack_app_manifest(settings), separators=(",", ":")))
    link = f"https://api.slack.com/apps?new_app=1&manifest_json={manifest}"
    terminal.tell(_SLACK.format(link=link))
    terminal.tell((_HTTP if http else _SOCKET) + _INSTALL)
    key, what = (
        ("slack.signing_secret", "Signing secret") if http else ("slack.app_token", "App-level token (xapp-)")
    )
    while token := terminal.secret("Bot token (xoxb-; it is not shown; Enter: none for now): ").strip():
        answers: dict[str, object] = {"slack.bot_token": token}
        if draft.variable(key) is None:
            answers[key] = terminal.secret(f"{what}: ").strip() or None
        if _is_kept(draft, terminal, "slack", answers):
            return


def _is_wished(draft: Draft, terminal: Terminal, platform: str, key: str) -> bool:
    """Whether a token is to be asked for; one that is there is tried first."""
    section = getattr(draft.settings(), platform)
    if getattr(section, key.partition(".")[2]) is None:
        return agreed(terminal, f"\n{platform.capitalize()}: shall people talk with it there?", default=False)
    good = _is_good(draft, terminal, platform, {})
    if variable := draft.variable(key):
        terminal.tell(f"Its token is the one of {variable} in the environment.")
        return False
    return agreed(terminal, f"Another token for {platform.capitalize()}?", default=not good)


def _is_kept(draft: Draft, terminal: Terminal, platform: str, answers: Mapping[str, object]) -> bool:
    """Whether these do, or are to be kept though they do not."""
    good = _is_good(draft, terminal, platform, answers)
    if good or agreed(terminal, "Keep it all the same?", default=False):
        draft.put(answers)
        return True
    terminal.tell("Once more, then.")
    return False


def _is_good(draft: Draft, terminal: Terminal, platform: str, answers: Mapping[str, object]) -> bool:
    """Whether a platform takes them: what `everbot doctor` finds is shown."""
    try:
        findings = asyncio.run(check_platforms(draft.settings(answers), platform))
    except EverbotError as error:
        findings = [(False, platform.capitalize(), str(error))]
    for finding in findings:
        terminal.tell(line_of(finding))
    return all(good for good, _, _ in findings)


def _invite(draft: Draft, terminal: Terminal) -> None:
    try:
        url, _ = asyncio.run(discord_invite_url(draft.settings()))
    except EverbotError as error:
        terminal.tell(line_of((False, "Discord", str(error))))
        return
    terminal.tell(f"Let it into your server: open {url}")
