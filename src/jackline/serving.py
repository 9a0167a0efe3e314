"""Where a runtime becomes a server."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

from jackline.app import Runtime
from jackline.core.errors import DefinitionError
from jackline.core.rates import Quota, parse
from jackline.interfaces.identity import Identity
from jackline.interfaces.keys import KeyIdentity
from jackline.interfaces.throttling import Throttle, Throttled
from jackline.opening import awake_clock
from jackline.ports import KeepsKeys, Store
from jackline.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jackline.interfaces.service import Bounds, Watch


def asgi(
    runtime: Runtime,
    identities: Sequence[Identity],
    settings: Settings | None = None,
    *,
    bounds: "Bounds | None" = None,
    watch: "Watch | None" = None,
) -> "FastAPI":
    """Return an ASGI application that serves a runtime, to be mounted or run by itself.

    The runtime has to be open: in an application of your own this stands in its lifespan.
    `identities` tell who asks: the first that knows decides, and where `Development` is one of them
    it is for those alone who speak to this machine by its own name. `settings` decide who may say
    yes to what they asked for (`approve_own`), which pages may connect beside the server's own
    (`origins`), how much may stay open (`key_streams`, `tenant_streams`) and who may read metrics,
    whatever `bounds` and `watch` say of that. Metrics that are to count turns, too, the runtime's
    surroundings have to have among their observers. Raises `DefinitionError` where the extra is
    not installed.
    """
    with _extra():
        from jackline.adapters.metrics import Metrics, State  # noqa: PLC0415 - as below
        from jackline.interfaces.http.app import api  # noqa: PLC0415 - it takes 0.3 s to import
        from jackline.interfaces.service import Bounds, Service, Watch  # noqa: PLC0415 - as above
    bounds, watch, said = bounds or Bounds(), watch or Watch(), settings or Settings()
    if settings:
        streams = {"key_streams": said.key_streams, "tenant_streams": said.tenant_streams}
        bounds, watch = replace(bounds, **streams), replace(watch, open=said.metrics_open)
    metrics = watch.metrics or Metrics()
    service = Service(
        runtime.sessions,
        runtime.store,
        runtime.result,
        runtime.agents,
        identities,
        awake_clock,
        bounds,
        approve_own=said.approve_own,
        origins=frozenset(said.origins),
        is_alive=lambda: runtime.is_alive,
        watch=replace(watch, metrics=metrics),
    )
    readers = service.readers
    metrics.show(
        State(
            lambda: (len(readers), readers.left),
            lambda: [name for name, each in runtime.troubled.items() if each.bars],
            lambda: runtime.driven,
        )
    )
    return api(service)


@asynccontextmanager
async def draining(app: "FastAPI") -> AsyncGenerator[None]:
    """Send the readers of `asgi`'s application away once the process is told to end.

    For the lifespan of an application of your own: a server ends that only after all streams that
    are open, which would go on for ever. Whoever serves hears the signal as before.
    """
    readers, loop = app.state.service.readers, asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    heard_by = {each: then for each, then in before.items() if callable(then)}
    if threading.current_thread() is not threading.main_thread():
        heard_by = {}  # No signal is heard there.

    def hear(number: int, frame: FrameType | None) -> None:
        """Send the readers away, and pass the signal on to who would have heard it."""
        loop.call_soon_threadsafe(readers.send_away)
        heard_by[signal.Signals(number)](number, frame)

    for each in heard_by:
        signal.signal(each, hear)
    try:
        yield
    finally:
        for each, then in heard_by.items():
            signal.signal(each, then)


async def identities(settings: Settings, store: Store) -> Sequence[Identity]:
    """Return what tells who asks: keys of the store, and tokens of the provider that is named.

    None: nobody has ever made a key, and there is no provider, so everybody is the developer.
    Whoever is known asks no more often than the settings let them. Raises `DefinitionError` where
    they name a provider that nobody could ask.
    """
    found: list[Identity] = []
    has_keys = isinstance(store, KeepsKeys) and await store.keys.exist()
    if isinstance(store, KeepsKeys) and (has_keys or settings.oidc_issuer):
        found.append(KeyIdentity(store.keys, store.key, awake_clock, settings.access))
    if settings.oidc_issuer:
        found.append(_tokens(settings))
    of_key, of_tenant = _quota(settings.key_rate), _quota(settings.tenant_rate)
    throttle = Throttle(of_key, of_tenant, awake_clock)
    return [Throttled(each, throttle) for each in found]


def _quota(rate: str) -> Quota | None:
    return parse(rate) if rate else None


def _tokens(settings: Settings) -> Identity:
    with _extra():
        from jackline.interfaces.tokens import Provider, TokenIdentity  # noqa: PLC0415 - as above
    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_jwks_url,
        settings.oidc_tenant_claim,
        settings.oidc_user_claim,
        settings.oidc_role_claim,
        settings.tenant,
    )
    return TokenIdentity(provider, awake_clock, settings.access)


@contextmanager
def _extra() -> Generator[None]:
    try:
        yield
    except ImportError as error:
        raise DefinitionError(
            f"A server needs an extra: pip install 'jackline[server]' ({error})."
        ) from error
