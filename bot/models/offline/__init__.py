"""The model used when none is configured: a rule-based stand-in behind the same port.

It notes, corrects, searches and answers by fixed rules in English, through the same tools and the same
loop as a language model. It is for trying and testing everbot.

`bot.models.transcript` reads the request; `turn` decides what comes next for a person, `reflection` for a
heartbeat, `summary` for the summarizer. The rest are rules about English: `words`, `persons`, `facts`,
`profile`, `questions`, `answers`, `reminders`, `smalltalk`.
"""

from __future__ import annotations

from bot.models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
