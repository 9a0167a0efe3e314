"""What a worker does with a session that it cannot drive."""

import asyncio

from jackline import Agent, Runtime
from jackline.adapters.memory import MemoryStore
from jackline.app import LOCAL_USER
from jackline.core.codec import encode
from jackline.core.events import SessionId, TurnCompleted
from jackline.runtime.sessions import Submission
from jackline.testing import ScriptedModel

BROKEN = SessionId("default", "broken")


def test_a_history_that_cannot_be_folded_is_set_aside_and_others_go_on() -> None:
    async def work() -> tuple[str, object, int]:
        store = MemoryStore(lambda: 1.0)
        async with Runtime([Agent("clerk", ScriptedModel(["Hello."]))], store=store) as runtime:
            await runtime.sessions.open("clerk", LOCAL_USER, BROKEN.name)
            row = store.rows[BROKEN]
            row.append(encode(TurnCompleted(1, "of no turn")), 1.0)
            await runtime.sessions.submit(BROKEN, LOCAL_USER, Submission("Hi"))
            while row.epoch == 0 or row.lease_until:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0)
            result = await runtime.run("clerk", "Hi", session="whole")
            return result.text, row.due_at, row.epoch

    assert asyncio.run(work()) == ("Hello.", None, 1)
