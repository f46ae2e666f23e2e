"""The names under which the model is shown rows."""

from __future__ import annotations

import pytest

from bot.agent.tools.ids import LORE, MESSAGE, NOTE, id_of, key_of
from bot.errors import ToolError
from memory.records import PRIVATE, Agent, Conversation, Passage
from tests.fakes.memory_rows import NOW, said

ADA = Agent(id=7, user_id=1, persona_id=1, name="ada", archive_id=3)
PLACE = Conversation(id=1, agent_id=7, address="console:ada", audience=PRIVATE)


def passage(archive: int, seq: int, source: str = "") -> Passage:
    key = archive << 32 | seq
    return Passage(key=key, uid="u", audience=PRIVATE, text="x", tags=(), created_at=NOW, source=source)


def test_a_name_leads_back_to_its_row() -> None:
    told = said(PLACE, "Hello", key=7 << 32 | 41)
    note, lore = passage(3, 5), passage(9, 5)
    assert [id_of(row, ADA) for row in (told, note, lore)] == ["m41", "n5", "l9-5"]
    assert key_of("m41", ADA) == told.key
    assert key_of("n5", ADA) == note.key
    assert key_of("l9-5", ADA, (LORE,)) == lore.key
    assert id_of(passage(3, 5, source="guide.pdf"), ADA) == ""


@pytest.mark.parametrize("name", ["M41", " [m41] ", "#m41", "m41:", "`m41`", "41"])
def test_a_name_is_understood_as_models_write_it(name: str) -> None:
    assert key_of(name, ADA, (MESSAGE,)) == 7 << 32 | 41


@pytest.mark.parametrize(
    "name",
    ["", "m", "x41", "m-41", "m41.5", "m41 m42", "passage 5", "m٤١", "n3-5", "l5", "41", "m" + "9" * 400],
)
def test_what_is_no_name_is_told_how_names_look(name: str) -> None:
    with pytest.raises(ToolError, match=r"is no id. An id looks like m12 \(a message\) or n12") as refused:
        key_of(name, ADA, (MESSAGE, NOTE))
    assert len(str(refused.value)) < 250


def test_a_name_of_another_kind_is_refused() -> None:
    with pytest.raises(ToolError, match="n5 is a note of your archive; this wants the id of a message"):
        key_of("n5", ADA, (MESSAGE,))
    with pytest.raises(ToolError, match="l9-5 is a line of the community's lore; this wants"):
        key_of("l9-5", ADA, (MESSAGE, NOTE))


def test_no_number_reaches_another_scope() -> None:
    """A sequence number that does not fit would run over into the next agent's range."""
    for name in (f"m{1 << 32}", f"n{(1 << 32) + 5}", "m9999999999"):
        with pytest.raises(ToolError, match="There is no"):
            key_of(name, ADA)
    assert key_of("m4294967295", ADA) >> 32 == 7
