"""A reflection on what was imported: reads it in batches and proposes what should be kept. It writes nothing itself:
the person accepts or refuses each proposal (`bot.commands.findings`).

What a request may take is booked before it is asked, and what it did not take is given back after: however this ends,
no more than the budget is spent, and the next run goes on where this one was.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot import prompts
from bot.agent.window import Window
from bot.errors import AllowanceUsed, ModelError, ModelOverflow, ModelRefused, ModelUnavailable
from bot.events import LOCAL, platform_of
from bot.people.allowance import Allowance
from bot.ports import ChatModel, ModelReply, ModelRequest
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import (
    IMPORTED_TURN,
    PRIVATE,
    Agent,
    Finding,
    Import,
    Message,
    Role,
    Turn,
    TurnState,
    Usage,
    scope_range,
)
from memory.search.excerpts import one_line
from memory.search.terms import digest_words

log = logging.getLogger(__name__)

_ROWS = 100  # messages that are looked at for one batch
_TOKENS = 3_000  # of a batch
_SHARE = 0.4  # of the window's room that it may take
_MINE, _BOTS = 300, 60  # tokens of a line that the person said, and of one that the bot did
_REPLY = 3_000  # tokens of an answer, with the thoughts of a model that reasons
_TYPICAL = 400  # ... and what it mostly takes
_PROMPT = 700  # ... of the instructions, and of what is known
_FOUND = 8  # proposals of a batch
_LONGEST = 300  # characters of a proposal
_KNOWN = 1_500  # characters of what is known
_UNSURE = 1.5  # times as many tokens as we count that a request may take, until a server has told
_FINDING = re.compile(r"^\W*(core|note)\W+m?(\d{1,10})\W*?:\s*(\S.*)$", re.IGNORECASE)


@dataclass
class Progress:
    """How far it is: messages read and in all, tokens spent and allowed, proposals so far; ``stopped`` says why it has
    not come to the end, empty where it has."""

    read: int
    messages: int
    spent: int
    budget: int
    found: int = 0
    stopped: str = ""


class ImportReflection:
    """``model`` is who thinks when nobody waits."""

    def __init__(self, runtime: Runtime, model: ChatModel, window: Window, allowance: Allowance) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._model = model
        self._window = window
        self._allowance = allowance
        self._ratio = _UNSURE

    async def estimate(self, agent: Agent) -> tuple[int, int]:
        """How many messages are unread, and about how many tokens reading them takes."""
        messages = tokens = 0
        async with self._store.read() as session:
            for imported in await session.imports.all(agent.id):
                unread = await session.imports.count_unread(imported)
                some = await session.imports.unread(imported, _ROWS)
                each = sum(self._window.count(self._line(row, ZoneInfo("UTC"))) for row in some) / max(
                    1, len(some)
                )
                batches = unread * each / _TOKENS + (unread > 0)
                messages += unread
                tokens += int(unread * each + batches * (_PROMPT + _TYPICAL))
        return messages, tokens

    async def run(
        self, agent: Agent, budget: int, progress: Callable[[Progress], None] = lambda progress: None
    ) -> Progress:
        """Read what is unread of all that the agent's person imported, until the end or until ``budget`` tokens are
        spent on it, with those of earlier runs."""
        async with self._store.read() as session:
            imports = await session.imports.all(agent.id)
            unread = sum([await session.imports.count_unread(imported) for imported in imports])
        done = Progress(0, unread, sum(imported.spent for imported in imports), budget)
        for imported in imports:
            while not done.stopped and await self._batch(agent, imported.name, done):
                progress(done)
        return done

    async def _batch(self, agent: Agent, name: str, done: Progress) -> bool:
        """Read the next messages of an import; False when there are none, or they are not read now."""
        async with self._store.read() as session:
            imported = next((i for i in await session.imports.all(agent.id) if i.name == name), None)
            rows = await session.imports.unread(imported, _ROWS) if imported else []
            user = await session.agents.user(agent.user_id)
            accounts = await session.agents.accounts_of(agent.user_id)
            known = await _known(session, agent)
        if imported is None or not rows:
            return False
        limited = not any(platform_of(account) == LOCAL for account in accounts)
        rows = self._fitting(rows, ZoneInfo(user.timezone))
        while True:
            request = self._request(agent, rows, known, ZoneInfo(user.timezone))
            counted = self._window.in_json(
                json.dumps([dict(m) for m in request.messages], ensure_ascii=False)
            )
            bound = int(counted * self._ratio) + (request.max_tokens or 0)
            if done.spent + bound > done.budget:
                if len(rows) > 1:
                    rows = rows[: len(rows) // 2]
                    continue
                done.stopped = "the budget is used up"
                return False
            try:
                reply = await self._ask(imported, request, bound, done, limited=limited)
            except ModelOverflow as error:
                if len(rows) == 1:
                    done.stopped = str(error)
                    return False
                rows = rows[: len(rows) // 2]
                continue
            except ModelRefused as error:
                log.warning("agent %s: %d imported messages are passed over: %s", agent.id, len(rows), error)
                reply = None
            except AllowanceUsed:
                done.stopped = "the tokens that a day allows ([limits]) are used up; go on tomorrow"
                return False
            except ModelError as error:
                done.stopped = str(error)
                return False
            break
        usage = self._usage(reply, counted)
        found = _findings(reply.text, rows, imported, known) if reply else []
        await self._commit(agent, imported, rows, found, usage, bound if reply else 0)
        done.spent += usage.total - (bound if reply else 0)
        done.read += len(rows)
        done.found += len(found)
        return True

    async def _ask(
        self, imported: Import, request: ModelRequest, bound: int, done: Progress, *, limited: bool
    ) -> ModelReply:
        """The answer, with ``bound`` tokens booked for it; they are given back where it was not asked, or failed."""
        async with self._store.read() as session:
            agent = await session.agents.agent(imported.agent_id)
        assert agent is not None
        await self._spend(imported, bound, done)
        try:
            async with self._allowance.reserved(agent.user_id, bound, limited=limited) as bill:
                reply = await self._model.complete(request)
                self._allowance.charge(bill, self._model.name, reply.usage)
                bill.took = reply.usage.total or bound
                return reply
        except ModelUnavailable as error:
            if not error.timed_out:  # else it may have been thought about, and is to be paid
                await self._spend(imported, -bound, done)
            raise
        except (ModelError, AllowanceUsed):
            await self._spend(imported, -bound, done)
            raise

    async def _spend(self, imported: Import, tokens: int, done: Progress) -> None:
        async with self._store.write() as session:
            await session.imports.spend(imported, tokens)
        done.spent += tokens

    async def _commit(
        self,
        agent: Agent,
        imported: Import,
        rows: Sequence[Message],
        found: Sequence[Finding],
        usage: Usage,
        bound: int,
    ) -> None:
        now = self._clock.now()
        async with self._store.write() as session:
            if usage.total:
                turn = Turn(
                    id=uuid4().hex,
                    agent_id=agent.id,
                    conversation_id=rows[0].conversation_id,
                    kind=IMPORTED_TURN,
                    state=TurnState.DONE,
                    steps=1,
                    started_at=now,
                )
                await session.imports.add_turns([turn])
                await session.mailbox.commit_step(turn.id, 0, self._model.name, usage, now, agent_id=agent.id)
            await session.imports.spend(imported, usage.total - bound)
            await session.imports.note_read(imported, rows[-1].key, found)
        self._allowance.booked(agent.user_id, usage.total)

    def _usage(self, reply: ModelReply | None, counted: int) -> Usage:
        """What was taken; by our own count where the server does not say."""
        if reply is None:
            return Usage()
        if not reply.usage.prompt:
            return Usage(prompt=counted, completion=self._window.count(reply.text))
        # Of how far off our count is, the most is remembered: the budget is a bound.
        off = reply.usage.prompt / max(1, counted * reply.requests)
        self._ratio = max(1.0, 1.1 * off) if self._ratio == _UNSURE else max(self._ratio, 1.1 * off)
        return reply.usage

    def _fitting(self, rows: Sequence[Message], zone: ZoneInfo) -> list[Message]:
        """As many as one batch takes."""
        room = min(_TOKENS, int(self._window.room * _SHARE))
        for number, row in enumerate(rows):
            room -= self._window.count(self._line(row, zone)) + 1
            if room < 0 and number:
                return list(rows[:number])
        return list(rows)

    def _request(
        self, agent: Agent, rows: Sequence[Message], known: Sequence[str], zone: ZoneInfo
    ) -> ModelRequest:
        told = "\n".join(f"- {line}" for line in known)[:_KNOWN]
        system = prompts.read("moving_in").format(
            program=rows[0].origin, most=_FOUND, known=told or "(nothing)"
        )
        lines = "\n".join(self._line(row, zone) for row in rows)
        return ModelRequest(
            key=f"import/{agent.id}/{rows[0].key}/{len(rows)}",
            messages=[{"role": "system", "content": system.strip()}, {"role": "user", "content": lines}],
            tool_choice="none",
            max_tokens=min(_REPLY, self._window.room // 4),
        )

    def _line(self, row: Message, zone: ZoneInfo) -> str:
        text = one_line(row.text)
        shown = self._window.fit(text, _MINE if row.role is Role.USER else _BOTS)
        who = one_line(row.author) + ("" if row.role is Role.USER else " (the bot)")
        more = " …" if len(shown) < len(text) else ""
        return f"{_id(row)} {row.created_at.astimezone(zone):%Y-%m-%d} {who}: {shown}{more}"


def _id(row: Message) -> str:
    return f"m{row.key - scope_range(row.key >> 32)[0]}"


async def _known(session: Session, agent: Agent) -> list[str]:
    """Lines of core memory, and what is proposed already, the newest last."""
    blocks = await session.blocks.visible(agent, PRIVATE)
    lines = [line.strip() for block in blocks if block.label == "human" for line in block.value.splitlines()]
    proposed = [finding.text for finding in await session.imports.findings(agent.id)]
    return [line for line in [*lines, *proposed] if line]


def _findings(text: str, rows: Sequence[Message], imported: Import, known: Sequence[str]) -> list[Finding]:
    """What the answer proposes, of lines that it was shown."""
    shown = {_id(row): row for row in rows}
    said = {digest_words(line) for line in known}
    found: list[Finding] = []
    for line in text.splitlines():
        match = _FINDING.match(line)
        row = shown.get(f"m{int(match[2])}") if match else None
        told = one_line(match[3])[:_LONGEST].strip() if match else ""
        if match is None or row is None or digest_words(told) in said or len(found) == _FOUND:
            continue
        said.add(digest_words(told))
        found.append(
            Finding(
                id=0,
                agent_id=imported.agent_id,
                import_name=imported.name,
                core=match[1].casefold() == "core",
                text=told,
                turn_id=row.turn_id,
                origin=row.author if row.role is Role.ASSISTANT else "",
                said_at=row.created_at,
            )
        )
    return found
