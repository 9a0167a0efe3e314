"""`jackline worker`: drive what is due, until told to end."""

import asyncio
import os
import signal
import socket
import sys
from typing import Annotated

import typer

from jackline.adapters.urls import without_secrets
from jackline.app import Runtime, Surroundings, new_id
from jackline.cli.opened import check_shared, driving
from jackline.cli.options import AppName, Exit, StoreUrl
from jackline.cli.references import load_app
from jackline.cli.show import count, span
from jackline.cli.signals import signals
from jackline.core.app import App
from jackline.settings import Settings, read_settings


def worker(
    *,
    app: AppName = "",
    store: StoreUrl = None,
    concurrency: Annotated[
        int, typer.Option(min=1, metavar="N", help="At most so many sessions at once.")
    ] = 100,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="For what runs when it is to end.")
    ] = 30.0,
    lease: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Others go on when it is silent for so long. [setting: lease_s]"
        ),
    ] = None,
) -> int:
    """Drive the sessions of these agents, of all tenants, until SIGTERM or SIGINT.

    Then it begins nothing more, lets what runs end within the grace period and leaves the rest of
    each turn to other workers, or to the next one. A second signal ends the grace period. Exit
    codes: 0 all was finished or handed over, 1 something still ran and was cut off (whoever goes
    on finds out what became of it), 2 the request is wrong, 3 the store cannot be used.
    """
    settings = read_settings({"store": store, "app": app or None, "lease_s": lease}).settings
    check_shared(settings)
    served = load_app(settings.app)
    around = Surroundings(
        worker=f"{socket.gethostname()}:{os.getpid()}:{new_id()[:4]}",
        lease_s=settings.lease_s,
        slots=concurrency,
    )
    return asyncio.run(_work(settings, served, around, grace))


async def _work(settings: Settings, app: App, around: Surroundings, grace_s: float) -> Exit:
    heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with signals(heard.put_nowait):
        async with driving(settings, app, around) as runtime:
            _say(_ready(settings, app, around))
            name = (await heard.get()).name
            _say(f"{name}: {_left(runtime, grace_s)}.")
            drained = await _drained(runtime, grace_s, heard)
    if drained:
        _say("All was finished or handed over.")
        return Exit.OK
    _say("Something still ran, and was cut off: whoever goes on finds out what became of it.")
    return Exit.FAILED


async def _drained(
    runtime: Runtime, grace_s: float, heard: "asyncio.Queue[signal.Signals]"
) -> bool:
    """Drain the runtime, in no time where there is another signal. True if nothing was cut off."""
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(runtime.drain(grace_s))
        again = group.create_task(heard.get())
        await asyncio.wait((drain, again), return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        if drain.done():
            return drain.result()
        drain.cancel()
    return await runtime.drain(0)


def _ready(settings: Settings, app: App, around: Surroundings) -> str:
    agents = ", ".join(f"{agent.name} {agent.version}" for agent in app.agents)
    return (
        f"worker {around.worker} serves {agents} in {without_secrets(settings.store)}, "
        f"{count(around.slots, 'session')} at once."
    )


def _left(runtime: Runtime, grace_s: float) -> str:
    if not runtime.driven:
        return "nothing runs"
    what = count(runtime.driven, "session")
    return f"{what} to finish or hand over within {span(grace_s)}; a second signal cuts that short"


def _say(text: str) -> None:
    sys.stderr.write(f"jackline: {text}\n")
    sys.stderr.flush()
