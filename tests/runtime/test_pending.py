"""A tenant's flood: the others wait for one turn at most, and it waits for itself."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jackline import Agent, Runtime
from jackline.core.errors import ThrottledError
from jackline.core.events import SessionId
from jackline.core.user import User
from jackline.opening import Surroundings
from jackline.ports import Request
from jackline.runtime.pending import Pending
from jackline.runtime.submission import Submission
from jackline.testing import ScriptedModel

FLOOD, CALM, THIRD = User("ann", "flood"), User("bob", "calm"), User("eve", "third")


class Gate:
    """An agent for each tenant, whose turns begin when they do and end when the test says so."""

    def __init__(self, *tenants: str) -> None:
        self.begun: list[str] = []
        self.running = 0
        self.most = Counter[str]()
        self._now = Counter[str]()
        self._news = asyncio.Condition()
        self._allowed = asyncio.Semaphore(0)
        self.agents = [Agent(name, ScriptedModel(self._turn(name))) for name in tenants]

    def _turn(self, name: str) -> Callable[[Request], Any]:
        async def turn(_: Request) -> str:
            async with self._news:
                self.begun.append(name)
                self.running += 1
                self._now[name] += 1
                self.most[name] = max(self.most[name], self._now[name])
                self._news.notify_all()
            await self._allowed.acquire()
            self.running -= 1
            self._now[name] -= 1
            return "Done."

        return turn

    def end(self, count: int = 1) -> None:
        """Let so many turns end."""
        for _ in range(count):
            self._allowed.release()

    async def wait(self, count: int) -> list[str]:
        """Return whose turns have begun, once there are so many."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.begun) >= count)
        return self.begun


