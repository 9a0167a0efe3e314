"""One process of a run: the user at the front, the runtime behind, or either of them."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from jackline.adapters.models import resolve
from jackline.adapters.sqlite.store import wall_clock
from jackline.app import Runtime
from jackline.core.agent import Agent
from jackline.core.value import Value
from jackline.opening import Surroundings
from jackline.ports import Clock, Model, Store
from jackline.testing.crashtest.log import Entry, Log, entries
from jackline.testing.crashtest.moments import Kill, Moments
from jackline.testing.crashtest.store import Watched
from jackline.testing.crashtest.visitor import Visitor
from jackline.testing.crashtest.watched import watched, witness
from jackline.testing.scenario import Scenario

# Codes that hardly anything else exits with: a tool of the user's may end the process, too.
AT_REST, WAITS, BROKEN = 121, 122, 123
Part = Literal["all", "visitor", "worker", "checker"]


class Life(Value, frozen=True):
    """A process to be: what its part is, where it works, and how far ahead the database's clock is.

    `kills` are the run's. A worker closes `ready` when it is.
    """

    number: int
    folder: Path
    kills: tuple[Kill, ...]
    ahead_s: float
    lease_s: float
    timeout_s: float
    part: Part = "all"
    ready: int = -1


def as_it_is(store: Store) -> Store:
    """Return the store."""
    return store


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the processes of a run keep sessions: a store or its URL, and what is put around it."""

    store: Callable[[Path, Clock], Store | str]
    around: Callable[[Store], Store] = as_it_is


def live(scenario: Scenario, life: Life, keeping: Keeping) -> int:
    """Be that process, and return what it exits with. Its death is a real one.

    After `timeout_s` the system ends it, whatever it does.
    """
    signal.setitimer(signal.ITIMER_REAL, life.timeout_s)
    os.chdir(life.folder)
    logging.disable(logging.CRITICAL)
    log = Log(life.folder / "log", life.number)
    try:
        if life.part == "checker":
            return asyncio.run(_checked(scenario, log))
        return asyncio.run(_live(scenario, life, keeping, log))
    except BaseException as error:  # noqa: BLE001 - whatever ends the process is told to the judge
        text = f"{type(error).__name__}: {error}"
        log.write(Entry(life.number, "error", text=text))
        return BROKEN


async def _live(scenario: Scenario, life: Life, keeping: Keeping, log: Log) -> int:
    machine_time = wall_clock()
    clock = lambda: machine_time() + life.ahead_s  # noqa: E731 - a clock is a function
    moments = Moments(log, life.kills)
    around = Surroundings(
        random=Random(life.number),
        worker=f"life {life.number}",
        lease_s=life.lease_s,
        witness=witness(moments),
        watch=lambda store: Watched(keeping.around(store), moments),
    )
    runtime = Runtime(
        [watched(scenario.agent, models(scenario), moments)],
        store=keeping.store(life.folder, clock),
        deps=scenario.dependencies,
        drive=life.part != "visitor",
        surroundings=around,
    )
    async with runtime:
        if life.part == "worker":
            await _until_told(life)
            return AT_REST
        told = entries(life.folder / "log")
        waits_s = await Visitor(runtime, scenario, log, clock, told).visit()
    if waits_s is not None:
        log.write(Entry(life.number, "waits", f"{waits_s:.3f}"))
        return WAITS
    return AT_REST if life.part == "visitor" else await _checked(scenario, log)


async def _until_told(life: Life) -> None:
    """Work until SIGTERM comes."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    os.close(life.ready)
    await told.wait()


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


async def _checked(scenario: Scenario, log: Log) -> int:
    """Ask the scenario whether the world is as it should be."""
    if scenario.check is None:
        return AT_REST
    async with scenario.dependencies(scenario.user) as deps:
        if wrong := scenario.check(deps):
            log.write(Entry(log.life, "error", "check", text=wrong))
    return AT_REST
