"""jackline with the scripted work put into it: all limits on, and two simple guards.

`SECURED` is the same with the stack that every agent has by default.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

from benchmarks.peers.measure import main
from benchmarks.peers.work import ANSWER, DELTA, DELTAS, PROMPT, Run, Script, Stream, Subject
from jackline import (
    Agent,
    Budget,
    Context,
    DenyList,
    Guard,
    Limits,
    MaximumSize,
    Rate,
    Runtime,
    Unguarded,
    tool,
)
from jackline.core.budget import Price, Terms
from jackline.core.events import Usage
from jackline.core.messages import Text, ToolCall
from jackline.ports import Delta, Reply, Request

_TERMS = Terms("scripted", Price("0.10", "0.40"), window_tokens=1_000_000)
_USAGE = Usage(100, 20)
BARE = tuple(
    Unguarded(name, reason="These figures are those of the runtime alone.")
    for name in ("sanitiser", "classifier", "secrets", "redactor", "links")
)
_SIMPLE = (MaximumSize(), DenyList(["forbidden", "verboten"]))
_SCRIPTS: dict[str, Script] = {}


@tool(effect="read")
async def lookup(ctx: Context[None], x: int) -> str:
    """Look something up."""
    return _SCRIPTS[ctx.session.name].look_up(x)


class FakeModel:
    """Says what the script of the session says."""

    terms = _TERMS

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
        """See `Model.stream`. Who asks stands in the instructions, as the script's name."""
        calls = await _SCRIPTS[request.instructions].reply()
        if not calls:
            yield ANSWER
            yield Reply((Text(ANSWER),), _USAGE, "scripted")
        else:
            parts = tuple(ToolCall("lookup", call.arguments, call.id) for call in calls)
            yield Reply(parts, _USAGE, "scripted")


class StreamingModel:
    """Says `DELTA` over and over."""

    terms = _TERMS

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:  # noqa: ARG002 - always the same
        """See `Model.stream`."""
        for _ in range(DELTAS):
            yield DELTA
        yield Reply((Text(DELTA * DELTAS),), _USAGE, "scripted")


def agent(model: FakeModel | StreamingModel, *guards: Guard) -> Agent:
    """Return an agent with every limit on, wide enough for the work."""
    return Agent(
        "bench",
        model,
        instructions=lambda ctx: ctx.session.name,
        tools=[lookup],
        budget=Budget(
            usd=1_000, session_usd=1_000, user_usd_per_day=10**6, tenant_usd_per_day=10**6
        ),
        limits=Limits(model_calls=10_000, tool_calls=10_000, driven_s=3_600, stale_rounds=10_000),
        rates={"model": Rate(requests_per_minute=10**9, tokens_per_minute=10**12)},
        guards=guards or (*BARE, *_SIMPLE),
        max_tokens=1_000,
    )


@asynccontextmanager
async def _runs(store: str, *guards: Guard) -> AsyncGenerator[Run]:
    async with Runtime([agent(FakeModel(), *guards)], store=store) as runtime:

        async def run(script: Script) -> str:
            _SCRIPTS[script.session] = script
            result = await runtime.run("bench", PROMPT, session=script.session)
            del _SCRIPTS[script.session]
            return result.text

        yield run


@asynccontextmanager
async def _streams(*guards: Guard) -> AsyncGenerator[Stream]:
    made = agent(StreamingModel(), *(guards or (*BARE, MaximumSize())))
    async with Runtime([made], store="memory://") as runtime:

        async def stream() -> int:
            seen = 0
            async with aclosing(runtime.stream("bench", PROMPT)) as events:
                async for event in events:
                    seen += isinstance(event, Delta)
            return seen

        yield stream


def _memory() -> AbstractAsyncContextManager[Run]:
    return _runs("memory://")


def _durable(path: Path) -> AbstractAsyncContextManager[Run]:
    return _runs(f"sqlite:///{path}")


SUBJECT = Subject("jackline", _memory, _streams, _durable, _runs)
SECURED = Subject(
    "jackline",
    lambda: _runs("memory://", *_SIMPLE),
    lambda: _streams(MaximumSize()),
    lambda path: _runs(f"sqlite:///{path}", *_SIMPLE),
)

if __name__ == "__main__":
    main(SUBJECT)
