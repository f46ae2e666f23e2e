"""The lorebook of a card (``character_book``): which of its entries enter the context.

`matching` is pure, and the same for the same texts. A key matches where it stands anywhere in a text, inside a word
as well; letters' case counts only where the entry says so. One written ``/like this/i`` is a regular expression in
an entry with ``use_regex``, which SillyTavern sets on every entry, whatever its keys are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from bot.errors import CardError
from bot.personas.cards.automaton import Pattern, Steps
from bot.personas.cards.decorators import Decorators, split
from bot.personas.cards.fields import Fields, Json
from bot.personas.cards.macros import Cast, rendered
from bot.personas.cards.pattern import PatternError, compiled, is_pattern

MAX_ENTRIES = 2_000
MAX_KEYS = 10_000  # of a whole book
MAX_PATTERNS = 200  # of the keys, those that are regular expressions: no more are looked for
MAX_SCANNED = 20_000  # characters of the newest texts that keys are looked for in
MAX_ROUNDS = 4  # of entries that bring in entries
MAX_TRIES = 100  # places where a key is looked at for being a word of its own
MAX_STEPS = 200_000  # of all regular expressions together: well under a second

UNFOLLOWED = (
    *("group", "group_override", "sticky", "cooldown", "delay", "delay_until_recursion", "vectorized"),
    *("exclude_recursion", "prevent_recursion", "automation_id", "triggers", "character_filter"),
    *("excludeRecursion", "preventRecursion", "delayUntilRecursion", "automationId", "characterFilter"),
)
AND_ANY, NOT_ALL, NOT_ANY, AND_ALL = range(4)  # SillyTavern's selectiveLogic: what secondary keys ask for


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``content`` is without its decorators, and with its macros."""

    keys: tuple[str, ...]
    secondary_keys: tuple[str, ...]
    content: str
    enabled: bool
    selective: bool
    logic: int
    constant: bool
    use_regex: bool
    case_sensitive: bool
    whole_words: bool
    scan_depth: int | None
    probability: float  # percent
    insertion_order: float
    priority: float
    decorators: Decorators
    label: str  # how notices call it; never rendered
    unfollowed: tuple[str, ...] = ()  # settings of other programs that everbot does not follow


@dataclass(frozen=True, kw_only=True)
class Book:
    entries: tuple[Entry, ...] = ()
    scan_depth: int | None = None
    token_budget: int | None = None
    recursive: bool = False


def book_of(data: Json | None, where: str = "data.character_book", told: list[str] | None = None) -> Book:
    """The book in a card's JSON; ``told`` what in it is odd. Raises CardError for one that is too large."""
    if data is None:
        return Book()
    fields = Fields(data, where, told)
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
    return book


def _entry(fields: Fields) -> Entry:
    own = fields.fields(
        "extensions"
    )  # where SillyTavern and RisuAI keep what the specification has no field for
    name, comment = fields.maybe_text("name"), fields.maybe_text("comment")
    order = fields.maybe_number("insertion_order") or 0
    priority = fields.maybe_number("priority")
    decorators, content = split(fields.text("content"))
    depth = own.maybe_number("scan_depth") if decorators.scan_depth is None else decorators.scan_depth
    return Entry(
        keys=_keys(fields, "keys"),
        secondary_keys=_keys(fields, "secondary_keys"),
        content=content,
        enabled=fields.maybe_flag("enabled") is not False,
        selective=bool(fields.maybe_flag("selective")),
        logic=int(own.maybe_number("selectiveLogic") or 0),
        constant=bool(fields.maybe_flag("constant")),
        use_regex=bool(fields.maybe_flag("use_regex")),
        case_sensitive=bool(fields.maybe_flag("case_sensitive") or own.maybe_flag("case_sensitive")),
        whole_words=bool(own.maybe_flag("match_whole_words")),
        scan_depth=_whole(depth),
        probability=_probability(own),
        insertion_order=order,
        priority=order if priority is None else priority,
        decorators=decorators,
        label=(name or comment or fields.where)[:80],
        unfollowed=tuple(name for name in UNFOLLOWED if own.value.get(name)),
    )


def _probability(own: Fields) -> float:
    if own.maybe_flag("useProbability") is False:
        return 100.0
    told = [own.maybe_number(name) for name in ("probability", "risu_activationPercent")]
    return next((number for number in told if number is not None), 100.0)


