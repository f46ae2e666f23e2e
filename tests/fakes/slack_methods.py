"""Methods of the fake Web API about identity, talk and places: auth, chat, conversations, users, reactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.fakes import slack_events as events
from tests.fakes.slack_api import Method, flag
from tests.fakes.slack_blocks import check_message
from tests.fakes.slack_events import Event
from tests.fakes.slack_state import FAMILY, Channel, Json, Refused, Workspace

Publish = Callable[[Event], None]
TYPES = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}


def page(things: list[Any], args: Json, most: int = 999, usual: int = 100) -> tuple[list[Any], Json]:
    """One page and what the answer says of the next; a cursor is only good for the same question."""
    limit = min(int(args.get("limit") or usual), most)
    try:
        start = int(str(args.get("cursor") or "next:0").removeprefix("next:"))
    except ValueError:
        raise Refused("invalid_cursor") from None
    rest = len(things) > start + limit
    return things[start : start + limit], {"next_cursor": f"next:{start + limit}" if rest else ""}


class Methods:
    def __init__(self, workspace: Workspace, publish: Publish, url: Callable[[], str]) -> None:
        self.workspace, self.publish, self.url = workspace, publish, url

    def table(self) -> dict[str, Method]:
        return {
            "auth.test": Method(self.auth_test),
            "bots.info": Method(self.bots_info, ("users:read",)),
            "team.info": Method(self.team_info, ("team:read",)),
            "chat.postMessage": Method(self.post, ("chat:write",)),
            "chat.postEphemeral": Method(self.post_ephemeral, ("chat:write",)),
            "chat.update": Method(self.update, ("chat:write",)),
            "chat.delete": Method(self.delete, ("chat:write",)),
            "conversations.history": Method(self.history),
            "conversations.replies": Method(self.replies),
            "conversations.info": Method(self.info),
            "conversations.list": Method(self.list_all),
            "conversations.members": Method(self.members),
            "conversations.open": Method(self.open),
            "users.conversations": Method(self.list_mine),
            "users.info": Method(self.users_info, ("users:read",)),
            "usergroups.list": Method(self.list_groups, ("usergroups:read",)),
            "reactions.add": Method(self.react, ("reactions:write",)),
            "reactions.remove": Method(self.unreact, ("reactions:write",)),
            "reactions.get": Method(self.reactions, ("reactions:read",)),
        }

    # identity

    def auth_test(self, args: Json) -> Json:
        home = self.workspace
        me = {"user": home.users[home.bot].name, "user_id": home.bot, "bot_id": home.bot_id}
        place = {"url": f"{self.url()}/", "team": home.name, "team_id": home.team}
        return {**place, **me, "is_enterprise_install": False}

    def bots_info(self, args: Json) -> Json:
        home = self.workspace
        if args.get("bot", home.bot_id) != home.bot_id:
            raise Refused("bot_not_found")
        bot = {"id": home.bot_id, "app_id": home.app, "user_id": home.bot, "name": "everbot"}
        return {"bot": {**bot, "deleted": False, "updated": 1763712000}}

    def team_info(self, args: Json) -> Json:
        return {"team": {"id": self.workspace.team, "name": self.workspace.name, "domain": "fake"}}

    def users_info(self, args: Json) -> Json:
        user = self.workspace.users.get(str(args.get("user")))
        if user is None:
            raise Refused("user_not_found")
        return {"user": user.json() | ({"locale": user.locale} if flag(args, "include_locale") else {})}

    def list_groups(self, args: Json) -> Json:
        team = self.workspace.team
        groups = self.workspace.groups.items()
        return {
            "usergroups": [{"id": one, "team_id": team, "handle": h, "name": h.title()} for one, h in groups]
        }

    # talk

    def target(self, args: Json) -> Channel:
        """Where to post: a conversation that the bot is in, or the direct message of a user."""
        home, name = self.workspace, str(args.get("channel"))
        channel = home.direct([name]) if name in home.users and name != home.bot else home.place(name)
        if channel.archived:
            raise Refused("is_archived")
        if home.bot not in channel.members and "chat:write.public" not in home.scopes:
            raise Refused("not_in_channel")
        return channel

    def _content(self, args: Json) -> Json:
        home = self.workspace
        content = {**check_message(args), "bot_id": home.bot_id, "app_id": home.app}
        icon = {key: args[key] for key in ("icon_url", "icon_emoji") if args.get(key)}
        if not icon and not args.get("username"):
            icons = {f"image_{size}": f"https://a.slack-edge.com/bot_{size}.png" for size in (36, 48, 72)}
            profile = {"id": home.bot_id, "app_id": home.app, "name": "everbot", "team_id": home.team}
            profile |= {"icons": icons, "updated": 1763712000}
            return {**content, "user": home.bot, "bot_profile": {**profile, "deleted": False}}
        home.require("chat:write.customize")
        # a message under another name is of no user
        return {
            **content,
            "subtype": "bot_message",
            "username": args.get("username", "everbot"),
            "icons": icon,
        }

    def post(self, args: Json) -> Json:
        channel, content = self.target(args), self._content(args)
        if args.get("thread_ts"):
            content["thread_ts"] = args["thread_ts"]
            if flag(args, "reply_broadcast"):
                content["subtype"] = "thread_broadcast"
        return self.say(channel, content)

    def say(self, channel: Channel, content: Json) -> Json:
        """Posts as the bot: kept, told to all as an event, and the status of the thread is cleared."""
        home = self.workspace
        message = home.post(channel, content)
        thread = (channel.id, message.get("thread_ts", message["ts"]))
        if thread in home.loading:
            home.show(thread, "")
        for event in events.spoken(home, channel, message):
            self.publish(event)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def post_ephemeral(self, args: Json) -> Json:
        channel, content = self.target(args), self._content(args)
        if args.get("user") not in channel.members:
            raise Refused("user_not_in_channel")
        ts = self.workspace.ts()
        seen = {"to": args["user"], "channel": channel.id, "is_ephemeral": True, "ts": ts}
        channel.ephemeral.append({"type": "message", **content, **seen, "thread_ts": args.get("thread_ts")})
        return {"message_ts": ts}

    def _mine(self, args: Json, error: str) -> tuple[Channel, Json]:
        channel, message = self.workspace.found(str(args.get("channel")), str(args.get("ts")))
        if message.get("bot_id") != self.workspace.bot_id:
            raise Refused(error)
        return channel, message

    def update(self, args: Json) -> Json:
        channel, message = self._mine(args, "cant_update_message")
        content = check_message(args)
        before = self.workspace.edit(message, self.workspace.bot, **content)
        self.publish(events.changed(self.workspace, channel, message, before))
        told = ("app_id", "blocks", "bot_id", "edited", "metadata", "team", "text", "type", "user")
        shown = {name: message[name] for name in told if name in message}
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": shown}

    def delete(self, args: Json) -> Json:
        channel, message = self._mine(args, "cant_delete_message")
        before = dict(message)
        self.workspace.delete(channel, message)
        self.publish(events.gone(self.workspace, channel, before))
        return {"channel": channel.id, "ts": message["ts"]}

    # places

    def _page(self, messages: Iterable[Json], args: Json) -> Json:
        oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
        ends = (oldest, latest) if flag(args, "inclusive") else ()
        within = [m for m in messages if oldest < float(m["ts"]) < latest or float(m["ts"]) in ends]
        found, metadata = page(within, args)
        found = [self._shown(message, args) for message in found]
        more = {"response_metadata": metadata} if metadata["next_cursor"] else {}
        return {"messages": found, "has_more": bool(more), **more}

    def _shown(self, message: Json, args: Json) -> Json:
        whole = flag(args, "include_all_metadata")
        return {key: value for key, value in message.items() if whole or key != "metadata"}

    def history(self, args: Json) -> Json:
        channel = self.workspace.place(str(args.get("channel")), "history")
        newest_first = sorted(channel.top(), key=lambda message: message["ts"], reverse=True)
        return {**self._page(newest_first, args), "pin_count": 0}

    def replies(self, args: Json) -> Json:
        channel = self.workspace.place(str(args.get("channel")), "history")
        thread = channel.thread(str(args.get("ts")))
        if not thread:
            raise Refused("thread_not_found")
        found = self._page(thread, args)
        head = self._shown(thread[0], args)
        # every page begins with the head of the thread, even if it lies before "oldest"
        found["messages"] = [head, *(m for m in found["messages"] if m["ts"] != head["ts"])]
        return found

    def info(self, args: Json) -> Json:
        channel = self.workspace.place(str(args.get("channel")), "read")
        count = {"num_members": len(channel.members)} if flag(args, "include_num_members") else {}
        return {"channel": {**channel.json(self.workspace.bot), **count}}

    def _list(self, args: Json, member: str | None) -> Json:
        home = self.workspace
        kinds = str(args.get("types") or "public_channel").split(",")
        wanted = [kind for kind, name in TYPES.items() if name in kinds]
        for kind in wanted:
            home.require(f"{FAMILY[kind]}:read")
        found = [
            channel.json(home.bot)
            for channel in home.channels.values()
            if channel.kind in wanted
            and (channel.kind == "channel" or home.bot in channel.members)
            and (member is None or member in channel.members)
            and not (channel.archived and flag(args, "exclude_archived"))
        ]
        if member is not None:  # whoever asks for their own knows it
            found = [{name: c[name] for name in c if name != "is_member"} for c in found]
        found = [{name: c[name] for name in c if name != "is_open"} for c in found]
        channels, metadata = page(found, args, most=1000)
        return {"channels": channels, "response_metadata": metadata}

    def list_all(self, args: Json) -> Json:
        return self._list(args, None)

    def list_mine(self, args: Json) -> Json:
        return self._list(args, str(args.get("user") or self.workspace.bot))

    def members(self, args: Json) -> Json:
        channel = self.workspace.place(str(args.get("channel")), "read")
        members, metadata = page(channel.members, args, most=1000)
        return {"members": members, "response_metadata": metadata}

    def open(self, args: Json) -> Json:
        home, users = self.workspace, str(args.get("users") or "").split(",")
        if args.get("channel"):
            channel = home.place(str(args["channel"]))
        elif not all(user in home.users for user in users):
            raise Refused("user_not_found")
        else:
            home.require("im:write" if len(users) == 1 else "mpim:write")
            channel = home.direct(users)
        whole = channel.json(home.bot) if flag(args, "return_im") else {"id": channel.id}
        return {"channel": whole}

    # reactions

    def _reacted(self, args: Json) -> tuple[Channel, Json, Json | None]:
        channel, message = self.workspace.found(str(args.get("channel")), str(args.get("timestamp")))
        found = [r for r in message.get("reactions", ()) if r["name"] == args.get("name")]
        return channel, message, found[0] if found else None

    def react(self, args: Json) -> Json:
        channel, message, found = self._reacted(args)
        if not args.get("name"):
            raise Refused("invalid_name")
        if found and self.workspace.bot in found["users"]:
            raise Refused("already_reacted")
        self.add_reaction(self.workspace.bot, channel, message, args["name"])
        return {}

    def add_reaction(self, user: str, channel: Channel, message: Json, name: str) -> None:
        reactions = message.setdefault("reactions", [])
        one = next((r for r in reactions if r["name"] == name), None)
        if one is None:
            one = {"name": name, "users": [], "count": 0}
            reactions.append(one)
        one["users"].append(user)
        one["count"] += 1
        self.workspace.changes.note()
        if self.workspace.bot in channel.members:
            self.publish(events.reaction(self.workspace, "reaction_added", user, channel, name, message))

    def unreact(self, args: Json) -> Json:
        channel, message, found = self._reacted(args)
        if found is None or self.workspace.bot not in found["users"]:
            raise Refused("no_reaction")
        found["users"].remove(self.workspace.bot)
        found["count"] -= 1
        message["reactions"] = [r for r in message["reactions"] if r["count"]]
        name, bot = found["name"], self.workspace.bot
        self.publish(events.reaction(self.workspace, "reaction_removed", bot, channel, name, message))
        return {}

    def reactions(self, args: Json) -> Json:
        channel, message, _ = self._reacted(args)
        told = ("blocks", "bot_id", "files", "reactions", "team", "text", "ts", "type", "user")
        shown = {name: message[name] for name in told if name in message}
        return {"type": "message", "channel": channel.id, "message": shown}
