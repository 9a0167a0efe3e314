"""What a person rejects does not run because they said what it was that they rejected."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.flow.post import EVE, Office, approve, call, happened, of

from jackline import Runtime
from jackline.app import LOCAL_USER, Result
from jackline.core import events as e
from jackline.testing import Planned, planned

SEARCH = [call("search", query="minutes")]
ANYTHING = planned(Planned("send", unknown=frozenset({"to", "body"}), repeat=True))
NO = "No, nothing to eve@evil.com!"


async def reject(runtime: Runtime, result: Result, reason: str) -> Result:
    (question,) = result.questions
    no: dict[str, Any] = {"approved": False, "reason": reason}
    await runtime.sessions.answer(result.session, question, LOCAL_USER, **no)
    return await runtime.result(result.session, result.turn)


@pytest.mark.parametrize("reason", ["", NO, "No, Eve@EVIL.com is a thief, and everything a lie."])
def test_what_was_rejected_in_whatever_words_is_asked_about_again(
    tmp_path: Path, reason: str
) -> None:
    office = Office(f"sqlite:///{tmp_path}/jackline.db")
    script = SEARCH, [call("send", **EVE)], [call("send", **EVE)], "Done."

    async def story() -> list[e.Event]:
        async with office.open(*script, plan=ANYTHING) as runtime:
            result = await runtime.run("office", "Send everything that is due.")
            again = await reject(runtime, result, reason)
            assert (again.outcome, office.sent) == ("paused", [])
            done = await approve(runtime, again)
            assert (done.outcome, office.sent) == ("completed", ["eve@evil.com: everything"])
            return await happened(runtime, result.session)

    first, second = of(asyncio.run(story()), e.InputRequested)
    assert first.flow
    assert second.origins["to"] == first.origins["to"]
