"""What a page of `conversation_search` takes in tokens, as the model is shown it, and how much evidence it shows.

    python -m benchmarks.results --data DIR [--no-embedder] [--questions 200]

Beside it the same hits in the form that results had at commit 34ff09f: an object a hit, with totals and page counts.
Evidence is the share of a question's evidence among the messages shown, averaged over questions. A line that is cut to
a glimpse (less than 250 characters of a longer text) counts as none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from zoneinfo import ZoneInfo

from benchmarks import dialogues, report
from benchmarks.dialogues import Asked, Dialogues
from benchmarks.everbot import EmbedderKind
from bot.agent.context import compact, fitter, to_json
from bot.agent.tools import memory as tools
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import Executor, Tries
from bot.agent.tools.ids import MESSAGE, key_of
from bot.agent.tools.registry import Registry
from bot.observer import Unobserved
from bot.ports import ToolCall
from memory.records import PRIVATE, Agent, Hit, Message, Page
from memory.search.excerpts import MARK

_ROOM = 3_000  # tokens of a result: the share that it has in a window of 16,384
_EXCERPT = 1_200  # characters of a hit that were shown at that commit
_GLIMPSE = 250  # characters of a line that is cut, from which on it counts as evidence


@dataclass(frozen=True)
class Shown:
    """A page: its tokens, the share of the evidence in it, its lines, and how many of them are cut."""

    tokens: int
    evidence: float
    lines: int
    cut: int


async def measure(
    data: Path, directory: Path, embedder: EmbedderKind, most: int, page_size: int
) -> dict[str, list[Shown]]:
    shown: dict[str, list[Shown]] = {"at 34ff09f": [], "the same hits now": [], "now, with answers": []}
    async with dialogues.opened(data, directory, embedder) as talks:
        step = max(1, len(talks.questions) // most)
        for asked in talks.questions[::step][:most]:
            for name, page in zip(shown, await _pages(talks, asked, page_size), strict=True):
                shown[name].append(page)
    return shown


async def _pages(talks: Dialogues, asked: Asked, page_size: int) -> tuple[Shown, Shown, Shown]:
    agent, count = talks.agents[asked.scope], talks.memory.counter.count
    async with talks.memory.store.read() as session:
        record = await session.agents.agent(agent.id)
    assert record is not None
    found: list[Page] = []
    desk = _desk(talks, asked, record, page_size, found)
    executor = Executor(Registry(tools.TOOLS), count, fitter(count), 1, 60.0, Unobserved())
    call = ToolCall(id="c", name="conversation_search", arguments=json.dumps({"query": asked.text}))
    (result,) = await executor.run([call], desk, Tries(), _ROOM)
    hits = [hit for hit in found[0].hits if isinstance(hit.row, Message)]
    keys = {hit.row.key for hit in hits}

    def evidence(of: Sequence[int]) -> float:
        return len(asked.gold.intersection(agent.items[key] for key in of)) / len(asked.gold)

    told = json.loads(result.content)
    lines = {key_of(line.split()[0], record, (MESSAGE,)): line for line in told["message"]["results"]}
    same = {key: line for key, line in lines.items() if key in keys}
    alone = compact(told | {"message": told["message"] | {"results": list(same.values())}})
    before = to_json(_as_before(found[0], hits, desk))
    return (
        Shown(count(to_json(before)), evidence([*keys]), len(hits), 0),
        Shown(count(to_json(alone)), evidence(_told(same)), len(same), _cut(same)),
        Shown(count(to_json(result.content)), evidence(_told(lines)), len(lines), _cut(lines)),
    )


def _told(lines: Mapping[int, str]) -> list[int]:
    """The keys of the lines that tell their message, not a glimpse of it."""
    return [key for key, line in lines.items() if MARK not in line or len(line) >= _GLIMPSE]


def _cut(lines: Mapping[int, str]) -> int:
    return sum(MARK in line for line in lines.values())


def _desk(talks: Dialogues, asked: Asked, agent: Agent, page_size: int, found: list[Page]) -> Desk:
    """The desk of a turn in which nothing is in view; ``found`` gets what its searches find."""

    async def nothing() -> list[Any]:
        return []

    async def none() -> int:
        return 0

    async def no_change(*_: object) -> None:
        raise AssertionError("a search changes nothing")

    class Seen(Desk):
        async def search_recall(self, *arguments: Any) -> Page:
            found.append(await super().search_recall(*arguments))
            return found[-1]

    memory = talks.memory
    return Seen(
        agent=agent,
        audience=PRIVATE,
        turn_id="turn",
        key="turn/0",
        now=talks.agents[asked.scope].now,
        zone=ZoneInfo("UTC"),
        page_size=page_size,
        look=nothing,
        recall=memory.recall,
        archive=memory.archival,
        fit=fitter(memory.counter.count),
        count=memory.counter.count,
        results_room=_ROOM,
        conversation_id=talks.agents[asked.scope].conversation.id,
        scheduled=nothing,
        wishes_elsewhere=none,
        most_wishes=0,
        amend=no_change,
        person=asked.asker or "",
        asked=asked.text,
    )


def _as_before(page: Page, hits: Sequence[Hit], desk: Desk) -> dict[str, Any]:
    """The hits as commit 34ff09f showed them."""
    more = f"For the next results ask again with page 1 of 0 to {page.pages - 1}."
    results = [
        {
            "time": hit.row.created_at.isoformat(timespec="minutes"),
            "text": hit.row.text[:_EXCERPT],
            "author": cast(Message, hit.row).author,
        }
        for hit in hits
    ]
    message = {
        "results": results,
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
        "note": more if page.pages > 1 else "This is the last page.",
    }
    return {"status": "OK", "message": message, "time": desk.now.isoformat(timespec="seconds")}


def table(shown: dict[str, list[Shown]]) -> str:
    first = _mean([page.tokens for page in next(iter(shown.values()))])
    rows = [
        (
            name,
            len(pages),
            _mean([page.lines for page in pages]),
            _mean([page.tokens for page in pages]),
            100 * _mean([page.tokens for page in pages]) / first - 100,
            100 * _mean([page.evidence for page in pages]),
            100 * sum(page.cut for page in pages) / max(1, sum(page.lines for page in pages)),
        )
        for name, pages in shown.items()
    ]
    return report.table(("form", "pages", "lines", "tokens", "change %", "evidence %", "lines cut %"), rows)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of conversations")
    parser.add_argument("--no-embedder", action="store_true", help="search by words alone")
    parser.add_argument("--questions", type=int, default=200, help="at most so many, evenly spread")
    parser.add_argument("--page-size", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="keep the embedded conversations here for the next run")
    options = parser.parse_args()
    embedder: EmbedderKind = "none" if options.no_embedder else "auto"
    print(report.heading(f"Tokens of a page of results in {options.data.name}, embedder: {embedder}"))
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        directory = options.keep or Path(scratch)
        print(
            table(
                asyncio.run(measure(options.data, directory, embedder, options.questions, options.page_size))
            )
        )


if __name__ == "__main__":
    main()
