"""A call that must not happen twice, and not at all before a person has said so."""

import asyncio

from jackline import Agent, Runtime, ToolCall, User, tool
from jackline.testing import ScriptedModel

ALONE_CENTS = 1000  # What the agent may refund without asking.


@tool(effect="once", approve=lambda arguments: arguments["cents"] > ALONE_CENTS, timeout_s=10)
async def refund(order_id: str, cents: int) -> str:
    """Refund an order.

    Args:
        order_id: The order to refund.
        cents: How much, in cents.
    """
    return f"{cents} cents of order {order_id} went back."


# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
model = ScriptedModel(
    [[ToolCall("refund", '{"order_id": "7", "cents": 9900}')], "The refund is on its way."]
)
support = Agent("support", model=model, tools=[refund])

CUSTOMER = User("customer")
BOSS = User("boss", roles={"approver"})


async def main() -> None:
    """Ask for a refund, look at what is asked, approve less, and go on."""
    async with Runtime([support], store="sqlite:///approvals.db") as runtime:
        paused = await runtime.run("support", "Refund order 7", user=CUSTOMER)
        print(paused.outcome)

        # The turn is a row now, and holds nothing else: the answer may come after a restart.
        questions = await runtime.sessions.questions(paused.session, BOSS)
        for question, asked in questions.items():
            print("asked:", asked.name, asked.arguments)
            await runtime.sessions.answer(
                paused.session,
                question,
                BOSS,
                approved=True,
                arguments='{"order_id": "7", "cents": 5000}',
            )
        result = await runtime.result(paused.session, paused.turn, CUSTOMER)
        print(result.outcome, "-", result.output)


if __name__ == "__main__":
    asyncio.run(main())
