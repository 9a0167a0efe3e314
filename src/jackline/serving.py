"""Where a runtime becomes a server."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jackline.app import Runtime
from jackline.core.errors import DefinitionError
from jackline.interfaces.identity import Identity
from jackline.opening import awake_clock
from jackline.ports import Store

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jackline.settings import Settings


def identities(settings: "Settings", store: Store) -> Sequence[Identity]:  # noqa: ARG001 - there is no identity to be configured yet
    """Return what tells who asks, as settings say. None: everybody is the developer."""
    return ()


def asgi(
    runtime: Runtime, identities: Sequence[Identity], *, approve_own: bool = False
) -> "FastAPI":
    """Return an ASGI application that serves a runtime, to be mounted or run by itself.

    The runtime has to be open while it is used. `identities` tell who asks: the first that knows
    decides. With `approve_own` those who asked for something may say yes to it themselves. Raises
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
        )
    )
