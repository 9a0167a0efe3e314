"""`jackline worker`: drive what is due, until told to end."""

import asyncio
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from typing import Annotated

import typer

from jackline.adapters.urls import without_secrets
from jackline.app import Runtime
from jackline.cli.opened import check_shared, driving
from jackline.cli.options import AppName, EngineUrl, Exit, Json, PolicyFile, StoreUrl
from jackline.cli.references import load_app
from jackline.cli.show import count, print_json, span
from jackline.cli.signals import signals
from jackline.core.app import App
from jackline.opening import Surroundings, new_id
from jackline.settings import Settings, read_settings

_HANGS_S = 5.0


def worker(  # noqa: PLR0913 - each is an option of the command
    *,
    app: AppName = "",
    store: StoreUrl = None,
    engine: EngineUrl = None,
    policy: PolicyFile = None,
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
    as_json: Json = False,
) -> int:
    """Drive the sessions of these agents, of all tenants, until SIGTERM or SIGINT.

    Then it begins nothing more, lets what runs end within the grace period and leaves the rest of
    each turn to other workers, or to the next one. A second signal ends the grace period. Exit
    codes: 0 all was finished or handed over, 1 something still ran and was cut off (whoever goes
    on finds out what became of it), 2 the request is wrong, 3 the store cannot be used.
    """
    said = {"store": store, "engine": engine, "policy": policy, "app": app or None}
    said |= {"lease_s": lease}
    settings = read_settings(said).settings
    check_shared(settings)
    served = load_app(settings.app)
    around = Surroundings(
        worker=f"{socket.gethostname()}:{os.getpid()}:{new_id()[:4]}",
        lease_s=settings.lease_s,
        slots=concurrency,
        engine=settings.engine,
    )
    return asyncio.run(_work(settings, served, around, grace, _Voice(as_json)))


@dataclass(frozen=True, slots=True)
class _Voice:
    """Says how the worker is: to people on stderr, to programs as lines of JSON."""

    as_json: bool

    def say(self, state: str, text: str, **fields: object) -> None:
        """Say it. Programs get the fields."""
        if self.as_json:
            print_json({"state": state, **fields})
            sys.stdout.flush()
        else:
            sys.stderr.write(f"jackline: {text}\n")
            sys.stderr.flush()


async def _work(
    settings: Settings, app: App, around: Surroundings, grace_s: float, voice: _Voice
) -> Exit:
    heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with signals(heard.put_nowait):
        async with driving(settings, app, around) as runtime:
            _say_ready(settings, runtime, around, voice)
            name, driven = (await heard.get()).name, runtime.driven
            text = f"{name}: {_left(driven, grace_s)}."
            voice.say("draining", text, signal=name, driven=driven)
            drained = await _drained(runtime, grace_s, heard)
            _end_though_something_hangs(voice, drained=drained)
    return _ended(voice, drained=drained)


def _end_though_something_hangs(voice: _Voice, *, drained: bool) -> None:
    """End the process in a while: somebody's code may never return, in a thread that is waited for.

    It is then as if it were killed, and whoever goes on finds out what became of what ran.
    """
    timer = threading.Timer(_HANGS_S, lambda: os._exit(_ended(voice, drained=drained)))
    timer.daemon = True
    timer.start()


def _ended(voice: _Voice, *, drained: bool) -> Exit:
    if drained:
        voice.say("ended", "All was finished or handed over.", drained=True)
        return Exit.OK
    text = "Something still ran, and was cut off: whoever goes on finds out what became of it."
    voice.say("ended", text, drained=False)
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


def _say_ready(settings: Settings, runtime: Runtime, around: Surroundings, voice: _Voice) -> None:
    serves = {name: agent.version for name, agent in runtime.agents.items()}
    policy = runtime.policy.digest
    store, slots = without_secrets(settings.store), around.slots
    agents = ", ".join(f"{name} {version}" for name, version in serves.items())
    under = f" under policy {policy}" if policy else ""
    at_once = count(slots, "session")
    text = f"worker {around.worker} serves {agents} in {store}{under}, {at_once} at once."
    told = {"serves": serves, "store": store, "slots": slots, "policy": policy}
    voice.say("ready", text, worker=around.worker, **told)


def _left(driven: int, grace_s: float) -> str:
    if not driven:
        return "nothing runs"
    what = count(driven, "session")
    return f"{what} to finish or hand over within {span(grace_s)}; a second signal cuts that short"
