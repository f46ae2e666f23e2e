"""Modals and the App Home of the fake Slack, and the triggers by which modals may be opened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_api import Method
from tests.fakes.slack_blocks import check_view, elements
from tests.fakes.slack_delivery import Envelope
from tests.fakes.slack_state import Json, Refused, Workspace


@dataclass(eq=False, kw_only=True)
class Interaction:
    """What a person did to the app, and what came of it.

    ``replies`` are the messages that the ack or the ``response_url`` brought, as people see them;
    ``views`` are the modals opened by it, newest last.
    """

    user: str
    channel: str
    trigger_id: str
    response_url: str = ""
    origin: Json | None = None  # the message whose button it was
    envelope: Envelope | None = None
    replies: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    born: float = field(default_factory=time.monotonic)
    uses: int = 0

    @property
    def acked(self) -> bool:
        """Else the person was shown an error."""
        return self.envelope is not None and self.envelope.ack is not None

    @property
    def payload(self) -> Json | None:
        """What came with the ack."""
        return self.envelope.ack.payload if self.envelope is not None and self.envelope.ack else None


class Views:
    def __init__(self, workspace: Workspace, trigger_s: float) -> None:
        self.workspace, self.trigger_s = workspace, trigger_s
        self.owners: dict[str, str] = {}  # view: user
        self._triggers: dict[str, Interaction] = {}
        self._exchanged: set[str] = set()

    def table(self) -> dict[str, Method]:
        return {
            "views.open": Method(self.open),
            "views.push": Method(self.open),
            "views.update": Method(self.update),
            "views.publish": Method(self.publish),
        }

    def arm(self, interaction: Interaction) -> None:
        self._triggers[interaction.trigger_id] = interaction

    def _exchange(self, trigger_id: str) -> Interaction:
        interaction = self._triggers.get(trigger_id)
        if interaction is None:
            raise Refused("invalid_trigger_id")
        if trigger_id in self._exchanged:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - interaction.born > self.trigger_s:
            raise Refused("expired_trigger_id")
        self._exchanged.add(trigger_id)
        return interaction

    def keep(self, view: Json, user: str, view_id: str | None = None) -> Json:
        """The view as the platform gives it back, new or in the place of another."""
        view_id = view_id or self.workspace.new_id("V")
        home = self.workspace
        ids = {"id": view_id, "root_view_id": view_id, "previous_view_id": None, "hash": home.ts()}
        app = {"app_id": home.app, "bot_id": home.bot_id, "app_installed_team_id": home.team}
        self.owners[view_id] = user
        home.views[view_id] = {**view, **ids, **app, "team_id": home.team, "state": {"values": {}}}
        home.changes.note()
        return home.views[view_id]

    def open(self, args: Json) -> Json:
        checked = check_view(args.get("view"), "modal")
        interaction = self._exchange(str(args.get("trigger_id")))
        view = self.keep(checked, interaction.user)
        interaction.views.append(view)
        return {"view": view}

    def update(self, args: Json) -> Json:
        name = "id" if args.get("view_id") else "external_id"
        wanted = args.get("view_id") or args.get("external_id")
        old = next((view for view in self.workspace.views.values() if wanted and view[name] == wanted), None)
        if old is None:
            raise Refused("not_found")
        check_hash(args, old)
        return {
            "view": self.keep(check_view(args.get("view"), old["type"]), self.owners[old["id"]], old["id"])
        }

    def publish(self, args: Json) -> Json:
        user = str(args.get("user_id"))
        if user not in self.workspace.users:
            raise Refused("user_not_found")
        checked = check_view(args.get("view"), "home")
        view_id = self.workspace.homes.get(user)
        if view_id is not None:
            check_hash(args, self.workspace.views[view_id])
        view = self.keep(checked, user, view_id)
        self.workspace.homes[user] = view["id"]
        return {"view": view}


def check_hash(args: Json, old: Json) -> None:
    if args.get("hash") not in (None, old["hash"]):
        raise Refused("hash_conflict")


def filled(view: Json, values: dict[str, Any]) -> Json:
    """The view with what a person typed and picked in it, by ``action_id``, as they would submit it."""
    state: Json = {}
    inputs = [(b, e) for b in view["blocks"] for e in elements(b) if e["type"] != "button"]
    unknown = values.keys() - {element.get("action_id") for _, element in inputs}
    assert not unknown, f"the view has no inputs {unknown}"
    for block, element in inputs:
        typed = values.get(element.get("action_id", ""))
        answer = entered(element, typed)
        empty = not any(value for key, value in answer.items() if key != "type")
        assert not (empty and block["type"] == "input" and not block.get("optional")), (
            f"{block} must be filled"
        )
        state.setdefault(block["block_id"], {})[element["action_id"]] = answer
    return {**view, "state": {"values": state}}


def entered(element: Json, typed: Any) -> Json:
    options = {option["value"]: option for option in element.get("options", ())}
    if element["type"] in ("checkboxes", "multi_static_select"):
        picked = element.get("initial_options", []) if typed is None else [options[value] for value in typed]
        return {"type": element["type"], "selected_options": picked}
    if options:
        one = element.get("initial_option") if typed is None else options[typed]
        return {"type": element["type"], "selected_option": one}
    return {"type": element["type"], "value": element.get("initial_value") if typed is None else typed}
