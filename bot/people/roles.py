"""Who may change what is everybody's: the owner by configuration, a community's admins, nobody else."""

from __future__ import annotations

from bot.events import LOCAL, Origin, platform_of
from bot.settings import AccessSettings


class Roles:
    """A role is of the one who asks, where they ask: an admin of one community is nobody in another."""

    def __init__(self, rules: AccessSettings) -> None:
        self._rules = rules

    def is_owner(self, who: Origin) -> bool:
        """Whoever sits at the machine, and those whom the configuration names."""
        return platform_of(who.account) == LOCAL or who.account in self._rules.owners

    def is_admin(self, who: Origin) -> bool:
        """Of the community in which they ask, by its platform or by the configuration."""
        if self.is_owner(who):
            return True
        listed = self._rules.admins.get(who.home, ())
        return who.home != "" and (who.admin or who.account in listed)
