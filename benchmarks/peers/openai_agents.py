"""openai-agents: `Runner` over a `Model` of our own, kept in its `SQLiteSession`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from agents import Agent, RunConfig, Runner, SQLiteSession, function_tool
from agents.items import ModelResponse
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)

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

_UNLIMITED = 1_000_000
_QUIET = RunConfig(tracing_disabled=True)
_DELTA_TYPE = "response.output_text.delta"


class ScriptedModel(Model):
    """A model that replies as the current script says."""

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        """Return the calls or the answer that come next."""
        output = [_call(call) for call in await script().reply()] or [_message(ANSWER)]
        return ModelResponse(output=output, usage=Usage(requests=1), response_id=None)

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Yield the deltas of a long answer, then its whole."""
        for number in range(DELTAS):
            yield ResponseTextDeltaEvent(
                content_index=0,
                delta=DELTA,
                item_id="message",
                logprobs=[],
                output_index=0,
                sequence_number=number,
                type=_DELTA_TYPE,
            )
        whole = Response(
            id="response",
            created_at=0,
            model="scripted",
            object="response",
            output=[_message(DELTA * DELTAS)],
            tool_choice="auto",
            tools=[],
            parallel_tool_calls=True,
        )
        yield ResponseCompletedEvent(
            response=whole, sequence_number=DELTAS, type="response.completed"
        )


def _call(call: Call) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        id=f"item_{call.id}",
        call_id=call.id,
        name="lookup",
        arguments=call.arguments,
        type="function_call",
        status="completed",
    )


def _message(text: str) -> ResponseOutputMessage:
    content = ResponseOutputText(text=text, type="output_text", annotations=[], logprobs=[])
    return ResponseOutputMessage(
        id="message", type="message", role="assistant", status="completed", content=[content]
    )


@function_tool
async def lookup(x: int) -> str:
    """Look x up."""
    return script().look_up(x)


def _agent() -> Agent:
    return Agent(name="scripted", model=ScriptedModel(), tools=[lookup])


async def _answer(agent: Agent, session: SQLiteSession | None = None) -> str:
    result = await Runner.run(
        agent, PROMPT, max_turns=_UNLIMITED, run_config=_QUIET, session=session
    )
    return result.final_output


@asynccontextmanager
async def memory() -> AsyncGenerator[Run, None]:
    """Keep nothing."""
    agent = _agent()

    async def run(_: Script) -> str:
        return await _answer(agent)

    yield run


@asynccontextmanager
async def streaming() -> AsyncGenerator[Stream, None]:
    """Count the text deltas of a streamed run."""
    agent = _agent()

    async def stream() -> int:
        events = Runner.run_streamed(agent, PROMPT, run_config=_QUIET).stream_events()
        raw = [event.data async for event in events if event.type == "raw_response_event"]
        return sum(data.type == _DELTA_TYPE for data in raw)

    yield stream


@asynccontextmanager
async def durable(database: Path) -> AsyncGenerator[Run, None]:
    """Keep each session through a `SQLiteSession` of its own, open while its turn runs.

    A reply is written once its tools are done, and with their results.
    """
    agent = _agent()

    async def run(work: Script) -> str:
        with closing(SQLiteSession(work.session, database)) as session:
            return await _answer(agent, session)

    yield run


if __name__ == "__main__":
    main(Subject("openai-agents", memory, streaming, durable))
