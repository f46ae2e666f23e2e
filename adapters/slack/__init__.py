"""Slack, through Bolt: events in, posts out.

`adapter` connects and hears; `posting` sends, and finds what was sent; `reading` makes events of what Slack
tells (pure); `views` shows commands' answers, App Home and forms; `manifest` is the app's description.
"""
