"""Microsoft's agent-framework: an `Agent` over a chat client of our own, nothing else on."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
    tool,
)

from benchmarks.peers.measure import main
from benchmarks.peers.work import (
    ANSWER,
    DELTA,
    DELTAS,
    PROMPT,
    Run,
    Script,
    Stream,
    Subject,
    script,
)

_UNLIMITED = 1_000_000


class ScriptedClient(FunctionInvocationLayer, BaseChatClient):
    """A chat client that replies as the current script says."""

    def _inner_get_response(
        self, *, stream: bool, **_: Any
    ) -> Awaitable[ChatResponse] | ResponseStream[ChatResponseUpdate, ChatResponse]:
        if stream:
            return ResponseStream(_deltas(), finalizer=ChatResponse.from_updates)
        return _reply()


async def _reply() -> ChatResponse:
    """Return the calls or the answer that come next."""
    contents = [
        Content.from_function_call(call.id, "lookup", arguments=call.arguments)
        for call in await script().reply()
    ] or [Content.from_text(ANSWER)]
    return ChatResponse(messages=[Message(role="assistant", contents=contents)])


async def _deltas() -> AsyncIterator[ChatResponseUpdate]:
    """Yield the deltas of a long answer."""
    for _ in range(DELTAS):
        yield ChatResponseUpdate(role="assistant", contents=[Content.from_text(DELTA)])


@tool(approval_mode="never_require")
async def lookup(x: int) -> str:
    """Look x up."""
    return script().look_up(x)


def _agent() -> Agent:
    client = ScriptedClient(
        function_invocation_configuration={"enabled": True, "max_iterations": _UNLIMITED}
    )
    return Agent(client=client, tools=[lookup])


@asynccontextmanager
async def memory() -> AsyncGenerator[Run, None]:
    """Keep nothing."""
    agent = _agent()

    async def run(_: Script) -> str:
        return (await agent.run(PROMPT)).text

    yield run


@asynccontextmanager
async def streaming() -> AsyncGenerator[Stream, None]:
    """Count the updates with text of a streamed run."""
    agent = _agent()

    async def stream() -> int:
        return sum([1 async for update in agent.run(PROMPT, stream=True) if update.text])

    yield stream


if __name__ == "__main__":
    main(Subject("agent-framework-core", memory, streaming))
