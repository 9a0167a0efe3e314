"""Hosted models over the wire formats of their providers, on loopback."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import pytest
from tests.wire import anthropic, openai_chat, openai_responses
from tests.wire.server import Answer, End, Wire, serving

from jackline.adapters.models import resolve
from jackline.core.errors import NotFoundError, RequestRefusedError
from jackline.core.events import Usage
from jackline.core.messages import (
    File,
    Image,
    Message,
    Pasted,
    Reasoning,
    ReplyPart,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.ports import Model, Reply, Request, ToolSpec

LOOK = ToolSpec("look", "Look at a place.", {"type": "object", "properties": {"at": {}}})
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Format(Protocol):
    """What each wire format offers to tests."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a constant of a module

    def saying(self, *texts: str, end: End = "whole") -> Answer: ...
    def calling(self, *calls: tuple[str, str, str]) -> Answer: ...
    def messages(self, body: Mapping[str, Any]) -> Sequence[Any]: ...
    def paired(self, body: Mapping[str, Any]) -> list[tuple[str, Any, str]]: ...


FORMATS: list[Format] = [openai_chat, openai_responses, anthropic]
every_format = pytest.mark.parametrize("wire_format", FORMATS, ids=lambda each: each.NAME)


def said(text: str) -> Message:
    return Message("user", (Text(text),))


def ask(*messages: Message, tools: Sequence[ToolSpec] = (), **fields: Any) -> Request:
    return Request("turn/1/model/0", "Be kind.", messages or (said("hi"),), tools, 64, **fields)


def model_at(wire: Wire, name: str) -> Model:
    path = "" if name.startswith("anthropic") else "/v1"
    return resolve(name, base_url=f"{wire.url}{path}", api_key="sk-secret-of-this-test")


async def collect(model: Model, request: Request) -> tuple[list[str], Reply]:
    async with aclosing(model.stream(request)) as stream:
        items = [item async for item in stream]
    *deltas, reply = items
    assert isinstance(reply, Reply)
    assert all(isinstance(delta, str) for delta in deltas)
    return [str(delta) for delta in deltas], reply


def exchange(
    name: str, *answers: Answer, requests: Sequence[Request] = ()
) -> tuple[list[Reply], Wire, list[str]]:
    """Ask the model each request in turn, and return its replies and what the wire saw."""

    async def run() -> tuple[list[Reply], Wire, list[str]]:
        async with serving(*answers) as wire:
            model = model_at(wire, name)
            replies: list[Reply] = []
            heard: list[str] = []
            for request in requests or [ask()]:
                deltas, reply = await collect(model, request)
                replies.append(reply)
                heard += deltas
            return replies, wire, heard

    return asyncio.run(run())


def round_trip(name: str, first: Answer, results: Sequence[str] = ("ok",)) -> tuple[Reply, Any]:
    """Send a reply back with results for its calls; return it, and what the wire then got."""

    async def run() -> tuple[Reply, Any]:
        async with serving(first, second) as wire:
            model = model_at(wire, name)
            _, reply = await collect(model, ask(tools=[LOOK]))
            history = [said("hi"), *answered(reply.parts, results)]
            await collect(model, ask(*history, tools=[LOOK]))
            return reply, wire.asked[-1].body

    second = next(f for f in FORMATS if name == f.NAME).saying("Done.")
    return asyncio.run(run())


def answered(parts: Sequence[ReplyPart], results: Sequence[str]) -> list[Message]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    given = tuple(
        ToolResult(f"turn/1/model/0/tool/{at}", call.name, (Text(text),), call.provider_id)
        for at, (call, text) in enumerate(zip(calls, results, strict=True))
    )
    return [Message("assistant", tuple(parts)), Message("tool", given)]


@every_format
def test_text_comes_as_it_is_said_and_then_the_reply(wire_format: Format) -> None:
    [reply], wire, heard = exchange(wire_format.NAME, wire_format.saying("Good ", "sea ", "🌊"))
    assert heard == ["Good ", "sea ", "🌊"]
    assert [part.text for part in reply.parts if isinstance(part, Text)] == ["Good sea 🌊"]
    assert len(wire.asked) == 1


@every_format
def test_usage_counts_cached_tokens_as_read(wire_format: Format) -> None:
    [reply], _, _ = exchange(wire_format.NAME, wire_format.saying("hi"))
    written = 40 if wire_format is anthropic else 0
    cached = 60 if wire_format is anthropic else 100
    assert reply.usage == Usage(120, 7, cached, written)


@pytest.mark.parametrize(
    ("wire_format", "reason", "cut"),
    [
        (openai_chat, {"finish": "length"}, True),
        (openai_chat, {"finish": "stop"}, False),
        (anthropic, {"reason": "max_tokens"}, True),
        (anthropic, {"reason": "end_turn"}, False),
    ],
)
def test_a_reply_that_used_up_its_tokens_is_cut(
    wire_format: Any, reason: dict[str, str], *, cut: bool
) -> None:
    [reply], _, _ = exchange(wire_format.NAME, wire_format.saying("Once", **reason))
    assert reply.cut is cut