async def submit(runtime: Runtime, user: User, count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(
                runtime.sessions.begin(user.tenant, user, Submission("Go."), f"s{number}")
            )


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_a_flood_of_one_tenant_delays_anothers_turn_by_one_turn_at_most(
    store: str, slots: int, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/journal.db" if store == "sqlite" else store

    async def story() -> None:
        gate = Gate("flood", "calm", "third")
        around = Surroundings(slots=slots)
        async with Runtime(gate.agents, store=url, surroundings=around) as runtime:
            await submit(runtime, FLOOD, 30)
            await gate.wait(slots)
            await submit(runtime, CALM, 1)
            gate.end()
            assert (await gate.wait(slots + 1))[-1] == "calm", "the next turn that ended made room"
            for _ in range(5):
                gate.end()
                await gate.wait(len(gate.begun) + 1)
            await submit(runtime, THIRD, 1)
            before = len(gate.begun)
            gate.end()
            assert (await gate.wait(before + 1))[-1] == "third"
            gate.end(100)

    asyncio.run(story())


def test_what_waited_before_the_process_began_takes_turns_too(tmp_path: Path) -> None:
    async def story() -> None:
        gate = Gate("flood", "calm")
        around = Surroundings(slots=2)
        path = f"sqlite:///{tmp_path}/journal.db"
        async with Runtime(gate.agents, store=path, drive=False) as runtime:
            await submit(runtime, FLOOD, 1_200)  # More than a worker looks at, at once.
            await submit(runtime, CALM, 2)
        async with Runtime(gate.agents, store=path, surroundings=around):
            first = list(await gate.wait(2))
            gate.end(2)
            begun = first + (await gate.wait(4))[2:4]
            assert begun.count("calm") == 2
            gate.end(10_000)

    asyncio.run(story())


@pytest.mark.parametrize("store", ["memory", "postgres"])
def test_a_tenant_has_no_more_turns_at_once_than_is_said_and_others_have_theirs(
    store: str, request: pytest.FixtureRequest
) -> None:
    async def story() -> None:
        gate = Gate("flood", "calm")
        around = Surroundings(slots=10, tenant_slots=3)
        url = "memory://" if store == "memory" else request.getfixturevalue("postgres_url")
        async with Runtime(gate.agents, store=url, surroundings=around) as runtime:
            await submit(runtime, FLOOD, 12)
            await submit(runtime, CALM, 2)
            begun = await gate.wait(5)
            assert Counter(begun) == {"flood": 3, "calm": 2}
            gate.end(50)
            await gate.wait(14)
            assert gate.most == {"flood": 3, "calm": 2}

    asyncio.run(story())


def test_what_queues_up_of_a_tenant_is_bounded_and_that_of_others_is_not() -> None:
    async def story() -> None:
        gate = Gate("flood", "calm")
        around = Surroundings(slots=1, tenant_queue=4)
        async with Runtime(gate.agents, store="memory://", surroundings=around) as runtime:
            await submit(runtime, FLOOD, 1)
            await gate.wait(1)
            sessions = runtime.sessions
            for number in range(1, 5):
                await sessions.begin("flood", FLOOD, Submission("Go."), f"s{number}")
            with pytest.raises(ThrottledError, match="4 sessions of tenant 'flood'") as raised:
                await sessions.begin("flood", FLOOD, Submission("Go."), "s5")
            assert raised.value.retry_after_s > 0
            name = await sessions.open("flood", FLOOD, "s6")
            with pytest.raises(ThrottledError):
                await sessions.submit(name, FLOOD, Submission("Go."))
            for driven in ("s0", "s1"):
                queued = SessionId("flood", driven)
                more = Submission("And this.", on_busy="steer")
                await sessions.submit(queued, FLOOD, more)
            await sessions.begin("calm", CALM, Submission("Go."), "s1")
            gate.end(3)
            await gate.wait(4)
            await sessions.begin("flood", FLOOD, Submission("Go."), "s5")
            gate.end(100)

    asyncio.run(story())


class Line:
    """Tenants who come, are served and leave: who was passed by whom while they waited."""

    def __init__(self, random: Random) -> None:
        self.pending = Pending(random.choice([None, 2]))
        self.begun: list[SessionId] = []
        self._random = random
        self._waiting = Counter[str]()
        self._passed: dict[str, Counter[str]] = {}

    def come(self, number: int) -> None:
        tenant = self._random.choice("aaaaaaabcd")
        self.pending.add(SessionId(tenant, str(number)))
        self._waiting[tenant] += 1
        self._passed.setdefault(tenant, Counter())

    def serve(self) -> None:
        taken = self.pending.take() if len(self.begun) < 4 else None
        if taken is None:
            return
        self.begun.append(taken)
        self._waiting[taken.tenant] -= 1
        del self._passed[taken.tenant]
        for tenant in self._passed.keys() - {each.tenant for each in self.begun}:
            self._passed[tenant][taken.tenant] += 1
        if self._waiting[taken.tenant]:
            self._passed[taken.tenant] = Counter()

    def leave(self) -> None:
        if self.begun:
            self.pending.end(self.begun.pop(self._random.randrange(len(self.begun))))

    def check(self) -> None:
        """Nobody of whom nothing runs is passed by anybody twice."""
        for tenant, passed in self._passed.items():
            assert max(passed.values(), default=0) <= 1, tenant
        assert self.pending.begun == len(self.begun)


@pytest.mark.parametrize("seed", range(20))
def test_tenants_take_turns_whatever_comes_and_ends_when(seed: int) -> None:
    random = Random(seed)
    line = Line(random)
    for number in range(1_000):
        step = random.choices((partial(line.come, number), line.serve, line.leave), (5, 4, 3))[0]
        step()
        line.check()


def test_nothing_is_remembered_of_tenants_that_have_nothing_left() -> None:
    pending = Pending()
    sessions = [SessionId(f"t{number}", "s") for number in range(1_000)]
    for session in sessions * 2:
        pending.add(session)
    assert set(iter(pending.take, None)) == set(sessions)
    assert not pending
    for session in sessions:
        pending.end(session)
    assert pending.begun == 0
    assert not any(getattr(pending, name) for name in ("_waiting", "_begun", "_served"))


def test_what_is_cleared_waits_no_more_and_what_runs_may_end() -> None:
    pending = Pending(1)
    for name in ("1", "2"):
        pending.add(SessionId("a", name))
    first = pending.take()
    assert first
    assert first.name == "1"
    assert pending.take() is None, "one at once"
    pending.clear()
    pending.end(first)
    assert (pending.take(), pending.begun) == (None, 0)
