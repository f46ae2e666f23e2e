"""The REST side of messages: the bot's own, its webhooks', and its answers to interactions."""

from __future__ import annotations

from tests.fakes.discord_interactions import Interactions
from tests.fakes.discord_records import REPLY, Channel, Message, User, Webhook, sent_at
from tests.fakes.discord_rest import Call, Handlers, route
from tests.fakes.discord_rules import (
    VOICE,
    Json,
    Permission,
    Refusal,
    check_message,
    check_webhook_name,
    invalid,
    picture,
)
from tests.fakes.discord_world import World

CHANNEL = "/channels/{channel}"
MESSAGE = f"{CHANNEL}/messages/{{message}}"
REACTION = f"{MESSAGE}/reactions/{{emoji}}"
HOOK = "/webhooks/{webhook}/{token}"
HOOKED = f"{HOOK}/messages/{{message}}"


class Posting(Handlers):
    def __init__(self, world: World, interactions: Interactions) -> None:
        super().__init__(world)
        self.interactions = interactions
        self._nonces: dict[str, Message] = {}

    def fields(
        self, call: Call, channel: Channel, old: Message | None = None, data: Json | None = None
    ) -> Json:
        """A message's fields out of a request; those of an ``old`` one that are to change."""
        body = call.body if data is None else data
        check_message(body, call.files, partial=old is not None)
        fields = {name: body[name] or [] for name in ("embeds", "components") if name in body}
        if "content" in body:
            fields["content"] = (body["content"] or "").strip()
        uploaded = self.world.attach(channel, [(name, data, None) for name, data in call.files])
        if old is None:
            flags, allowed = body.get("flags", 0), body.get("allowed_mentions")
            new = {"content": "", "attachments": uploaded, "flags": flags, "allowed_mentions": allowed}
            return new | fields
        if "attachments" in body or uploaded:
            listed = {str(attachment.get("id")) for attachment in body.get("attachments", [])}
            kept = [a for a in old.attachments if str(a.id) in listed or "attachments" not in body]
            fields["attachments"] = kept + uploaded
        return fields

    @route("POST", f"{CHANNEL}/messages", "messages")
    def post(self, call: Call) -> Json:
        channel, bot, body = self.channel(call, Permission.SEND), self.world.bot, call.body
        if channel.guild is None and not all(user.takes_dms for user in channel.members.values()):
            raise Refusal(403, 50007)
        if call.files and not channel.allows(bot, Permission.ATTACH_FILES):
            raise Refusal(403, 50013)
        if int(body.get("flags") or 0) & VOICE and not channel.allows(bot, Permission.SEND_VOICE):
            raise Refusal(400, 50173)  # "Cannot send voice messages in this channel"
        fields = self.fields(call, channel)
        nonce = body.get("nonce")
        earlier = self._nonces.get(str(nonce)) if body.get("enforce_nonce") else None
        if earlier and self.world.now() - sent_at(earlier.id) < self.world.settings.nonce_s:
            return self.shown(earlier) | {"nonce": nonce}
        if reference := body.get("message_reference"):
            fields |= self._replied(channel, reference)
        message = self.world.post(channel, bot, nonce=nonce, **fields)
        self._nonces[str(nonce)] = message
        return self.shown(message) | {"nonce": nonce}

    def _replied(self, channel: Channel, reference: Json) -> Json:
        if not channel.allows(self.world.bot, Permission.READ_HISTORY):
            raise Refusal(400, 160002)
        found = channel.messages.get(int(reference["message_id"]))
        if found:
            return {"reply_to": found, "kind": REPLY}
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "Unknown message", "REPLIES_UNKNOWN_MESSAGE")
        return {}

    @route("GET", f"{CHANNEL}/messages")
    def history(self, call: Call) -> list[Json]:
        channel = self.channel(call)
        if not 1 <= int(call.query.get("limit", 50)) <= 100:
            raise invalid("limit", "int value should be between 1 and 100.", "NUMBER_TYPE_MAX")
        if not channel.allows(self.world.bot, Permission.READ_HISTORY):
            return []
        return [self.shown(message) for message in self.world.history(channel, call.query)]

    @route("GET", MESSAGE)
    def one(self, call: Call) -> Json:
        return self.shown(self.message(call, Permission.READ_HISTORY))

    @route("PATCH", MESSAGE, "messages")
    def edit(self, call: Call) -> Json:
        message = self.message(call)
        if message.author is not self.world.bot:
            raise Refusal(403, 50005)
        self.world.edit(message, **self.fields(call, message.channel, message))
        return self.shown(message)

    @route("DELETE", MESSAGE)
    def delete(self, call: Call) -> None:
        message = self.message(call)
        channel, mine = message.channel, message.author is self.world.bot
        if not mine and channel.guild is None:
            raise Refusal(403, 50003)
        if not mine and not channel.allows(self.world.bot, Permission.MANAGE_MESSAGES):
            raise Refusal(403, 50013)
        self.world.delete(message)

    @route("POST", f"{CHANNEL}/typing")
    def typing(self, call: Call) -> None:
        self.channel(call, Permission.SEND)

    @route("PUT", f"{REACTION}/@me", "reactions")
    @route("DELETE", f"{REACTION}/@me", "reactions")
    def react(self, call: Call) -> None:
        message = self.message(call, Permission.READ_HISTORY | Permission.ADD_REACTIONS)
        self.world.react(message, self.world.bot, call.params["emoji"], added=call.method == "PUT")

    @route("GET", REACTION)
    def reactors(self, call: Call) -> list[Json]:
        users = self.message(call).reactions.get(call.params["emoji"], {})
        return [user.payload() for user in users.values()]

    @route("GET", f"{CHANNEL}/webhooks")
    def webhooks(self, call: Call) -> list[Json]:
        channel = self.channel(call, Permission.MANAGE_WEBHOOKS)
        return [hook.payload() for hook in self.world.webhooks.values() if hook.channel is channel]

    @route("POST", f"{CHANNEL}/webhooks")
    def make_webhook(self, call: Call) -> Json:
        channel = self.channel(call, Permission.MANAGE_WEBHOOKS)
        if channel.guild is None:
            raise Refusal(403, 50003)
        check_webhook_name("name", call.body.get("name"))
        if sum(hook.channel is channel for hook in self.world.webhooks.values()) >= 15:
            raise Refusal(400, 30007)
        avatar = picture("avatar", call.body.get("avatar"))
        return self.world.add_webhook(channel, call.body["name"], self.world.bot, avatar).payload()

    def webhook(self, call: Call) -> Webhook:
        """The webhook in the path; where its token is not there, the bot must be allowed to manage it."""
        hook = self.world.webhooks.get(int(call.params["webhook"]))
        if hook is None:
            raise Refusal(404, 10015)
        if call.params.get("token", hook.token) != hook.token:
            raise Refusal(401, 50027)
        if "token" not in call.params and not hook.channel.allows(self.world.bot, Permission.MANAGE_WEBHOOKS):
            raise Refusal(403, 50013)
        return hook

    @route("GET", "/webhooks/{webhook}")
    @route("GET", HOOK, tokened=True)
    def one_webhook(self, call: Call) -> Json:
        return self.webhook(call).payload()

    @route("PATCH", "/webhooks/{webhook}")
    @route("PATCH", HOOK, tokened=True)
    def edit_webhook(self, call: Call) -> Json:
        hook, body = self.webhook(call), call.body
        if "name" in body:
            check_webhook_name("name", body["name"])
            hook.name = body["name"]
        if "avatar" in body:
            hook.avatar = picture("avatar", body["avatar"])
        return hook.payload()

    @route("DELETE", "/webhooks/{webhook}")
    @route("DELETE", HOOK, tokened=True)
    def drop_webhook(self, call: Call) -> None:
        self.world.drop_webhook(self.webhook(call))

    @route("POST", HOOK, "webhooks", tokened=True)
    def execute(self, call: Call) -> Json | None:
        """A webhook's message, or a follow-up: there the application stands in the webhook's place."""
        if call.params["webhook"] == str(self.world.bot.id):
            made = self.interactions.answered(call.params["token"])
            return self.shown(self.interactions.follow_up(made, self.fields(call, made.channel)))
        hook = self.webhook(call)
        name = call.body.get("username") or hook.name
        check_webhook_name("username", name)
        channel = self._hooked_channel(call, hook)
        author = User(hook.id, name, bot=True, avatar=call.body.get("avatar_url") or hook.avatar)
        message = self.world.post(channel, author, webhook=hook, **self.fields(call, channel))
        return self.shown(message) if call.query.get("wait") in ("1", "true") else None

    def _hooked_channel(self, call: Call, hook: Webhook) -> Channel:
        """The webhook's channel, or a thread of it."""
        channel = self.world.channels.get(int(call.query.get("thread_id", hook.channel.id)))
        if channel is None or hook.channel not in (channel, channel.parent):
            raise Refusal(400, 10003)
        return channel

    def _hooked(self, call: Call) -> Message:
        number = call.params["message"]
        if call.params["webhook"] == str(self.world.bot.id):
            return self.interactions.find(call.params["token"], number)
        hook = self.webhook(call)
        message = self.world.find_message(self._hooked_channel(call, hook), number)
        if message.webhook is not hook:
            raise Refusal(404, 10008)
        return message

    @route("GET", HOOKED, "webhooks", tokened=True)
    def one_hooked(self, call: Call) -> Json:
        return self.shown(self._hooked(call))

    @route("PATCH", HOOKED, "webhooks", tokened=True)
    def edit_hooked(self, call: Call) -> Json:
        message = self._hooked(call)
        change = self.interactions.edit if message.interaction else self.world.edit
        change(message, **self.fields(call, message.channel, message))
        return self.shown(message)

    @route("DELETE", HOOKED, "webhooks", tokened=True)
    def delete_hooked(self, call: Call) -> None:
        self.world.delete(self._hooked(call))

    @route("POST", "/interactions/{interaction}/{token}/callback", tokened=True)
    def respond(self, call: Call) -> Json | None:
        def fields(data: Json, channel: Channel, old: Message | None) -> Json:
            return self.fields(call, channel, old, data)

        answer = self.interactions.respond(
            call.params["interaction"], call.params["token"], call.body, fields
        )
        return answer if call.query.get("with_response") in ("1", "true") else None
