"""Where a runtime becomes a server."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jackline.app import Runtime
from jackline.core.errors import DefinitionError
from jackline.interfaces.identity import Identity
from jackline.opening import awake_clock

if TYPE_CHECKING:
    from fastapi import FastAPI


def asgi(
    runtime: Runtime,
    identities: Sequence[Identity],
    *,
    approve_own: bool = False,
    origins: Iterable[str] = (),
) -> "FastAPI":
    """Return an ASGI application that serves a runtime, to be mounted or run by itself.

    The runtime has to be open while it is used. `identities` tell who asks: the first that knows
    decides. With `approve_own` those who asked for something may say yes to it themselves. Pages of
    these `origins` may connect by WebSocket, beside the server's own. Raises
    `DefinitionError` where the extra is not installed.
    """
    try:
        from jackline.interfaces.http.app import api  # noqa: PLC0415 - it takes 0.3 s to import
        from jackline.interfaces.service import Service  # noqa: PLC0415 - as above
    except ImportError as error:
        raise DefinitionError(
            f"A server needs an extra: pip install 'jackline[server]' ({error})."
        ) from error
    return api(
        Service(
            runtime.sessions,
            runtime.store,
            runtime.result,
            runtime.agents,
            identities,
            awake_clock,
            approve_own=approve_own,
            origins=frozenset(origins),
        )
    )
