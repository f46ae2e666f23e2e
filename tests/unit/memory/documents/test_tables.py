"""Tables: read from sheets, and known again in a text that is cut."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx import Presentation

from memory.documents.reading import read_text
from memory.documents.splitting import chunks
from memory.documents.tables import markdown, of_csv, tables_in

HEAD = "| Item | Price |\n| --- | --- |\n"


def priced(count: int) -> str:
    return markdown([["Item", "Price"], *([f"Pump {n}", f"{n} EUR"] for n in range(count))])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separated_values_are_a_table(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(
        [["Item", "Price"], ["Pump, big; or|small", "40"], ["Hose\nlong", "3"], []]
    )
    path.write_bytes(written.getvalue().encode("cp1252"))
    rows = "| Pump, big; or\\|small | 40 |\n| Hose long | 3 |"
    assert read_text(path) == HEAD + rows


@pytest.mark.parametrize(
    "text", ["", "one line", "no table, here\nat all", "a\nb\nc\n", '"a,b\n' + "x" * 200_000]
)
def test_what_is_no_table_stays_text(text: str) -> None:
    assert of_csv(text) is None


def test_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Prices"
    first.append([])
    for row in (
        ["Item", "Price", "Since", None],
        ["Pump", 40.0, date(2026, 1, 2)],
        [],
        ["Hose", 3.5, None],
    ):
        first.append(row)
    first["F900"].number_format = "0.00"  # touched, but empty
    book.create_sheet("Empty")
    book.create_sheet("Notes").append(["The alarm code is 4711."])
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert read_text(path) == (
        "## Prices\n\n| Item | Price | Since |\n| --- | --- | --- |\n| Pump | 40 | 2026-01-02 |\n| Hose | 3.5 |  |"
        "\n\n## Notes\n\n| The alarm code is 4711. |\n| --- |"
    )


def test_slides(tmp_path: Path) -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Plan", "The alarm code is 4711."
    slide.notes_slide.notes_text_frame.text = "Say hello."
    path = tmp_path / "a.pptx"
    deck.save(str(path))
    text = read_text(path)
    assert "# Plan" in text
    assert "4711" in text
    assert "Say hello." in text


def test_every_piece_of_a_table_begins_with_its_head() -> None:
    text = f"# Shop\n\nWhat we sell.\n\n{priced(200)}\n\nThat is all."
    pieces = list(chunks(text, lambda part: len(part.split()), 80, 10))
    assert len(pieces) > 10
    inside = [piece for piece in pieces if "Pump" in piece]
    assert all(HEAD in piece for piece in inside)
    assert all(piece.startswith(HEAD) for piece in inside[1:])
    rows = [line for piece in pieces for line in piece.splitlines() if "EUR" in line]
    assert rows == [f"| Pump {n} | {n} EUR |" for n in range(200)]
    assert pieces[-1].endswith("That is all.")


def test_what_follows_a_table_has_no_head_of_it() -> None:
    text = f"{priced(30)}\n\n" + "Words of the chapter that comes next. " * 60
    pieces = list(chunks(text, lambda part: len(part.split()), 60, 10))
    assert not any("Item" in piece for piece in pieces if "Pump" not in piece)
    assert "Item" not in pieces[-1]


def test_a_head_that_would_leave_no_room_is_not_repeated() -> None:
    text = markdown([[f"column {n}" for n in range(100)], *([str(n)] * 100 for n in range(20))])
    pieces = list(chunks(text, len, 900, 0))
    assert all(len(piece) <= 900 for piece in pieces)
    assert sum("column 0 " in piece for piece in pieces) == 1


cells = st.text("ab |-\n1", max_size=8)


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(cells, min_size=2, max_size=3), min_size=2, max_size=30),
    size=st.integers(12, 90),
    count=st.sampled_from([len, lambda part: len(part.split()) + part.count("|")]),
)
def test_no_row_is_lost_and_no_piece_is_too_large(
    rows: list[list[str]], size: int, count: Callable[[str], int]
) -> None:
    text = "Before.\n\n" + markdown(rows) + "\n\nAfter."
    [table] = tables_in(text)
    assert text[table.start : table.end].strip() == markdown(rows)
    head = text[table.start : table.body]
    kept = ""
    for piece in chunks(text, count, size, 0):
        assert count(piece) <= size
        kept += piece if not kept else piece.removeprefix(head)
    assert "".join(kept.split()) == "".join(text.split())


@given(st.text("|-: \na", max_size=300))
def test_any_text_has_its_tables_in_order(text: str) -> None:
    end = 0
    for table in tables_in(text):
        assert end <= table.start < table.body <= table.end <= len(text)
        end = table.end
