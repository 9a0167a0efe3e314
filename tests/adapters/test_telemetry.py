"""Traces of turns, as the SDK's exporters get them."""

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.cli.shop import SHOP
from tests.cli.terminal import jackline

from jackline import (
    Agent,
    Pasted,
    Price,
    Runtime,
    Surroundings,
    Terms,
    Text,
    ToolCall,
    ToolError,
    Unguarded,
    User,
    tool,
)
from jackline.adapters.telemetry import Telemetry
from jackline.core import events as e
from jackline.core.events import SessionId, Usage
from jackline.ports import Store
from jackline.testing import ScriptedModel

ME = User("u", "acme")
S = SessionId("acme", "s")
TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
TRACEPARENT = f"00-{TRACE:032x}-{PARENT:016x}-01"


@tool(effect="read")
async def look(where: str) -> str:
    """Look somewhere."""
    if where == "away":
        raise ToolError("There is no such place.")
    return f"Nothing secret is {where}."


def clerk() -> Agent:
    calls = [ToolCall("look", '{"where": "here"}'), ToolCall("look", '{"where": "away"}')]
    terms = Terms("scripted:small", Price(1, 2))
    model = ScriptedModel([calls, "All is secret."], terms=terms, usage=Usage(100, 10))
    return Agent("clerk", model, tools=[look], version="7")


