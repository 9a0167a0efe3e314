import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

import pytest

from jackline.adapters.rates import LocalRates
from jackline.core.breaker import Breaker
from jackline.core.codec import decode, encode
from jackline.core.errors import FencedError, StoreError, ToolError
from jackline.core.events import (
    Principal,
    SessionId,
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.messages import Text
from jackline.core.tools import Context, Effect, Tool, tool
from jackline.runtime.threads import Inline
from jackline.runtime.tools import Invocation, Outcome, ToolEngine
from jackline.testing.world import World

T = TypeVar("T")
KEY = "turn/1/model/0/tool/0"
CONTEXT = Context[None](None, Principal("u"), SessionId("t", "s"), KEY)
EFFECTS = ["read", "idempotent", "once"]
UNKNOWN = "Whether it took effect is unknown."


class Drive:
    """A drive that remembers what it was told, and whose lease can end."""

    def __init__(self) -> None:
        self.leased = True
        self.full = False
        self.ended = False
        self.kept: list[bytes] = []
        self.heard: asyncio.Queue[ToolReconciled] = asyncio.Queue()
        self.committed: list[ToolReturned] = []

    def check_lease(self) -> None:
        if not self.leased:
            raise FencedError("The lease is over.")

    def late(self, outcome: ToolReconciled) -> None:
        self.heard.put_nowait(outcome)

    def clean(self, text: str) -> str:
        return text

    async def keep(self, data: bytes, media_type: str) -> str:
        assert media_type.startswith("text/plain")
        if self.full:
            raise StoreError("The disk is full.")
        self.kept.append(data)
        return "h1"

    async def transact(self, work: Callable[[Any], ToolReturned]) -> None:
        if not self.leased:
            raise FencedError("The lease is over.")
        if self.ended:
            raise ToolError("The turn has ended.")
        self.committed.append(work("a connection"))


class Bench:
    """An engine in virtual time, and the drive that it works for."""

    def __init__(self) -> None:
        self.world = World(0)
        self.drive = Drive()
        self.seen: list[tuple[str, str]] = []
        clock, rates = self.world.time, LocalRates(self.world.time)
        self.engine = ToolEngine(clock, lambda: 0.5, rates, threads=Inline(), witness=self.witness)

    def witness(self, key: str, when: str) -> None:
        assert key == KEY
        self.seen.append((key, when))

    async def call(self, each: Tool, arguments: str = "{}") -> Outcome:
        outcome = await self.engine.run(Invocation(each, KEY, arguments, CONTEXT, self.drive))
        assert outcome is not None, "only a transaction leaves nothing to commit"
        return outcome

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.run_until_complete(work)

    def one(self, each: Tool, arguments: str = "{}") -> Outcome:
        return self.run(self.call(each, arguments))

    @property
    def invocations(self) -> int:
        assert len(self.seen) % 2 == 0
        return len(self.seen) // 2


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.world.bury()


def of(function: Callable[..., Any], effect: str = "read", **options: Any) -> Tool:
    given: dict[str, Any] = {"effect": effect} | options
    return tool(**given)(function)


async def hangs() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


async def breaks() -> None:
    raise ValueError("no luck")


async def refuses() -> None:
    raise ToolError("Not on Sundays.")


def text_of(outcome: Outcome) -> str:
    if isinstance(outcome, ToolReturned):
        return "".join(part.text for part in outcome.parts if isinstance(part, Text))
    return outcome.text


def test_a_call_gets_its_context_and_its_arguments_as_values(bench: Bench) -> None:
    async def add(ctx: Context[None], x: int, y: int = 2) -> str:
        return f"{ctx.call_key} {ctx.attempt} {x + y}"

    outcome = bench.one(of(add), '{"x":"40"}')
    assert outcome == ToolReturned(KEY, (Text(f"{KEY} 1 42"),))
    assert bench.seen == [(KEY, "before"), (KEY, "after")]


def test_a_function_that_is_not_async_runs_where_threads_are(bench: Bench) -> None:
    def add(ctx: Context[None], x: int) -> dict[str, int]:
        return {"attempt": ctx.attempt, "x": x}

    assert bench.one(of(add), '{"x":1}') == ToolReturned(KEY, (Text('{"attempt":1,"x":1}'),))


@pytest.mark.parametrize("effect", EFFECTS)
def test_what_a_tool_refuses_is_final(bench: Bench, effect: str) -> None:
    assert bench.one(of(refuses, effect)) == ToolFailed(KEY, "Not on Sundays.", "refused")
    assert bench.invocations == 1


def test_what_does_not_fit_the_tool_is_not_invoked(bench: Bench) -> None:
    outcome = bench.one(of(hangs), '{"x":1}')
    assert isinstance(outcome, ToolFailed)
    assert (outcome.code, bench.invocations) == ("arguments", 0)


@pytest.mark.parametrize(
    ("function", "code", "why"),
    [(breaks, "error", "ValueError: no luck"), (hangs, "timeout", "no answer within 30 s.")],
)
@pytest.mark.parametrize("effect", EFFECTS)
def test_only_a_read_that_got_no_answer_has_surely_done_nothing(
    bench: Bench, effect: str, function: Any, code: str, why: str
) -> None:
    outcome = bench.one(of(function, effect))
    assert why in text_of(outcome)
    if effect == "read":
        assert isinstance(outcome, ToolFailed)
        assert (outcome.code, outcome.attempts) == (code, 3)
    else:
        assert isinstance(outcome, ToolUnknown)
        assert outcome.code == code
        assert outcome.text.endswith(UNKNOWN)
    assert bench.invocations == (1 if effect == "once" else 3)


def test_retries_wait_longer_each_time_and_say_which_attempt_it_is(bench: Bench) -> None:
    attempts: list[tuple[int, float, str]] = []

    async def flaky(ctx: Context[None]) -> str:
        attempts.append((ctx.attempt, bench.world.time(), ctx.effect_key))
        if len(attempts) < 3:
            raise OSError
        return "at last"

    outcome = bench.one(of(flaky, "idempotent"))
    assert isinstance(outcome, ToolReturned)
    assert (outcome.attempts, outcome.seconds) == (3, 0.75)
    assert [(n, at) for n, at, _ in attempts] == [(1, 0.0), (2, 0.25), (3, 0.75)]
    assert {key for _, _, key in attempts} == {CONTEXT.effect_key}


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_that_exits_takes_nobody_with_it(
    bench: Bench,
    error: type[BaseException],
    waits: bool,  # noqa: FBT001 - a case
    is_async: bool,  # noqa: FBT001 - a case
) -> None:
    async def leaves() -> None:
        await asyncio.sleep(waits)
        raise error

    def leaves_at_once() -> None:
        raise error

    outcome = bench.one(of(leaves if is_async else leaves_at_once, "once"))
    assert isinstance(outcome, ToolUnknown)
    assert outcome.code == "error"


def test_a_tool_that_cancels_itself_has_failed_and_nothing_else_is_cancelled(bench: Bench) -> None:
    async def gives_up() -> None:
        await asyncio.sleep(1)
        raise asyncio.CancelledError

    assert bench.one(of(gives_up, retries=0)) == ToolFailed(KEY, "CancelledError.", "error", 1, 1.0)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_cancelled_call_is_cancelled(bench: Bench, effect: str) -> None:
    async def cancel() -> bool:
        task = asyncio.ensure_future(bench.call(of(hangs, effect)))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert bench.run(cancel())
    assert bench.world.time() == 1.0


def test_an_answer_that_comes_with_the_timeout_counts(bench: Bench) -> None:
    async def just_in_time() -> str:
        try:
            await hangs()
        except asyncio.CancelledError:
            return "half of it"

    assert text_of(bench.one(of(just_in_time, "once"))) == "half of it"


def test_a_tool_that_never_ends_is_left_after_five_more_seconds(bench: Bench) -> None:
    async def immortal() -> None:
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue

    over: list[bool] = []

    async def at_any_price() -> None:
        while not over:
            try:
                await asyncio.sleep(1000)
            except BaseException:  # noqa: BLE001, S112 - the worst that a tool can do
                continue

    for function in (immortal, at_any_price):
        begun = bench.world.time()
        outcome = bench.one(of(function, "once", timeout_s=10))
        assert isinstance(outcome, ToolUnknown)
        assert (outcome.code, bench.world.time() - begun) == ("timeout", 15.0)
    over.append(True)


def test_a_timeout_leaves_the_task_as_it_was(bench: Bench) -> None:
    async def then_sleep() -> tuple[Outcome, int]:
        outcome = await bench.call(of(hangs, retries=0, timeout_s=1))
        await asyncio.sleep(1)
        task = asyncio.current_task()
        assert task is not None
        return outcome, task.cancelling()

    outcome, cancelling = bench.run(then_sleep())
    assert isinstance(outcome, ToolFailed)
    assert (cancelling, bench.world.time()) == (0, 2.0)


def test_a_tool_may_use_timeouts_and_tasks_of_its_own(bench: Bench) -> None:
    async def composed() -> str:
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.5))
        try:
            async with asyncio.timeout(1):
                await hangs()
        except TimeoutError:
            return "timed out inside"
        return "never"

    assert text_of(bench.one(of(composed))) == "timed out inside"


