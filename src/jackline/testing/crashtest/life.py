"""One process of a run: the user at the front, the runtime behind, until rest or death."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from random import Random
from typing import Any

from jackline.adapters.models import resolve
from jackline.adapters.sqlite.store import open_sqlite, wall_clock
from jackline.app import Runtime, Surroundings
from jackline.core.agent import Agent
from jackline.core.errors import CallerError, StaleError
from jackline.core.events import Record, SessionId, ToolReturned
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports import Clock, Model, Store
from jackline.runtime.sessions import Submission
from jackline.testing.crashtest.log import Entry, Log, entries
from jackline.testing.crashtest.moments import Kill, Moments
from jackline.testing.crashtest.store import Watched
from jackline.testing.crashtest.watched import PROBE, watched, witness
from jackline.testing.scenario import Answer, Say, Scenario

# Codes that hardly anything else exits with: a tool of the user's may end the process, too.
AT_REST, WAITS, BROKEN = 121, 122, 123
SESSION = "crashtest"
OpenStore = Callable[[Path, Clock], Store]
_PATIENCE_S = 0.1


class Life(Value, frozen=True):
    """A process to be: where it works, how it dies, and how far ahead its clock is."""

    number: int
    folder: Path
    kill: Kill
    ahead_s: float
    lease_s: float
    timeout_s: float


def open_journal(path: Path, clock: Clock) -> Store:
    """Return the store of a run."""
    return open_sqlite(path, clock=clock)


def records(scenario: Scenario, path: Path) -> Sequence[Record]:
    """Return the journal of a run that is over."""

    async def read() -> Sequence[Record]:
        """Read it from the file."""
        store = open_sqlite(path)
        try:
            return await store.read(SessionId(scenario.user.tenant, SESSION))
        finally:
            store.close()

    return asyncio.run(read())


def live(scenario: Scenario, life: Life, open_store: OpenStore) -> int:
    """Be that process, and return what it exits with. Its death is a real one.

    After `timeout_s` the system ends it, whatever it does.
    """
    signal.setitimer(signal.ITIMER_REAL, life.timeout_s)
    os.chdir(life.folder)
    logging.disable(logging.CRITICAL)
    log = Log(life.folder / "log", life.number)
    try:
        return asyncio.run(_live(scenario, life, open_store, log))
    except BaseException as error:  # noqa: BLE001 - whatever ends the process is told to the judge
        text = f"{type(error).__name__}: {error}"
        log.write(Entry(life.number, "error", text=text))
        return BROKEN


async def _live(scenario: Scenario, life: Life, open_store: OpenStore, log: Log) -> int:
    machine_time = wall_clock()
    clock = lambda: machine_time() + life.ahead_s  # noqa: E731 - a clock is a function
    told = entries(life.folder / "log")
    moments = Moments(log, life.kill, told)
    store = Watched(open_store(life.folder / "journal.db", clock), moments, told)
    around = Surroundings(
        random=Random(life.number),
        worker=f"life {life.number}",
        lease_s=life.lease_s,
        witness=witness(moments),
    )
    agent = watched(scenario.agent, models(scenario), moments)
    runtime = Runtime([agent], store=store, deps=scenario.dependencies, surroundings=around)
    visitor = Visitor(runtime, scenario, log, clock, told)
    await visitor.remember(store)
    async with runtime:
        waits_s = await visitor.visit()
    if waits_s is not None:
        log.write(Entry(life.number, "waits", f"{waits_s:.3f}"))
        return WAITS
    await _checked(scenario, log)
    return AT_REST


def models(scenario: Scenario) -> Sequence[Model]:
    """Return what answers: the scenario's replies, or the agent's own models."""
    scripted, agent = scenario.model(), scenario.agent
    if scripted:
        return [scripted]
    return [_resolved(agent, model) for model in agent.models]


def _resolved(agent: Agent, model: Any) -> Model:  # a name, or a model
    if isinstance(model, str):
        return resolve(model, price=agent.price, price_as=agent.price_as or "")
    return resolve(model)


async def _checked(scenario: Scenario, log: Log) -> None:
    """Ask the scenario whether the world is as it should be."""
    if scenario.check is None:
        return
    async with scenario.dependencies(scenario.user) as deps:
        if wrong := scenario.check(deps):
            log.write(Entry(log.life, "error", "check", text=wrong))


class Visitor:
    """The user: says what the scenario says, answers questions, and trusts acknowledgements.

    What was acknowledged is not said again; what was not is, with the same request id.
    """

    def __init__(
        self, runtime: Runtime, scenario: Scenario, log: Log, clock: Clock, told: Sequence[Entry]
    ) -> None:
        self._runtime = runtime
        self._scenario = scenario
        self._log = log
        self._clock = clock
        self._acknowledged = {each.name for each in told if each.what == "acknowledged"}
        self._id = SessionId(scenario.user.tenant, SESSION)

    async def remember(self, store: Store) -> None:
        """Note which results earlier lives left in the journal."""
        if self._log.life == 1:
            return
        try:
            records = await store.read(self._id)
        except CallerError:
            return  # There is no session yet.
        events = [record.event for record in records]
        keys = tuple(event.key for event in events if isinstance(event, ToolReturned))
        self._log.write(Entry(self._log.life, "returned", keys=keys))

    async def visit(self) -> float | None:
        """Stay until the agent has nothing left to do; or return for how long it only waits."""
        sessions, user = self._runtime.sessions, self._scenario.user
        await sessions.open(self._scenario.agent.name, user, SESSION)
        turns = [*self._scenario.turns, Say(PROBE)]
        for number, say in enumerate(turns):
            await self._say(f"input {number}", say)
            if say.wait or number == len(turns) - 1:
                waits_s = await self._rest()
                if waits_s is not None:
                    return waits_s
        return None

    async def _say(self, request_id: str, say: Say) -> None:
        if request_id in self._acknowledged:
            return
        submission = Submission(say.said, request_id, say.on_busy)
        await self._runtime.sessions.submit(self._id, self._scenario.user, submission)
        self._log.write(Entry(self._log.life, "acknowledged", request_id))

    async def _rest(self) -> float | None:
        """Wait until no turn is open, and answer what is asked meanwhile."""
        sessions, user = self._runtime.sessions, self._scenario.user
        while True:
            state = await sessions.state(self._id, user)
            if state.turn is None and not state.queue:
                return None
            if state.questions:
                await self._answer()
                continue
            if waits_s := self._waits_s(state):
                return waits_s
            if state.turn and state.turn.pause and state.turn.pause.reason == "dead_letter":
                await sessions.go_on(self._id, user)
                continue
            await self._grown(state.head)

    async def _answer(self) -> None:
        sessions, user = self._runtime.sessions, self._scenario.user
        for question, asked in (await sessions.questions(self._id, user)).items():
            answer: Answer = self._scenario.answer(asked.name)
            with suppress(StaleError):  # It was withdrawn while it was read.
                await sessions.answer(
                    self._id,
                    question,
                    user,
                    approved=answer.approved,
                    arguments=answer.arguments if answer.approved else None,
                    reason=answer.reason,
                )

    def _waits_s(self, state: Session) -> float | None:
        """Return for how long nothing will happen, where that is too long to be waited for."""
        turn, now = state.turn, self._clock()
        if turn is None or turn.steps(now):
            return None
        times = [call.reconcile_at for call in turn.calls if call.state == "unknown"]
        if turn.pause and turn.pause.reason == "timer":
            times.append(turn.pause.until or 0.0)
        waits_s = min(times, default=0.0) - now
        return waits_s if waits_s > _PATIENCE_S else None

    async def _grown(self, head: int) -> None:
        listened = self._runtime.sessions.subscribe(self._id, self._scenario.user, head)
        async with aclosing(listened) as events:
            async for event in events:
                if isinstance(event, Record):
                    return
