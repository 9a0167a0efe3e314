"""A budget that holds: what a call may cost at worst is set aside before it is made."""

import asyncio

from jackline import Agent, Budget, Limits, Price, Runtime, Terms, User
from jackline.testing import ScriptedModel

# A scripted model costs nothing unless it is told to. Prices are micro-dollars a million tokens:
# $3 and $15. jackline knows what hosted models cost, as in model="openai:gpt-5.4-mini".
model = ScriptedModel(["A long answer. " * 40], terms=Terms("scripted", Price(3, 15)))
writer = Agent(
    "writer",
    model=model,
    budget=Budget(usd="0.05", session_usd="0.06", user_usd_per_day="1.00"),
    limits=Limits(model_calls=10, driven_s=60),
)

USER = User("ann")


async def main() -> None:
    """Ask until the money is gone, then raise the limit and go on."""
    async with Runtime([writer], store="sqlite:///budgets.db") as runtime:
        while True:
            result = await runtime.run("writer", "Go on.", session="essay", user=USER)
            print(f"{result.outcome}: ${result.cost / 1e6:.4f}")
            if result.outcome == "stopped":
                break
        print(result.code, "-", result.text)

        await runtime.sessions.raise_limits(result.session, USER, {"session_usd": "1.00"})
        receipt = await runtime.sessions.go_on(result.session, USER)
        assert receipt.turn is not None
        result = await runtime.result(result.session, receipt.turn, USER)
        print(f"{result.outcome}: ${result.cost / 1e6:.4f}")

        for account in await runtime.store.accounts(USER.tenant):
            print(
                f"{account.name}: ${account.spent / 1e6:.4f} of ${(account.limit or 0) / 1e6:.2f}"
            )


if __name__ == "__main__":
    asyncio.run(main())
