"""Whatever goes to people is marked in the source, so that the catalogues have it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.bot.language.sources import MARKS, ROOT, marks, named, parsed, sources

SHOWN = {  # what people see of what is made, by the names of what is given
    "View": ("text",),
    "Action": ("label",),
    "Entry": ("text", "note"),
    "Form": ("title", "label"),
    "Suggestion": ("label",),
    "CommandSpec": ("summary",),
    "Word": ("summary",),
    "Blank": ("summary",),
}
ANSWERS = ("CommandError", "AllowanceUsed")  # errors whose text is for people
SPEAKING = (  # where every sentence is for people, unless it is logged or raised for somebody else
    "bot/commands",
    "bot/reception",
    "bot/delivery/turns.py",
    "bot/ownership/underway.py",
    "bot/people/access.py",
    "bot/people/pace.py",
    "bot/people/allowance.py",
    "bot/people/restrictions.py",
    "adapters/console/console.py",
    "adapters/console/pipe.py",
    "adapters/console/terminal.py",
    "adapters/discord/answers.py",
    "adapters/discord/commands.py",
    "adapters/slack/answering.py",
    "adapters/slack/views.py",
    "adapters/slack/work.py",
    "adapters/slack/posting.py",
)
QUIET = ("debug", "info", "warning", "error", "log", "split")
OTHERS_ERRORS = re.compile(
    r"Delivery\w+|AdapterError|Turned|NotForUs|ValueError|SettingsError|StoreError|NotATime"
)
AS_TYPED = {  # how a command is used is typed the same everywhere
    "argument",
}
UNSAID = {  # what stands in such a place and is for the log, or a name
    "the process lacks memory, threads, open files or room on the disk; give it more",
    "agent %(agent)s in %(place)s: %(kind)s, %(steps)s steps, %(tokens_in)s tokens in (%(cached)s cached), "
    "%(tokens_out)s out, %(ms)s ms, %(model)s",
    "no model",
    "too fast",
    "commands of ",
    "bots at ",
    "core memory",  # a kind of source
}


def unmarked(node: ast.AST, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Texts of the tree that look like language and are not given to be translated, with their lines."""
    if isinstance(node, ast.Constant):
        typed = str(node.value).startswith("/")
        if isinstance(node.value, str) and pattern.search(node.value) and not typed:
            yield node.lineno, node.value
        return
    if isinstance(node, ast.Call):
        if named(node.func) in MARKS or named(node.func) in QUIET:
            return
        if OTHERS_ERRORS.fullmatch(named(node.func)):
            return
        yield from unmarked(node.func, pattern)
        for given in node.args:
            yield from unmarked(given, pattern)
        for keyword in node.keywords:
            if keyword.arg not in AS_TYPED:
                yield from unmarked(keyword.value, pattern)
        return
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)):  # a docstring
            yield from unmarked(inner, pattern)


WORD = re.compile(r"[A-Za-z]{2,}")
SENTENCE = re.compile(r"[A-Za-z']{2,}[ ,:;.]+[A-Za-z']{2,}")


def shown(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts in what people see."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = named(node.func)
        if name in ANSWERS:
            for given in node.args:
                yield from unmarked(given, WORD)
        for keyword in node.keywords:
            if keyword.arg in SHOWN.get(name, ()):
                yield from unmarked(keyword.value, WORD)


def place(source: Path, line: int, text: str) -> str:
    return f"{source.relative_to(ROOT)}:{line}: {text}"


def test_what_people_are_shown_is_marked() -> None:
    found = []
    for source in sources("bot", "adapters"):
        if source.is_relative_to(ROOT / "bot" / "cli"):
            continue  # for whoever runs it
        found += [place(source, line, text) for line, text in shown(parsed(source)) if text not in UNSAID]
    assert found == []


def test_sentences_are_marked_where_people_are_spoken_to() -> None:
    found = []
    for source in sources(*SPEAKING):
        for line, text in unmarked(parsed(source), SENTENCE):
            if text not in UNSAID:
                found.append(place(source, line, text))
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'View(text="Nothing here")',
        'View(text=f"{n} notes")',
        'View(text=told or "(empty)")',
        'Action(label="Edit", command="memory")',
        'raise CommandError("No")',
        'raise CommandError(f"There is no {name!r}.")',
        'Word(name="now", summary="wake me")',
    ],
)
def test_a_text_that_is_not_marked_is_found(source: str) -> None:
    assert list(shown(ast.parse(source)))


def test_what_is_marked_typed_or_logged_is_not_found() -> None:
    fine = (
        'View(text=gettext("Nothing here"))',
        'Action(label=gettext("Cancel {id}", id=wish.id), command="scheduled", argument=f"cancel {wish.id}")',
        "View(text=f\"{told} {gettext('more here')}\")",
        'log.info("This is for the log", 1)',
        'raise DeliveryError("the platform is away")',
    )
    for source in fine:
        assert list(shown(ast.parse(source))) == []
        assert list(unmarked(ast.parse(source), SENTENCE)) == []


def test_one_reads_otherwise_than_many() -> None:
    """`ngettext("{n} messages", "{n} messages", n)` would say "1 messages"."""
    told = [
        texts
        for path in sources("bot", "adapters")
        for mark, texts in marks(parsed(path))
        if mark == "ngettext"
    ]
    assert len(told) > 10
    assert [texts for texts in told if texts[0] == texts[1]] == []
