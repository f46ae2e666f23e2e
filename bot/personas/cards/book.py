"""The lorebook of a card (``character_book``): which of its entries enter the context.

`matching` is pure, and the same for the same texts. A key matches where it stands anywhere in a text, inside a word
as well; letters' case counts only where the entry says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.errors import CardError
from bot.personas.cards.automaton import Pattern, Steps
from bot.personas.cards.decorators import Decorators, split
from bot.personas.cards.fields import Fields, Json
from bot.personas.cards.macros import Cast, rendered
from bot.personas.cards.pattern import PatternError, compiled

MAX_ENTRIES = 2_000
MAX_KEYS = 10_000  # of a whole book
MAX_PATTERNS = 200  # of the keys, those that are regular expressions
MAX_SCANNED = 20_000  # characters of the newest texts that keys are looked for in
MAX_ROUNDS = 4  # of entries that bring in entries
MAX_STEPS = 200_000  # of all regular expressions together: well under a second


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``content`` is without its decorators, and with its macros."""

    keys: tuple[str, ...]
    secondary_keys: tuple[str, ...]
    content: str
    enabled: bool
    selective: bool
    constant: bool
    use_regex: bool
    case_sensitive: bool
    insertion_order: float
    priority: float
    decorators: Decorators
    label: str  # how notices call it; never rendered


@dataclass(frozen=True, kw_only=True)
class Book:
    entries: tuple[Entry, ...] = ()
    scan_depth: int | None = None
    token_budget: int | None = None
    recursive: bool = False


def book_of(data: Json | None, where: str = "data.character_book") -> Book:
    """The book in a card's JSON. Raises CardError that names the field that is wrong."""
    if data is None:
        return Book()
    fields = Fields(data, where)
    fields.maybe_text("name"), fields.maybe_text("description"), fields.maybe_object("extensions")
    entries = fields.maybe_objects("entries") or ()
    if len(entries) > MAX_ENTRIES:
        raise CardError(f"The card's {where} has {len(entries):,} entries; up to {MAX_ENTRIES:,} are taken.")
    book = Book(
        entries=tuple(_entry(entry) for entry in entries),
        scan_depth=_whole(fields.maybe_number("scan_depth")),
        token_budget=_whole(fields.maybe_number("token_budget")),
        recursive=bool(fields.maybe_flag("recursive_scanning")),
    )
    if sum(len(entry.keys) + len(entry.secondary_keys) for entry in book.entries) > MAX_KEYS:
        raise CardError(f"The card's {where} has more than the {MAX_KEYS:,} keys that are taken.")
    patterns = sum(len(entry.keys) for entry in book.entries if entry.use_regex)
    if patterns > MAX_PATTERNS:
        raise CardError(
            f"The card's {where} has {patterns:,} regular expressions; up to {MAX_PATTERNS} are taken."
        )
    return book


def _entry(fields: Fields) -> Entry:
    fields.maybe_object("extensions")
    name, comment, _ = (fields.maybe_text(field) for field in ("name", "comment", "position"))
    identifier = fields.value.get("id")
    if not (identifier is None or isinstance(identifier, str)):
        fields.maybe_number("id")
    order = fields.maybe_number("insertion_order") or 0
    priority = fields.maybe_number("priority")
    enabled = fields.maybe_flag("enabled")
    decorators, content = split(fields.text("content"))
    return Entry(
        keys=_keys(fields, "keys"),
        secondary_keys=_keys(fields, "secondary_keys"),
        content=content,
        enabled=enabled is not False,
        selective=bool(fields.maybe_flag("selective")),
        constant=bool(fields.maybe_flag("constant")),
        use_regex=bool(fields.maybe_flag("use_regex")),
        case_sensitive=bool(fields.maybe_flag("case_sensitive")),
        insertion_order=order,
        priority=order if priority is None else priority,
        decorators=decorators,
        label=(name or comment or fields.where)[:80],
    )


def _keys(fields: Fields, name: str) -> tuple[str, ...]:
    """An empty key would match everything: it is none."""
    return tuple(key for text in fields.texts(name) if (key := text.strip()))


def _whole(number: float | None) -> int | None:
    return None if number is None else max(0, int(number))


def matching(
    book: Book,
    texts: Sequence[str],
    count: Callable[[str], int],
    *,
    cast: Cast,
    budget: int | None = None,
    turns: int | None = None,
    greeting: int | None = None,
) -> tuple[Entry, ...]:
    """The entries that enter, in the order of their insertion; `rendered` with ``cast`` makes their text.

    ``texts`` are a conversation's messages, the oldest first. ``count`` tells a text's tokens: all entries
    together stay within the book's token budget and ``budget``, those of lowest priority are left out first.
    ``turns`` is how many messages the character has sent and ``greeting`` the number of the greeting that
    began the conversation; decorators that ask for what is not known are ignored.
    """
    scan = _Scan(book, texts, cast, turns, greeting)
    return _within(scan.matches(), book, count, cast, budget)


def constant(
    book: Book, count: Callable[[str], int], *, cast: Cast, budget: int | None = None
) -> tuple[Entry, ...]:
    """The entries that enter whatever is said, in order and within the budget: they can stand with the card."""
    return _within([entry for entry in book.entries if always(entry)], book, count, cast, budget)


