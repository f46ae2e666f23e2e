"""A persona that is unfit for minors speaks where the platform lets in none but adults."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import App
from bot.events import Command, origin_of
from bot.personas.definition import Definition, Policies
from tests.acceptance.on_discord import answer, mention, replies, texts
from tests.acceptance.test_crisis import kind
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import opened
from tests.fakes.town import Town

ONLY = "is for adults only"


async def make(app: App, name: str, community: str = "") -> None:
    """Such a persona, bound to a community."""
    definition = Definition(policies=Policies(unfit_for_minors=True))
    async with app.memory.store.write() as session:
        texts = [app.personas.text("I am worldly.")]
        persona = await app.personas.create(session, name, texts, definition=definition)
        if community:
            await session.personas.bind(community, community, persona.id, app.clock.now())


async def test_on_discord_it_speaks_in_age_restricted_channels_alone(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    hall, late = server.channel(guild, "hall"), server.channel(guild, "late", nsfw=True)
    thread = server.thread(late, "later", ada)
    async with Town(tmp_path, answer, discord=server) as town:
        await make(town.app, "rake", f"discord:{guild.id}")
        await mention(server, ada, hall, "Hello there")
        assert ONLY in replies(server, hall)[0]
        for place, text in ((late, "Good evening"), (thread, "and here")):
            await server.say(ada, place, f"{server.bot.mention} {text}")
            said = f"You said: {text}"  # under the persona's own name
            await server.until(
                lambda place=place, said=said: said in [m.content for m in server.messages(place)]
            )  # type: ignore[misc]
        picked = await server.slash(ada, server.dm(ada), "persona pick", {"name": "rake"})
        assert ONLY in picked.text
    assert texts(town) == ["Good evening", "and here"]


@pytest.mark.parametrize("vouched", ["parlour:ada", "parlour:guild"])
async def test_elsewhere_it_speaks_where_the_operator_vouches(tmp_path: Path, vouched: str) -> None:
    async with opened(tmp_path, kind, safety={"adults": [vouched]}) as house:
        await make(house.app, "rake")
        home = {"community": "parlour:guild"} if vouched == "parlour:guild" else {}
        [reply] = await house.tell(house.message("ada", "hello", persona="rake", **home))
        assert reply.text == "I am here."
        event = house.message("bob", "my secret wish", persona="rake")
        view = await house.app.inbound.submit(event)
        assert view is not None
        assert ONLY in view.text
        assert await house.stored(event) is None
        told = await house.app.inbound.invoke(
            Command(**origin_of(event), command="heartbeat", argument="now")
        )
        assert ONLY in told.text
        assert house.rows("SELECT count(*) FROM inbox WHERE payload LIKE '%secret wish%'") == [(0,)]
