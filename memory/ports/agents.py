"""Users with their accounts, their agents, and the conversations that these hold."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from memory.records import Agent, Audience, Conversation, User


class Agents(Protocol):
    """Lists are oldest first. An id is never given twice; one that is asked for by `user` or `conversation` must
    exist."""

    async def user_of(self, account: str) -> User | None: ...
    async def create_user(self, account: str, name: str, timezone: str, now: datetime) -> User:
        """A new user, whose the account is from now on."""
        ...

    async def user(self, user_id: int) -> User: ...
    async def agent(self, agent_id: int) -> Agent | None: ...
    async def agent_of(self, user_id: int, persona_id: int) -> Agent | None:
        """A user has one agent of a persona, at most."""
        ...

    async def agent_named(self, name: str) -> Agent | None: ...
    async def agents(self) -> list[Agent]: ...
    async def agents_of(self, user_id: int) -> list[Agent]: ...
    async def users_under(self, prefix: str, since: datetime | None, before: datetime) -> list[User]:
        """Those all of whose accounts begin so, and who came in that time (from the beginning, for None)."""
        ...

    async def agents_under(self, prefix: str) -> list[int]:
        """The ids of all agents whose names begin so."""
        ...

    async def give(self, agent_id: int, user_id: int) -> None:
        """The agent is that user's from now on."""
        ...

    async def accounts_of(self, user_id: int) -> list[str]:
        """In alphabetical order."""
        ...

    async def add_account(self, account: str, user_id: int) -> None:
        """Another account of the user, which is nobody's yet."""
        ...

    async def move_account(self, account: str, user_id: int) -> None:
        """The account is that user's from now on. A user with neither account nor agent is deleted; what they
        contributed to lore is then that user's, too."""
        ...

    async def create_agent(self, user_id: int, persona_id: int, name: str, now: datetime) -> Agent:
        """A new agent with an empty archive of its own. ``name`` must be new."""
        ...

    async def delete_agent(self, agent_id: int) -> None:
        """Every row of the agent, in every table, and the user when this was their last agent. Idempotent.

        The keys of its events are known again (`Mailbox.is_forgotten`)."""
        ...

    async def pause(self, agent_id: int, until: datetime | None) -> None: ...
    async def set_timezone(self, user_id: int, timezone: str) -> None: ...
    async def set_language(self, user_id: int, language: str) -> None: ...
    async def set_locale(self, user_id: int, locale: str) -> None: ...
    async def set_keeps_secrets(self, user_id: int, keeps: bool) -> None: ...
    async def seen(self, agent_id: int) -> None:
        """Said before what is kept of an agent in memory is read: how far it was changed by then. Nothing of these
        four costs anything where one process alone writes the database."""
        ...

    async def is_fresh(self, agent_id: int) -> bool:
        """Whether what was kept of the agent since it was `seen` still holds. False: all of it is to be dropped, and
        read anew."""
        ...

    async def touch(self, agent_id: int) -> None:
        """The agent's memory is changed in this unit of work: no other process, and no other unit, changes it before
        this one ends, and what others have thought out on it is refused. Whoever changes messages that are shown,
        or deletes an agent, does it by that."""
        ...

    async def fence(self, agent_id: int) -> None:
        """`touch`, for what was thought out on what is kept in memory. Raises `memory.errors.StaleAgent` when another
        process has changed the agent since `seen`."""
        ...

    async def conversation(self, conversation_id: int) -> Conversation: ...
    async def conversation_at(self, agent_id: int, address: str, audience: Audience) -> Conversation | None:
        """The agent's conversation in a place. A place that others can see now is another conversation:
        what was said before stays with those who could hear it."""
        ...

    async def conversations(self, agent_id: int, *, imported: bool = False) -> list[Conversation]:
        """Where they talk, in the order in which they began; with those that were ``imported``: there may be
        thousands, and nobody talks there."""
        ...

    async def conversations_in(self, community: str) -> list[Conversation]:
        """Of all agents, in public and in restricted places of that community."""
        ...

    async def create_conversation(
        self, agent_id: int, address: str, audience: Audience, now: datetime
    ) -> Conversation:
        """There must be none there of that audience yet."""
        ...

    async def warn(self, conversation_id: int, warned: bool) -> None: ...
    async def show(self, conversation_id: int, edit: int | None) -> None:
        """The conversation's system text shows core memory as it was after that edit (`Blocks.newest_edit`);
        None: it is made anew."""
        ...

    async def name_community(self, community: str, name: str) -> None:
        """What people call it: the last name counts."""
        ...

    async def communities(self) -> dict[str, str]:
        """Names of all whose name is known."""
        ...
