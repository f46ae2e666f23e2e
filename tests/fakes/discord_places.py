"""The REST side of places: who the bot is, its guilds, channels, threads, members, commands."""

from __future__ import annotations

from tests.fakes.discord_records import User
from tests.fakes.discord_rest import Call, Handlers, route
from tests.fakes.discord_rules import Json, Permission, Refusal, check_commands, length

APP, GUILD, CHANNEL = "/applications/{application}", "/guilds/{guild}", "/channels/{channel}"

ENTRY = 4  # the kind of an Activity's command


def kind(command: Json) -> int:
    return int(command.get("type", 1))


class Places(Handlers):
    @route("GET", "/users/@me")
    def me(self, call: Call) -> Json:
        return self.world.bot.payload()

    @route("GET", "/users/{user}")
    def person(self, call: Call) -> Json:
        return self.user(call.params["user"]).payload()

    @route("GET", "/applications/@me")
    @route("GET", "/oauth2/applications/@me")
    def application(self, call: Call) -> Json:
        bot, owner = self.world.bot, User(1, "owner")
        body: Json = {"name": bot.name, "icon": None, "description": "", "summary": "", "verify_key": ""}
        body |= {
            "owner": owner.payload(),
            "bot": bot.payload(),
            "team": None,
            "interactions_endpoint_url": None,
        }
        return body | self.world.application() | {"bot_public": True, "bot_require_code_grant": False}

    @route("GET", f"{APP}/commands")
    @route("GET", f"{APP}{GUILD}/commands")
    def commands(self, call: Call) -> list[Json]:
        guild = call.params.get("guild")
        known = self.world.commands.get(int(guild) if guild else None, [])
        return (
            known if call.query.get("with_localizations") == "true" else [unlocalized(one) for one in known]
        )

    @route("PUT", f"{APP}/commands")
    @route("PUT", f"{APP}{GUILD}/commands")
    def overwrite_commands(self, call: Call) -> list[Json]:
        check_commands(call.body)
        guild = call.params.get("guild")
        known = self.world.commands[None] if guild is None else []
        if ENTRY in map(kind, known) and ENTRY not in map(kind, call.body):
            raise Refusal(400, 50240)
        place: Json = {"application_id": str(self.world.bot.id)} | ({"guild_id": guild} if guild else {})
        made = [
            command | place | {"id": str(self.world.snowflake()), "version": "1"} for command in call.body
        ]
        self.world.commands[int(guild) if guild else None] = made
        return made

    @route("GET", "/users/@me/guilds")
    def my_guilds(self, call: Call) -> list[Json]:
        bot, after = self.world.bot, int(call.query.get("after", 0))
        mine = [g for g in self.world.guilds.values() if bot.id in g.members and g.id > after]
        page = sorted(mine, key=lambda guild: guild.id)[: int(call.query.get("limit", 200))]
        body: Json = {"icon": None, "owner": False, "features": []}
        return [
            {"id": str(g.id), "name": g.name, "permissions": str(int(g.held_by(bot))), **body} for g in page
        ]

    @route("GET", GUILD)
    def one_guild(self, call: Call) -> Json:
        return self.guild(call).payload()

    @route("GET", f"{GUILD}/channels")
    def channels(self, call: Call) -> list[Json]:
        channels = self.guild(call).channels.values()
        return [channel.payload(self.world.bot) for channel in channels if channel.parent is None]

    @route("GET", f"{GUILD}/roles")
    def roles(self, call: Call) -> list[Json]:
        return [role.payload() for role in self.guild(call).roles.values()]

    @route("GET", f"{GUILD}/members/{{user}}")
    def member(self, call: Call) -> Json:
        member = self.guild(call).members.get(int(call.params["user"]))
        if member is None:
            raise Refusal(404, 10007)
        return member.payload()

    @route("GET", CHANNEL)
    def one_channel(self, call: Call) -> Json:
        return self.channel(call).payload(self.world.bot)

    @route("POST", "/users/@me/channels")
    def open_dm(self, call: Call) -> Json:
        return self.world.dm(self.user(call.body.get("recipient_id"))).payload(self.world.bot)

    @route("GET", f"{GUILD}/threads/active")
    def active_threads(self, call: Call) -> Json:
        bot = self.world.bot
        threads = [
            c for c in self.guild(call).channels.values() if c.parent and c.allows(bot) and not c.archived
        ]
        members = [thread.thread_member(bot) for thread in threads if bot.id in thread.members]
        return {"threads": [thread.payload(bot) for thread in threads], "members": members}

    @route("POST", f"{CHANNEL}/messages/{{message}}/threads")
    @route("POST", f"{CHANNEL}/threads")
    def start_thread(self, call: Call) -> Json:
        private = call.body.get("type") == 12
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_THREADS
        channel = self.channel(call, needed)
        length("name", call.body.get("name"), 1, 100)
        start = self.message(call) if "message" in call.params else None
        if start and start.thread:
            raise Refusal(400, 160004)
        thread = self.world.add_thread(
            channel, call.body["name"], self.world.bot, private=private, start=start
        )
        return thread.payload(self.world.bot)

    @route("GET", f"{CHANNEL}/thread-members/{{user}}")
    def thread_member(self, call: Call) -> Json:
        channel = self.channel(call)
        member = channel.members.get(int(call.params["user"]))
        if member is None or channel.parent is None:
            raise Refusal(404, 10007)
        return channel.thread_member(member)

    @route("PUT", f"{CHANNEL}/thread-members/@me")
    def join_thread(self, call: Call) -> None:
        self.channel(call).members[self.world.bot.id] = self.world.bot


def unlocalized(command: Json) -> Json:
    """A command as it is told to who does not ask for its localizations."""
    told = {key: value for key, value in command.items() if not key.endswith("_localizations")}
    return told | {"options": [unlocalized(one) for one in command.get("options", ())]}
