"""Workers are killed, stopped and lied to; what was promised must hold anyway.

The loop, the tool engine, the stores and the core are production's. Only the outside, the
clients and the clock are of this world.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field
from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from tests.simulation import checks, stores
from tests.simulation.outside import ASKED, EFFECTS, LEASE_S, Ledger, Outside

from jackline.adapters.bus import LocalBus
from jackline.adapters.rates import LocalRates
from jackline.core.errors import StaleError, UnknownOutcomeError
from jackline.core.events import (
    InputProvided,
    InputRequested,
    ModelReserved,
    Principal,
    Record,
    SessionId,
    SessionOpened,
    Told,
    TurnCancelRequested,
    TurnResumed,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.flow import flow_of
from jackline.core.fold import replay
from jackline.core.judging import Judge
from jackline.core.messages import Text
from jackline.core.session import Session
from jackline.core.tools import Context, Effect
from jackline.core.user import User
from jackline.ports import Store
from jackline.runtime.judges import Judges
from jackline.runtime.models import Models
from jackline.runtime.sessions import Sessions
from jackline.runtime.steps import Crew, Served
from jackline.runtime.threads import Inline as InlineThreads
from jackline.runtime.tools import ToolEngine
from jackline.runtime.worker import Worker
from jackline.testing.world import World

SESSIONS = tuple(SessionId("t", name) for name in ("s0", "s1", "s2"))
USER = User("u", "t")
NOBODY = Principal("u")
EVENTS_MAX = 1_000  # A history that comes to rest has a tenth of that.


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated, and which promise is broken."""

    store: Callable[[Store, World], stores.Lossy] = stores.Lossy
    effects: Mapping[str, Effect] = field(default_factory=lambda: EFFECTS)
    clock_sleeps: bool = False
    skips_renewal: bool = False
    judges: bool = True
    judge: Literal["none", "asked", "forgotten"] = "none"


