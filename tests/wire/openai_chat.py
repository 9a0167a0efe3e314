"""OpenAI's chat completions, as they come over the wire."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.wire.server import Answer, End, events

NAME = "openai-chat:gpt-4o-mini"
DONE = b"data: [DONE]\n\n"


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def usage(read: int, written: int, cached: int = 0) -> dict[str, Any]:
    return {
        **chunk({}),
        "choices": [],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


def saying(*texts: str, end: End = "whole", finish: str = "stop") -> Answer:
    begun = events(*(chunk({"role": "assistant", "content": text}) for text in texts))
    if end != "whole":
        return Answer(begun, end=end)
    return Answer([*begun, *events(chunk({}, finish), usage(120, 7, 100)), DONE])


def calling(*calls: tuple[str, str, str], reasoning: str = "") -> Answer:
    """Answer with calls of (id, name, arguments), the arguments in two pieces."""
    deltas: list[dict[str, Any]] = [{"reasoning_content": reasoning}] if reasoning else []
    for index, (call_id, name, arguments) in enumerate(calls):
        half = len(arguments) // 2
        first = {"name": name, "arguments": arguments[:half]}
        deltas += [
            {
                "tool_calls": [
                    {"index": index, "id": call_id, "type": "function", "function": first}
                ]
            },
            {"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]},
        ]
    return Answer([*events(*map(chunk, deltas), chunk({}, "tool_calls"), usage(120, 7, 100)), DONE])


def error(kind: str, message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "param": None}}


def messages(body: Mapping[str, Any]) -> Sequence[Any]:
    return body["messages"]


def paired(body: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Return (id, arguments, result) of each call in what was sent."""
    sent = body["messages"]
    calls = [call for message in sent for call in message.get("tool_calls") or ()]
    results = {m["tool_call_id"]: m["content"] for m in sent if m["role"] == "tool"}
    return [
        (call["id"], json.loads(call["function"]["arguments"]), results.pop(call["id"]))
        for call in calls
    ]