@pytest.mark.parametrize("effect", ["read", "idempotent", "once"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_is_not_invoked_when_the_lease_is_over(
    bench: Bench,
    is_async: bool,  # noqa: FBT001 - a case
    effect: Effect,
) -> None:
    async def pay() -> None:
        raise AssertionError

    def pay_now() -> None:
        raise AssertionError

    bench.drive.leased = False
    with pytest.raises(FencedError):
        bench.one(of(pay if is_async else pay_now, effect))
    assert bench.invocations == 0


def test_nothing_comes_between_the_look_at_the_lease_and_the_first_line(bench: Bench) -> None:
    said: list[str] = []
    bench.drive.check_lease = lambda: said.append("leased")

    async def pay() -> None:
        said.append("paid")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(said.append, "somebody else")
        await bench.call(of(pay, "once", concurrency=1))

    bench.run(run())
    assert "leased,paid" in ",".join(said)


def test_a_rate_makes_calls_wait_and_refuses_what_would_wait_too_long(bench: Bench) -> None:
    async def quick() -> str:
        return str(bench.world.time())

    limited = of(quick, rate="2/20s", timeout_s=30)

    async def calls() -> list[Outcome]:
        return [await bench.call(limited) for _ in range(3)] + [
            await bench.call(limited) for _ in range(1)
        ]

    assert [text_of(each) for each in bench.run(calls())] == ["0.0", "0.0", "20.0", "20.0"]
    short = of(quick, "once", rate="1/min", timeout_s=10)
    bench.one(short)
    outcome = bench.one(short)
    assert isinstance(outcome, ToolFailed)
    assert (outcome.code, outcome.attempts) == ("rate_limited", 0)
    assert "come back in 60 s" in outcome.text


def test_no_more_calls_run_at_once_than_there_are_places(bench: Bench) -> None:
    running: list[int] = [0]

    async def slow() -> str:
        running[0] += 1
        seen = running[0]
        await asyncio.sleep(4)
        running[0] -= 1
        return str(seen)

    limited = of(slow, "once", concurrency=2, timeout_s=5)

    async def calls() -> list[Outcome]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(bench.call(limited)) for _ in range(6)]
        return [task.result() for task in tasks]

    outcomes = bench.run(calls())
    assert [text_of(each) for each in outcomes if isinstance(each, ToolReturned)].count("2") >= 2
    busy = [each for each in outcomes if isinstance(each, ToolFailed)]
    assert [(each.code, each.attempts) for each in busy] == [("busy", 0)] * 2
    assert text_of(bench.one(limited)) == "1"


def test_a_breaker_leaves_a_failing_tool_alone_then_tries_it_once(bench: Bench) -> None:
    down = [True]

    async def service() -> str:
        if down[0]:
            raise OSError
        return "up"

    guarded = of(service, retries=0, breaker=Breaker(failures=3, cooldown_s=20))

    async def calls(n: int) -> list[str]:
        return [getattr(await bench.call(guarded), "code", "ok") for _ in range(n)]

    assert bench.run(calls(5)) == ["error"] * 3 + ["breaker_open"] * 2
    assert bench.invocations == 3
    bench.run(asyncio.sleep(20))
    assert bench.run(calls(2)) == ["error", "breaker_open"]
    down[0] = False
    bench.run(asyncio.sleep(20))
    assert bench.run(calls(3)) == ["ok"] * 3


def test_an_open_breaker_is_told_at_once_however_long_the_rate_would_take(bench: Bench) -> None:
    guarded = of(breaks, "once", rate="1/20s", breaker=Breaker(failures=1))
    bench.one(guarded)
    assert getattr(bench.one(guarded), "code", "") == "breaker_open"
    assert bench.world.time() == 0.0


def test_whoever_waits_while_the_breaker_opens_is_refused_and_keeps_no_place(bench: Bench) -> None:
    async def slow() -> None:
        await asyncio.sleep(5)
        raise OSError

    guarded = of(slow, "once", concurrency=1, breaker=Breaker(failures=1, cooldown_s=1))

    async def calls() -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(bench.call(guarded)) for _ in range(2)]
        await asyncio.sleep(1)
        return [getattr(each, "code", "") for each in [task.result() for task in tasks]] + [
            getattr(await bench.call(guarded), "code", "")
        ]

    assert sorted(bench.run(calls())) == ["breaker_open", "error", "error"]


