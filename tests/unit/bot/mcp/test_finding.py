from __future__ import annotations

import pytest

from bot.agent.tools.outside import made
from bot.agent.tools.registry import Tool
from bot.mcp.finding import ranked


def tool(name: str, about: str, *arguments: str) -> Tool:
    properties = {argument: {"type": "string"} for argument in arguments}
    return made(name, about, {"properties": properties}, None)


TOOLS = [
    tool("mail__send_message", "Send an e-mail to somebody.", "to", "subject"),
    tool("calendar__createEvent", "Add an appointment to the calendar.", "title", "start"),
    tool("calendar__deleteEvent", "Delete an appointment.", "title"),
    tool("time__get_current_time", "Get current time in a specific timezone", "timezone"),
    tool("fetch__fetch", "Fetches a URL from the internet and extracts its contents as markdown.", "url"),
    tool("repo__list_issues", "List the open issues of a repository.", "owner", "repo"),
]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("what time is it in Rome", "time__get_current_time"),
        ("delete the appointment", "calendar__deleteEvent"),
        ("create an event", "calendar__createEvent"),
        ("open issues", "repo__list_issues"),
        ("send an e-mail", "mail__send_message"),
        ("fetching a url", "fetch__fetch"),
    ],
)
def test_the_tool_that_is_meant_comes_first(query: str, wanted: str) -> None:
    assert ranked(query, TOOLS)[0].name == wanted


@pytest.mark.parametrize("query", ["", "   ", "🎈", "unrelatedword"])
def test_what_no_tool_is_about_finds_none(query: str) -> None:
    assert ranked(query, TOOLS) == []
