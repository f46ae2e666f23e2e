"""Where a persona may speak that is unfit for minors: where the platform lets in none but adults, or as the
operator vouches.

Discord tells of age-restricted channels (`nsfw` of its "Channel Object") and their threads; of who writes a direct
message it tells no age. Slack tells neither.
"""

from __future__ import annotations

from collections.abc import Collection

from bot.events import LOCAL, Origin, platform_of
from bot.language import gettext, marked
from bot.personas.definition import Definition

_ADULTS = marked(
    "{persona} is for adults only, and speaks where the platform lets in none but adults: on Discord in age-restricted "
    "channels."
)


class Adults:
    """``vouched`` are accounts, communities and channels of which the operator knows that all there are adults."""

    def __init__(self, vouched: Collection[str]) -> None:
        self._vouched = frozenset(vouched)

    def why_not(self, persona: str, definition: Definition, who: Origin) -> str:
        """What the person is told where the persona may not speak; empty where it may."""
        if not definition.policies.unfit_for_minors or platform_of(who.account) == LOCAL or who.adults:
            return ""
        if self._vouched & {who.account, who.home, who.channel}:
            return ""
        return gettext(_ADULTS, persona=persona)
