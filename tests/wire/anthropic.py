"""Anthropic's messages, as they come over the wire."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.wire.server import Answer, End, events

NAME = "anthropic:claude-sonnet-4-6"


def begun() -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6-20260101",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 20,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 40,
            "output_tokens": 1,
        },
    }
    return {"type": "message_start", "message": message}


def ended(reason: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]


def block(
    index: int, start: Mapping[str, Any], *deltas: Mapping[str, Any], stop: bool = True
) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": index, "content_block": start}
    ]
    bodies += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
    return [*bodies, {"type": "content_block_stop", "index": index}] if stop else bodies


def saying(*texts: str, end: End = "whole", reason: str = "end_turn") -> Answer:
    deltas = [{"type": "text_delta", "text": text} for text in texts]
    whole = end == "whole"
    bodies = [begun(), *block(0, {"type": "text", "text": ""}, *deltas, stop=whole)]
    return Answer(events(*bodies, *(ended(reason) if whole else ()), named=True), end=end)


def calling(
    *calls: tuple[str, str, str], thought: tuple[str, str] | None = None, redacted: str = ""
) -> Answer:
    """Answer with signed thinking, redacted thinking, and calls of (id, name, arguments)."""
    blocks: list[list[dict[str, Any]]] = []
    if thought:
        text, signature = thought
        blocks.append(
            block(
                len(blocks),
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": text},
                {"type": "signature_delta", "signature": signature},
            )
        )
    if redacted:
        blocks.append(block(len(blocks), {"type": "redacted_thinking", "data": redacted}))
    for call_id, name, arguments in calls:
        half = len(arguments) // 2
        pieces = [arguments[:half], arguments[half:]]
        blocks.append(
            block(
                len(blocks),
                {"type": "tool_use", "id": call_id, "name": name, "input": {}},
                *({"type": "input_json_delta", "partial_json": piece} for piece in pieces),
            )
        )
    bodies = [begun(), *(body for each in blocks for body in each), *ended("tool_use")]
    return Answer(events(*bodies, named=True))


def error(kind: str, message: str, code: str | None = None) -> dict[str, Any]:
    assert code is None, "Anthropic has no codes beside its types"
    return {"type": "error", "error": {"type": kind, "message": message}}


def failing_in_stream(kind: str, message: str) -> Answer:
    return Answer(events(begun(), json.loads(json.dumps(error(kind, message))), named=True))


def messages(body: Mapping[str, Any]) -> Sequence[Any]:
    return body["messages"]


def paired(body: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Return (id, arguments, result) of each call in what was sent."""
    contents: list[Any] = [message["content"] for message in body["messages"]]
    blocks: list[Any] = [block for each in contents if not isinstance(each, str) for block in each]
    results = {b["tool_use_id"]: b["content"] for b in blocks if b["type"] == "tool_result"}
    return [
        (block["id"], block["input"], text_of(results.pop(block["id"])))
        for block in blocks
        if block["type"] == "tool_use"
    ]


def text_of(content: str | Sequence[Mapping[str, str]]) -> str:
    return content if isinstance(content, str) else content[0]["text"]
