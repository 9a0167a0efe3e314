"""What the code allows, and what those who run it do not: policy.toml beside this file."""

import asyncio
from pathlib import Path

from jackline import Agent, Record, Runtime, ToolCall, User, tool
from jackline.core.events import ToolRefused, ToolReturned
from jackline.testing import ScriptedModel

MOST_CENTS = 10_000


def within(arguments: dict[str, int]) -> bool | str:
    """Return whether a refund may be made at all, or why not."""
    return arguments["cents"] <= MOST_CENTS or f"refunds end at {MOST_CENTS} cents"


@tool(effect="once", allow=within)
async def refund(order_id: str, cents: int) -> str:
    """Refund an order.

    Args:
        order_id: The order to refund.
        cents: How much, in cents.
    """
    return f"{cents} cents of order {order_id} went back."


# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
SCRIPT = {
    "little": [[ToolCall("refund", '{"order_id": "7", "cents": 900}')], "Done."],
    "much": [[ToolCall("refund", '{"order_id": "7", "cents": 99000}')], "I could not."],
}
support = Agent("support", model=ScriptedModel(SCRIPT), tools=[refund])


async def main() -> None:
    """Let two users ask for a refund, and one for a large one."""
    rules = Path(__file__).with_name("policy.toml")
    async with Runtime([support], store="memory://", policy=rules) as runtime:
        for name, roles, said in (
            ("ann", {"support"}, "little"),
            ("tim", {"support", "trainee"}, "little"),
            ("ann", {"support"}, "much"),
        ):
            async for each in runtime.stream("support", said, user=User(name, roles=roles)):
                if not isinstance(each, Record):
                    continue
                match each.event:
                    case ToolReturned():
                        print(f"{name}: {said}: made")
                    case ToolRefused(text=text, code=code):
                        print(f"{name}: {said}: {code}: {text}")
                    case _:
                        continue


if __name__ == "__main__":
    asyncio.run(main())
