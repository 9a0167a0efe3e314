"""All who read are sent away as the server ends, whatever each of them does at that moment."""

import asyncio

import pytest
from starlette.types import Message

from jackline.interfaces.readers import Readers, while_there


@pytest.mark.parametrize("steps", range(6))
def test_who_is_just_leaving_keeps_nobody_from_being_sent_away(steps: int) -> None:
    async def story() -> None:
        readers, leaves = Readers(), asyncio.Event()

        async def leaving() -> Message:
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def staying() -> Message:
            return await asyncio.Event().wait() and {}

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for receive in (leaving, staying, staying):
                group.create_task(while_there(readers, receive, asyncio.Event().wait()))
            await asyncio.sleep(0)
            assert len(readers) == 3
            leaves.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            readers.send_away()
        assert readers.left["drain"] >= 2
        assert readers.left.total() == 3

    asyncio.run(story())
