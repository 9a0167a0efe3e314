"""A provider may say anything: what is journaled and paid stays sound."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from jackline import Agent, Limits, Rate, Runtime
from jackline.app import LOCAL_USER, Result
from jackline.core.budget import Price, Terms
from jackline.core.errors import OverloadedError, RequestRefusedError
from jackline.core.events import SessionId, Usage
from jackline.core.messages import Text
from jackline.opening import Surroundings
from jackline.ports import Reply, Request
from jackline.testing.conformance import ManualClock

Stream = Callable[[Request], AsyncGenerator[Any, None]]


class Odd:
    """A model that streams whatever it is given."""

    def __init__(self, stream: Stream) -> None:
        self.terms = Terms("odd", Price("1.00", "1.00"))
        self.stream = stream


def ran(stream: Stream) -> Result:
    """Return how a turn of an agent with that model ended."""

    async def run() -> Result:
        agent = Agent("odd", Odd(stream), max_tokens=1_000)
        async with Runtime([agent], store="memory://") as runtime:
            return await asyncio.wait_for(runtime.run("odd", "Hi"), 20)

    return asyncio.run(run())


@pytest.mark.parametrize("count", [-1, -5_000_000, 2**70])
def test_usage_that_cannot_be_is_paid_like_none_that_was_said(count: int) -> None:
    async def absurd(_: Request) -> AsyncGenerator[Any, None]:
        yield Reply((Text("x"),), Usage(10, count), "odd")

    async def silent(_: Request) -> AsyncGenerator[Any, None]:
        yield Reply((Text("x"),), None, "odd")

    result = ran(absurd)
    assert (result.outcome, result.usage) == ("completed", Usage())
    assert result.cost == ran(silent).cost > 0


@pytest.mark.parametrize(("said", "pays"), [((), False), (("a lot",), True)])
def test_who_has_streamed_something_cannot_say_that_nothing_was_sent(
    said: tuple[str, ...], *, pays: bool
) -> None:
    async def refuses(_: Request) -> AsyncGenerator[Any, None]:
        for text in said:
            yield text
        raise RequestRefusedError("broke", sent=False)

    result = ran(refuses)
    assert result.outcome == "failed"
    assert (result.cost > 0) == pays


def test_what_an_error_says_may_be_cut_anywhere() -> None:
    async def refuses(_: Request) -> AsyncGenerator[Any, None]:
        for text in ():
            yield text
        raise RequestRefusedError("bad \ud800", sent=False)

    result = ran(refuses)
    assert (result.code, result.text) == ("request_refused", "bad ?")


def test_what_a_broken_adapter_says_may_be_cut_anywhere() -> None:
    async def breaks(_: Request) -> AsyncGenerator[Any, None]:
        for text in ():
            yield text
        raise ValueError("bad \ud800")

    result = ran(breaks)
    assert (result.outcome, result.code) == ("failed", "internal")
    assert result.text == "ValueError: bad ?"


def test_tokens_that_a_reply_did_not_use_go_back_to_their_rate() -> None:
    async def frugal(_: Request) -> AsyncGenerator[Any, None]:
        yield Reply((Text("x"),), Usage(100, 20), "odd")

    async def run() -> list[Result]:
        rates: dict[Any, Rate] = {"model": Rate(tokens_per_minute=2_500)}
        agent = Agent("odd", Odd(frugal), max_tokens=1_000, rates=rates)
        async with Runtime([agent], store="memory://") as runtime:
            async with asyncio.timeout(20):
                return [await runtime.run("odd", "Hi") for _ in range(10)]

    assert {result.outcome for result in asyncio.run(run())} == {"completed"}


@pytest.mark.parametrize("how", ["cancelled", "broken"])
def test_a_probe_of_which_nobody_knows_how_it_went_lets_the_next_one_through(how: str) -> None:
    clock, probed, fails = ManualClock(), asyncio.Event(), 10

    async def recovers(_: Request) -> AsyncGenerator[Any, None]:
        nonlocal fails
        fails -= 1
        if fails >= 0:
            raise OverloadedError("busy", sent=False)
        if fails == -1:
            probed.set()
            if how == "broken":
                raise ValueError("It cannot be read.")
            await asyncio.Event().wait()
        yield Reply((Text("x"),), Usage(1, 1), "odd")

    async def run() -> Result:
        agent = Agent("odd", Odd(recovers), max_tokens=1_000, limits=Limits(model_tries=1))
        async with Runtime([agent], store="memory://", surroundings=Surroundings(clock)) as runtime:
            for _ in range(fails):
                assert (await runtime.run("odd", "Hi")).code == "overloaded"
            assert (await runtime.run("odd", "Hi")).code == "overloaded"
            clock.advance(30)
            probe = asyncio.ensure_future(runtime.run("odd", "Hi", session="probe"))
            await probed.wait()
            if how == "cancelled":
                await runtime.sessions.cancel(SessionId("default", "probe"), LOCAL_USER)
            assert (await probe).outcome in {"cancelled", "failed"}
            return await runtime.run("odd", "Hi")

    assert asyncio.run(asyncio.wait_for(run(), 20)).outcome == "completed"


def test_an_answer_whose_end_is_missing_says_so() -> None:
    async def cut(_: Request) -> AsyncGenerator[Any, None]:
        yield Reply((Text("Once upon"),), Usage(1, 1), "odd", cut=True)

    result = ran(cut)
    assert (result.outcome, result.text, result.code) == ("completed", "Once upon", "cut")
