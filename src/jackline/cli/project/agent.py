"""A support agent for a small shop. To talk to it: `jackline chat`."""

from dataclasses import dataclass, field

from jackline import Agent, App, Context, ToolCall, ToolError, tool
from jackline.testing import ScriptedModel


@dataclass
class Shop:
    """What the tools work on: in a real project a database, and clients of other services."""

    orders: dict[str, int] = field(default_factory=lambda: {"7": 1250, "8": 480})
    addresses: dict[str, str] = field(default_factory=dict[str, str])
    refunds: dict[str, int] = field(default_factory=dict[str, int])


# What it returns is the shop's own: nobody else can have written an instruction into it.
@tool(effect="read", labels={"*": "system"})
def find_order(ctx: Context[Shop], order_id: str) -> str:
    """Find an order, and what it cost in cents.

    Args:
        order_id: The order to find.
    """
    if order_id not in ctx.deps.orders:
        raise ToolError(f"There is no order {order_id}: ask the customer for its number.")
    return f"Order {order_id} cost {ctx.deps.orders[order_id]} cents."


@tool(effect="idempotent")
def change_address(ctx: Context[Shop], order_id: str, address: str) -> str:
    """Send an order to another address.

    Args:
        order_id: The order to send.
        address: Where to, as one line.
    """
    ctx.deps.addresses[order_id] = address
    return f"Order {order_id} goes to {address}."


@tool(effect="once", approve=True)
def refund(ctx: Context[Shop], order_id: str, cents: int) -> str:
    """Refund an order, after a person has approved it.

    Args:
        order_id: The order to refund.
        cents: How much, in cents.
    """
    ctx.deps.refunds[ctx.effect_key] = cents
    return f"{cents} cents of order {order_id} went back."


# Stands in for a model, so that all this runs without a key. What it does not know it answers
# with the last entry. For a real one: model="openai:gpt-5.4-mini", and OPENAI_API_KEY set.
SCRIPT = {
    "Refund order 7": [
        [ToolCall("find_order", '{"order_id": "7"}')],
        [ToolCall("refund", '{"order_id": "7", "cents": 1250}')],
        "That was order 7. What else may I do?",
    ],
    "Send order 8 to 1 Harbour Road": [
        [ToolCall("change_address", '{"order_id": "8", "address": "1 Harbour Road"}')],
        "Order 8 now goes to 1 Harbour Road.",
    ],
    "": ["I follow a script. Say: Refund order 7. Or: Send order 8 to 1 Harbour Road"],
}

support = Agent(
    "support",
    model=ScriptedModel(SCRIPT),
    instructions="You help the customers of a small shop. Look an order up before you act on it.",
    tools=[find_order, change_address, refund],
)

app = App([support], deps=Shop())
