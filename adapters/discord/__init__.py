"""Discord, through discord.py: events in, posts out.

`adapter` connects, and sends; `gateway` is discord.py's client, whose readers are told only what `shapes` made fit.
`hearing` takes what is told, each channel's in its `order`, with its `context` and `attachments`; `message` and
`content` know all that a message holds, `people` and `places` who and where, and `reading` makes events of it (pure).
`history` finds what was missed. `posting` and `webhooks` speak, `markup` keeps texts inert; `commands` announces
commands and runs them, `answers` shows what they say. `hosts` knows where requests may go, `invite` which permissions
are asked for, `checking` what `everbot doctor` says.
"""
