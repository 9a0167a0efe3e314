"""Opens what a runtime stands on: a store, a bus, and what wakes workers."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from jackline.adapters import engines
from jackline.adapters.bus import LocalBus
from jackline.adapters.memory import MemoryStore
from jackline.adapters.urls import is_postgres, without_secrets
from jackline.core.errors import DefinitionError, StoreError
from jackline.core.events import SessionId
from jackline.core.turn import LEASE_S
from jackline.ports import Bus, Clock, Engine, Ids, Noticing, Observer, Store
from jackline.runtime.tools import Witness

_FLUSH_S = 2.0
_NOTICE_S = 0.5
_LOOK_S = 300.0  # One asks for all: this is for what nobody could think of.

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

    It drives at most `slots` sessions at once, and `tenant_slots` of one tenant; no more sessions
    of a tenant queue up than `tenant_queue`. `watch` returns what is to stand for the store.
    `engine` is the URL of what wakes workers, like `temporal://host:7233/namespace`; without one
    that is up to the store.
    `observers` are told of all that is committed here.
    """

    clock: Clock = awake_clock
    wall_clock: Clock = time.time  # noqa: TID251 - here the clock is chosen
    ids: Ids = new_id
    random: Random = field(default_factory=SystemRandom)
    worker: str = ""
    lease_s: float = LEASE_S
    witness: Witness | None = None
    slots: int = 10_000
    tenant_slots: int | None = None
    tenant_queue: int | None = None
    watch: Callable[[Store], Store] | None = None
    engine: str = ""
    observers: Sequence[Observer] = ()


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
        if around.tenant_slots is not None:
            raise DefinitionError(
                "Temporal gives out what tenants wait for by its own fairness: leave out how many "
                "turns of a tenant are driven at once (tenant_turns)."
            )
        slots, lease_s = around.slots, around.lease_s
        return engines.open_engine(around.engine, opened, served, slots=slots, lease_s=lease_s)
    if not isinstance(store, str) or not is_postgres(store):
        return None
    with on_postgres():
        from jackline.adapters.procrastinate.engine import ProcrastinateEngine  # noqa: PLC0415 - as above

    return ProcrastinateEngine(
        store,
        served,
        slots=around.slots,
        lease_s=around.lease_s,
        tenant_max=around.tenant_slots,
    )


@asynccontextmanager
async def open_bus(
    store: str | Store,
    heard: Callable[[SessionId], None] = lambda _: None,
    opened: Store | None = None,
) -> AsyncGenerator[Bus]:
    """Give the bus that reaches whoever shares the store, which may be `opened` here.

    `heard` is told of a session to which somebody in another process has said something.
    """
    if not isinstance(store, str) or not is_postgres(store):
        if not isinstance(opened, Noticing):
            yield LocalBus()
            return
        local = LocalBus(_LOOK_S)
        async with running(_notice(local, opened)):
            yield local
        return
    with on_postgres():
        from jackline.adapters.postgres.bus import PostgresBus  # noqa: PLC0415 - only for those who use it
    bus = PostgresBus(store, heard)
    async with running(bus.run()):
        try:
            yield bus
        finally:
            await bus.flush()


async def _notice(bus: LocalBus, store: Noticing) -> None:
    """Have those who listen look where another process has written: one asks for all of them."""
    while True:
        await asyncio.sleep(_NOTICE_S)
        if not bus.is_followed:
            continue
        try:
            wrote = await store.others_wrote()
        except StoreError:
            wrote = True  # Whoever looks finds out.
        if wrote:
            bus.look()


@asynccontextmanager
async def waking(store: Store, around: Surroundings) -> AsyncGenerator[Callable[[SessionId], None]]:
    """Give what has workers elsewhere woken, and in the end wait until they are, for a moment."""
    if not around.engine:
        yield lambda _: None
        return
    waker = engines.open_waker(around.engine, store, lease_s=around.lease_s)
    async with running(waker.run()):
        yield waker.wake
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await waker.flush()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run `work` beside the body, whose own errors pass as they are.

    A task group would wrap them; so it gets to see only that its host was cancelled, which is
    what it does itself where `work` fails.
    """
    group = asyncio.TaskGroup()
    await group.__aenter__()
    task = group.create_task(work, name="jackline")
    cancelled: BaseException | None = None
    try:
        yield
    except asyncio.CancelledError as error:
        cancelled = error
        raise
    finally:
        task.cancel()
        await group.__aexit__(type(cancelled) if cancelled else None, cancelled, None)