@every_format
def test_the_reply_names_the_model_that_really_answered(wire_format: Format) -> None:
    [reply], _, _ = exchange(wire_format.NAME, wire_format.saying("hi"))
    provider, _, model = wire_format.NAME.partition(":")
    assert reply.model.startswith(f"{provider.removesuffix('-chat')}:{model}-20")


@every_format
def test_the_request_bounds_the_reply_and_carries_instructions_and_tools(
    wire_format: Format,
) -> None:
    _, wire, _ = exchange(wire_format.NAME, wire_format.saying("hi"), requests=[ask(tools=[LOOK])])
    body = wire.asked[0].body
    limits = {"max_tokens", "max_completion_tokens", "max_output_tokens"}
    assert [body[name] for name in limits if name in body] == [64]
    assert "Be kind." in json.dumps(body)
    assert "Look at a place." in json.dumps(body["tools"])
    assert body["stream"] is True


@every_format
def test_a_tool_call_keeps_the_text_of_its_arguments(wire_format: Format) -> None:
    garbage = '{"at": "ea'
    answer = wire_format.calling(("c1", "look", '{"at": "sea"}'), ("c2", "look", garbage))
    [reply], _, _ = exchange(wire_format.NAME, answer, requests=[ask(tools=[LOOK])])
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    assert [(c.name, c.arguments, c.provider_id) for c in calls] == [
        ("look", '{"at": "sea"}', "c1"),
        ("look", garbage, "c2"),
    ]


@every_format
def test_a_history_with_garbage_arguments_can_be_sent_back(wire_format: Format) -> None:
    answer = wire_format.calling(("c1", "look", '{"at": "ea'))
    _, body = round_trip(wire_format.NAME, answer, ["these are no arguments"])
    assert "these are no arguments" in json.dumps(wire_format.messages(body))


@every_format
def test_an_id_that_two_calls_share_is_made_unique_when_it_is_sent_back(
    wire_format: Format,
) -> None:
    calls = [("same", "look", '{"at": 1}'), ("same", "look", '{"at": 2}')]
    _, body = round_trip(wire_format.NAME, wire_format.calling(*calls), ["one", "two"])
    pairs = wire_format.paired(body)
    assert [(arguments, result) for _, arguments, result in pairs] == [
        ({"at": 1}, "one"),
        ({"at": 2}, "two"),
    ]
    assert pairs[0][0] == "same" != pairs[1][0]


@every_format
def test_results_find_their_calls_in_any_order(wire_format: Format) -> None:
    calls = [ToolCall("look", '{"at": 1}', "a"), ToolCall("look", '{"at": 2}', "b")]
    results = [ToolResult(f"turn/1/model/0/tool/{n}", "look", (Text(f"r{n}"),)) for n in (1, 0)]
    history = [said("hi"), Message("assistant", tuple(calls)), Message("tool", tuple(results))]
    _, wire, _ = exchange(wire_format.NAME, wire_format.saying("x"), requests=[ask(*history)])
    found = {call_id: result for call_id, _, result in wire_format.paired(wire.asked[0].body)}
    assert found == {"a": "r0", "b": "r1"}


def test_a_result_without_a_call_is_not_sent() -> None:
    history = [said("hi"), Message("tool", (ToolResult("k", "look", (Text("ok"),)),))]
    with pytest.raises(RequestRefusedError, match="'look' answers no call") as caught:
        exchange(openai_chat.NAME, openai_chat.saying("x"), requests=[ask(*history)])
    assert caught.value.sent is False


def test_signed_and_redacted_thinking_goes_back_byte_for_byte() -> None:
    signature, redacted = "EqQBCg+/==sig", "EmwKAhgB/redacted=="
    answer = anthropic.calling(
        ("c1", "look", '{"at": "sea"}'), thought=("Let me look.\n", signature), redacted=redacted
    )
    reply, body = round_trip(anthropic.NAME, answer)
    assert [type(part) for part in reply.parts] == [Reasoning, Reasoning, ToolCall]
    assert anthropic.messages(body)[1]["content"][:2] == [
        {"type": "thinking", "thinking": "Let me look.\n", "signature": signature},
        {"type": "redacted_thinking", "data": redacted},
    ]


def test_encrypted_reasoning_goes_back_byte_for_byte() -> None:
    reasoning = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Look first."}],
        "encrypted_content": "gAAAA+/encrypted==",
    }
    answer = openai_responses.calling(("c1", "look", '{"at": "sea"}'), reasoning=reasoning)
    _, body = round_trip(openai_responses.NAME, answer)
    assert body["store"] is False
    assert "reasoning.encrypted_content" in body["include"]
    sent = openai_responses.messages(body)
    assert [item for item in sent if item.get("type") == "reasoning"] == [reasoning]
    assert [item["id"] for item in sent if item.get("type") == "function_call"] == ["fc_1"]


def test_reasoning_of_a_compatible_server_goes_back_to_it() -> None:
    answer = openai_chat.calling(("c1", "look", "{}"), reasoning="I shall look.")
    reply, _ = round_trip(openai_chat.NAME, answer)
    assert [part.text for part in reply.parts if isinstance(part, Reasoning)] == ["I shall look."]


