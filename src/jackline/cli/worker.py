"""`jackline worker`: drive what is due, until told to end."""

import asyncio
from typing import Annotated

import typer

from jackline.adapters.urls import without_secrets
from jackline.app import Runtime
from jackline.cli.draining import (
    Heard,
    Voice,
    drained,
    end_though_something_hangs,
    ended,
    told_to_end,
)
from jackline.cli.logs import Format, LogFormat, logging_as
from jackline.cli.opened import check_shared, driving, surroundings
from jackline.cli.options import AppName, EngineUrl, Exit, Json, PolicyFile, StoreUrl
from jackline.cli.references import load_app
from jackline.cli.show import count
from jackline.cli.signals import signals
from jackline.core.app import App
from jackline.opening import Surroundings
from jackline.settings import Settings, read_settings


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
    log_format: Format = LogFormat.TEXT,
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
    around = surroundings(settings, concurrency)
    with logging_as(log_format):
        return asyncio.run(_work(settings, served, around, grace, Voice(as_json)))


async def _work(
    settings: Settings, app: App, around: Surroundings, grace_s: float, voice: Voice
) -> Exit:
    heard = Heard()
    with signals(heard.put_nowait):
        async with driving(settings, app, around) as runtime:
            _say_ready(settings, runtime, around, voice)
            await told_to_end(runtime, heard, grace_s, voice)
            all_left = await drained(runtime, grace_s, heard)
            end_though_something_hangs(voice, drained=all_left)
    return ended(voice, drained=all_left)


def _say_ready(settings: Settings, runtime: Runtime, around: Surroundings, voice: Voice) -> None:
    serves = {name: agent.version for name, agent in runtime.agents.items()}
    policy = runtime.policy.digest
    store, slots = without_secrets(settings.store), around.slots
    agents = ", ".join(f"{name} {version}" for name, version in serves.items())
    under = f" under policy {policy}" if policy else ""
    at_once = count(slots, "session")
    text = f"worker {around.worker} serves {agents} in {store}{under}, {at_once} at once."
    told = {"serves": serves, "store": store, "slots": slots, "policy": policy}
    voice.say("ready", text, worker=around.worker, **told)
