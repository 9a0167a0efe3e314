"""Where it is put together: agents, a store, models and tools become a runtime."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Self

from jackline.adapters import engines
from jackline.adapters.bus import LocalBus
from jackline.adapters.memory import MemoryStore
from jackline.adapters.models import resolve
from jackline.adapters.urls import is_postgres, without_secrets
from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError, InputError
from jackline.core.events import (
    Record,
    SessionId,
)
from jackline.core.inputs import Said
from jackline.core.turn import LEASE_S
from jackline.core.user import User
from jackline.ports import (
    Clock,
    Closing,
    Delta,
    Engine,
    Fleet,
    Ids,
    Model,
    Presence,
    Store,
)
from jackline.runtime.admission import Admission
from jackline.runtime.artifacts import read_result
from jackline.runtime.fleet import Post
from jackline.runtime.models import Models
from jackline.runtime.results import Result, Results, check_kept, ends
from jackline.runtime.sessions import Sessions, Submission
from jackline.runtime.steps import Crew, Deps, Served
from jackline.runtime.tools import ToolEngine, Witness
from jackline.runtime.worker import Worker

LOCAL_USER = User("local")
DRAIN_S = 10.0
_FLUSH_S = 2.0
_OPTIONS = tuple(each.name for each in fields(Submission)[1:])


# Seconds on a clock that goes on while the process is stopped or asleep.
awake_clock: Clock = partial(
    time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
)


def new_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runtime takes from the machine, so that a test can give it something else.

    It drives at most `slots` sessions at once. `engine` is the URL of what wakes workers, like
    `temporal://host:7233/namespace`; without one that is up to the store.
    """

    clock: Clock = awake_clock
    wall_clock: Clock = time.time  # noqa: TID251 - here the clock is chosen
    ids: Ids = new_id
    random: Random = field(default_factory=SystemRandom)
    worker: str = ""
    lease_s: float = LEASE_S
    witness: Witness | None = None
    slots: int = 10_000
    engine: str = ""


def open_store(store: str | Store, wall_clock: Clock, engine: str = "") -> Store:
    """Return the store that a URL names: `sqlite:///path`, `postgresql://…` or `memory://`.

    One on Postgres wakes workers by itself, unless an `engine` does.
    """
    if not isinstance(store, str):
        return store
    scheme, found, path = store.partition("://")
    if scheme == "memory" and found:
        return MemoryStore(wall_clock)
    if scheme == "sqlite" and path.removeprefix("/"):
        from jackline.adapters.sqlite.store import open_sqlite  # noqa: PLC0415 - only for those who use it

        return open_sqlite(Path(path.removeprefix("/")))
    if is_postgres(store):
        with on_postgres():
            from jackline.adapters.postgres.store import open_postgres  # noqa: PLC0415 - as above

        return open_postgres(store, queues=not engine)
    raise DefinitionError(
        f"{without_secrets(store)!r} is no store: write sqlite:///jackline.db, "
        "postgresql://user@host/database or memory://."
    )


@contextmanager
def on_postgres() -> Generator[None]:
    """Import, inside, what needs the extra. Raises `DefinitionError` where it is not there."""
    try:
        yield
    except ImportError as error:
        raise DefinitionError(
            f"A store on Postgres needs an extra: pip install 'jackline[postgres]' ({error})."
        ) from error


def open_engine(
    store: str | Store, opened: Store, served: Mapping[str, str], around: Surroundings
) -> Engine | None:
    """Return what wakes the workers on a store, for these versions of agents. None: it is one."""
    if around.engine:
        slots, lease_s = around.slots, around.lease_s
        return engines.open_engine(around.engine, opened, served, slots=slots, lease_s=lease_s)
    if not isinstance(store, str) or not is_postgres(store):
        return None
    with on_postgres():
        from jackline.adapters.procrastinate.engine import ProcrastinateEngine  # noqa: PLC0415 - as above

    return ProcrastinateEngine(store, served, slots=around.slots, lease_s=around.lease_s)