def test_a_tool_that_refuses_is_not_broken(bench: Bench) -> None:
    polite = of(refuses, breaker=Breaker(failures=1))
    assert {getattr(bench.one(polite), "code", "") for _ in range(5)} == {"refused"}


def test_retries_end_when_the_breaker_opens_and_the_last_error_is_told(bench: Bench) -> None:
    guarded = of(breaks, "idempotent", retries=5, breaker=Breaker(failures=2))
    outcome = bench.one(guarded)
    assert isinstance(outcome, ToolUnknown)
    assert "no luck" in outcome.text
    assert bench.invocations == 2


def test_a_cancelled_probe_lets_the_next_one_through(bench: Bench) -> None:
    answers: list[Callable[[], Coroutine[Any, Any, None]]] = [breaks, hangs]

    async def service() -> str:
        if answers:
            await answers.pop(0)()
        return "up"

    guarded = of(service, "once", breaker=Breaker(failures=1, cooldown_s=1))

    async def calls() -> Outcome:
        await bench.call(guarded)
        await asyncio.sleep(1)
        probe = asyncio.ensure_future(bench.call(guarded))
        await asyncio.sleep(1)
        probe.cancel()
        await asyncio.wait([probe])
        return await bench.call(guarded)

    assert text_of(bench.run(calls())) == "up"


