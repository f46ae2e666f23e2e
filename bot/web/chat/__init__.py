"""The web chat: one talks with one's agent on the page, as one more platform under the same law."""
