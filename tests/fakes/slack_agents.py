"""What the fake Slack offers to agents: a status, a title and prompts, in both families of methods.

``assistant.threads.setStatus`` is a free text that vanishes when the bot posts in the thread;
``agents.sessions.setStatus`` is one of four words and stays until it is changed.
"""

from __future__ import annotations

from tests.fakes.slack_api import Method
from tests.fakes.slack_state import Json, Refused, Workspace

WORDS = ("active", "processing", "suspended", "closed")
STOP_UNHEARD = "missing_agent_session_stopped_event_subscription"


class Agents:
    def __init__(self, workspace: Workspace, subscribed: set[str]) -> None:
        self.workspace, self.subscribed = workspace, subscribed

    def table(self) -> dict[str, Method]:
        return {
            "assistant.threads.setStatus": Method(self.set_status, ("chat:write", "assistant:write")),
            "assistant.threads.setTitle": Method(self.set_title, ("assistant:write",)),
            "assistant.threads.setSuggestedPrompts": Method(self.set_prompts, ("assistant:write",)),
            "agents.sessions.setStatus": Method(self.set_session, ("chat:write",)),
            "agents.sessions.rename": Method(self.rename_session, ("chat:write",)),
        }

    def _thread(self, args: Json, missing: str) -> tuple[str, str]:
        channel, ts = self.workspace.place(str(args.get("channel_id"))), args.get("thread_ts")
        if not ts:
            raise Refused(missing)
        if ts not in channel.messages:
            raise Refused("invalid_thread_ts")
        return channel.id, ts

    def set_status(self, args: Json) -> Json:
        thread = self._thread(args, "invalid_thread_ts")
        if len(args.get("loading_messages") or ()) > 10:
            raise Refused("invalid_arguments")
        if args.get("username") or args.get("icon_url") or args.get("icon_emoji"):
            self.workspace.require("chat:write.customize")
        self.workspace.show(thread, str(args.get("status", "")))
        return {}

    def set_title(self, args: Json) -> Json:
        self.workspace.titles[self._thread(args, "invalid_thread_ts")] = str(args.get("title", ""))
        return {}

    def set_prompts(self, args: Json) -> Json:
        """Without a thread they are those of the direct message as a whole."""
        channel = self.workspace.place(str(args.get("channel_id")))
        thread = self._thread(args, "") if args.get("thread_ts") else (channel.id, "")
        prompts = args.get("prompts")
        good = isinstance(prompts, list) and all(p.get("title") and p.get("message") for p in prompts)
        if not good or not 1 <= len(prompts) <= 4:
            raise Refused("invalid_arguments")
        self.workspace.prompts[thread] = prompts
        return {}

    def _session(self, args: Json) -> tuple[str, str]:
        if "assistant:write" not in self.workspace.scopes:  # comes with the agent feature
            raise Refused("not_agent_app")
        thread = self._thread(args, "thread_ts_required")
        if self.workspace.bot not in self.workspace.channels[thread[0]].members:
            raise Refused("not_authorized")
        if len(str(args.get("title", ""))) > 200:
            raise Refused("invalid_arguments")
        return thread

    def set_session(self, args: Json) -> Json:
        thread, status = self._session(args), args.get("status")
        if status not in WORDS:
            raise Refused("invalid_status")
        if thread not in self.workspace.sessions:
            self.workspace.titles[thread] = str(args.get("title", ""))
        self.workspace.sessions[thread] = status
        self.workspace.statuses[thread].append(status)
        heard = "agent_session_stopped" in self.subscribed
        warning = (
            {} if heard else {"warning": STOP_UNHEARD, "response_metadata": {"warnings": [STOP_UNHEARD]}}
        )
        return {"status": status, "agent_status": status, "title": self.workspace.titles[thread], **warning}

    def rename_session(self, args: Json) -> Json:
        thread, title = self._session(args), str(args.get("title", ""))
        if thread not in self.workspace.sessions:
            raise Refused("session_not_found")
        self.workspace.titles[thread] = title
        return {"title": title}
