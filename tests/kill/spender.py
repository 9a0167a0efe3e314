"""A worker process that spends: `python -m tests.kill.spender STORE LEASE_S`.

It says on stdout that it is ready, and drives whatever is due until it is killed.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator

from jackline import Agent, Budget, Limits, Runtime, ToolCall, tool
from jackline.core.budget import Price, Terms
from jackline.core.events import Usage
from jackline.opening import Surroundings
from jackline.ports import Reply, Request
from jackline.testing.model import Pace, ScriptedModel

ROUNDS = 3
TERMS = Terms("metered", Price("1.00", "10.00"))
USAGE = Usage(50, 60)
TENANT_USD = "0.10"
USER_USD = "0.03"


@tool(effect="read")
async def look(n: int) -> str:
    """Look at something."""
    return f"thing {n}"


class MeteredModel:
    """Takes its time, and costs less than was held for it."""

    terms = TERMS

    def __init__(self) -> None:
        calls = [[ToolCall("look", f'{{"n":{n}}}')] for n in range(ROUNDS)]
        pace = Pace(delay_s=0.05)
        self._script = ScriptedModel([*calls, "Seen all."], terms=TERMS, usage=USAGE, pace=pace)

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        async for part in self._script.stream(request):
            yield part


spender = Agent(
    "spender",
    MeteredModel(),
    tools=[look],
    budget=Budget(
        usd=None, session_usd=None, user_usd_per_day=USER_USD, tenant_usd_per_day=TENANT_USD
    ),
    limits=Limits(drivers=1_000, driven_s=None),
    max_tokens=256,
)


async def work(store: str, lease_s: float) -> None:
    """Drive for ever."""
    around = Surroundings(lease_s=lease_s)
    async with Runtime([spender], store=store, surroundings=around):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
