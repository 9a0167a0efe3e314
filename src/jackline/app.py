"""Where it is put together: agents, a store, models and tools become a runtime."""

import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jackline.adapters.models import resolve
from jackline.adapters.policies import NO_POLICY, read_policy
from jackline.adapters.rates import LocalRates
from jackline.core.admission import Standing
from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError, InputError
from jackline.core.events import (
    Record,
    SessionId,
)
from jackline.core.inputs import Said
from jackline.core.judging import Judge
from jackline.core.permit.overlay import Overlay
from jackline.core.user import User
from jackline.opening import (
    Surroundings,
    open_bus,
    open_engine,
    open_store,
    running,
    waking,
)
from jackline.ports import (
    Closing,
    Delta,
    Fleet,
    Model,
    Presence,
    Rates,
    SharesRates,
    Store,
)
from jackline.runtime.artifacts import read_result
from jackline.runtime.fleet import Post
from jackline.runtime.judges import Judges
from jackline.runtime.logs import redact_logs
from jackline.runtime.models import Models
from jackline.runtime.results import Result, Results, check_kept, ends
from jackline.runtime.sessions import Sessions
from jackline.runtime.steps import Crew, Deps, Served
from jackline.runtime.submission import Submission
from jackline.runtime.tools import ToolEngine
from jackline.runtime.worker import Worker
from jackline.stack import secured

LOCAL_USER = User("local")
DRAIN_S = 10.0
_OPTIONS = tuple(each.name for each in fields(Submission)[1:])


class Runtime:
    """Agents that run durably: one process that submits, drives and listens.

    `store` is a URL or a `Store`, which is this runtime's alone: it closes it, and another one on
    the same object would not hear of what happens here; give each the URL. `deps` is what tools
    find in `ctx.deps`: a value, or an async context manager factory `(User) -> deps`, entered for
    each drive and never journaled. With `drive=False` it submits and listens only, and others
    drive. `policy` is what operators say, the path of a file or one that was read: it is read once,
    and only tightens; "", as settings have it, is none. Use it with `async with`; leaving it hands
    over what is under way.
    """

    def __init__(  # noqa: PLR0913 - what a runtime is made of
        self,
        agents: Sequence[Agent],
        *,
        store: str | Store = "sqlite:///jackline.db",
        deps: Deps = None,
        drive: bool = True,
        models: Mapping[str, Model] | None = None,
        policy: str | Path | Overlay = "",
        surroundings: Surroundings | None = None,
    ) -> None:
        redact_logs()
        self._surroundings = surroundings or Surroundings()
        self._agents = _named([secured(agent) for agent in agents])
        self._deps = deps
        self._drives = drive
        self._url = store
        self._given = models or {}
        if not isinstance(policy, Overlay):
            policy = read_policy(policy) if policy else NO_POLICY
        self._policy = policy
        self._policy.check(agents)
        self._stack = AsyncExitStack()
        self._worker: Worker | None = None
        self._rates: Rates | None = None
        self._drained: bool | None = None
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
    def driven(self) -> int:
        """How many sessions are driven here, now."""
        return self._worker.driven if self._worker else 0

    @property
    def is_alive(self) -> bool:
        """Whether its worker has heard of the store of late, if it has one."""
        return self._worker is None or self._worker.is_alive

    @property
    def troubled(self) -> Mapping[str, Standing]:
        """How models and tools stand of which some call has failed, as far as is known here."""
        return self._rates.troubled if self._rates else {}

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents, by name."""
        return self._agents

    @property
    def policy(self) -> Overlay:
        """What operators say, as it was read at the start."""
        return self._policy

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
        judges = {name: self._judge(agent) for name, agent in self._agents.items()}
        fleet = open_store(self._url, around.wall_clock, around.engine)
        self._stack.callback(fleet.close)
        store = around.watch(fleet) if around.watch else fleet
        bus = await self._stack.enter_async_context(open_bus(self._url, self._hear, fleet))
        rates = fleet.rates if isinstance(fleet, SharesRates) else LocalRates(around.clock)
        served = {
            name: self._served(_with_paging(agent, store), models[name], rates, judges[name])
            for name, agent in self._agents.items()
        }
        tools = ToolEngine(around.clock, around.random.random, rates, witness=around.witness)
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
            policy=self._policy,
            observers=around.observers,
        )
        if self._drives:
            post = None
            if engine and isinstance(fleet, Fleet):
                presence = Presence(name, versions, around.slots, around.lease_s)
                post = Post(fleet, store, presence)
                self._stack.push_async_callback(post.leave)
            worker = Worker(
                crew,
                engine=engine,
                post=post,
                drives_max=around.slots,
                tenant_max=around.tenant_slots,
            )
            await self._stack.enter_async_context(running(rates.watch()))
            await self._stack.enter_async_context(running(worker.run()))
            self._worker, wakes = worker, worker.wake
        else:
            wakes = await self._stack.enter_async_context(waking(store, around))

        def wake(session: SessionId, agent: str) -> None:
            if engine or not self._drives or agent in self._agents:
                wakes(session)

        self._rates = rates
        most, policy = around.tenant_queue, self._policy
        sessions = Sessions(store, bus, self._agents, around.ids, wake, policy, queue_max=most)
        self._open = store, sessions, Results(store, bus)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hand over what is driven, and close the store."""
        if self._drained is None and not await self.drain():
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
        row = await sessions.row(session, user, "see")
        return await results.of(session, turn, self._agents.get(row.agent), row)

    async def drain(self, grace_s: float = DRAIN_S) -> bool:
        """Claim nothing more, and hand over what is driven. True if all was, in time.

        Cancelled it can be asked for again, with less time. Afterwards nothing is driven here.
        """
        self._drained = await self._worker.drain(grace_s) if self._worker else True
        return self._drained

    def _hear(self, session: SessionId) -> None:
        if self._worker:
            self._worker.signal(session)

    def _models(self, agent: Agent) -> Sequence[Model]:
        """Return an agent's models. Those that are made here end with the runtime."""
        return [self._resolved(agent, given) for given in agent.models]

    def _judge(self, agent: Agent) -> Judges | None:
        judge = agent.judge
        return Judges(judge, self._resolved(judge, judge.model)) if judge else None

    def _served(
        self, agent: Agent, models: Sequence[Model], rates: Rates, judge: Judges | None
    ) -> Served:
        return Served(agent, Models(agent, models, rates, self._surroundings.clock, judge))

    def _resolved(self, priced: Agent | Judge, model: Any) -> Model:
        if not isinstance(model, str):
            return resolve(model)
        if model in self._given:
            return self._given[model]
        made = resolve(model, price=priced.price, price_as=priced.price_as or "")
        if isinstance(made, Closing):
            self._stack.push_async_callback(made.close)
        return made

    def _opened(self) -> tuple[Store, Sessions, Results]:
        if self._open is None:
            raise DefinitionError("The runtime is not open: use it within `async with`.")
        return self._open


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
