"""What every embedder keeps, and how the endpoint's failures look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from memory.errors import EmbedderError, TextRefused
from memory.index.e5 import MULTILINGUAL
from memory.index.endpoint import MAX_BATCH, EndpointEmbedder
from memory.index.minilm import MINILM
from memory.index.offline import OfflineEmbedder, find_weights
from tests.fakes.embeddings_server import EmbeddingsServer, embeddings_server

Subject = OfflineEmbedder | EndpointEmbedder

TEXTS = [f"Note {n}: the {animal} sleeps." for n in range(60) for animal in ("cat", "grey old dog", "bird")]


def endpoint(server: EmbeddingsServer, *, timeout: float = 10.0, retries: int = 0) -> EndpointEmbedder:
    return EndpointEmbedder(base_url=server.url, model="small", api_key="k", timeout=timeout, retries=retries)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EmbeddingsServer]:
    async with embeddings_server() as running:
        yield running


@pytest_asyncio.fixture
async def served(server: EmbeddingsServer) -> AsyncIterator[EndpointEmbedder]:
    subject = endpoint(server)
    yield subject
    await subject.close()


@pytest.fixture(params=["english", "multilingual", "served"])
def embedder(request: pytest.FixtureRequest) -> Subject:
    subject: Subject = request.getfixturevalue(request.param)
    return subject


async def test_one_unit_row_of_float32_for_each_text(embedder: Subject) -> None:
    vectors = await embedder.embed_passages(["tea", "a house by the sea", "tea"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, embedder.dimensions)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


async def test_no_texts_give_no_rows(embedder: Subject) -> None:
    await embedder.embed_passages(["tea"])
    assert (await embedder.embed_passages([])).shape == (0, embedder.dimensions)


async def test_rows_are_in_the_order_of_the_texts_and_do_not_depend_on_their_neighbours(
    embedder: Subject,
) -> None:
    together = await embedder.embed_passages(TEXTS)
    assert together.shape[0] == len(TEXTS)
    for position in (0, 1, 2, 77, 128, len(TEXTS) - 1):
        alone = await embedder.embed_passages([TEXTS[position]])
        assert float(alone[0] @ together[position]) == pytest.approx(1, abs=1e-3)
    assert float(together[0] @ together[1]) < 0.99


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "\0", "\ud800", "a\udfffb", "\U0001f600" * 50, "a" * 1_000_000, "word " * 200_000],
    ids=["empty", "blank", "nul", "surrogate", "inner surrogate", "emoji", "one huge word", "huge"],
)
async def test_any_text_has_a_vector(embedder: Subject, text: str) -> None:
    vectors = await embedder.embed_passages(["tea", text])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


async def test_what_is_alike_is_nearer_than_what_is_not(embedder: Subject) -> None:
    near = ["my dog is called Biscuit", "the name of my dog is Biscuit"]
    far = ["interest rates rose again this quarter"]
    vectors = await embedder.embed_passages(near + far)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


async def test_calls_at_the_same_time_get_their_own_answers(embedder: Subject) -> None:
    answers = await asyncio.gather(*(embedder.embed_passages([text]) for text in TEXTS[:12]))
    together = await embedder.embed_passages(TEXTS[:12])
    for answer, row in zip(answers, together, strict=True):
        assert float(answer[0] @ row) == pytest.approx(1, abs=1e-3)


async def test_the_name_tells_the_model(embedder: Subject) -> None:
    assert embedder.name in ("all-MiniLM-L6-v2-int8/2", "multilingual-e5-small-int8/1", "endpoint/small")


async def test_a_closed_embedder_says_so(
    embedder: Subject, model_dir: Path, server: EmbeddingsServer
) -> None:
    models = {model.name: model for model in (MINILM, MULTILINGUAL)}
    model = models.get(embedder.name)
    own = OfflineEmbedder(model, model_dir, find_weights(model)) if model else endpoint(server)
    await own.embed_passages(["tea"])
    await own.close()
    with pytest.raises(EmbedderError, match="closed"):
        await own.embed_passages(["tea"])


async def test_the_endpoint_is_asked_for_floats_in_batches_it_takes(server: EmbeddingsServer) -> None:
    subject = endpoint(server)
    await subject.embed_passages(TEXTS)
    assert [len(body["input"]) for body in server.bodies] == [MAX_BATCH, len(TEXTS) - MAX_BATCH]
    assert {(body["model"], body["encoding_format"]) for body in server.bodies} == {("small", "float")}
    assert set(server.keys) == {"Bearer k"}
    assert subject.dimensions == server.dimensions
    server.bodies.clear()
    await subject.embed_passages(["x" * 100_000] * 60 + [""])
    assert all(sum(map(len, body["input"])) <= 200_000 for body in server.bodies)
    assert all(text.strip() for body in server.bodies for text in body["input"])
    await subject.close()


@pytest.mark.parametrize("fault", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
async def test_a_refusal_is_an_embedder_error_with_its_reason(server: EmbeddingsServer, fault: int) -> None:
    subject = endpoint(server)
    server.fault = fault
    with pytest.raises(EmbedderError, match=f"refused: .*{fault}.*no such luck") as caught:
        await subject.embed_passages(["tea"])
    assert isinstance(caught.value, TextRefused) == (fault in (400, 413, 422))
    await subject.close()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("dropped", "cannot be reached"),
        ("cut", "cannot be reached"),
        ("garbage", "not understood"),
        ("page", "not understood"),
        ("no data", "not understood"),
        ("one short", "2 vectors for 3 texts"),
        ("null", "not understood"),
        ("zeros", "without a direction"),
        ("ragged", "not understood"),
    ],
)
async def test_a_useless_answer_is_an_embedder_error(
    server: EmbeddingsServer, fault: str, words: str
) -> None:
    subject = endpoint(server)
    server.fault = fault
    with pytest.raises(EmbedderError, match=words):
        await subject.embed_passages(["tea", "coffee", "water"])
    server.fault = None
    assert (await subject.embed_passages(["tea"])).shape == (1, server.dimensions)
    await subject.close()


async def test_an_endpoint_that_never_answers_runs_into_the_timeout(server: EmbeddingsServer) -> None:
    subject = endpoint(server, timeout=0.1)
    server.fault = "silent"
    with pytest.raises(EmbedderError, match="timed out"):
        await subject.embed_passages(["tea"])
    await subject.close()


async def test_a_passing_failure_is_tried_again(server: EmbeddingsServer) -> None:
    subject = endpoint(server, retries=1)
    server.fault = "once"
    assert (await subject.embed_passages(["tea"])).shape == (1, server.dimensions)
    assert len(server.bodies) == 2
    await subject.close()


async def test_other_dimensions_than_before_are_refused(server: EmbeddingsServer) -> None:
    subject = endpoint(server)
    await subject.embed_passages(["tea"])
    server.dimensions = 32
    with pytest.raises(EmbedderError, match="not of 64 numbers"):
        await subject.embed_passages(["tea"])
    await subject.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "nonsense", "http://[::1", ""])
async def test_a_wrong_address_is_an_embedder_error(url: str) -> None:
    subject = EndpointEmbedder(base_url=url, model="small", retries=0)
    with pytest.raises(EmbedderError, match="cannot be reached"):
        await subject.embed_passages(["tea"])
    await subject.close()
