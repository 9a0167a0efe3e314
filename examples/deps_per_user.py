"""Dependencies for each user: opened for as long as a turn is driven, and never journaled."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jackline import Agent, Context, Record, Runtime, Text, ToolCall, User, tool
from jackline.core.events import ToolReturned
from jackline.testing import ScriptedModel

TOKENS = {"ann": "token-of-ann", "bob": "token-of-bob"}


@dataclass
class Mailbox:
    """Stands in for a client of a mail service, with the user's own credentials."""

    token: str

    async def unread(self) -> int:
        """Return how many mails are unread."""
        return 3 if self.token == TOKENS["ann"] else 0


@asynccontextmanager
async def mailbox(user: User) -> AsyncGenerator[Mailbox]:
    """Open the user's mailbox. Another worker that takes a turn over opens its own."""
    print("open the mailbox of", user.id)
    yield Mailbox(TOKENS[user.id])


@tool(effect="read")
async def count_unread(ctx: Context[Mailbox]) -> int:
    """Count unread mails."""
    return await ctx.deps.unread()


# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
model = ScriptedModel([[ToolCall("count_unread", "{}")], "I have counted them."])
secretary = Agent("secretary", model=model, tools=[count_unread])


async def main() -> None:
    """Ask for two users at once."""
    runtime = Runtime([secretary], store="memory://", deps=mailbox)
    async with runtime, asyncio.TaskGroup() as group:
        for name in TOKENS:
            group.create_task(ask(runtime, User(name)))


async def ask(runtime: Runtime, user: User) -> None:
    """Print what the tool told the model."""
    async for event in runtime.stream("secretary", "Any news?", session=user.id, user=user):
        match event:
            case Record(event=ToolReturned(parts=[Text(text=text)])):
                print(f"{user.id} has {text} unread")
            case _:
                continue


if __name__ == "__main__":
    asyncio.run(main())
