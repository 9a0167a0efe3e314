"""A round with all layers on: `python -m benchmarks.security.stack`.

The model asks for a read, which returns 500 characters that anybody may have written, and for a
call that does something with what the user typed. So every guard of the stack has a text to
judge, flow has a call to judge by what was read, and nothing is asked.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import asdict

from benchmarks.peers.measure import Figure, figure, sample
from jackline import Agent, Budget, Limits, Runtime, tool
from jackline.core.budget import Price, Terms
from jackline.core.events import Usage
from jackline.core.messages import Text, ToolCall
from jackline.ports import Reply, Request
from jackline.testing import Planned, planned

_ROUNDS = 20
_TO = "ann@shop.example"
_ASKED = f"Note for {_TO} what stands on pages {', '.join(map(str, range(_ROUNDS)))}."
_WORDS = "The order of Tuesday came in two parts, of which one was open; we ask for a new one. "
_USAGE = Usage(100, 20)


@tool(effect="read")
async def read(page: int) -> str:
    """Read a page."""
    return f"Page {page}. {_WORDS * 6}"[:500]


@tool(effect="idempotent")
async def note(to: str, page: int) -> str:
    """Note a page for somebody."""
    return f"{page} is noted for {to}."


class Reader:
    """A model that reads page after page, and notes each."""

    terms = Terms("scripted", Price("0.10", "0.40"), window_tokens=1_000_000)

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
        """See `Model.stream`."""
        if request.purpose == "plan":
            plan = planned(Planned("note", {"to": _TO}, frozenset({"page"}), repeat=True))
            yield Reply((Text(plan),), _USAGE, "scripted")
            return
        made = sum(message.role == "assistant" for message in request.messages)
        page = made % (_ROUNDS + 1)
        if page == _ROUNDS:
            yield Reply((Text("All is noted."),), _USAGE, "scripted")
            return
        asked = ToolCall("read", json.dumps({"page": page}), f"r{page}")
        noted = ToolCall("note", json.dumps({"to": _TO, "page": page}), f"n{page}")
        yield Reply((asked, noted), _USAGE, "scripted")


async def measured() -> Figure:
    """Return the CPU of a round, in a session of its own each time."""
    most = 10_000
    agent = Agent(
        "reader",
        Reader(),
        tools=[read, note],
        budget=Budget(usd=most, session_usd=most),
        limits=Limits(model_calls=most, tool_calls=most, driven_s=most),
    )
    async with Runtime([agent], store="memory://") as runtime:

        async def work() -> None:
            result = await runtime.run("reader", _ASKED)
            assert result.text == "All is noted.", result

        await work()
        samples = await sample(work)
    return figure(samples.cpu_s, 1e3 / _ROUNDS, "ms a round")


if __name__ == "__main__":
    print(json.dumps({"secured_round": asdict(asyncio.run(measured()))}))
