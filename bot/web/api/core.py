"""Core memory."""

from __future__ import annotations

from datetime import datetime

from bot.errors import Changed, NotThere
from bot.ownership.corrections import is_own
from bot.web.api import shapes
from bot.web.api.asking import Asked, Done
from memory.records import PRIVATE, Block


async def read(asked: Asked) -> shapes.CoreMemory:
    async with asked.app.memory.store.read() as session:
        blocks = await session.blocks.visible(asked.who.agent, PRIVATE)
    return shapes.CoreMemory(blocks=[_block(asked, block) for block in blocks])


def _block(asked: Asked, block: Block) -> shapes.CoreBlock:
    return shapes.core_block(block, editable=is_own(block, asked.who, PRIVATE))


async def _own_block(asked: Asked, label: str) -> Block:
    own = await asked.app.corrections.own_blocks(asked.who, PRIVATE)
    if label not in own:
        raise NotThere(f"There is no block {label!r} that is yours to edit.")
    return own[label]


async def change(asked: Asked, done: Done) -> str:
    change: shapes.BlockChange = asked.body
    block = await _own_block(asked, change.label)
    if change.version is not None and change.version != block.version:
        raise Changed(f"The block {block.label!r} is of version {block.version} by now.")
    await asked.app.corrections.set_block(asked.who, PRIVATE, block, change.value, done(block.label))
    return block.label


async def changed(asked: Asked, label: str, at: datetime) -> shapes.CoreBlock:
    return _block(asked, await _own_block(asked, label))
