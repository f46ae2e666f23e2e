from __future__ import annotations

import asyncio
import base64
import random
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from memory.ports import TokenCounter
from memory.tokens import Calibrated, Estimator, TiktokenCounter, fetch_tables, token_counter

SAMPLES = {
    "english": "Yesterday we took the children to the zoo, because the weather had got better at last. My sister "
    "has worked for an insurance company in Leeds for three years and wonders whether to move house.",
    "german": "Gestern Abend sind wir mit den Kindern in den Zoo gegangen, weil das Wetter endlich wieder schöner "
    "ist. Meine Schwester arbeitet seit drei Jahren bei einer Versicherung und überlegt, ob sie umzieht.",
    "russian": "Вчера вечером мы с детьми ходили в зоопарк, потому что погода наконец стала лучше. Моя сестра "
    "уже три года работает в страховой компании и думает о переезде.",
    "chinese": "昨天晚上我们带着孩子去了动物园，因为天气终于变好了。我姐姐在上海的一家保险公司工作了三年。",
    "japanese": "昨日の夜、天気がやっと良くなったので、子供たちと動物園に行きました。姉は東京で働いています。",
    "korean": "어제 저녁에 날씨가 드디어 좋아져서 아이들과 함께 동물원에 갔습니다. 언니는 서울에서 일하고 있어요.",
    "emoji": "so nice 😀😂🥰👍🏽🎉🔥✨ 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🦄 🧑🏿‍🚀 ❤️ ☕️",
    "code": "def count(self, text: str) -> int:\n    total = 0\n    for piece in PIECES.findall(text):\n"
    '        total += self.cost(piece, key="x")\n    return total  # tokens\n',
    "json": '{"id": 17, "name": "core_memory_append", "arguments": {"label": "human", "content": "likes tea"}}',
    "base64": base64.b64encode(random.Random(7).randbytes(900)).decode(),
    "hex": random.Random(7).randbytes(300).hex(),
    "numbers": "3.14159 1000000 2026-11-21 09:30:00 +49 89 1234567 42 7 1,250.75",
    "whitespace": "one\n\n\n\ttwo\t\tthree          four\r\nfive\n        six",
}
TRUTH = {  # what o200k_base counts
    "english": 38,
    "german": 39,
    "russian": 40,
    "chinese": 27,
    "japanese": 37,
    "korean": 34,
    "emoji": 50,
    "code": 44,
    "json": 30,
    "base64": 814,
    "hex": 337,
    "numbers": 39,
    "whitespace": 14,
}
ODD = ["", "\ud800", "a\udfff\ud800b", "\0", "<|endoftext|>", "<|im_start|>system"]
HUGE = {
    "letters": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "marks": "^" * 1_000_000,
    "words": "ab " * 333_333,
}


def exact_counter(model: str = "some-local-model") -> TokenCounter:
    """With tables, where the environment has them."""
    counter = token_counter(model, Path(tempfile.gettempdir()) / "no-such-folder")
    if not isinstance(counter, TiktokenCounter):
        pytest.skip("TIKTOKEN_CACHE_DIR has no tables")
    return counter


def test_known_counts() -> None:
    counter = exact_counter()
    assert counter.count("") == 0
    assert counter.count("hello world") == 2
    assert counter.count("昨天晚上") < exact_counter("gpt-4").count("昨天晚上")


def test_a_providers_prefix_does_not_matter() -> None:
    assert exact_counter("openai/gpt-4").count(SAMPLES["korean"]) == exact_counter("gpt-4").count(
        SAMPLES["korean"]
    )


def test_special_tokens_are_plain_text() -> None:
    assert exact_counter().count("<|endoftext|>") > 1


def test_slices_change_a_count_by_little() -> None:
    counter = exact_counter()
    text = " " + SAMPLES["english"]
    assert counter.count(text * 100) == pytest.approx(100 * counter.count(text), rel=0.01)


def test_what_is_remembered_of_a_long_text_is_its_count_in_one_encoding() -> None:
    """Also of more texts than are remembered."""
    many = [f"{n} {SAMPLES['chinese'] * 120}" for n in range(600)]
    once = [exact_counter().count(text) for text in many]
    assert [exact_counter().count(text) for text in many] == once
    assert exact_counter("gpt-4").count(many[-1]) > 1.1 * once[-1]


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("kind", ["exact", "estimate"])
def test_a_huge_text_is_counted_soon(name: str, kind: str) -> None:
    counter = exact_counter() if kind == "exact" else Estimator()
    started = time.thread_time()
    assert counter.count(HUGE[name]) >= 1_000_000 / 128
    assert time.thread_time() - started < (2.0 if name == "words" else 0.5)


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("kind", ["exact", "estimate"])
def test_any_text_has_a_count(text: str, kind: str) -> None:
    counter = exact_counter() if kind == "exact" else Estimator()
    assert counter.count(text) >= (1 if text else 0)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_estimate_is_a_little_on_the_high_side(name: str) -> None:
    assert TRUTH[name] <= Estimator().count(SAMPLES[name]) <= 1.6 * TRUTH[name]


