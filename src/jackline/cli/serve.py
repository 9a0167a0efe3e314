"""`jackline serve`: agents as a service, in one process."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

import typer

from jackline.adapters.urls import without_secrets
from jackline.cli.draining import (
    Heard,
    Voice,
    drained,
    end_though_something_hangs,
    ended,
    told_to_end,
)
from jackline.cli.logs import Access, Format, LogFormat, logging_as
from jackline.cli.opened import check_shared, driving, surroundings
from jackline.cli.options import EngineUrl, Exit, Json, PolicyFile, StoreUrl
from jackline.cli.references import load_app
from jackline.cli.signals import signals
from jackline.core.app import App
from jackline.core.errors import CallerError, DefinitionError
from jackline.interfaces.identity import Development, Identity
from jackline.opening import Surroundings
from jackline.serving import asgi, identities
from jackline.settings import Settings, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jackline.adapters.metrics import Metrics
    from jackline.app import Runtime


@dataclass(frozen=True, slots=True)
class _Way:
    """How it is served."""

    settings: Settings
    around: Surroundings
    listener: socket.socket
    drive: bool
    grace_s: float
    voice: Voice
    access: Access | None


def serve(  # noqa: PLR0913 - each is an option of the command
    app: Annotated[
        str, typer.Argument(metavar="MODULE:NAME", help="The agents. [setting: app]")
    ] = "",
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="To listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="N", help="0: one that is free.")
    ] = 8000,
    store: StoreUrl = None,
    engine: EngineUrl = None,
    policy: PolicyFile = None,
    drive: Annotated[
        bool,
        typer.Option("--drive/--no-drive", help="Drive sessions here, or leave it to workers."),
    ] = True,
    concurrency: Annotated[
        int, typer.Option(min=1, metavar="N", help="Drive at most so many sessions at once.")
    ] = 100,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="For what runs when it is to end.")
    ] = 30.0,
    log_format: Format = LogFormat.TEXT,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log each request, as a line of JSON.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Serve these agents over HTTP, until SIGTERM or SIGINT.

    Until a key was made, or a provider of tokens is named, it is for development: whoever is on
    this machine may do everything, and nobody else gets in. Told to end it takes no new
    connection, sends streams away, which come back elsewhere, lets what runs end within the grace
    period and leaves the rest of each turn to others. A second signal ends the grace period. Exit
    codes: 0 all was finished or handed over, 1 something still ran and was cut off, 2 the request
    is wrong, 3 the store cannot be used.
    """
    said = {"store": store, "engine": engine, "policy": policy, "app": app or None}
    settings = read_settings(said).settings
    check_shared(settings)
    served = load_app(settings.app)
    around = surroundings(settings, concurrency)
    logs = logging_as(log_format, access=access_log)
    with _bound(host, port) as listener, logs as access:
        way = _Way(settings, around, listener, drive, grace, Voice(as_json), access)
        return asyncio.run(_serve(way, served))


def _bound(host: str, port: int) -> socket.socket:
    try:
        from jackline.interfaces.http.listening import bound  # noqa: PLC0415 - it takes 0.3 s to import
    except ImportError as error:
        raise DefinitionError(
            f"A server needs an extra: pip install 'jackline[server]' ({error})."
        ) from error
    return bound(host, port)


async def _serve(way: _Way, app: App) -> Exit:
    from jackline.adapters.metrics import Metrics  # noqa: PLC0415 - as above
    from jackline.interfaces.http.listening import Listener  # noqa: PLC0415 - as above

    heard, metrics = Heard(), Metrics(tenants=way.settings.metrics_tenants)
    around = replace(way.around, observers=[metrics])
    with signals(heard.put_nowait):
        async with driving(way.settings, app, around, drive=way.drive) as runtime:
            known = await identities(way.settings, runtime.store)
            served = _application(way, runtime, known, metrics)
            server = Listener(served, way.grace_s)
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(server.serve([way.listener]))
                await server.listens()
                _say_ready(way, runtime, develops=not known)
                await told_to_end(runtime, heard, way.grace_s, way.voice)
                server.end()
                served.state.service.readers.send_away()
                all_left = await drained(runtime, way.grace_s, heard)
                if all_left:
                    await _answered(serving, heard)
                server.cut()
            end_though_something_hangs(way.voice, drained=all_left)
    return ended(way.voice, drained=all_left)


def _application(
    way: _Way, runtime: "Runtime", known: Sequence[Identity], metrics: "Metrics"
) -> "FastAPI":
    """Return what is served. Where nobody is known it is for those who are on this machine."""
    from jackline.interfaces.service import Watch  # noqa: PLC0415 - as above

    settings, watch = way.settings, Watch(metrics, access=way.access)
    if known:
        return asgi(runtime, known, settings, watch=watch)
    address = way.listener.getsockname()[0]
    if not ip_address(address).is_loopback:
        raise CallerError(
            f"Everybody who reaches {address} could do everything, as no identity is configured: "
            "`jackline keys make` makes a key, or listen on 127.0.0.1."
        )
    alone = settings.model_copy(update={"approve_own": True})
    return asgi(runtime, [Development(settings.identity)], alone, watch=watch)


async def _answered(serving: asyncio.Task[None], heard: Heard) -> None:
    """Wait until requests that are under way are answered, or for another signal."""
    async with asyncio.TaskGroup() as group:
        again = group.create_task(heard.get())
        await asyncio.wait((serving, again), return_when=asyncio.FIRST_COMPLETED)
        again.cancel()


def _say_ready(way: _Way, runtime: "Runtime", *, develops: bool) -> None:
    host, port = way.listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    serves = {name: agent.version for name, agent in runtime.agents.items()}
    store = without_secrets(way.settings.store)
    mode = "development" if develops else "identified"
    text = f"{url} serves {', '.join(serves)} in {store}."
    if develops:
        text += (
            " Development mode: no identity is configured, whoever is on this machine may do "
            f"everything, as {way.settings.user!r} of {way.settings.tenant!r}."
        )
    told = {"url": url, "serves": serves, "store": store, "mode": mode, "drives": way.drive}
    way.voice.say("ready", text, **told)
