"""Stores and runtimes, as settings say: opened for as long as a command needs them."""

import os
import socket
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jackline.adapters import engines
from jackline.adapters.policies import NO_POLICY, read_policy
from jackline.adapters.urls import SQLITE, is_postgres
from jackline.core.agent import Agent
from jackline.core.app import App
from jackline.core.errors import CallerError, DefinitionError, InputError, NotFoundError
from jackline.core.events import SessionId
from jackline.core.user import User
from jackline.opening import Surroundings, new_id, open_bus, open_store, waking
from jackline.ports import Observer, Store
from jackline.runtime.inputs import checked_name
from jackline.runtime.sessions import Sessions
from jackline.settings import Settings
from jackline.stack import secured

if TYPE_CHECKING:
    from jackline.app import Runtime

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Look:
    """A store, looked at: nothing is driven."""

    store: Store
    sessions: Sessions
    user: User

    def id(self, name: str) -> SessionId:
        """Return a session's whole name."""
        return SessionId(self.user.tenant, checked_name(name))


def check_shared(settings: Settings) -> None:
    """Raise `CallerError` where nobody else could see what is kept."""
    if settings.store.startswith("memory:"):
        raise CallerError(
            "memory:// ends with the process that uses it, so there is nothing to see: give "
            "--store sqlite:///jackline.db."
        )


def surroundings(settings: Settings, slots: int) -> Surroundings:
    """Return those of a process that drives at most so many sessions at once, under its name."""
    return Surroundings(
        worker=f"{socket.gethostname()}:{os.getpid()}:{new_id()[:4]}",
        lease_s=settings.lease_s,
        slots=slots,
        tenant_slots=settings.tenant_turns,
        tenant_queue=settings.tenant_queue,
        engine=settings.engine,
    )


def existing_store(settings: Settings) -> Path | None:
    """Return the database's file, None where it is no file. Raises where there is nothing yet."""
    check_shared(settings)
    if not settings.store.startswith(SQLITE):
        return None
    path = Path(settings.store.removeprefix(SQLITE))
    if not path.is_file():
        raise NotFoundError(
            f"There is no database {path} yet: `jackline chat` makes one, or give --store."
        )
    return path


@asynccontextmanager
async def looking(settings: Settings, agents: Sequence[Agent] = ()) -> AsyncGenerator[Look]:
    """Open a store that exists, for a command that drives nothing."""
    existing_store(settings)
    if settings.engine:
        engines.checked(settings.engine, shared=is_postgres(settings.store))
    user, around = settings.identity, Surroundings(lease_s=settings.lease_s, engine=settings.engine)
    # Without agents nothing is decided, and who only looks is not kept from it by a policy.
    policy = read_policy(settings.policy) if settings.policy and agents else NO_POLICY
    store = open_store(settings.store, around.wall_clock, around.engine)
    named = {agent.name: secured(agent) for agent in agents}
    woken: list[SessionId] = []
    try:
        async with open_bus(settings.store, opened=store) as bus:
            told = Sessions(store, bus, named, new_id, lambda each, _: woken.append(each), policy)
            yield Look(store, told, user)
        if woken:
            async with waking(store, around) as wake:
                for session in woken:
                    wake(session)
    finally:
        store.close()


@asynccontextmanager
async def driving(
    settings: Settings, app: App, around: Surroundings | None = None, *, drive: bool = True
) -> "AsyncGenerator[Runtime]":
    """Open a runtime, and before that delete what was kept for long enough.

    Without `drive` it leaves both to others.
    """
    from jackline.app import Runtime  # noqa: PLC0415 - only for commands that drive

    around = around or Surroundings(lease_s=settings.lease_s, engine=settings.engine)
    with tracing(settings) as traced:
        around = replace(around, observers=[*around.observers, *traced])
        runtime = Runtime(
            app.agents,
            store=settings.store,
            deps=app.deps,
            drive=drive,
            policy=settings.policy,
            surroundings=around,
        )
        async with runtime:
            if drive and settings.retention_days is not None:
                await runtime.store.retain(settings.retention_days * _DAY_S)
            yield runtime


@contextmanager
def tracing(settings: Settings) -> Generator[Sequence[Observer]]:
    """Give what makes traces, if they are wanted, and send in the end what is left of them."""
    if not settings.traces:
        yield ()
        return
    try:
        from jackline.adapters.telemetry import to_collector  # noqa: PLC0415 - only for those who trace
    except ImportError as error:
        raise DefinitionError(
            f"Traces need an extra: pip install 'jackline[otel]' ({error})."
        ) from error
    telemetry = to_collector(content=settings.traces_content)
    try:
        yield (telemetry,)
    finally:
        telemetry.close()


def chosen(app: App, name: str) -> Agent:
    """Return the agent of this name, or the only one."""
    if not name and len(app.agents) == 1:
        return app.agents[0]
    known = ", ".join(agent.name for agent in app.agents)
    if not name:
        raise InputError(f"There are several agents: say --agent and one of {known}.")
    for agent in app.agents:
        if agent.name == name:
            return agent
    raise NotFoundError(f"There is no agent {name!r}. There are: {known}.")


def with_model(app: App, model: str) -> App:
    """Return the app with another model in place of those of its agents."""
    if not model:
        return app
    return App([replace(agent, model=model) for agent in app.agents], app.deps)


def default_session(agent: Agent, user: User) -> str:
    """Return the name under which a user's conversation with an agent goes on each time."""
    return f"{user.id}-{agent.name}"