class Simulation:
    """One history."""

    def __init__(self, seed: int, plan: Plan, where: Path | str | None = None) -> None:
        """Prepare it in memory, in a file of SQLite's, or in the Postgres database of a URL."""
        self.plan = plan
        self.where = where
        self.world = World(seed)
        self.ledger = Ledger()
        self.acknowledged: set[tuple[SessionId, str]] = set()
        self.heard: list[tuple[SessionId, list[Record]]] = []
        self.workers: dict[str, Worker] = {}
        self.opened: list[Store] = []
        self._make = self._store()
        self.truth = self._open()
        outside = Outside(self.ledger, self.world.random, lambda _: True)
        self.agent = outside.agent(plan.effects)

    def run(self) -> None:
        """Live through it, and check all that was promised."""
        try:
            self.world.run_until_complete(self._live())
            self.world.run_until_complete(self._check())
        finally:
            self.world.bury()
            for store in self.opened:
                store.close()

    def _store(self) -> Callable[[], Store]:
        match self.where:
            case None:
                return stores.memory(self.world)
            case Path():
                return stores.sqlite(self.world, self.where)
            case str():
                return stores.postgres(self.world, self.where)

    def _open(self) -> Store:
        store = self._make()
        if store not in self.opened:
            self.opened.append(store)
        return store

    async def _live(self) -> None:
        for session in SESSIONS:
            await self.truth.open(session, SessionOpened("agent", "u"))
        for name in ("w0", "w1"):
            self._start(f"{name}.0")
        clients = [self.world.create_task(self._client(session)) for session in SESSIONS]
        readers = [self.world.create_task(self._reader(session)) for session in SESSIONS]
        operator = self.world.create_task(self._operator())
        chaos = self.world.create_task(self._chaos())
        await asyncio.wait(clients)
        for client in clients:
            client.result()
        await chaos
        try:
            await self._rest(operator)
        finally:
            operator.cancel()
            await asyncio.wait([operator, *readers])
            if not operator.cancelled():
                operator.result()
        for reader in readers:
            reader.result()

    async def _rest(self, operator: asyncio.Task[None]) -> None:
        rows = await self.truth.sessions("t")
        for _ in range(1_200):
            if all(row.state == "idle" for row in rows):
                return
            # What goes round in circles would do so for ten minutes, and ever more slowly.
            assert all(row.head < EVENTS_MAX for row in rows), f"G10: there is no end: {rows}"
            if operator.done():
                return  # Nothing comes to rest where it has failed, and it says why.
            await asyncio.sleep(0.5)
            rows = await self.truth.sessions("t")
        raise AssertionError(f"G1: sessions do not come to rest: {rows}")

    def _start(self, worker: str) -> None:
        world, plan = self.world, self.plan
        clock = partial(world.time_awake, worker) if plan.clock_sleeps else world.time
        store = cast("Store", plan.store(self._open(), world))  # it passes on what it lacks
        outside = Outside(self.ledger, world.random, partial(self._drives, worker))
        agent = outside.agent(plan.effects)
        if not plan.judges:
            blind = [changed(each, flow=flow_of(each.name, "read", {})) for each in agent.tools]
            agent = changed(agent, tools=blind)
        rates = LocalRates(clock)
        judge = None
        if plan.judge == "asked":
            # It remembers nothing, so that each text needs a verdict of its own.
            model = cast("Any", agent.model)
            judge = Judges(Judge(model), model, kept_max=0)
        models = Models(agent, [cast("Any", agent.model)], rates, clock, judge)
        tools = ToolEngine(clock, world.random.random, rates, threads=InlineThreads())
        served = {"agent": Served(agent, models)}
        bus = LocalBus()
        crew = Crew(store, clock, served, tools, outside, worker, LEASE_S, bus, snapshot_events=8)

        async def run() -> None:
            engine = self.workers[worker.partition(".")[0]] = Worker(crew)
            await engine.run()

        world.spawn(worker, run())

    def _drives(self, worker: str, context: Context[Any]) -> bool:
        """Whether this worker really holds the lease: nobody has been told otherwise."""
        memory = self.truth
        if not isinstance(memory, stores.MemoryStore):
            return True
        row = memory.rows[context.session]
        return row.worker == worker and self.world.time() + stores.START < row.lease_until

    async def _chaos(self) -> None:
        incarnations, random = dict.fromkeys(("w0", "w1"), 0), self.world.random
        for _ in range(random.randint(0, 12)):
            await asyncio.sleep(random.expovariate(4))
            name = random.choice(sorted(incarnations))
            worker, what = f"{name}.{incarnations[name]}", random.random()
            if what < 0.4:
                self.world.stop_process(worker, random.uniform(0, 3 * LEASE_S))
                continue
            if what < 0.7:
                await self._drain(worker, name)
            self.world.kill(worker)
            incarnations[name] += 1
            self._start(f"{name}.{incarnations[name]}")

    async def _drain(self, worker: str, name: str) -> None:
        """Have the worker hand over, as a deployment does, before it ends."""
        random = self.world.random

        async def hand_over() -> None:
            await self.workers[name].drain(random.uniform(0, LEASE_S))

        self.world.spawn(worker, hand_over())
        await asyncio.sleep(random.uniform(0, 3 * LEASE_S))

    async def _client(self, session: SessionId) -> None:
        random = self.world.random
        store = self.plan.store(self.truth, self.world)
        for n in range(4):
            await asyncio.sleep(random.expovariate(2))
            said = (Text(ASKED),)
            event: Told = random.choices(
                [TurnSubmitted(f"r{n}", said, NOBODY), TurnSteered(f"r{n}", said, NOBODY)], (3, 2)
            )[0]
            if random.random() < 0.1:
                event = TurnCancelRequested("no more")
            await self._told(store, session, event)
            if not isinstance(event, TurnCancelRequested):
                self.acknowledged.add((session, event.request_id))
            for _ in range(random.randint(0, 3)):
                self.workers[random.choice(sorted(self.workers))].wake(session)

    async def _told(self, store: stores.Lossy, session: SessionId, event: Told) -> None:
        while True:
            with suppress(UnknownOutcomeError):
                await store.tell(session, [event])
                return

    async def _operator(self) -> None:
        """Answer what is asked, and resume what was given up."""
        random = self.world.random
        while True:
            await asyncio.sleep(random.uniform(0.2, 1.0))
            for account in await self.truth.accounts("t"):
                assert account.admits(0, 0), f"G3: {account}"
            for row in await self.truth.sessions("t"):
                if row.state != "paused":
                    continue
                for question in row.questions:
                    await self._answer(row.id, question, approved=random.random() < 0.8)
                if not row.questions and await self._is_set_aside(row.id):
                    await self.truth.tell(row.id, [TurnResumed("looked at")])

    async def _is_set_aside(self, session: SessionId) -> bool:
        """Whether it waits for somebody to look at it, and not for a wake-up that was lost."""
        loaded = await self.truth.load(session)
        turn = replay(loaded.session, loaded.records).turn
        return turn is not None and turn.pause is not None and turn.pause.reason == "dead_letter"

    async def _answer(self, session: SessionId, question: int, *, approved: bool) -> None:
        asked = (await self.truth.read(session, question - 1, 1))[0].event
        assert isinstance(asked, InputRequested), f"G5: {question} is no question, but {asked}"
        with suppress(StaleError):
            answer = InputProvided(question, approved, "u", asked.digest)
            await self.truth.tell(session, [answer])

    async def _reader(self, session: SessionId) -> None:
        """Listen, drop off at any moment, and come back with the last id."""
        random, heard = self.world.random, list[Record]()
        self.heard.append((session, heard))
        store = cast("Store", self.plan.store(self.truth, self.world))
        sessions = Sessions(
            store, LocalBus(), {"agent": self.agent}, lambda: "", lambda _, __: None
        )
        for _ in range(6):
            after = heard[-1].seq if heard else 0
            with suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(0.1, 4.0)):
                    async with aclosing(sessions.subscribe(session, USER, after)) as events:
                        async for event in events:
                            if isinstance(event, Record):
                                heard.append(event)

    def _written(self) -> set[str]:
        """Return the keys of the rows that transactional tools wrote."""
        match self.where:
            case None:
                assert isinstance(self.truth, stores.MemoryStore)
                return stores.written(self.truth.tables)
            case Path():
                with closing(sqlite3.connect(self.where)) as tables:
                    return stores.written(tables)
            case str():
                return stores.written_in(self.where)

    async def _check(self) -> None:
        spent, reserved, returned = 0, 0, set[str]()
        rows = {row.id: row for row in await self.truth.sessions("t")}
        for session in SESSIONS:
            records = await self.truth.read(session)
            mine = {request for name, request in self.acknowledged if name == session}
            checks.once_each(records, mine)
            checks.results_are_final(records)
            checks.answers_are_kept(records)
            checks.attackers_choose_nothing(records)
            checks.time_goes_on(records)
            if self.plan.judge != "none":
                checks.texts_are_judged(records)
            reserved += checks.count(records, ModelReserved)
            returned |= checks.returned_keys(records, "write")
            checks.prefixes_live(session, records, self.agent)
            state = replay(Session(session), records)
            assert state.money.held == 0, f"G3: {state.money}"
            row = rows[session]
            assert (row.spent, row.held) == (state.money.spent, 0), (
                f"G3: {row} is not {state.money}"
            )
            spent += state.money.spent
            loaded = await self.truth.load(session)
            assert replay(loaded.session, loaded.records) == state, "a snapshot differs"
        for session, heard in self.heard:
            there = (await self.truth.read(session))[: len(heard)]
            assert heard == there, f"G4: {session} was heard otherwise than it happened"
        written = self._written()
        assert written == returned, f"G2: written {written}, returned {returned}"
        assert self.ledger.asked <= reserved, f"G3: {self.ledger.asked} asked, {reserved} held"
        assert not self.ledger.repeated, f"G2: {self.ledger.repeated}"
        assert not self.ledger.zombies, "G2: paid without a lease"
        accounts = await self.truth.accounts("t")
        assert sum(account.spent for account in accounts) == spent, f"G3: {accounts}, {spent}"
        assert not any(account.held for account in accounts), f"G3: {accounts}"
        most = max((account.limit or 0 for account in accounts), default=0)
        assert all(account.spent <= most for account in accounts), f"G3: {accounts}"
        assert self.ledger.billed <= spent, f"G3: {self.ledger.billed} billed, {spent} known"