def _keys(fields: Fields, name: str) -> tuple[str, ...]:
    """An empty key would match everything: it is none."""
    return tuple(key for text in fields.texts(name, split=True) if (key := text.strip()))


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
    return entry.constant and entry.probability >= 100 and not asks


class _Scan:
    """One search for a book's keys in a conversation."""

    def __init__(
        self, book: Book, texts: Sequence[str], cast: Cast, turns: int | None, greeting: int | None
    ) -> None:
        self.book, self.cast, self.turns, self.greeting = book, cast, turns, greeting
        self.newest = tuple(_newest(texts))
        self.brought: list[str] = []  # contents of entries that are in, when entries may bring in entries
        self.steps = Steps(MAX_STEPS)
        self.patterns = patterns_of(book)
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
        if not all(self._any_key(entry, keys) for keys in marks.additional_keys):
            return False
        if marks.exclude_keys and self._any_key(entry, marks.exclude_keys):
            return False
        if entry.probability < 100 and not self._is_drawn(entry):
            return False
        return entry.constant or (self._any_key(entry, entry.keys) and self._is_selected(entry))

    def _is_selected(self, entry: Entry) -> bool:
        # Editors write "selective" beside no secondary keys at all, and mean nothing by it.
        if not entry.selective or not entry.secondary_keys:
            return True
        if entry.logic in (AND_ALL, NOT_ALL):
            everything = all(self._has_key(entry, key) for key in entry.secondary_keys)
            return everything is (entry.logic == AND_ALL)
        return self._any_key(entry, entry.secondary_keys) is not (entry.logic == NOT_ANY)

    def _is_drawn(self, entry: Entry) -> bool:
        """Chance that is the same for the same texts: what a provider has cached of a request stays good."""
        newest = self.newest[-1] if self.newest else ""
        drawn = hashlib.sha256(f"{self.cast.seed}\0{entry.content}\0{newest}".encode()).digest()
        return int.from_bytes(drawn[:4], "big") / 2**32 * 100 < entry.probability

    def _too_soon(self, marks: Decorators, turns: int) -> bool:
        after, every = marks.activate_only_after or 0, marks.activate_only_every or 1
        return turns < after or turns % every != 0

    def _any_key(self, entry: Entry, keys: Iterable[str]) -> bool:
        return any(self._has_key(entry, key) for key in keys)

    def _has_key(self, entry: Entry, key: str) -> bool:
        depth, caseless = self._depth(entry), not entry.case_sensitive
        if entry.use_regex and is_pattern(key):
            return key in self.patterns and self._has_pattern(key, depth)
        if (depth, caseless) not in self.joined:
            text = "\0".join(self._scanned(depth))  # no key has a NUL: none is found across two texts
            self.joined[depth, caseless] = text.casefold() if caseless else text
        wanted = self._named(key)
        wanted = wanted.casefold() if caseless else wanted
        return bool(wanted) and _stands(wanted, self.joined[depth, caseless], whole=entry.whole_words)

    def _has_pattern(self, key: str, depth: int | None) -> bool:
        try:
            pattern = _pattern(key)
        except PatternError:
            return False
        return any(pattern.search(text, self.steps) for text in reversed(self._scanned(depth)))

    def _named(self, key: str) -> str:
        return rendered(key, self.cast, limit=1_000).strip()

    def _depth(self, entry: Entry) -> int | None:
        return self.book.scan_depth if entry.scan_depth is None else entry.scan_depth

    def _scanned(self, depth: int | None) -> tuple[str, ...]:
        window = self.newest if depth is None else self.newest[max(0, len(self.newest) - depth) :]
        return (*self.brought, *window)


def patterns_of(book: Book) -> frozenset[str]:
    """The first of a book's keys that are regular expressions, no more than are looked for."""
    keys = (
        key for e in book.entries if e.use_regex for key in (*e.keys, *e.secondary_keys) if is_pattern(key)
    )
    return frozenset(islice(dict.fromkeys(keys), MAX_PATTERNS))


@lru_cache(maxsize=2 * MAX_PATTERNS)
def _pattern(key: str) -> Pattern:
    return compiled(key, ignore_case=False)


def _stands(key: str, text: str, *, whole: bool) -> bool:
    """Whether the key is in the text; ``whole``: not as a part of a longer word."""
    at = text.find(key)
    for _ in range(MAX_TRIES if whole else 0):
        end = at + len(key)
        if at < 0 or not (text[max(0, at - 1) : at].isalnum() or text[end : end + 1].isalnum()):
            break
        at = text.find(key, end)
    return at >= 0


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
