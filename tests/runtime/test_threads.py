"""What only real threads can show: hung tools, late answers, and an end of the process."""

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from jackline.adapters.rates import LocalRates
from jackline.core.errors import FencedError, ToolError
from jackline.core.events import (
    Principal,
    SessionId,
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.messages import Text
from jackline.core.tools import Context, Tool, tool
from jackline.runtime.threads import Threads
from jackline.runtime.tools import Invocation, Outcome, ToolEngine

T = TypeVar("T")
KEY = "turn/1/model/0/tool/0"
CONTEXT = Context[None](None, Principal("u"), SessionId("t", "s"), KEY)
PATIENCE_S = 20
WHO = contextvars.ContextVar("who", default="nobody")


class Drive:
    def __init__(self) -> None:
        self.heard: asyncio.Queue[ToolReconciled] = asyncio.Queue()
        self.looked_on: list[int] = []
        self.leased = True

    def check_lease(self) -> None:
        self.looked_on.append(threading.get_ident())
        if not self.leased:
            raise FencedError("The lease is over.")

    def late(self, outcome: ToolReconciled) -> None:
        self.heard.put_nowait(outcome)

    def clean(self, text: str) -> str:
        return text

    async def keep(self, data: bytes, media_type: str) -> str:
        raise AssertionError(f"nothing is large here: {len(data)} bytes, {media_type}")

    async def transact(self, work: Callable[[Any], ToolReturned]) -> None:
        raise AssertionError(f"nothing is transactional here: {work}")


class Hall:
    """An engine with threads, a drive, and a door that hung tools wait at."""

    def __init__(self) -> None:
        self.drive = Drive()
        self.door = threading.Event()
        self.engine: ToolEngine

    async def call(self, each: Tool) -> Outcome:
        outcome = await self.engine.run(Invocation(each, KEY, "{}", CONTEXT, self.drive))
        assert outcome is not None, "only a transaction leaves nothing to commit"
        return outcome

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        async def timed() -> T:
            clock = asyncio.get_running_loop().time
            self.engine = ToolEngine(clock, lambda: 0.0, LocalRates(clock))
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await work
            finally:
                self.door.set()
                self.engine.close()

        return asyncio.run(timed())


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.door.set()


def of(function: Callable[..., Any], effect: str = "read", **options: Any) -> Tool:
    given: dict[str, Any] = {"effect": effect} | options
    return tool(**given)(function)


def test_a_tool_runs_on_a_thread_of_its_own_with_the_callers_context(hall: Hall) -> None:
    def where() -> str:
        thread = threading.current_thread()
        return f"{thread is threading.main_thread()} {thread.daemon} {WHO.get()}"

    async def call() -> Outcome:
        WHO.set("me")
        return await hall.call(of(where))

    outcome = hall.run(call())
    assert isinstance(outcome, ToolReturned)
    assert outcome.parts == (Text("False True me"),)


def test_six_hung_tools_of_one_kind_hold_up_neither_another_tool_nor_the_loop(hall: Hall) -> None:
    begun = threading.Semaphore(0)

    def hangs() -> None:
        begun.release()
        hall.door.wait()

    async def calls() -> list[Outcome]:
        slow = of(hangs, workers=6, timeout_s=PATIENCE_S)
        async with asyncio.TaskGroup() as group:
            hung = [group.create_task(hall.call(slow)) for _ in range(6)]
            for _ in range(6):
                await asyncio.to_thread(begun.acquire)
            other = await hall.call(of(free))
            hall.door.set()
        return [other, *(task.result() for task in hung)]

    outcomes = hall.run(calls())
    assert [type(each) for each in outcomes] == [ToolReturned] * 7


def free() -> str:
    return "free"


async def nobody_hears(hall: Hall) -> bool:
    """Let all threads end, and return whether none of them had anything to say."""
    hall.door.set()
    hall.engine.close()
    await asyncio.to_thread(join_all)
    for _ in range(3):
        await asyncio.sleep(0)
    return hall.drive.heard.empty()


def join_all() -> None:
    """Wait until no tool runs in any thread."""
    for thread in threading.enumerate():
        if thread.name == "jackline-tool":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def test_a_hung_thread_keeps_its_place_and_who_finds_none_was_surely_not_called(hall: Hall) -> None:
    calls: list[int] = []

    def hangs() -> None:
        calls.append(1)
        hall.door.wait()

    async def three() -> list[Outcome]:
        slow = of(hangs, "once", workers=1, timeout_s=0.05)
        first, second = await hall.call(slow), await hall.call(slow)
        hall.door.set()
        await hall.drive.heard.get()
        return [first, second, await hall.call(slow)]

    first, second, third = hall.run(three())
    assert isinstance(first, ToolUnknown)
    assert isinstance(second, ToolFailed)
    assert (second.code, second.attempts) == ("busy", 0)
    assert isinstance(third, ToolReturned)
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("end", "happened", "text"),
    [("paid", True, "paid"), (ToolError("Refused."), False, "Refused.")],
)
def test_a_late_answer_says_whether_the_call_took_effect_and_who_may_read_it(
    hall: Hall,
    end: object,
    happened: bool,  # noqa: FBT001 - a case
    text: str,
) -> None:
    def pays() -> object:
        hall.door.wait()
        if isinstance(end, Exception):
            raise end
        return end

    async def call() -> tuple[Outcome, ToolReconciled]:
        outcome = await hall.call(of(pays, "once", timeout_s=0.05, readers={"ann"}))
        assert hall.drive.heard.empty()
        hall.door.set()
        return outcome, await hall.drive.heard.get()

    outcome, heard = hall.run(call())
    assert isinstance(outcome, ToolUnknown)
    assert heard == ToolReconciled(KEY, happened, text, frozenset(["ann"]))


