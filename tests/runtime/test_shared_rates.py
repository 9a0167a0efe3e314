"""Two runtimes on one database: what one of them was told holds for the other."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import psycopg

from jackline import Agent, Limits, Rate, Result, Runtime, ToolCall, tool
from jackline.core import events as e
from jackline.core.budget import Price, Terms
from jackline.core.errors import ModelError, NotFoundError, OverloadedError, RateLimitedError
from jackline.core.messages import Text
from jackline.ports import Reply, Request
from jackline.testing import ScriptedModel

TERMS = Terms("hosted", Price("1.00", "1.00"))


class Provider:
    """Fails as long as it is told to, and counts who asks."""

    terms = TERMS

    def __init__(self, error: ModelError | None = None) -> None:
        self.error = error
        self.asked: list[float] = []

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        self.asked.append(asyncio.get_running_loop().time())
        if self.error:
            raise self.error
        yield Reply((Text(f"You asked {request.key}."),), None, "hosted")


def agent(provider: Provider, **options: Any) -> Agent:
    return Agent("clerk", provider, max_tokens=512, **options)


def on_each(url: str, agents: Sequence[Agent], work: Any) -> None:  # a function of the runtimes
    """Run work with a runtime for each agent, a version of its own: no other drives its turns."""
    versions = [replace(each, version=f"v{n}") for n, each in enumerate(agents)]

    async def run() -> None:
        async with asyncio.timeout(40), AsyncExitStack() as stack:
            runtimes = [
                await stack.enter_async_context(Runtime([each], store=url)) for each in versions
            ]
            await work(*runtimes)

    asyncio.run(run())


async def failures(runtime: Runtime, session: str) -> list[e.ModelFailed]:
    try:
        records = await runtime.store.read(e.SessionId("default", session))
    except NotFoundError:
        return []
    return [each.event for each in records if isinstance(each.event, e.ModelFailed)]


async def until(runtime: Runtime, session: str) -> list[e.ModelFailed]:
    """Return why the model has not replied, once it has not."""
    while not (found := await failures(runtime, session)):  # noqa: ASYNC110 - others write it
        await asyncio.sleep(0.02)
    return found


async def beside(work: Coroutine[Any, Any, Result], other: Coroutine[Any, Any, Any]) -> Any:
    """Return what `other` returns, while `work` goes on that nobody waits for."""
    task = asyncio.ensure_future(work)
    try:
        return await other
    finally:
        task.cancel()
        await asyncio.wait([task])


async def known(runtime: Runtime) -> Mapping[str, object]:
    """Return what is in trouble, once something is."""
    rates = getattr(runtime.store, "rates")  # noqa: B009 - a store on Postgres has some
    while not rates.troubled:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.02)
    return rates.troubled


def test_a_pause_that_a_provider_wants_of_one_worker_is_kept_by_another(postgres_url: str) -> None:
    first = Provider(RateLimitedError("Come back later.", retry_after_s=600, sent=False))
    second = Provider()

    async def story(one: Runtime, two: Runtime) -> None:
        await beside(one.run("clerk", "hello", session="s1"), until(one, "s1"))
        await known(two)
        [told] = await beside(two.run("clerk", "hello", session="s2"), until(two, "s2"))
        assert (told.code, told.cost) == ("throttled", 0)
        assert told.retry_after_s
        assert 500 < told.retry_after_s <= 601
        assert second.asked == []
        row = await two.store.row(e.SessionId("default", "s2"))
        assert row.held == 0, "who waits holds nothing"

    on_each(postgres_url, [agent(first), agent(second)], story)


def test_a_circuit_that_opens_in_one_worker_is_open_in_another(postgres_url: str) -> None:
    first, second = Provider(OverloadedError("busy", sent=False)), Provider()
    limits = Limits(model_tries=1)

    async def story(one: Runtime, two: Runtime) -> None:
        for n in range(10):
            assert (await one.run("clerk", "hello", session=f"a{n}")).code == "overloaded"
        await known(two)
        result = await two.run("clerk", "hello", session="b")
        assert (result.code, second.asked) == ("overloaded", [])

    on_each(postgres_url, [agent(first, limits=limits), agent(second, limits=limits)], story)


def test_a_rate_of_a_model_counts_the_requests_of_all_workers(postgres_url: str) -> None:
    rates: dict[Any, Rate] = {"model": Rate(requests_per_minute=3)}
    providers = [Provider(), Provider()]

    async def story(one: Runtime, two: Runtime) -> None:
        for n, runtime in enumerate((one, two, one)):
            assert (await runtime.run("clerk", "hello", session=f"s{n}")).outcome == "completed"
        [told] = await beside(two.run("clerk", "hello", session="s9"), until(two, "s9"))
        assert told.code == "throttled"
        assert sum(len(each.asked) for each in providers) == 3

    on_each(postgres_url, [agent(each, rates=rates) for each in providers], story)


@tool(effect="once", rate="2/min", timeout_s=1)
async def send(text: str) -> str:
    """Send something."""
    return text


def test_a_rate_of_a_tool_counts_the_calls_of_all_workers(postgres_url: str) -> None:
    def sender() -> Agent:
        model = ScriptedModel([[ToolCall("send", '{"text":"x"}')], "Done."])
        return Agent("sender", model, tools=[send])

    async def story(one: Runtime, two: Runtime) -> None:
        for n, runtime in enumerate((one, two, one)):
            await runtime.run("sender", "go", session=f"s{n}")
        records = await two.store.read(e.SessionId("default", "s2"))
        codes = [each.event.code for each in records if isinstance(each.event, e.ToolFailed)]
        assert codes == ["rate_limited"]

    on_each(postgres_url, [sender(), sender()], story)


def test_a_plain_turn_writes_nothing_of_rates(postgres_url: str) -> None:
    async def story(one: Runtime, _: Runtime) -> None:
        assert (await one.run("clerk", "hello", session="s1")).outcome == "completed"
        with psycopg.connect(postgres_url) as server:
            assert server.execute("SELECT name FROM jackline.bucket").fetchall() == []

    on_each(postgres_url, [agent(Provider()), agent(Provider())], story)
