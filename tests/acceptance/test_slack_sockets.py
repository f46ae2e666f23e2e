"""Slack tells each event over any of an app's sockets, or posts it to an address behind which any gateway may answer:
several gateways have a socket each, or one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.slack.adapter import SlackAdapter
from bot.backends.platforms import platforms
from bot.ports import Adapter, Clock, Inbound
from bot.settings import Settings
from tests.acceptance.crowd import tell
from tests.acceptance.slack_stage import with_slack
from tests.acceptance.test_discord_shards import live
from tests.fakes.leases import Office
from tests.fakes.ports import free_port
from tests.fakes.slack_delivery import Envelope
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town

PACE = Pace(post_s=0.0)


class Gateways:
    """`bot.ports.Adapter`: several gateways before one everbot, which posts through the first that is alive."""

    platform = SlackAdapter.platform
    several = True

    def __init__(self, settings: Settings, clock: Clock, office: Office) -> None:
        self.desks = [office.desk(), office.desk()]
        self.ports = [free_port() for _ in self.desks]
        each = [listening(settings, port) for port in self.ports]
        made = [platforms(one, clock)[0] for one in each]
        self.gateways = [each for each in made if isinstance(each, SlackAdapter)]
        self.lives: list[asyncio.Task[None]] = []

    async def run(self, inbound: Inbound) -> None:
        async with asyncio.TaskGroup() as self.group:
            self.inbound = inbound
            self.lives = live(self.group, inbound, self.gateways, self.desks)

    async def begin_anew(self, number: int, office: Office) -> None:
        """As when it comes to lead: with another everbot around it."""
        await self.kill(number, office)
        self.desks[number] = office.desk()
        [self.lives[number]] = live(self.group, self.inbound, [self.gateways[number]], [self.desks[number]])

    async def kill(self, number: int, office: Office) -> None:
        self.desks[number].dead = True
        self.lives[number].cancel()
        await asyncio.wait([self.lives[number]])
        office.buried(self.desks[number])

    def ready(self) -> str | None:
        alive = [g.ready() for g, desk in zip(self.gateways, self.desks, strict=True) if not desk.dead]
        return next(filter(None, alive), None)

    def __getattr__(self, name: str) -> Any:
        alive = next(g for g, desk in zip(self.gateways, self.desks, strict=True) if not desk.dead)
        return getattr(alive, name)


def listening(settings: Settings, port: int) -> Settings:
    slack = settings.slack.model_copy(update={"listen": f"127.0.0.1:{port}"})
    return settings.model_copy(update={"slack": slack})


def town_of(folder: Path, slack: SlackServer, **more: object) -> tuple[Town, Office]:
    office = Office()

    def made(settings: Settings, clock: Clock) -> list[Adapter]:
        return [Gateways(settings, clock, office)]  # type: ignore[list-item]

    return with_slack(Town(folder, slack=slack, adapters=made), **more), office


@asynccontextmanager
async def one_socket(folder: Path, pace: Pace = PACE) -> AsyncIterator[tuple[SlackServer, Gateways, Office]]:
    """Two gateways, of which one has it."""
    async with SlackServer(pace=pace) as slack:
        town, office = town_of(folder, slack, sockets=1)
        async with town:
            (gateways,) = town.adapters
            assert isinstance(gateways, Gateways)
            await slack.until(lambda: slack.connections == 1)
            yield slack, gateways, office


async def test_one_gateway_has_the_socket_and_the_other_takes_it(tmp_path: Path) -> None:
    async with one_socket(tmp_path) as (slack, gateways, office):
        ada = slack.user("ada")
        assert await tell(slack, ada, slack.im(ada), "Hello") == "You said: Hello"
        holder = next(number for number in (0, 1) if office.numbers(gateways.desks[number]))
        await gateways.kill(holder, office)
        await slack.until(lambda: slack.connections == 0)
        assert await tell(slack, ada, slack.im(ada), "Still there?") == "You said: Still there?"
        assert slack.connections == 1


async def test_a_gateway_that_comes_to_lead_takes_the_socket(tmp_path: Path) -> None:
    async with one_socket(tmp_path) as (slack, gateways, office):
        ada = slack.user("ada")
        holder = next(number for number in (0, 1) if office.numbers(gateways.desks[number]))
        await gateways.begin_anew(1 - holder, office)
        await gateways.kill(holder, office)
        assert await tell(slack, ada, slack.im(ada), "Hello") == "You said: Hello"


async def test_a_socket_that_is_lost_is_closed_and_taken_by_another(tmp_path: Path) -> None:
    async with one_socket(tmp_path) as (slack, gateways, office):
        ada = slack.user("ada")
        first = slack.delivery.links[0]
        office.lose(next(desk for desk in gateways.desks if office.numbers(desk)))
        await slack.until(lambda: slack.connections == 1 and slack.delivery.links[0] is not first)
        assert await tell(slack, ada, slack.im(ada), "Hello") == "You said: Hello"


async def test_what_one_did_not_hear_is_read_by_who_has_the_socket_next_even_if_it_had_it_a_moment_ago(
    tmp_path: Path,
) -> None:
    pace = Pace(ack_s=0.1, retry_s=(), post_s=0.0)  # what is not acknowledged is not told again
    async with one_socket(tmp_path, pace) as (slack, gateways, office):
        ada = slack.user("ada")
        assert await tell(slack, ada, slack.im(ada), "Hello") == "You said: Hello"
        first = slack.delivery.links[0]
        before = next(number for number in (0, 1) if office.numbers(gateways.desks[number]))
        office.lose(gateways.desks[before])
        await slack.until(lambda: slack.connections == 1 and slack.delivery.links[0] is not first)
        holder = next(number for number in (0, 1) if office.numbers(gateways.desks[number]))
        assert await tell(slack, ada, slack.im(ada), "Hello, you") == "You said: Hello, you"
        slack.delivery.links[0].deaf = True
        await slack.say(ada, slack.im(ada), "Do you hear?")
        await slack.until(lambda: slack.envelopes[-1].abandoned)
        await gateways.kill(holder, office)
        await slack.until(
            lambda: "You said: Do you hear?" in [one["text"] for one in slack.answers(slack.im(ada))]
        )


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_events_come_over_either_socket_and_are_answered_once(tmp_path: Path, reason: str) -> None:
    async with SlackServer(pace=Pace(ack_s=1.0, retry_s=(0.0,) * 20, post_s=0.0)) as slack:
        people = [slack.user(name) for name in ("ada", "bob", "cyd", "dan")]
        town, _ = town_of(tmp_path, slack, sockets=2)
        async with town:
            await slack.until(lambda: slack.connections == 2)
            first = tuple(slack.delivery.links)
            for number, person in enumerate(people):
                assert await tell(slack, person, slack.im(person), f"n{number}") == f"You said: n{number}"
            # One hears, and says nothing any more: what went to it is told again, over the other.
            first[0].deaf = True
            for number, person in enumerate(people):
                await slack.say(person, slack.im(person), f"again {number}")
            for number, person in enumerate(people):
                await slack.until(
                    lambda number=number, person=person: (
                        f"You said: again {number}"
                        in [answer["text"] for answer in slack.answers(slack.im(person))]
                    )
                )
            await slack.disconnect(reason)
            await slack.until(lambda: slack.connections == 2 and not set(first) & set(slack.delivery.links))
            for number, person in enumerate(people):
                assert (
                    await tell(slack, person, slack.im(person), f"anew {number}")
                    == f"You said: anew {number}"
                )
        assert any(len(envelope.attempts) > 1 for envelope in slack.envelopes)
        for person in people:
            texts = [answer["text"] for answer in slack.answers(slack.im(person))]
            assert len(texts) == len(set(texts)) == 3


async def test_events_that_are_posted_to_either_gateway_are_answered_once(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(retry_s=(0.0,) * 20, post_s=0.0)) as slack:
        ada = slack.user("ada")
        town, office = town_of(tmp_path, slack, mode="http")
        async with town:
            (gateways,) = town.adapters
            assert isinstance(gateways, Gateways)
            for word in ("one", "two", "three"):
                for port in gateways.ports:
                    slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
                    text = f"{word} at {gateways.ports.index(port)}"
                    assert await tell(slack, ada, slack.im(ada), text) == f"You said: {text}"
                    # The balancer did not hear the answer, and asks the other one.
                    other = next(one for one in gateways.ports if one != port)
                    slack.deliver_to(f"http://127.0.0.1:{other}/slack/events")
                    again = Envelope(kind="events_api", payload=slack.envelopes[-1].payload)
                    slack.delivery.start(again)
                    await slack.until(lambda again=again: again.ack)
            await gateways.kill(0, office)
            slack.deliver_to(f"http://127.0.0.1:{gateways.ports[1]}/slack/events")
            assert await tell(slack, ada, slack.im(ada), "Still there?") == "You said: Still there?"
            await town.app.inbound.settled()
        texts = [answer["text"] for answer in slack.answers(slack.im(ada))]
        assert len(texts) == len(set(texts)) == 7


async def test_a_command_that_is_typed_and_posted_to_both_is_obeyed_once(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(retry_s=(0.0,) * 20, post_s=0.0)) as slack:
        ada = slack.user("ada")
        town, _ = town_of(tmp_path, slack, mode="http")
        async with town:
            (gateways,) = town.adapters
            assert isinstance(gateways, Gateways)
            slack.deliver_to(f"http://127.0.0.1:{gateways.ports[0]}/slack/events")
            for word in ("one", "two", "three"):
                await tell(slack, ada, slack.im(ada), word)
            await slack.say(ada, slack.im(ada), "!pop")
            typed = slack.envelopes[-1].payload
            await slack.until(lambda: len(slack.ephemeral(slack.im(ada), ada)) == 1)
            for port in reversed(gateways.ports):
                slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
                again = Envelope(kind="events_api", payload=typed)
                slack.delivery.start(again)
                await slack.until(lambda again=again: again.ack)
            async with town.app.memory.store.read() as session:
                [agent] = await session.agents.agents()
                assert len(await session.mailbox.turns_of(agent.id)) == 2
        assert len(slack.ephemeral(slack.im(ada), ada)) == 1
