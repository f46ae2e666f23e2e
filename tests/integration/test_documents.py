"""Facts in loaded documents are found, and followed from one document to another."""

from __future__ import annotations

from pathlib import Path

from benchmarks.documents import library, measure


async def test_facts_in_documents_are_found_and_followed(tmp_path: Path) -> None:
    score = await measure(tmp_path, documents=60, questions=60, chains=6, embedder="none")
    assert score.found >= 0.95
    assert score.reached == 1


def test_every_fact_is_stated_once() -> None:
    books = library(50, 5)
    texts = "".join(books.texts.values())
    assert len(books.facts) == 50
    assert all(texts.count(fact.answer) == 1 for fact in books.facts)
    assert all(texts.count(chain.answer) == 1 for chain in books.chains)
