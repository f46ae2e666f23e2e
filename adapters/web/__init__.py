"""The web chat: people talk with their agents on the page. What is shown there is `bot.web.chat`'s."""
