"""Who looks on at what is committed and read, and changes nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from jackline import Agent, Runtime, Submission, Surroundings, ToolCall, User, tool
from jackline.core import events as e
from jackline.core.session import Session
from jackline.testing import ScriptedModel

ME = User("u")


@tool(effect="read")
async def look() -> str:
    """Look."""
    return "Nothing."


class Onlooker:
    """Keeps what it was told, and fails if it is to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.committed: list[e.Record] = []
        self.read: list[e.Record] = []
        self._fails = fails

    def saw(
        self, session: Session, records: Sequence[e.Record], took_s: float | None = None
    ) -> None:
        """See `Observer.saw`."""
        if self._fails:
            raise RuntimeError("no")
        assert all(record.seq > session.head for record in records)
        assert took_s is None or took_s >= 0
        (self.read if took_s is None else self.committed).extend(records)


def test_an_observer_is_told_of_each_record_once_as_it_stands_in_the_journal(
    tmp_path: Path,
) -> None:
    onlooker = Onlooker()

    async def story() -> Sequence[e.Record]:
        agent = Agent("a", ScriptedModel([[ToolCall("look", "{}")], "Well."]), tools=[look])
        around = Surroundings(observers=[onlooker])
        url = f"sqlite:///{tmp_path / 'journal.db'}"
        async with Runtime([agent], store=url, surroundings=around) as runtime:
            result = await runtime.run("a", "Hi.", session="s", user=ME)
            receipt = await runtime.sessions.submit(result.session, ME, Submission("Again."))
            await runtime.result(result.session, receipt.seq, ME)
            return await runtime.store.read(result.session)

    records = asyncio.run(asyncio.wait_for(story(), 20))
    told = {each.seq: each for each in (*onlooker.read, *onlooker.committed)}
    assert [told[seq] for seq in sorted(told)] == list(records)
    assert len({each.seq for each in onlooker.committed}) == len(onlooker.committed)
    others = {type(each.event) for each in onlooker.read} - {
        type(each.event) for each in onlooker.committed
    }
    assert others == {e.SessionOpened, e.SessionTaken, e.TurnSubmitted}


def test_an_observer_that_fails_is_nobody_s_business(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> str:
        around = Surroundings(observers=[Onlooker(fails=True)])
        agent = Agent("a", ScriptedModel(["Well."]))
        async with Runtime([agent], store="memory://", surroundings=around) as runtime:
            return (await runtime.run("a", "Hi.", user=ME)).text

    assert asyncio.run(asyncio.wait_for(story(), 20)) == "Well."
    assert "Onlooker failed" in caplog.text
