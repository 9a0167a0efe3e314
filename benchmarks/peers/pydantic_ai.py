"""pydantic-ai: an `Agent` over a `Model` of our own.

Its `FunctionModel` estimates the tokens of the whole history at each request, which no real
model does; so it is not used.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, ModelResponseStreamEvent, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.usage import UsageLimits

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

_UNLIMITED = UsageLimits(request_limit=None)


class ScriptedModel(Model):
    """A model that replies as the current script says, or streams a long answer."""

    model_name = "scripted"
    system = "scripted"

    async def request(self, *_: Any) -> ModelResponse:
        """Return the calls or the answer that come next."""
        calls = await script().reply()
        parts = [ToolCallPart("lookup", call.arguments, tool_call_id=call.id) for call in calls]
        return ModelResponse(parts=parts or [TextPart(ANSWER)], model_name=self.model_name)

    @asynccontextmanager
    async def request_stream(
        self,
        _messages: Any,
        _settings: Any,
        model_request_parameters: ModelRequestParameters,
        _context: Any = None,
    ) -> AsyncGenerator[StreamedResponse, None]:
        """Open the stream of a long answer."""
        yield ScriptedStream(model_request_parameters)


@dataclass
class ScriptedStream(StreamedResponse):
    """The deltas of a long answer."""

    model_name = "scripted"
    provider_name = None
    provider_url = None
    timestamp = datetime(2026, 1, 1, tzinfo=UTC)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for _ in range(DELTAS):
            for event in self._parts_manager.handle_text_delta(
                vendor_part_id="text", content=DELTA
            ):
                yield event


async def lookup(x: int) -> str:
    """Look x up."""
    return script().look_up(x)


@asynccontextmanager
async def memory() -> AsyncGenerator[Run, None]:
    """Keep nothing."""
    agent = Agent(ScriptedModel(), tools=[lookup])

    async def run(_: Script) -> str:
        return (await agent.run(PROMPT, usage_limits=_UNLIMITED)).output

    yield run


@asynccontextmanager
async def streaming() -> AsyncGenerator[Stream, None]:
    """Count the text deltas of a streamed run."""
    agent = Agent(ScriptedModel(), tools=[lookup])

    async def stream() -> int:
        async with agent.run_stream(PROMPT) as result:
            return sum([1 async for _ in result.stream_text(delta=True, debounce_by=None)])

    yield stream


if __name__ == "__main__":
    main(Subject("pydantic-ai-slim", memory, streaming))