class Kept:
    """Spans that were exported."""

    def __init__(self, *, content: bool = False) -> None:
        self._exporter = InMemorySpanExporter()
        self.observer = Telemetry(SimpleSpanProcessor(self._exporter), content=content)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def of(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found


def told(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


def ids(span: ReadableSpan) -> tuple[int, int, int]:
    assert span.context
    return span.context.trace_id, span.context.span_id, span.parent.span_id if span.parent else 0


async def asked(kept: Kept, store: str | Store = "memory://", **options: str) -> Sequence[e.Record]:
    around = Surroundings(observers=[kept.observer])
    async with Runtime([clerk()], store=store, surroundings=around) as runtime:
        await runtime.run("clerk", "Look, secretly.", session="s", user=ME, **options)
        return await runtime.store.read(S)


def at(records: Sequence[e.Record], kind: type[e.Event]) -> int:
    return next(int(each.at * 1e9) for each in records if isinstance(each.event, kind))


def test_a_turn_is_a_trace_of_its_caller_s_with_times_of_the_journal() -> None:
    kept = Kept()
    records = asyncio.run(asked(kept, traceparent=TRACEPARENT))
    turn = kept.of("invoke_agent clerk")
    trace, span, parent = ids(turn)
    assert (trace, parent) == (TRACE, PARENT)
    assert turn.start_time == at(records, e.TurnSubmitted)
    assert turn.end_time == at(records, e.TurnCompleted)
    assert (
        told(turn).items()
        >= {
            "gen_ai.agent.name": "clerk",
            "gen_ai.conversation.id": "s",
            "jackline.tenant": "acme",
            "jackline.outcome": "completed",
            "gen_ai.usage.input_tokens": 200,
            "gen_ai.usage.output_tokens": 20,
        }.items()
    )
    steps = [each for each in kept.spans if each is not turn]
    assert [each.name for each in steps] == [
        "chat scripted:small",
        "execute_tool look",
        "execute_tool look",
        "chat scripted:small",
    ]
    assert {ids(each)[::2] for each in steps} == {(TRACE, span)}
    assert len({ids(each)[1] for each in kept.spans}) == 5
    first = told(steps[0])
    assert (first["gen_ai.provider.name"], first["gen_ai.request.model"]) == ("scripted", "small")
    assert steps[0].start_time == at(records, e.ModelReserved)
    assert [told(each).get("error.type") for each in steps[1:3]] == [None, "refused"]
    assert "secret" not in str([told(each) for each in kept.spans])


def test_what_was_said_is_told_where_that_is_wanted() -> None:
    kept = Kept(content=True)
    asyncio.run(asked(kept))
    assert "All is secret." in told(kept.of("invoke_agent clerk"))["gen_ai.output.messages"]
    first = next(each for each in kept.spans if each.name.startswith("execute_tool"))
    assert "Nothing secret" in told(first)["gen_ai.tool.call.result"]
    assert "here" in told(first)["gen_ai.tool.call.arguments"]


CARD, KEY, MAIL = "4111 1111 1111 1111", "AKIAIOSFODNN7EXAMPLE", "ann@shop.example"


def test_what_is_told_is_redacted_as_logs_are() -> None:
    said = f"{CARD}, {KEY} and {MAIL}"
    halves = Text(f"It is {CARD[:9]}"), Text(f"{CARD[9:]}.")

    @tool(effect="read")
    def lookup(where: str) -> dict[str, str]:
        """Look somewhere."""
        return {"note": f"{where}: {said}"}

    async def asked() -> Kept:
        kept = Kept(content=True)
        calls = [*halves, ToolCall("lookup", json.dumps({"where": said}))]
        # Nothing has taken out of texts beforehand what traces may not have.
        bare = [Unguarded(name, reason="What traces do is to be seen.") for name in _KEEPING]
        agent = Agent("clerk", ScriptedModel([calls, f"{said}."]), tools=[lookup], guards=bare)
        around = Surroundings(observers=[kept.observer])
        async with Runtime([agent], store="memory://", surroundings=around) as runtime:
            result = await runtime.run("clerk", [f"Mine is {said}", Pasted(said)], user=ME)
            assert result.text == f"{said}."
        return kept

    kept = asyncio.run(asked())
    contents = [
        text
        for span in kept.spans
        for name, text in told(span).items()
        if name.endswith((".messages", ".arguments", ".result"))
    ]
    assert len(contents) == 6
    for text in contents:
        assert isinstance(json.loads(text), list | dict)
        assert "[redacted:card]" in text
        assert CARD not in text
        assert CARD[9:] not in text
    everything = str([told(span) for span in kept.spans])
    assert KEY not in everything
    assert everything.count("[redacted:aws-key]") == everything.count(MAIL) == 7


_KEEPING = "secrets", "redactor"


def test_whoever_asks_for_no_trace_gets_none() -> None:
    kept = Kept()
    asyncio.run(asked(kept, traceparent=TRACEPARENT.removesuffix("1") + "0"))
    assert not kept.spans


def test_whoever_takes_over_goes_on_with_the_same_trace(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'journal.db'}"
    first, second = Kept(), Kept()
    never = asyncio.Event

    async def story() -> Sequence[e.Record]:
        @tool(effect="read", name="look")
        async def hang(where: str) -> str:
            """Look somewhere."""
            await never().wait()
            return where

        calls = [ToolCall("look", '{"where": "here"}')]
        slow = Agent("clerk", ScriptedModel([calls, "Well."]), tools=[hang], version="7")
        around = Surroundings(observers=[first.observer], lease_s=1)
        async with Runtime([slow], store=store, surroundings=around) as runtime:
            async for event in runtime.stream("clerk", "Look.", session="s", user=ME):
                if isinstance(event, e.Record) and isinstance(event.event, e.ToolStarted):
                    break
            await runtime.drain(0)
        quick = Agent("clerk", ScriptedModel([calls, "Well."]), tools=[look], version="7")
        around = Surroundings(observers=[second.observer])
        async with Runtime([quick], store=store, surroundings=around) as runtime:
            assert (await runtime.result(S, 2, ME)).text == "Well."
            return await runtime.store.read(S)

    records = asyncio.run(asyncio.wait_for(story(), 30))
    assert [each.name for each in first.spans] == ["chat scripted"]
    turn = second.of("invoke_agent clerk")
    assert turn.start_time == at(records, e.TurnSubmitted)
    assert ids(first.spans[0])[::2] == ids(turn)[:2]
    everything = [*first.spans, *second.spans]
    assert len({ids(each)[1] for each in everything}) == len(everything), "each is told once"
    (made,) = [each for each in second.spans if each.name == "execute_tool look"]
    assert told(made)["jackline.attempt"] == 2


class Collector(BaseHTTPRequestHandler):
    """Keeps what is sent to it."""

    got: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.got.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in its base
        pass


@pytest.fixture
def collector() -> Any:
    Collector.got = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_gets_the_trace_of_a_command(collector: Any, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    where = f"http://127.0.0.1:{collector.server_port}"
    done = jackline(
        tmp_path,
        *("run", "shop:support", "hello"),
        JACKLINE_TRACES="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=where,
    )
    assert done.returncode == 0, done.stderr
    spans = [
        span.name
        for request in Collector.got
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(spans) == ["chat scripted", "invoke_agent support"]


def test_nobody_waits_for_a_collector_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    done = jackline(
        tmp_path,
        *("run", "shop:support", "hello"),
        JACKLINE_TRACES="true",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert done.returncode == 0, done.stderr
    assert "Good morning" in done.stdout
