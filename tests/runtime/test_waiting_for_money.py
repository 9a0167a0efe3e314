"""A call that others' holds leave no room for is asked for again, whatever happens meanwhile."""

import asyncio

from jackline import Agent, Runtime, ToolCall, tool
from jackline.adapters.memory import MemoryStore
from jackline.core.budget import Account, Price, Terms
from jackline.core.events import SessionId, ToolReturned
from jackline.ports import Appended, Batch, Refused
from jackline.testing import ScriptedModel
from jackline.testing.conformance import ManualClock


class Short(MemoryStore):
    """Commits the first result once the second is there, and then has no room for once."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.committing = asyncio.Event()
        self.returned = asyncio.Event()
        self.refused = 0

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        returned = [each for each in batch.events if isinstance(each, ToolReturned)]
        if returned and not self.committing.is_set():
            self.committing.set()
            await self.returned.wait()
            for _ in range(20):  # Until the second result was handed in.
                await asyncio.sleep(0)
        elif returned and batch.reserves and not self.refused:
            self.refused += 1
            return Refused(Account("tenant/today", 1_000_000, 0, 1_000_000))
        return await super().drive(session, batch, lease_s)


def test_what_returns_while_a_result_is_committed_is_gone_on_from() -> None:
    async def run() -> None:
        store = Short()

        @tool(effect="read")
        async def first() -> str:
            """Return at once."""
            return "one"

        @tool(effect="read")
        async def second() -> str:
            """Return while the first one's result is being committed."""
            await store.committing.wait()
            store.returned.set()
            return "two"

        calls = [ToolCall("first", "{}"), ToolCall("second", "{}")]
        model = ScriptedModel([calls, "Done."], terms=Terms("metered", Price("1", "1")))
        agent = Agent("support", model, instructions="x", tools=[first, second])
        async with Runtime([agent], store=store) as runtime, asyncio.timeout(5):
            result = await runtime.run("support", "Go.", session="s1")
        assert result.text == "Done."
        assert store.refused == 1

    asyncio.run(run())
