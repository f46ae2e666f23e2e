"""Whose an account is: two users that turn out to be one person, and an account that starts anew."""

from __future__ import annotations

from bot.agent.forgetting import Forgetting
from bot.delivery.mailboxes import Mailboxes
from bot.people.allowance import Allowance
from bot.people.identities import Identities
from bot.runtime import Runtime
from memory.records import User


class Accounts:
    """What becomes of agents and memory when accounts change hands."""

    def __init__(
        self,
        runtime: Runtime,
        mailboxes: Mailboxes,
        identities: Identities,
        allowance: Allowance,
        forgetting: Forgetting,
    ) -> None:
        self._store, self._indexer, self._clock = runtime.store, runtime.indexer, runtime.clock
        self._mailboxes = mailboxes
        self._identities = identities
        self._allowance = allowance
        self._forgetting = forgetting

    async def join(self, keep: User, other: User) -> None:
        """Two users are one person: per persona the older agent takes over what the younger one holds."""
        async with self._store.read() as session:
            ours = {agent.persona_id: agent for agent in await session.agents.agents_of(keep.id)}
            theirs = {agent.persona_id: agent for agent in await session.agents.agents_of(other.id)}
        agents = [*ours.values(), *theirs.values()]
        async with self._mailboxes.still(*(agent.id for agent in agents)):
            now = self._clock.now()
            async with self._store.write() as session:
                for persona, agent in theirs.items():
                    mine = ours.get(persona)
                    if mine is None:
                        await session.agents.give(agent.id, keep.id)
                        continue
                    older, younger = sorted((mine, agent), key=lambda a: a.id)
                    for waste in await session.wastebasket.of(
                        younger.id
                    ):  # it would go without being scrubbed
                        await self._forgetting.empty(session, waste)
                    await session.joining.join(older, younger, now)
                    await session.agents.give(older.id, keep.id)
                for account in await session.agents.accounts_of(other.id):
                    await session.agents.move_account(account, keep.id)
            for agent in agents:
                self._identities.forget(agent.id)
                self._indexer.reread(agent)

    async def separate(self, account: str, name: str) -> None:
        """The account is a new, empty user's from now on."""
        async with self._store.read() as session:
            before = await session.agents.user_of(account)
        assert before is not None
        await self._allowance.separating(account, before.id)
        async with self._store.write() as session:
            user = await session.agents.create_user(account, name, before.timezone, self._clock.now())
            await session.agents.set_language(user.id, before.language)
            await session.agents.set_locale(user.id, before.locale)
            await session.agents.set_keeps_secrets(user.id, before.keeps_secrets)
            agents = await session.agents.agents_of(before.id)
        for agent in agents:
            self._identities.forget(agent.id)
