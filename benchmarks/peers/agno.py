"""agno: an `Agent` over a `Model` of our own, kept in its `AsyncSqliteDb`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agno.agent import Agent, RunContentEvent
from agno.db.sqlite import AsyncSqliteDb
from agno.models.base import Model
from agno.models.response import ModelResponse

from benchmarks.peers.measure import main
from benchmarks.peers.work import (
    ANSWER,
    DELTA,
    DELTAS,
    PROMPT,
    Call,
    Run,
    Script,
    Stream,
    Subject,
    script,
)


@dataclass
class ScriptedModel(Model):
    """A model that replies as the current script says."""

    id: str = "scripted"

    async def ainvoke(self, *_: Any, **__: Any) -> ModelResponse:
        """Return the calls or the answer that come next."""
        if calls := await script().reply():
            return ModelResponse(role="assistant", tool_calls=[_wire(call) for call in calls])
        return ModelResponse(role="assistant", content=ANSWER)

    async def ainvoke_stream(self, *_: Any, **__: Any) -> AsyncIterator[ModelResponse]:
        """Yield the deltas of a long answer."""
        for _delta in range(DELTAS):
            yield ModelResponse(role="assistant", content=DELTA)

    def invoke(self, *_: Any, **__: Any) -> ModelResponse:
        """Refuse: the work is async."""
        raise TypeError("the work is async")

    invoke_stream = invoke

    def _parse_provider_response(self, response: ModelResponse, **_: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


def _wire(call: Call) -> dict[str, Any]:
    """Return `call` as OpenAI's chat completions write it, which is agno's own form."""
    function = {"name": "lookup", "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


async def lookup(x: int) -> str:
    """Look x up."""
    return script().look_up(x)


def _agent(database: AsyncSqliteDb | None = None) -> Agent:
    return Agent(
        model=ScriptedModel(),
        tools=[lookup],
        db=database,
        checkpoint="tool-batch" if database else None,
        telemetry=False,
    )


def _run(agent: Agent) -> Run:
    async def run(work: Script) -> str:
        return (await agent.arun(PROMPT, session_id=work.session)).content

    return run


@asynccontextmanager
async def memory() -> AsyncGenerator[Run, None]:
    """Keep nothing."""
    yield _run(_agent())


@asynccontextmanager
async def streaming() -> AsyncGenerator[Stream, None]:
    """Count the content events of a streamed run."""
    agent = _agent()

    async def stream() -> int:
        events = agent.arun(PROMPT, stream=True)
        return sum([1 async for event in events if isinstance(event, RunContentEvent)])

    yield stream


@asynccontextmanager
async def durable(database: Path) -> AsyncGenerator[Run, None]:
    """Keep the session once the tools of a round are done, which is as often as agno can."""
    kept = AsyncSqliteDb(db_file=str(database))
    yield _run(_agent(kept))
    await kept.close()


if __name__ == "__main__":
    main(Subject("agno", memory, streaming, durable))
