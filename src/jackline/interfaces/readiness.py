"""Whether a server is fit to be asked: looked up for real, and not more often than is needed."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from jackline.core.errors import JacklineError
from jackline.interfaces.service import Service
from jackline.ports import Probed

_LOG = logging.getLogger("jackline")
_KEPT_S = 1.0
_WAIT_S = 3.0


class Readiness:
    """What is fit for use. It is looked at once a second at most, whoever asks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._looking = asyncio.Lock()
        self._found: Mapping[str, str] = {}
        self._until = float("-inf")

    async def checks(self) -> Mapping[str, str]:
        """Return for each of them `ok`, or in a word what is wrong."""
        async with self._looking:
            if self._service.clock() >= self._until:
                self._found = await self._look()
                self._until = self._service.clock() + _KEPT_S
        closing = "draining" if self._service.readers.closing else "ok"
        return {**self._found, "server": closing}

    async def _look(self) -> Mapping[str, str]:
        alive = "ok" if self._service.is_alive() else "silent"
        return {**await self._store(), "engine": alive}

    async def _store(self) -> Mapping[str, str]:
        store = self._service.store
        if not isinstance(store, Probed):
            return {"journal": "ok", "migrations": "ok"}
        async with asyncio.TaskGroup() as group:
            touched = group.create_task(_said(store.touch()))
            lacks = group.create_task(_said(store.lacks()))
        return {"journal": touched.result(), "migrations": lacks.result()}


async def _said(work: Coroutine[Any, Any, Sequence[str] | None]) -> str:
    """Return how it went, in a word: what a database says of itself is for logs."""
    try:
        async with asyncio.timeout(_WAIT_S):
            return "behind" if await work else "ok"
    except TimeoutError:
        return "slow"
    except JacklineError as error:
        _LOG.warning("Not ready: %s", error)
        return "unusable"