@pytest.mark.parametrize("other", [openai_chat, openai_responses], ids=lambda each: each.NAME)
def test_what_one_provider_gave_is_dropped_for_another(other: Format) -> None:
    answer = anthropic.calling(("toolu_1", "look", "{}"), thought=("Secret thought.", "signed"))
    [reply], _, _ = exchange(anthropic.NAME, answer, requests=[ask(tools=[LOOK])])
    history = [said("hi"), *answered(reply.parts, ["ok"])]
    _, wire, _ = exchange(other.NAME, other.saying("x"), requests=[ask(*history, tools=[LOOK])])
    sent = json.dumps(wire.asked[0].body)
    assert "signed" not in sent
    assert "Secret thought." not in sent
    assert [result for _, _, result in other.paired(wire.asked[0].body)] == ["ok"]


def test_a_signature_does_not_go_back_with_words_that_it_was_not_made_for() -> None:
    answer = anthropic.calling(("c1", "look", "{}"), thought=("The key is 7.", "signed"))
    [reply], _, _ = exchange(anthropic.NAME, answer, requests=[ask(tools=[LOOK])])
    thought = reply.parts[0]
    assert isinstance(thought, Reasoning)
    changed = (Reasoning("The key is [secret].", thought.provider), *reply.parts[1:])
    history = [said("hi"), *answered(changed, ["ok"])]
    _, wire, _ = exchange(anthropic.NAME, anthropic.saying("x"), requests=[ask(*history)])
    sent = json.dumps(wire.asked[0].body)
    assert "signed" not in sent
    assert "[secret]" not in sent


@every_format
def test_pasted_text_and_artifacts_are_sent(wire_format: Format) -> None:
    async def fetch(handle: str) -> tuple[bytes, str]:
        await asyncio.sleep(0)
        return handle.encode(), "image/png"

    parts = (Text("What is this?"), Pasted("<pasted>"), Image("picture", "image/png"))
    request = ask(Message("user", parts), artifact=fetch)
    _, wire, _ = exchange(wire_format.NAME, wire_format.saying("x"), requests=[request])
    sent = json.dumps(wire_format.messages(wire.asked[0].body))
    assert "<pasted>" in sent
    assert "cGljdHVyZQ==" in sent


def test_an_artifact_that_is_gone_is_told_before_anything_is_sent() -> None:
    async def fetch(handle: str) -> tuple[bytes, str]:
        await asyncio.sleep(0)
        raise NotFoundError(handle)

    request = ask(Message("user", (Image("erased", "image/png"),)), artifact=fetch)
    with pytest.raises(RequestRefusedError, match="erased is gone") as caught:
        exchange(openai_chat.NAME, openai_chat.saying("x"), requests=[request])
    assert caught.value.sent is False


@every_format
def test_what_is_empty_is_not_sent(wire_format: Format) -> None:
    history = [
        Message("user", (Text(""), Text("hi"))),
        Message("assistant", (Text(""), ToolCall("look", "", "a"))),
        Message("tool", (ToolResult("k/tool/0", "look", (), "a"),)),
        Message("assistant", ()),
        said("and?"),
    ]
    _, wire, _ = exchange(wire_format.NAME, wire_format.saying("x"), requests=[ask(*history)])
    body = wire.asked[0].body
    sent = json.dumps(wire_format.messages(body))
    assert '{"type": "text", "text": ""' not in sent
    assert '{"text": "", "type": "text"' not in sent
    assert [arguments for _, arguments, _ in wire_format.paired(body)] == [{}]


def test_a_file_that_a_provider_does_not_take_is_refused_before_it_is_sent() -> None:
    async def fetch(handle: str) -> tuple[bytes, str]:
        await asyncio.sleep(0)
        return handle.encode(), "video/x-unheard-of"

    request = ask(Message("user", (File("f", "video/x-unheard-of"),)), artifact=fetch)
    with pytest.raises(RequestRefusedError) as caught:
        exchange(anthropic.NAME, anthropic.saying("x"), requests=[request])
    assert caught.value.sent is False


def test_typed_output_is_asked_for_natively_where_the_model_can() -> None:
    answer = openai_chat.saying('{"city":', '"Oslo"}')
    [reply], wire, _ = exchange(openai_chat.NAME, answer, requests=[ask(output=CITY)])
    assert wire.asked[0].body["response_format"]["type"] == "json_schema"
    assert reply.parts == (Text('{"city":"Oslo"}'),)


def test_typed_output_comes_by_a_tool_where_the_model_cannot() -> None:
    name = "anthropic:claude-3-haiku-20240307"
    answer = anthropic.calling(("c1", "final_answer", '{"city":"Oslo"}'))
    [reply], wire, heard = exchange(name, answer, requests=[ask(output=CITY, tools=[LOOK])])
    tools = [tool["name"] for tool in wire.asked[0].body["tools"]]
    assert tools == ["look", "final_answer"]
    assert reply.parts == (Text('{"city":"Oslo"}'),)
    assert "".join(heard) == '{"city":"Oslo"}'
