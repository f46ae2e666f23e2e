"""What of the adapter is there while it runs, put together once Slack has told who we are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from adapters.faults import fault
from adapters.hosts import Hosts
from adapters.slack.answering import Answering, Answers
from adapters.slack.attachments import Attachments
from adapters.slack.chores import Chores
from adapters.slack.context import Context
from adapters.slack.door import Door, Listener
from adapters.slack.hearing import Hearing, Surroundings
from adapters.slack.history import History
from adapters.slack.options import Options
from adapters.slack.order import Order
from adapters.slack.people import People
from adapters.slack.places import Places
from adapters.slack.posting import Posting
from adapters.slack.reading import Workspace
from adapters.slack.responses import Responses
from adapters.slack.work import Work
from adapters.text import spelling
from adapters.wire import Json, text
from bot.ports import Clock, Inbound

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Link:
    """What everything stands on: ``us`` in a workspace, the ways to ask of it, and where what is heard goes."""

    options: Options
    clock: Clock
    hosts: Hosts
    session: aiohttp.ClientSession
    client: AsyncWebClient
    chores: Chores
    us: Workspace
    inbound: Inbound


@dataclass(frozen=True, kw_only=True)
class Rooms:
    link: Link
    door: Door
    hearing: Hearing
    history: History
    posting: Posting
    work: Work


def furnished(link: Link, opened: asyncio.Event, recover: Callable[[], Awaitable[None]]) -> Rooms:
    """``opened`` and ``recover`` are as `Order` takes them."""
    options, client, chores = link.options, link.client, link.chores
    places = Places(client)
    people = People(client, chores, places, link.clock)
    spelled = spelling([spec.name for spec in link.inbound.commands], "/everbot ")
    posting = Posting(client, link.clock, options.post_interval_s, spelled)
    work = Work(client, chores)
    surroundings = Surroundings(
        people=people,
        places=places,
        context=Context(client, link.us, people, link.clock, options.context_lines),
        attachments=Attachments(
            client,
            link.session,
            link.hosts,
            link.clock,
            options.bot_token,
            vision=options.vision,
            hearing=options.hearing,
        ),
        posting=posting,
        work=work,
        chores=chores,
    )
    hearing = Hearing(link.us, link.inbound, Order(chores, link.clock, opened, recover), surroundings)
    responses = Responses(link.session, link.hosts)
    answers = Answers(
        client=client,
        posting=posting,
        responses=responses,
        chores=chores,
        spelled=spelled,
        clock=link.clock,
    )
    answering = Answering(link.us, link.inbound, answers, people, places)
    return Rooms(
        link=link,
        door=Door(_listeners(link, hearing, answering, surroundings), _bolt(link, answering)),
        hearing=hearing,
        history=History(client, link.clock, link.hosts, link.us, places, options.catch_up),
        posting=posting,
        work=work,
    )


def _listeners(
    link: Link, hearing: Hearing, answering: Answering, surroundings: Surroundings
) -> Mapping[str, Listener]:
    """Who hears of what, by the types of events (docs.slack.dev, "Events API")."""
    people, work = surroundings.people, surroundings.work

    async def opened(event: Json, _: object) -> None:
        user, channel = text(event.get("user")), text(event.get("channel"))
        if event.get("tab") == "home" and user:
            await answering.publish(user)
        elif channel:
            link.chores.begin(suggest(channel, user))

    async def suggest(channel: str, user: str) -> None:
        await work.suggest(channel, await people.locale(user) if user else "")

    async def gone(event: Json, _: object) -> None:
        log.error("Slack: %s: this workspace no longer wants the app.", event["type"])
        if event["type"] == "app_uninstalled":
            await link.inbound.submit(link.us.presence(link.clock.now(), here=False))

    return {
        "message": hearing.message,
        "app_mention": hearing.message,
        "reaction_added": lambda event, _: hearing.reaction(event),
        "agent_session_stopped": lambda event, _: hearing.stop(event),
        "app_home_opened": opened,
        "app_uninstalled": gone,
        "tokens_revoked": gone,
    }


def _bolt(link: Link, answering: Answering) -> AsyncApp:
    """Takes commands, buttons and forms. That they are Slack's was looked at before, or the connection is ours."""
    us = link.us
    known = AuthorizeResult(
        enterprise_id=None,
        team_id=us.team,
        bot_user_id=us.user,
        bot_id=us.bot,
        bot_token=link.options.bot_token,
    )

    async def authorize() -> AuthorizeResult:
        return known  # without it Bolt asks auth.test, and acknowledges what it could not check

    # Bolt would make the token its client's own, and ask with retries: it gets a client that does neither.
    client = AsyncWebClient(base_url=link.options.api_url, session=link.session, retry_handlers=[])
    app = AsyncApp(
        name="everbot",  # else it reads its callers' source to find one
        logger=logging.getLogger(
            "slack_bolt"
        ),  # else its loggers take the level of ours, and show whole requests
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
    )
    answering.listen(app)
    app.error(_failed)
    return app


async def _failed(error: Exception) -> None:
    log.error("Slack: an interaction could not be handled (%s)", fault(error))
