"""An agent behind a server, and a program that talks to it with OpenAI's own client."""

import asyncio
import socket

import uvicorn
from openai import AsyncOpenAI

from jackline import Agent, Runtime, Settings, ToolCall, User, asgi, tool
from jackline.interfaces.identity import Development
from jackline.testing import ScriptedModel


@tool(effect="once", approve=True)
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


async def talk(url: str) -> None:
    """Ask for a refund, allow the call that the agent wants to make, and hear the answer."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="anybody, on one's own machine") as client:
        asked = await client.responses.create(model="support", input="Refund order 7")
        question = asked.output[-1]
        assert question.type == "mcp_approval_request"
        print("asked:", question.name, question.arguments)
        stream = await client.responses.create(
            model="support",
            previous_response_id=asked.id,
            input=[
                {
                    "type": "mcp_approval_response",
                    "approval_request_id": question.id,
                    "approve": True,
                }
            ],
            stream=True,
        )
        async for event in stream:
            if event.type == "response.output_item.done" and event.item.type == "mcp_call":
                print("done:", event.item.output)
            if event.type == "response.output_text.delta":
                print(event.delta, end="")
        print()


async def main() -> None:
    """Serve the agent on a free port of this machine, and talk to it."""
    async with Runtime([support], store="sqlite:///openai.db") as runtime:
        app = asgi(runtime, [Development(User("ann"))], Settings(approve_own=True))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve([listening]))
                await talk(f"http://127.0.0.1:{listening.getsockname()[1]}")
                server.should_exit = True


if __name__ == "__main__":
    asyncio.run(main())
