"""An agent to be certified where none is named: all four effects, an approval, money, a steer."""

import os
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.labels import OWN

from jackline.core.agent import Agent, Budget
from jackline.core.budget import Price, Terms
from jackline.core.errors import RateLimitedError
from jackline.core.judging import Judge
from jackline.core.messages import Text, ToolCall
from jackline.core.tools import Context, tool
from jackline.core.user import User
from jackline.ports import Reply, Request
from jackline.testing.model import ScriptedModel
from jackline.testing.scenario import Say, scenario


class Shop:
    """Orders, and a list of payments in the working directory, as an outside world keeps it."""

    def __init__(self) -> None:
        self._paid = Path("payments").absolute()

    def order(self, number: int) -> str:
        """Return what was ordered."""
        return f"order {number}: 3 lanterns, 4200 cents, to be paid"

    def pay(self, order: int, cents: int) -> str:
        """Pay. Twice, if it is called twice."""
        with self._paid.open("a") as payments:
            payments.write(f"{order} {cents}\n")
            payments.flush()
            os.fsync(payments.fileno())
        return f"paid {cents} cents for order {order}"

    @property
    def payments(self) -> list[str]:
        """What was paid."""
        return self._paid.read_text().splitlines() if self._paid.exists() else []


@tool(effect="read", labels=OWN)
async def find_order(ctx: Context[Shop], order: int) -> str:
    """Look an order up."""
    return ctx.deps.order(order)


@tool(effect="idempotent", labels=OWN)
def reserve(ctx: Context[Shop], order: int) -> str:
    """Reserve what was ordered."""
    key = ctx.effect_key
    Path(f"reserved-{key}").touch()
    return f"order {order} is reserved"


@tool(effect="once", approve=True, timeout_s=5, labels=OWN)
async def charge(ctx: Context[Shop], order: int, cents: int) -> str:
    """Charge the customer."""
    return ctx.deps.pay(order, cents)


@tool(effect="transactional", labels=OWN)
def note(ctx: Context[Any], text: str) -> str:
    """Keep a note beside the journal."""
    ctx.connection.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
    ctx.connection.execute("INSERT INTO note VALUES ('sold')")
    return f"noted: {text}"


def paid_once(shop: Shop) -> str:
    """Return what is wrong with the payments, or nothing."""
    twice = len(shop.payments) - len(set(shop.payments))
    return f"{twice} payments were made twice" if twice else ""


def _call(name: str, arguments: str) -> ToolCall:
    return ToolCall(name, arguments)


_ORDER = "Sell order 7."
_THANKS = "Thank you. And order 8?"
_REPLIES = {
    _ORDER: [
        [Text("I look."), _call("find_order", '{"order": 7}'), _call("reserve", '{"order": 7}')],
        [_call("charge", '{"order": 7, "cents": 4200}'), _call("find_order", '{"order": 8}')],
        [_call("note", '{"text": "order 7 is sold"}')],
        "Order 7 is sold.",
    ],
    _THANKS: [[_call("find_order", '{"order": 8}')], "Order 8 waits to be paid."],
}
seller = Agent(
    "seller",
    model=ScriptedModel(_REPLIES),
    instructions="Sell what was ordered.",
    tools=[find_order, reserve, charge, note],
    budget=Budget(usd="0.10", session_usd="0.20", user_usd_per_day="1.00"),
)


class Counted:
    """A model that is not scripted: it writes down each time that it is asked."""

    terms = Terms("counted", Price(1, 2))

    def __init__(self) -> None:
        self._script = ScriptedModel(_REPLIES)

    def _count(self, key: str) -> None:
        with Path(os.environ["JACKLINE_TEST_ASKED"]).open("a") as asked:
            asked.write(f"{key}\n")

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        self._count(request.key)
        async for part in self._script.stream(request):
            yield part


@scenario(agent=replace(seller, model=Counted()), input=[_ORDER, _THANKS])
async def bought() -> AsyncGenerator[Shop]:
    """Sell, with a model that has to be paid for."""
    yield Shop()


@scenario(
    agent=seller,
    input=_ORDER,
    replies=[
        [_call("find_order", '{"order": 7}')],
        RateLimitedError("Come back later.", retry_after_s=600),
        "Order 7 is there.",
    ],
)
def patience() -> Shop:
    """Wait ten minutes for a model."""
    return Shop()


@scenario(
    agent=replace(seller, guards=[Judge(ScriptedModel("…"))]),
    input=_ORDER,
    replies=[
        [_call("find_order", '{"order": 7}'), _call("find_order", '{"order": 8}')],
        "Both are there.",
    ],
)
def judged() -> Shop:
    """Have two results judged before the model reads them."""
    return Shop()


@scenario(
    agent=seller,
    input=[Say(_ORDER, wait=False), Say("Be quick.", on_busy="steer"), _THANKS],
    replies=_REPLIES,
    user=User("tester", roles={"approver"}),
    check=paid_once,
)
def sale() -> Shop:
    """Sell an order to somebody who is in a hurry."""
    return Shop()
