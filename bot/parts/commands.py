"""What people can command in a chat."""

from __future__ import annotations

from bot.agent.undo import Undo
from bot.commands.allow import AllowCommands
from bot.commands.connect import ConnectCommands
from bot.commands.heartbeat import HeartbeatCommands
from bot.commands.language import LanguageCommands
from bot.commands.linking import LinkCommands
from bot.commands.memory import MemoryCommands
from bot.commands.personas import PersonaCommands
from bot.commands.programs import ProgramKeys
from bot.commands.report import ReportCommands
from bot.commands.rights import RightsCommands
from bot.commands.rooms import RoomCommands
from bot.commands.scheduled import ScheduledCommands
from bot.commands.table import Commands
from bot.commands.terminal import TerminalCommands
from bot.commands.web import WebPage
from bot.commands.why import WhyCommands
from bot.parts.agent import AgentParts
from bot.parts.given import Given
from bot.parts.ownership import OwnershipParts
from bot.parts.people import PeopleParts


def commands_of(given: Given, people: PeopleParts, agent: AgentParts, ownership: OwnershipParts) -> Commands:
    runtime, files, web = given.runtime, given.files, given.settings.web
    roles, export = people.roles, ownership.export
    undo = Undo(runtime, agent.queues, agent.forgetting, people.allowance)
    page, keys = WebPage(runtime, web.url), ProgramKeys(runtime, web.url if web.programs else "")
    return Commands(
        (
            MemoryCommands(runtime, undo, given.memory.archival, page, ownership.corrections),
            WhyCommands(runtime, agent.sources),
            AllowCommands(runtime, people.identities),
            ConnectCommands(agent.outside.connecting, keys, roles),
            RightsCommands(runtime, export, files.exports, people.identities),
            RoomCommands(runtime, ownership.rights.rooms, roles),
            PersonaCommands(runtime, people.personas, roles, people.adults),
            LinkCommands(runtime),
            HeartbeatCommands(runtime, people.beats, people.identities),
            ScheduledCommands(ownership.wishes),
            LanguageCommands(people.identities),
            *([ReportCommands(runtime)] if given.settings.safety.reports else []),
            TerminalCommands(runtime, agent.queues, undo, export, files.saves),
        ),
        roles,
    )