@asynccontextmanager
async def waking(store: Store, around: Surroundings) -> AsyncGenerator[Callable[[SessionId], None]]:
    """Give what has workers elsewhere woken, and in the end wait until they are, for a moment."""
    if not around.engine:
        yield lambda _: None
        return
    waker = engines.open_waker(around.engine, store, lease_s=around.lease_s)
    async with _running(waker.run()):
        yield waker.wake
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await waker.flush()


class Runtime:
    """Agents that run durably: one process that submits, drives and listens.

    `store` is a URL or a `Store`. `deps` is what tools find in `ctx.deps`: a value, or an async
    context manager factory `(User) -> deps`, entered for each drive and never journaled. With
    `drive=False` it submits and listens only, and others drive. Use it with `async with`;
    leaving it hands over what is under way.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        store: str | Store = "sqlite:///jackline.db",
        deps: Deps = None,
        drive: bool = True,
        models: Mapping[str, Model] | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._surroundings = surroundings or Surroundings()
        self._agents = _named(agents)
        self._deps = deps
        self._drives = drive
        self._url = store
        self._given = models or {}
        self._stack = AsyncExitStack()
        self._worker: Worker | None = None
        self._open: tuple[Store, Sessions, Results] | None = None

    @property
    def sessions(self) -> Sessions:
        """What users do with sessions."""
        return self._opened()[1]

    @property
    def store(self) -> Store:
        """Where they are kept."""
        return self._opened()[0]

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents, by name."""
        return self._agents

    async def __aenter__(self) -> Self:
        """Open the store and begin to drive what is due."""
        try:
            await self._enter()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _enter(self) -> None:
        around = self._surroundings
        models = {name: self._models(agent) for name, agent in self._agents.items()}
        store, bus = open_store(self._url, around.wall_clock, around.engine), LocalBus()
        self._stack.callback(store.close)
        served = {
            name: self._served(_with_paging(agent, store), models[name])
            for name, agent in self._agents.items()
        }
        tools = ToolEngine(around.clock, around.random.random, witness=around.witness)
        self._stack.callback(tools.close)
        name = around.worker or f"{socket.gethostname()}:{os.getpid()}:{around.ids()[:4]}"
        versions = {name: agent.version for name, agent in self._agents.items()}
        engine = open_engine(self._url, store, versions, around) if self._drives else None
        crew = Crew(
            store,
            around.clock,
            served,
            tools,
            self._deps,
            name,
            around.lease_s,
            bus,
            versioned=engine is not None,
        )
        if self._drives:
            post = None
            if engine and isinstance(store, Fleet):
                presence = Presence(name, versions, around.slots, around.lease_s)
                post = Post(store, store, presence)
            worker = Worker(crew, engine=engine, post=post, drives_max=around.slots)
            await self._stack.enter_async_context(_running(worker.run()))
            self._worker, wake = worker, worker.wake
        else:
            wake = await self._stack.enter_async_context(waking(store, around))
        elsewhere = bool(around.engine)
        sessions = Sessions(store, bus, self._agents, around.ids, wake, elsewhere=elsewhere)
        self._open = store, sessions, Results(store, bus)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hand over what is driven, and close the store."""
        if self._worker and not await self._worker.drain(DRAIN_S):
            logging.getLogger("jackline").warning("Some turns were let go while they ran.")
        self._open = None
        await self._stack.__aexit__(kind, error, trace)

    async def stream(
        self,
        agent: str,
        said: Said,
        *,
        session: str = "",
        user: User = LOCAL_USER,
        **options: Any,
    ) -> AsyncGenerator[Record | Delta]:
        """Say something to an agent, and yield the events of its turn, and text as it comes.

        Ends with the turn. While the turn waits for an answer to a question, so does this.
        `options` are those of `Submission`. Stopping early leaves the turn to go on.
        """
        submission = _submission(said, options)
        name, receipt = await self.sessions.begin(agent, user, submission, session)
        turn = receipt.turn or receipt.seq
        async with aclosing(self.follow(name, turn, user)) as events:
            async for event in events:
                yield event

    async def follow(
        self, session: SessionId, turn: int, user: User = LOCAL_USER
    ) -> AsyncGenerator[Record | Delta]:
        """Yield the events of a turn from its beginning, until it ends.

        Raises `NotFoundError` where the turn is erased, before or meanwhile.
        """
        async with aclosing(self.sessions.subscribe(session, user, turn - 1)) as events:
            async for event in events:
                check_kept(session, turn, event)
                yield event
                if ends(event, turn):
                    return

    async def run(
        self,
        agent: str,
        said: Said,
        *,
        session: str = "",
        user: User = LOCAL_USER,
        **options: Any,
    ) -> Result:
        """Say something to an agent, and return how its turn ended, or that a person is asked."""
        store, sessions, results = self._opened()
        submission = _submission(said, options)
        name, receipt = await sessions.begin(agent, user, submission, session)
        opens_now = receipt.turn == receipt.seq and not (receipt.repeated or receipt.queued)
        row = None if opens_now else await store.row(name)
        return await results.of(name, receipt.turn or receipt.seq, self._agents[agent], row)

    async def result(self, session: SessionId, turn: int, user: User = LOCAL_USER) -> Result:
        """Return how a turn ended, or that it waits for a person, once it does.

        Raises `NotFoundError` where the turn is erased, before or meanwhile.
        """
        _, sessions, results = self._opened()
        row = await sessions.row(session, user, approver=True)
        return await results.of(session, turn, self._agents.get(row.agent), row)

    async def drain(self, grace_s: float = DRAIN_S) -> bool:
        """Claim nothing more, and hand over what is driven. True if all was, in time."""
        return await self._worker.drain(grace_s) if self._worker else True

    def _models(self, agent: Agent) -> Sequence[Model]:
        """Return an agent's models. Those that are made here end with the runtime."""
        found: list[Model] = []
        for given in agent.models:
            found.append(self._resolved(agent, given))
            made_here = isinstance(given, str) and given not in self._given
            if made_here and isinstance(found[-1], Closing):
                self._stack.push_async_callback(found[-1].close)
        return found

    def _served(self, agent: Agent, models: Sequence[Model]) -> Served:
        clock = self._surroundings.clock
        return Served(agent, Models(agent, models, Admission(clock), clock))

    def _resolved(self, agent: Agent, model: Any) -> Model:
        if isinstance(model, str):
            if model in self._given:
                return self._given[model]
            return resolve(model, price=agent.price, price_as=agent.price_as or "")
        return resolve(model)

    def _opened(self) -> tuple[Store, Sessions, Results]:
        if self._open is None:
            raise DefinitionError("The runtime is not open: use it within `async with`.")
        return self._open


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run `work` beside the body, whose own errors pass as they are.

    A task group would wrap them; so it gets to see only that its host was cancelled, which is
    what it does itself where `work` fails.
    """
    group = asyncio.TaskGroup()
    await group.__aenter__()
    task = group.create_task(work, name="jackline worker")
    cancelled: BaseException | None = None
    try:
        yield
    except asyncio.CancelledError as error:
        cancelled = error
        raise
    finally:
        task.cancel()
        await group.__aexit__(type(cancelled) if cancelled else None, cancelled, None)


def _named(agents: Sequence[Agent]) -> Mapping[str, Agent]:
    named: dict[str, Agent] = {}
    for agent in agents:
        if agent.name in named:
            raise DefinitionError(f"Two agents are named {agent.name!r}: rename one.")
        named[agent.name] = agent
    if not named:
        raise DefinitionError("A runtime needs at least one agent: Runtime([agent]).")
    return named


def _with_paging(agent: Agent, store: Store) -> Agent:
    """Return the agent with a tool to read on where a result was too large to be read at once."""
    paging = read_result(store.get)
    if not agent.tools or paging.name in agent.by_name:
        return agent
    return replace(agent, tools=[*agent.tools, paging])


def _submission(said: Said, options: Mapping[str, Any]) -> Submission:
    if unknown := sorted(options.keys() - _OPTIONS):
        raise InputError(f"There is no option {unknown[0]!r}, but {', '.join(_OPTIONS)}.")
    return Submission(said, **options)
