"""Discord, through discord.py: events in, posts out.

`adapter` connects and sends; `reading` makes events of what Discord tells (pure); `commands` shows commands
as slash commands, buttons and modals; `invite` knows which permissions it needs.
"""
