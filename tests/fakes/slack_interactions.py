"""What people do to the app of the fake Slack: slash commands, buttons, modals; and how it answers them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fakes import slack_events as events
from tests.fakes import slack_facts
from tests.fakes.slack_blocks import check_message, check_view, elements, text_of
from tests.fakes.slack_delivery import Delivery, Envelope
from tests.fakes.slack_methods import Methods
from tests.fakes.slack_state import Channel, Json, Refused, Workspace
from tests.fakes.slack_views import Interaction, Views, filled

MOST_USES, LIFE_S = 5, 1800.0
PLACES = {"group": "privategroup", "im": "directmessage"}


class Interactions:
    def __init__(
        self, workspace: Workspace, delivery: Delivery, methods: Methods, views: Views, url: Callable[[], str]
    ) -> None:
        self.workspace, self.delivery, self.methods, self.views = workspace, delivery, methods, views
        self.url = url
        self._by_secret: dict[str, Interaction] = {}
        self.refusals: list[str] = []  # that the next answers by response_url meet

    def _begin(self, user: str, channel: str, origin: Json | None = None) -> Interaction:
        secret = uuid.uuid4().hex
        trigger_id = f"{int(time.time() * 1000)}.{self.workspace.team}.{secret}"
        interaction = Interaction(user=user, channel=channel, trigger_id=trigger_id, origin=origin)
        if channel:
            interaction.response_url = f"{self.url()}/response/{secret}"
            self._by_secret[secret] = interaction
        self.views.arm(interaction)
        return interaction

    async def _send(self, interaction: Interaction, kind: str, payload: Json) -> Interaction:
        """Delivers it and waits for its ack, or until the person is told that it failed."""
        interaction.envelope = envelope = Envelope(kind=kind, payload=payload)
        self.delivery.start(envelope)
        await self.workspace.changes.until(lambda: envelope.done, timeout=None)
        return interaction

    def _common(self, interaction: Interaction, kind: str) -> Json:
        user = self.workspace.users[interaction.user]
        who = {"id": user.id, "username": user.name, "name": user.name, "team_id": self.workspace.team}
        return {
            "type": kind,
            "user": who,
            "api_app_id": self.workspace.app,
            "token": self.delivery.token,
            "trigger_id": interaction.trigger_id,
            "team": {"id": self.workspace.team, "domain": "fake"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    async def slash(self, user: str, channel: str, command: str, text: str) -> Interaction:
        assert "commands" in self.workspace.scopes, "the app has no commands"
        place = self.workspace.channels[channel]
        interaction = self._begin(user, channel)
        payload = {
            "token": self.delivery.token,
            "team_id": self.workspace.team,
            "team_domain": "fake",
            "channel_id": channel,
            "channel_name": PLACES.get(place.kind, place.name),
            "user_id": user,
            "user_name": self.workspace.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": self.workspace.app,
            "is_enterprise_install": "false",
            "response_url": interaction.response_url,
            "trigger_id": interaction.trigger_id,
        }
        await self._send(interaction, "slash_commands", payload)
        if interaction.payload and (interaction.payload.get("text") or interaction.payload.get("blocks")):
            self._show(interaction, interaction.payload)
        return interaction

    async def press(self, user: str, thing: Json, action_id: str, value: str | None) -> Interaction:
        """Presses a button, or picks the option, of a message or a view; ``value`` tells twins apart."""
        block, element = chosen(thing, action_id, value)
        interaction = self._begin(user, thing.get("channel", ""), thing)
        payload = self._common(interaction, "block_actions")
        action = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
        action["action_ts"] = self.workspace.ts()
        if element.get("options"):
            action["selected_option"] = next(o for o in element["options"] if o["value"] == value)
        else:
            action |= {key: element[key] for key in ("text", "value") if key in element}
        payload |= self._origin(interaction, thing)
        return await self._send(interaction, "interactive", {**payload, "actions": [action]})

    def _origin(self, interaction: Interaction, thing: Json) -> Json:
        if thing["type"] in ("home", "modal"):
            return {"container": {"type": "view", "view_id": thing["id"]}, "view": thing}
        place = self.workspace.channels[interaction.channel]
        ephemeral = bool(thing.get("is_ephemeral"))
        container = {"type": "message", "message_ts": thing["ts"], "channel_id": place.id}
        origin: Json = {"container": {**container, "is_ephemeral": ephemeral}, "state": {"values": {}}}
        origin["channel"] = {"id": place.id, "name": PLACES.get(place.kind, place.name)}
        if not ephemeral:
            origin["message"] = thing
        return {**origin, "response_url": interaction.response_url}

    async def submit(self, view: Json, values: dict[str, Any]) -> Interaction:
        """Fills in a modal, by ``action_id``, and submits it; what the ack says of it is done."""
        assert view["type"] == "modal", "only modals can be submitted"
        assert view.get("submit"), "there is no button to submit it"
        user = self.views.owners[view["id"]]
        interaction = self._begin(user, "")
        payload = {**self._common(interaction, "view_submission"), "view": filled(view, values)}
        await self._send(interaction, "interactive", {**payload, "response_urls": []})
        answer = interaction.payload or {}
        if answer.get("response_action") in ("update", "push"):
            old = view["id"] if answer["response_action"] == "update" else None
            interaction.views.append(self.views.keep(check_view(answer["view"], "modal"), user, old))
        return interaction

    async def respond(self, request: web.Request) -> web.Response:
        """Takes what is posted to a ``response_url``: five times, within half an hour."""
        interaction = self._by_secret.get(request.match_info["secret"])
        if interaction is None or time.monotonic() - interaction.born > LIFE_S:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if interaction.uses == MOST_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        if self.refusals:
            return web.Response(status=400, text=self.refusals.pop(0))
        interaction.uses += 1
        try:
            self._show(interaction, await request.json())
        except Refused as refused:
            return web.Response(status=400, text=refused.body["error"])
        return web.Response(text="ok")

    def _show(self, interaction: Interaction, body: Json) -> None:
        self.workspace.problems += slack_facts.responded(body)
        place, origin = self.workspace.channels[interaction.channel], interaction.origin
        if origin is not None and body.get("delete_original"):
            self._remove(place, origin)
        elif origin is not None and body.get("replace_original"):
            self._replace(place, origin, check_message(body))
        else:
            content = {**check_message(body), "bot_id": self.workspace.bot_id, "subtype": "bot_message"}
            if body.get("response_type") == "in_channel":
                reply = self.methods.say(place, content)["message"]
            else:
                seen = {"to": interaction.user, "is_ephemeral": True, "ts": self.workspace.ts()}
                reply = {"type": "message", **content, **seen}
                place.ephemeral.append(reply)
            interaction.replies.append({**reply, "channel": place.id})
        self.workspace.changes.note()

    def _remove(self, place: Channel, origin: Json) -> None:
        if origin.get("is_ephemeral"):
            place.ephemeral = [message for message in place.ephemeral if message["ts"] != origin["ts"]]
        elif origin["ts"] in place.messages:
            self.workspace.delete(place, place.messages[origin["ts"]])
            self.delivery.publish(events.deleted(self.workspace, place, origin))

    def _replace(self, place: Channel, origin: Json, content: Json) -> None:
        seen = [message for message in place.ephemeral if message["ts"] == origin["ts"]]
        for message in seen:
            message.pop("blocks", None)
            message.update(content)
        if not seen and origin["ts"] in place.messages:
            message = place.messages[origin["ts"]]
            before = self.workspace.edit(message, self.workspace.bot, **content)
            self.delivery.publish(events.changed(self.workspace, place, message, before))


def chosen(thing: Json, action_id: str, value: str | None) -> tuple[Json, Json]:
    """The element of that name, and of that value where several share the name."""
    for block in thing.get("blocks", ()):
        for element in elements(block):
            values = [element.get("value"), *(option["value"] for option in element.get("options", ()))]
            if element.get("action_id") == action_id and (value is None or value in values):
                return block, element
    there = [(e.get("action_id"), e.get("value")) for b in thing.get("blocks", ()) for e in elements(b)]
    raise AssertionError(f"no {action_id!r} with {value!r}; there are {there} in {text_of(thing)!r}")
