"""Where a runtime becomes a server."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from jackline.app import Runtime
from jackline.core.errors import DefinitionError
from jackline.interfaces.identity import Identity
from jackline.opening import awake_clock
from jackline.ports import Store

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jackline.adapters.metrics import Metrics
    from jackline.settings import Settings


def identities(settings: "Settings", store: Store) -> Sequence[Identity]:  # noqa: ARG001 - there is no identity to be configured yet
    """Return what tells who asks, as settings say. None: everybody is the developer."""
    return ()


def asgi(
    runtime: Runtime,
    identities: Sequence[Identity],
    *,
    approve_own: bool = False,
    metrics: "Metrics | None" = None,
    open_metrics: bool = False,
    access: Callable[[Mapping[str, object]], None] | None = None,
) -> "FastAPI":
    """Return an ASGI application that serves a runtime, to be mounted or run by itself.

    The runtime has to be open while it is used. `identities` tell who asks: the first that knows
    decides. With `approve_own` those who asked for something may say yes to it themselves.
    `metrics` are shown to operators, or to everybody where they are open; those that are to count
    turns, too, the runtime's surroundings have to have among their observers. `access` is told of
    each request that was answered. Raises `DefinitionError` where the extra is not installed.
    """
    try:
        from jackline.adapters.metrics import Metrics, State  # noqa: PLC0415 - as below
        from jackline.interfaces.http.app import api  # noqa: PLC0415 - it takes 0.3 s to import
        from jackline.interfaces.service import Service  # noqa: PLC0415 - as above
    except ImportError as error:
        raise DefinitionError(
            f"A server needs an extra: pip install 'jackline[server]' ({error})."
        ) from error
    metrics = metrics or Metrics()
    service = Service(
        runtime.sessions,
        runtime.store,
        runtime.result,
        runtime.agents,
        identities,
        awake_clock,
        approve_own=approve_own,
        is_alive=lambda: runtime.is_alive,
        metrics=metrics,
        open_metrics=open_metrics,
        access=access,
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