def test_what_broke_late_or_only_read_says_nothing_late(hall: Hall) -> None:
    def breaks() -> None:
        hall.door.wait()
        raise OSError

    def reads() -> str:
        hall.door.wait()
        return "late"

    async def calls() -> bool:
        await hall.call(of(breaks, "once", timeout_s=0.01))
        await hall.call(of(reads, timeout_s=0.01, retries=0))
        return await nobody_hears(hall)

    assert hall.run(calls())


def test_a_late_answer_says_nothing_where_another_attempt_has_answered(hall: Hall) -> None:
    def pays(ctx: Context[None]) -> str:
        if ctx.attempt == 1:
            hall.door.wait()
        return f"paid at attempt {ctx.attempt}"

    async def call() -> tuple[Outcome, bool]:
        outcome = await hall.call(of(pays, "idempotent", timeout_s=0.2))
        return outcome, await nobody_hears(hall)

    outcome, silent = hall.run(call())
    assert isinstance(outcome, ToolReturned)
    assert outcome.parts == (Text("paid at attempt 2"),)
    assert silent


def test_a_cancelled_call_goes_on_in_its_thread_and_is_heard_of(hall: Hall) -> None:
    begun = threading.Event()

    def pays() -> str:
        begun.set()
        hall.door.wait()
        return "paid"

    async def cancel() -> tuple[bool, ToolReconciled]:
        task = asyncio.ensure_future(hall.call(of(pays, "once")))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.wait([task])
        hall.door.set()
        return task.cancelled(), await hall.drive.heard.get()

    assert hall.run(cancel()) == (True, ToolReconciled(KEY, happened=True, text="paid"))


def test_the_lease_is_looked_at_on_the_thread_that_calls(hall: Hall) -> None:
    ran_on: list[int] = []

    def pays() -> None:
        ran_on.append(threading.get_ident())

    hall.run(hall.call(of(pays, "once")))
    assert hall.drive.looked_on == ran_on
    hall.drive.leased = False
    with pytest.raises(FencedError):
        hall.run(hall.call(of(pays, "once")))
    assert len(ran_on) == 1


def test_threads_are_used_again_and_end_when_closed() -> None:
    async def use() -> tuple[set[int], list[threading.Thread]]:
        before, threads = set(threading.enumerate()), Threads()
        idents = {await threads.run(threading.get_ident) for _ in range(20)}
        mine = [thread for thread in threading.enumerate() if thread not in before]
        threads.close()
        return idents, mine

    idents, mine = asyncio.run(use())
    assert len(idents) == 1
    for thread in mine:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_a_thread_that_returns_after_the_loop_has_closed_disturbs_nobody() -> None:
    door, threads = threading.Event(), Threads()

    async def leave() -> None:
        threads.run(door.wait)

    asyncio.run(leave())
    door.set()
    threads.close()
    join_all()


HANGS = """
import asyncio, threading
from jackline.runtime.threads import Threads
async def main():
    for _ in range(6):
        Threads().run(threading.Event().wait)
asyncio.run(main())
print("out")
"""


def test_hung_threads_do_not_keep_the_process_alive() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("out\n", "")
