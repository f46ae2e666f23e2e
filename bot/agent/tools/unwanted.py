"""What a person wants forgotten, as it is gathered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.agent.picture import Picture
from memory.records import KeptDocument, Message, Passage
from memory.search.terms import digest_words

_SHORT = 3  # characters of a text that is looked for as a whole line only


@dataclass
class Removal:
    """Texts that go out of a block of core memory, which read ``before`` and reads ``after`` now."""

    texts: list[str]
    before: str
    after: str

    def __call__(self, line: str) -> bool:
        """Whether a line of the block's past holds any of it."""
        said = digest_words(line)
        return any(_holds(said, digest_words(text)) for text in self.texts)


@dataclass
class Unwanted:
    """What is to be forgotten, by its key; of core memory by the id of the block, of documents by
    that of the file, of pictures by their own."""

    passages: dict[int, Passage] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    lines: dict[int, Removal] = field(default_factory=dict)
    documents: dict[str, KeptDocument] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.passages or self.messages or self.lines or self.documents or self.pictures)

    @property
    def texts(self) -> list[str]:
        rows: list[Passage | Message] = [*self.passages.values(), *self.messages.values()]
        texts = [row.text for row in rows] + [document.name for document in self.documents.values()]
        texts += [picture.says for picture in self.pictures.values()]
        return texts + [text for removal in self.lines.values() for text in removal.texts]


def _holds(said: str, text: str) -> bool:
    return text in said if len(text) > _SHORT else text == said