def test_tools_of_one_name_do_not_share_their_limits(bench: Bench) -> None:
    first, second = of(breaks, breaker=Breaker(failures=1)), of(breaks, breaker=Breaker(failures=1))
    bench.one(first)
    assert getattr(bench.one(second), "code", "") == "error"


def test_a_large_result_is_kept_and_the_model_reads_its_head(bench: Bench) -> None:
    async def much() -> str:
        return "x" * 3000

    outcome = bench.one(of(much, result_bytes=1024))
    assert isinstance(outcome, ToolReturned)
    assert bench.drive.kept == [b"x" * 3000]
    assert outcome.artifact == "h1"
    assert text_of(outcome).startswith(
        "x" * 1024 + "\n[The first 1,024 of 3,000 bytes; read_result"
    )
    bench.drive.full = True
    outcome = bench.one(of(much, "once", result_bytes=1024))
    assert text_of(outcome).endswith("the rest could not be kept.]")


def test_a_result_that_cannot_be_shown_does_not_hide_that_the_call_was_made(bench: Bench) -> None:
    async def raw() -> bytes:
        return b"abc"

    why = "What raw returned cannot be used: it is of type bytes, which is neither text nor JSON."
    assert bench.one(of(raw)) == ToolFailed(KEY, why, "result")
    assert bench.one(of(raw, "once")) == ToolReturned(KEY, (Text(f"raw has run. {why}"),))


def test_100_mb_are_not_kept(bench: Bench) -> None:
    def huge() -> str:
        return "x" * 100_000_000

    outcome = bench.one(of(huge))
    assert isinstance(outcome, ToolFailed)
    assert "it has more than the 16,777,216 bytes that are kept" in outcome.text
    assert bench.drive.kept == []


def test_an_error_text_is_short(bench: Bench) -> None:
    async def wordy() -> None:
        raise ValueError("x" * 1_000_000)

    async def chatty() -> None:
        raise ToolError("x" * 1_000_000)

    assert len(text_of(bench.one(of(wordy, retries=0)))) <= 2000
    assert len(text_of(bench.one(of(chatty)))) <= 2000


def write(ctx: Context[None], what: str) -> str:
    if what == "refuse":
        raise ToolError("Not on Sundays.")
    if what == "exit":
        raise SystemExit
    return f"{ctx.connection}: {what}"


def test_a_transactional_result_is_committed_with_what_it_wrote(bench: Bench) -> None:
    each = of(write, "transactional")
    call = Invocation(each, KEY, '{"what":"row"}', CONTEXT, bench.drive)
    assert bench.run(bench.engine.run(call)) is None
    assert bench.drive.committed == [ToolReturned(KEY, (Text("a connection: row"),))]


