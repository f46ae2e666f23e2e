"""Core memory as a request shows it: blocks after the system instructions, within their share of the window.

What does not fit is cut by rule, and said to be: first other places' blocks and what is long in all of them, then
blocks as a whole, the persona's and this place's last. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from memory.records import Block

_FOREIGN = 4_000  # characters of other places' blocks that a private turn is shown
_MOST = 64  # blocks that are shown, however small
_DESCRIPTION = 300  # characters of a description
_CHARACTERS = 100_000  # of all values together
_DENSEST = 8  # characters of a token, mostly
_LEAST = 40  # tokens of a block's value that are worth showing
_NOTE = 45  # tokens that the note of a cut takes

Fit = Callable[[str, int], str]
Count = Callable[[str], int]
Frame = Callable[[Block], str]


def rendered(blocks: Sequence[Block]) -> str:
    """The blocks that are shown."""
    chosen = _chosen(blocks)
    return _text(chosen, _unshown(blocks, chosen))


def within(blocks: Sequence[Block], tokens: int, count: Count, fit: Fit, frame: Frame | None = None) -> str:
    """The same in at most ``tokens``, as far as a single block can be cut to that. ``fit`` cuts a text; ``frame`` shows
    a block otherwise than in tags. However long blocks are, no more of them is looked at than might be shown."""
    chosen = _chosen(blocks)
    reach = _level([len(b.value) for b in chosen], max(_LEAST, min(_CHARACTERS, _DENSEST * tokens)))
    text = _text([_beginning(b, b.value[:reach]) for b in chosen], _unshown(blocks, chosen), frame)
    if count(text) <= tokens:
        return text
    frames = [count((frame or _block)(replace(block, value=""))) for block in chosen]
    while chosen:
        room = tokens - sum(frames[: len(chosen)]) - _NOTE * (len(chosen) + 1)
        if room >= _LEAST * len(chosen) or len(chosen) == 1:
            level = _level([count(block.value[:reach]) for block in chosen], max(room, _LEAST))
            cut = [_beginning(b, _cut(b.value[:reach], level, count, fit)) for b in chosen]
            text = _text(cut, _unshown(blocks, chosen), frame)
            if count(text) <= tokens or len(chosen) == 1:
                return text
        chosen = chosen[:-1]  # the least important stands last
    return text


def _chosen(blocks: Sequence[Block]) -> list[Block]:
    """Those that are shown where there is room: all of here, then other places', the newest place first."""
    here = [block for block in blocks if "@" not in block.label]
    shown, taken = here[:_MOST], 0
    for block in sorted((b for b in blocks if "@" in b.label and b.value), key=lambda b: -b.id):
        taken += len(block.value)
        if taken <= _FOREIGN and len(shown) < _MOST:
            shown.append(block)
    return shown


def _unshown(blocks: Sequence[Block], shown: Sequence[Block]) -> int:
    """How many blocks that say something are not shown."""
    kept = {block.id for block in shown}
    return sum(bool(block.value) for block in blocks if block.id not in kept)


def _text(blocks: Iterable[Block], unshown: int, frame: Frame | None = None) -> str:
    if frame is not None:
        return "\n\n".join(filter(None, map(frame, blocks)))
    note = (
        f"<note>{unshown} more blocks do not fit here and are not shown. conversation_search finds what they were "
        "made from.</note>"
    )
    return "\n".join(
        ["<memory_blocks>", *map(_block, blocks), *([note] if unshown else []), "</memory_blocks>"]
    )


def _block(block: Block) -> str:
    kept = ' read_only="true"' if block.read_only else ""
    # All of it is data: it can't close the block that holds it.
    value = block.value.replace("</block", "<\\/block").replace("</memory_blocks", "<\\/memory_blocks")
    about = " ".join(block.description.split())
    about = _attribute(about if len(about) <= _DESCRIPTION else f"{about[:_DESCRIPTION]} …")
    return (
        f'<block label="{_attribute(block.label)}" chars="{len(block.value)}/{block.limit}"{kept} '
        f'description="{about}">\n{value}\n</block>'
    )


def _attribute(text: str) -> str:
    return text.replace('"', "'").replace("<", "‹").replace(">", "›")


def _level(sizes: Sequence[int], room: int) -> int:
    """How much each may have at most, so that all of them fit the room, and what small ones leave is shared."""
    left = room
    for done, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - done)
        if size > share:
            return share
        left -= size
    return max(sizes, default=room)


def _cut(text: str, tokens: int, count: Count, fit: Fit) -> str:
    return text if count(text) <= tokens else fit(text, max(tokens, _LEAST))


def _beginning(block: Block, value: str) -> Block:
    """The block with the beginning of its value, and a note where that is not all of it."""
    if len(value) == len(block.value):
        return block
    note = f"[clipped: {len(value)} of {len(block.value)} characters are shown: condense it]"
    return replace(block, value=f"{value} … {note}")
