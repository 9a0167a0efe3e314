"""The house as it is run, from a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager

from tests.interfaces import served
from tests.interfaces.house import house

_WAIT_S = 20.0


@contextmanager
def serving() -> Generator[str]:
    """Serve the house from a thread of its own, and give its address."""
    found: Future[str] = Future()
    ended: Future[None] = Future()

    async def serve() -> None:
        async with house() as (_, app), served.serving(app) as url:
            found.set_result(url)
            await asyncio.wrap_future(ended)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if found.done():
                raise
            found.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield found.result(_WAIT_S)
    finally:
        ended.set_result(None)
        thread.join(_WAIT_S)
