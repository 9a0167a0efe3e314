"""What a worker does with a session that it cannot drive."""

import asyncio
from collections.abc import Collection

import pytest

from jackline import Agent, Runtime
from jackline.adapters.memory import MemoryStore
from jackline.app import LOCAL_USER
from jackline.core.codec import encode
from jackline.core.events import SessionId, TurnCompleted
from jackline.runtime.submission import Submission
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


class Late(MemoryStore):
    """Says of a session that it is due, after it was deleted."""

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """See `Journal.due`."""
        return [BROKEN, *await super().due(agents, limit)]


def test_a_wake_up_that_comes_after_its_session_is_gone_is_no_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On Postgres one for tomorrow may be left when the session is deleted."""

    async def work() -> str:
        store = Late(lambda: 1.0)
        async with Runtime([Agent("clerk", ScriptedModel(["Hello."]))], store=store) as runtime:
            return (await runtime.run("clerk", "Hi", session="whole")).text

    with caplog.at_level("INFO"):
        assert asyncio.run(work()) == "Hello."
    assert "default/broken is gone" in caplog.text
    assert "bug" not in caplog.text
