"""LangGraph: langchain's `create_agent` over a chat model of our own, kept by its own savers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

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
_INPUT = {"messages": [{"role": "user", "content": PROMPT}]}


class ScriptedModel(BaseChatModel):
    """A chat model that replies as the current script says."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, *_: Any, **__: Any) -> "ScriptedModel":
        """Return itself: the script knows the tools."""
        return self

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise TypeError("the work is async")

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        if calls := await script().reply():
            wire = [{"id": call.id, "name": "lookup", "args": {"x": call.x}} for call in calls]
            message = AIMessage(content="", tool_calls=wire)
        else:
            message = AIMessage(content=ANSWER)
        return ChatResult(generations=[ChatGeneration(message=message)])


class StreamingModel(ScriptedModel):
    """A chat model that streams a long answer."""

    async def _astream(
        self, _messages: Any, _stop: Any = None, run_manager: Any = None, **_: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for _delta in range(DELTAS):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=DELTA))
            if run_manager:
                await run_manager.on_llm_new_token(DELTA, chunk=chunk)
            yield chunk


@tool
async def lookup(x: int) -> str:
    """Look x up."""
    return script().look_up(x)


def _config(session: str) -> dict[str, Any]:
    return {"recursion_limit": _UNLIMITED, "configurable": {"thread_id": session}}


@asynccontextmanager
async def memory() -> AsyncGenerator[Run, None]:
    """Keep nothing: no checkpointer."""
    agent = create_agent(ScriptedModel(), [lookup])

    async def run(work: Script) -> str:
        state = await agent.ainvoke(_INPUT, _config(work.session))
        return state["messages"][-1].content

    yield run


@asynccontextmanager
async def streaming() -> AsyncGenerator[Stream, None]:
    """Count the message chunks with content of a streamed run."""
    agent = create_agent(StreamingModel(), [lookup])

    async def stream() -> int:
        chunks = agent.astream(_INPUT, _config("stream"), stream_mode="messages")
        return sum([1 async for chunk, _ in chunks if chunk.content])

    yield stream


def _kept(saver: BaseCheckpointSaver) -> Run:
    """Keep each step before the next begins: `durability="sync"`."""
    agent = create_agent(ScriptedModel(), [lookup], checkpointer=saver)

    async def run(work: Script) -> str:
        state = await agent.ainvoke(_INPUT, _config(work.session), durability="sync")
        return state["messages"][-1].content

    return run


@asynccontextmanager
async def durable(database: Path) -> AsyncGenerator[Run, None]:
    """Keep the steps in SQLite."""
    async with AsyncSqliteSaver.from_conn_string(str(database)) as saver:
        yield _kept(saver)


@asynccontextmanager
async def postgres(url: str) -> AsyncGenerator[Run, None]:
    """Keep the steps in Postgres."""
    async with AsyncPostgresSaver.from_conn_string(url) as saver:
        await saver.setup()
        yield _kept(saver)


if __name__ == "__main__":
    main(Subject("langgraph", memory, streaming, durable, postgres))