def always(entry: Entry) -> bool:
    """Whether the entry enters whatever is said, and however long the conversation is."""
    marks = entry.decorators
    if not entry.enabled or not entry.content.strip():
        return False
    if marks.activate or marks.dont_activate:
        return marks.activate
    conditions = (marks.activate_only_after, marks.activate_only_every, marks.is_greeting)
    asks = any(value is not None for value in conditions) or marks.additional_keys or marks.exclude_keys
    return entry.constant and not entry.use_regex and not asks


class _Scan:
    """One search for a book's keys in a conversation."""

    def __init__(
        self, book: Book, texts: Sequence[str], cast: Cast, turns: int | None, greeting: int | None
    ) -> None:
        self.book, self.cast, self.turns, self.greeting = book, cast, turns, greeting
        self.newest = tuple(_newest(texts))
        self.brought: list[str] = []  # contents of entries that are in, when entries may bring in entries
        self.steps = Steps(MAX_STEPS)
        self.joined: dict[tuple[int | None, bool], str] = {}

    def matches(self) -> list[Entry]:
        found: dict[int, Entry] = {}
        for _ in range(MAX_ROUNDS):
            new = {n: e for n, e in enumerate(self.book.entries) if n not in found and self._enters(e)}
            found |= new
            if not new or not self.book.recursive:
                break
            self.brought += [rendered(entry.content, self.cast, hidden=True) for entry in new.values()]
            self.brought = list(_newest(self.brought))
            self.joined.clear()
        return [found[number] for number in sorted(found)]

    def _enters(self, entry: Entry) -> bool:
        marks = entry.decorators
        if always(entry):
            return True
        if not entry.enabled or not entry.content.strip() or marks.dont_activate:
            return False
        if self.turns is not None and self._too_soon(marks, self.turns):
            return False
        if None not in (self.greeting, marks.is_greeting) and self.greeting != marks.is_greeting:
            return False
        if entry.use_regex:
            return self._any_pattern(entry)
        if not all(self._any_key(entry, keys) for keys in marks.additional_keys):
            return False
        if marks.exclude_keys and self._any_key(entry, marks.exclude_keys):
            return False
        if entry.constant:
            return True
        # Editors write "selective" beside no secondary keys at all, and mean nothing by it.
        selects = entry.selective and entry.secondary_keys
        return self._any_key(entry, entry.keys) and (
            not selects or self._any_key(entry, entry.secondary_keys)
        )

    def _too_soon(self, marks: Decorators, turns: int) -> bool:
        after, every = marks.activate_only_after or 0, marks.activate_only_every or 1
        return turns < after or turns % every != 0

    def _any_key(self, entry: Entry, keys: Iterable[str]) -> bool:
        depth, caseless = self._depth(entry), not entry.case_sensitive
        if (depth, caseless) not in self.joined:
            text = "\0".join(self._scanned(depth))  # no key has a NUL: none is found across two texts
            self.joined[depth, caseless] = text.casefold() if caseless else text
        text = self.joined[depth, caseless]
        return any((key.casefold() if caseless else key) in text for key in map(self._named, keys) if key)

    def _any_pattern(self, entry: Entry) -> bool:
        """One invalid pattern and the entry matches nothing, as the specification says."""
        try:
            patterns = [_pattern(key, not entry.case_sensitive) for key in entry.keys]
        except PatternError:
            return False
        scanned = self._scanned(self._depth(entry))
        return any(pattern.search(text, self.steps) for pattern in patterns for text in reversed(scanned))

    def _named(self, key: str) -> str:
        return rendered(key, self.cast, limit=1_000).strip()

    def _depth(self, entry: Entry) -> int | None:
        depth = entry.decorators.scan_depth
        return self.book.scan_depth if depth is None else depth

    def _scanned(self, depth: int | None) -> tuple[str, ...]:
        window = self.newest if depth is None else self.newest[max(0, len(self.newest) - depth) :]
        return (*self.brought, *window)


@lru_cache(maxsize=2 * MAX_PATTERNS)
def _pattern(key: str, ignore_case: bool) -> Pattern:
    return compiled(key, ignore_case=ignore_case)


def _newest(texts: Sequence[str]) -> Sequence[str]:
    """The last texts that together have at most MAX_SCANNED characters; the first of them may lose its head."""
    kept: list[str] = []
    left = MAX_SCANNED
    for text in reversed(texts):
        if left <= 0:
            break
        kept.append(text[-left:])
        left -= len(text)
    return kept[::-1]


def _within(
    entries: list[Entry], book: Book, count: Callable[[str], int], cast: Cast, budget: int | None
) -> tuple[Entry, ...]:
    """The entries in order, without what is over budget: first what fits by no means, then the least important."""
    limits = [limit for limit in (book.token_budget, budget) if limit is not None]
    ordered = sorted(entries, key=lambda entry: entry.insertion_order)
    if not limits:
        return tuple(ordered)
    sizes = [(entry, count(rendered(entry.content, cast))) for entry in ordered]
    kept = [(entry, size) for entry, size in sizes if size <= min(limits)]
    excess = sum(size for _, size in kept) - min(limits)
    out: set[int] = set()
    for number in sorted(range(len(kept)), key=lambda n: (kept[n][0].priority, kept[n][0].insertion_order)):
        if excess <= 0:
            break
        out.add(number)
        excess -= kept[number][1]
    return tuple(entry for number, (entry, _) in enumerate(kept) if number not in out)