def test_the_true_counts_are_the_tables() -> None:
    assert {name: exact_counter().count(text) for name, text in SAMPLES.items()} == TRUTH


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_the_estimate_is_never_less_than_the_words_nor_more_than_four_per_character(text: str) -> None:
    assert len(text.split()) <= Estimator().count(text) <= 4 * len(text)


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_more_text_is_never_estimated_lower(text: str) -> None:
    counts = [Estimator().count((text + " ") * n) for n in (1, 2, 3, 10)]
    assert counts == sorted(counts)
    assert counts[3] == pytest.approx(10 * counts[0], rel=0.2)


def test_without_tables_there_is_an_estimator(tmp_path: Path) -> None:
    environ = {"TIKTOKEN_CACHE_DIR": str(tmp_path / "none"), "DATA_GYM_CACHE_DIR": ""}
    for model in ("gpt-4o", "gpt-4", "gpt2", "anything"):
        assert isinstance(token_counter(model, tmp_path, environ), Estimator)
    # the SHA-1 of o200k_base's address
    damaged = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    damaged.write_bytes(b"half a table")
    assert isinstance(token_counter("gpt-4o", tmp_path, environ), Estimator)
    assert damaged.exists()


@pytest_asyncio.fixture
async def tables() -> AsyncIterator[str]:
    """A server with wrong tables, and under /silent one that never answers."""
    hung = asyncio.Event()

    async def wrong(request: web.Request) -> web.Response:
        return web.Response(body=b"aGVsbG8= 0\n")

    async def silent(request: web.Request) -> web.Response:
        await hung.wait()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/silent/{name}", silent)
    app.router.add_get("/{name}.tiktoken", wrong)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    hung.set()
    await runner.cleanup()


async def test_a_wrong_table_is_not_kept(tables: str, tmp_path: Path) -> None:
    assert await fetch_tables("gpt-4o", tmp_path / "cache", {}, url=tables) is False
    assert not (tmp_path / "cache").exists()


async def test_a_download_that_hangs_or_fails_is_given_up(tables: str, tmp_path: Path) -> None:
    assert await fetch_tables("gpt-4o", tmp_path, {}, url=tables + "/silent", limit=0.1) is False
    assert await fetch_tables("gpt-4o", tmp_path, {}, url=tables + "/a/b") is False
    assert await fetch_tables("gpt-4o", tmp_path, {}, url="http://127.0.0.1:1") is False
    assert await fetch_tables("gpt-4o", tmp_path, {}, url="nothing that is known://there") is False
    assert await fetch_tables("gpt2", tmp_path, {}, url=tables) is False
    assert list(tmp_path.iterdir()) == []


async def test_tables_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    exact_counter()
    assert await fetch_tables("gpt-4o", tmp_path, url="http://127.0.0.1:1") is True


class Letters:
    def count(self, text: str) -> int:
        return len(text)


def test_calibration_follows_what_the_model_reports() -> None:
    counter = Calibrated(Letters())
    assert counter.count("x" * 1000) == 1000
    for _ in range(40):
        counter.learn(1000, 1300)
    assert counter.count("x" * 1000) in (1300, 1301)
    assert counter.scaled(1000) == counter.count("x" * 1000)
    for _ in range(40):
        counter.learn(1000, 900)
    assert counter.count("x" * 1000) in (900, 901)


def test_one_odd_report_moves_it_a_little() -> None:
    counter = Calibrated(Letters())
    counter.learn(1000, 2000)
    assert 1 < counter.factor <= 1.25


def test_calibration_has_bounds_and_ignores_the_tiny() -> None:
    counter = Calibrated(Letters())
    counter.learn(199, 1000)
    counter.learn(0, 1000)
    counter.learn(1000, 0)
    assert counter.factor == 1
    for _ in range(100):
        counter.learn(1000, 90_000)
    assert counter.factor == 2.5
    for _ in range(100):
        counter.learn(1000, 200)
    assert counter.factor == 0.8


def test_calibrated_counts_round_up() -> None:
    counter = Calibrated(Letters())
    counter.learn(1000, 1100)
    assert counter.count("x") == 2
    assert counter.count("") == 0
