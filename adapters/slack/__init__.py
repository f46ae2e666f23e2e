"""Slack, through its SDK and Bolt: events in, posts out.

`adapter` connects, by `socket_mode` or `http_mode`; what Slack tells comes in at the `door`. Events go to `hearing`, in
their `order`, with what is read (`reading`, of `content`, `blocks` and `markup`: pure) and asked (`people`, `places`,
`context`, `attachments`, `history`) for them; commands, buttons and forms to `answering`, which shows `views` and sends
`responses`. `posting` sends, and finds what was sent; `work` shows that an answer is on its way; `chores` are what
nobody waits for. `rooms` puts all of them together. `manifest` is the app's description, `checking` tells what of it
lacks.
"""
