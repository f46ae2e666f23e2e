from __future__ import annotations

import asyncio
import gc

import pytest

from bot.agent.interrupt import RESTART, STOP, YIELD, Interrupt
from bot.errors import Interrupted


class Question:
    """A question to a model that answers when told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def ask(self) -> str:
        self.asked.set()
        try:
            return await self.answer
        except asyncio.CancelledError:
            self.closed = True
            raise


async def guarded(interrupt: Interrupt, question: Question) -> tuple[str, int]:
    """How it ended, and how many cancellations the task has left over."""
    task = asyncio.current_task()
    assert task is not None
    try:
        ended = await interrupt.guard(question.ask())
    except Interrupted as interrupted:
        ended = interrupted.reason
    return ended, task.cancelling()


async def test_an_answer_passes() -> None:
    interrupt, question = Interrupt(), Question()
    question.answer.set_result("yes")
    assert await guarded(interrupt, question) == ("yes", 0)
    assert interrupt.reason is None


async def test_an_error_passes() -> None:
    interrupt, question = Interrupt(), Question()
    question.answer.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await guarded(interrupt, question)


async def test_a_question_under_way_is_called_off_and_closed() -> None:
    interrupt, question = Interrupt(), Question()
    task = asyncio.create_task(guarded(interrupt, question))
    await question.asked.wait()

    interrupt.request(STOP)

    assert await task == (STOP, 0)
    assert question.closed


async def test_a_request_before_the_question_calls_off_the_next() -> None:
    interrupt, question = Interrupt(), Question()
    interrupt.request(RESTART)

    assert await guarded(interrupt, question) == (RESTART, 0)
    assert not question.asked.is_set()
    del question
    gc.collect()  # a coroutine that was never awaited would warn, and a warning is an error


async def test_nothing_else_than_the_question_is_called_off() -> None:
    interrupt, question = Interrupt(), Question()
    question.answer.set_result("yes")
    await interrupt.guard(question.ask())

    interrupt.request(STOP)

    await asyncio.sleep(0)  # a cancellation would be raised here


async def test_a_second_request_leaves_no_cancellation_behind() -> None:
    interrupt, question = Interrupt(), Question()
    task = asyncio.create_task(guarded(interrupt, question))
    await question.asked.wait()

    interrupt.request(STOP)
    interrupt.request(STOP)

    assert await task == (STOP, 0)


async def test_a_second_request_may_come_while_the_question_is_being_closed() -> None:
    interrupt, asked, closing = Interrupt(), asyncio.Event(), asyncio.Event()
    closed = False

    async def ask() -> str:
        nonlocal closed
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            closing.set()
            for _ in range(3):
                await asyncio.sleep(0)
            closed = True
        return ""

    async def turn() -> int:
        with pytest.raises(Interrupted):
            await interrupt.guard(ask())
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    task = asyncio.create_task(turn())
    await asked.wait()
    interrupt.request(STOP)
    await closing.wait()
    interrupt.request(STOP)

    assert await task == 0
    assert closed


async def test_the_end_of_the_program_is_no_interrupt() -> None:
    interrupt, question = Interrupt(), Question()
    task = asyncio.create_task(guarded(interrupt, question))
    await question.asked.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert question.closed


@pytest.mark.parametrize("stopped_first", [True, False])
async def test_the_end_of_the_program_goes_before_an_interrupt(stopped_first: bool) -> None:
    interrupt, question = Interrupt(), Question()
    task = asyncio.create_task(guarded(interrupt, question))
    await question.asked.wait()

    if stopped_first:
        interrupt.request(STOP)
    task.cancel()
    if not stopped_first:
        interrupt.request(STOP)

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_called_off_by_one_reason_alone_is_not_called_off_by_others() -> None:
    interrupt, question = Interrupt(), Question()
    task = asyncio.create_task(interrupt.guard(question.ask(), only=STOP))
    await question.asked.wait()
    interrupt.request(YIELD)
    await asyncio.sleep(0)
    assert not question.closed
    interrupt.request(STOP)  # also after another
    with pytest.raises(Interrupted):
        await task
    assert question.closed


async def test_what_was_asked_for_before_calls_off_only_what_it_may() -> None:
    interrupt, question = Interrupt(), Question()
    interrupt.request(YIELD)
    question.answer.set_result("yes")
    assert await interrupt.guard(question.ask(), only=STOP) == "yes"
    with pytest.raises(Interrupted):
        await interrupt.guard(Question().ask())
