"""What was approved is what runs, and only as long as the approval holds."""

import asyncio

from jackline import Agent, Runtime, tool
from jackline.adapters.memory import MemoryStore
from jackline.app import LOCAL_USER, Result
from jackline.core import events as e
from jackline.core.events import SessionId
from jackline.core.messages import ToolCall
from jackline.ports import Appended, Batch
from jackline.testing import ScriptedModel

DAY_S = 86_400.0


class SlowStore(MemoryStore):
    """A store whose commit of a call's beginning takes a day."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        if any(isinstance(event, e.ToolStarted) for event in batch.events):
            self.now += 1.1 * DAY_S
        return await super().drive(session, batch, lease_s)


def test_an_approval_that_expires_on_the_way_to_the_journal_lets_nothing_run() -> None:
    paid: list[int] = []

    @tool(effect="once", approve=True)
    async def pay(cents: int) -> None:
        """Pay."""
        paid.append(cents)

    store = SlowStore()
    model = ScriptedModel([[ToolCall("pay", '{"cents":5}')], "It was not approved in time."])

    async def run() -> tuple[Result, list[e.Event]]:
        async with Runtime([Agent("clerk", model, tools=[pay])], store=store) as runtime:
            asked = await runtime.run("clerk", "Pay")
            (question,) = asked.questions
            await runtime.sessions.answer(asked.session, question, LOCAL_USER, approved=True)
            async with asyncio.timeout(20):
                result = await runtime.result(asked.session, asked.turn)
            return result, [record.event for record in await store.read(asked.session)]

    result, happened = asyncio.run(run())
    (refused,) = [event for event in happened if isinstance(event, e.ToolRefused)]
    assert (refused.code, paid) == ("expired", [])
    assert result.text == "It was not approved in time."
    assert not any(isinstance(event, e.ToolStarted) for event in happened)