@pytest.mark.parametrize(
    ("effect", "size"), [("read", 9), ("once", 2000), ("transactional", 9)], ids=str
)
def test_who_may_read_a_result_is_journaled_with_it(bench: Bench, effect: str, size: int) -> None:
    def salary() -> str:
        return "9" * size

    each = of(salary, effect, readers={"ann"}, result_bytes=1024)
    call = Invocation(each, KEY, "{}", CONTEXT, bench.drive)
    outcome = bench.run(bench.engine.run(call)) or bench.drive.committed[0]
    assert isinstance(outcome, ToolReturned)
    assert decode(encode(outcome)) == outcome
    assert outcome.readers == frozenset(["ann"])


@pytest.mark.parametrize(
    ("what", "code", "text"),
    [
        ("refuse", "refused", "Not on Sundays."),
        ("exit", "error", "SystemExit."),
        ("x" * 2000, "refused", "Nothing was written, because its result cannot be used: it has"),
    ],
)
def test_a_transactional_tool_that_fails_writes_nothing(
    bench: Bench, what: str, code: str, text: str
) -> None:
    each = of(write, "transactional", result_bytes=1024)
    outcome = bench.one(each, f'{{"what":"{what}"}}')
    assert isinstance(outcome, ToolFailed)
    assert outcome.code == code
    assert outcome.text.startswith(text)
    assert bench.drive.committed == []


def test_a_fenced_transaction_is_the_drivers_business(bench: Bench) -> None:
    bench.drive.leased = False
    with pytest.raises(FencedError):
        bench.one(of(write, "transactional"), '{"what":"row"}')


def test_a_transaction_that_the_store_refuses_has_written_nothing(bench: Bench) -> None:
    bench.drive.ended = True
    outcome = bench.one(of(write, "transactional"), '{"what":"row"}')
    assert isinstance(outcome, ToolFailed)
    assert (outcome.code, outcome.text) == ("refused", "The turn has ended.")
    assert bench.seen == [], "it was not called"


def pays(ctx: Context[None], cents: int) -> None:
    raise AssertionError(f"nobody pays {cents} twice: {ctx}")


@pytest.mark.parametrize(
    ("said", "happened", "text"),
    [
        (True, True, "It took effect."),
        (False, False, "It did not take effect."),
        (None, None, "Whether it took effect could not be found out."),
        ({"id": 7}, True, '{"id":7}'),
        (b"x", True, "It took effect, but what it returned cannot be used: it is of type bytes"),
        ("x" * 2000, True, "x" * 1024 + "\n[The first 1,024 of 2,000 bytes; the rest could"),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_the_outside_is_asked_whether_a_call_happened(
    bench: Bench,
    said: object,
    happened: bool | None,  # noqa: FBT001 - a case
    text: str,
    is_async: bool,  # noqa: FBT001 - a case
) -> None:
    async def find(ctx: Context[None], cents: int) -> object:
        return [said, ctx.effect_key, cents][0]

    def find_now(ctx: Context[None], cents: int) -> object:
        return [said, ctx.effect_key, cents][0]

    each = of(pays, "once", reconcile=find if is_async else find_now, result_bytes=1024)
    found = bench.run(
        bench.engine.reconcile(Invocation(each, KEY, '{"cents":1}', CONTEXT, bench.drive))
    )
    assert (found.key, found.happened) == (KEY, happened)
    assert found.text.startswith(text)


@pytest.mark.parametrize("failure", [breaks, hangs])
def test_who_cannot_be_asked_leaves_it_unknown(bench: Bench, failure: Any) -> None:
    asked: list[int] = []

    async def find(ctx: Context[None], cents: int) -> None:
        asked.append(cents)
        await failure()
        raise AssertionError(ctx)

    each = of(pays, "once", reconcile=find)
    for arguments, times in (('{"cents":1}', 3), ("{}", 3)):
        found = bench.run(
            bench.engine.reconcile(Invocation(each, KEY, arguments, CONTEXT, bench.drive))
        )
        assert found.happened is None
        assert found.text.startswith("Whether it took effect is unknown: ")
        assert len(asked) == times
    assert bench.seen == []


def test_who_is_left_alone_is_not_asked(bench: Bench) -> None:
    async def find() -> None:
        raise OSError

    each = of(hangs, "once", reconcile=find, breaker=Breaker(failures=1))
    bench.run(bench.engine.reconcile(Invocation(each, KEY, "{}", CONTEXT, bench.drive)))
    found = bench.run(bench.engine.reconcile(Invocation(each, KEY, "{}", CONTEXT, bench.drive)))
    assert found.happened is None
    assert "left alone" in found.text
