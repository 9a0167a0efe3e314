"""OpenAI's responses, as they come over the wire."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.wire.server import Answer, End, events

NAME = "openai:gpt-5-mini"


def response(status: str, output: Sequence[Any] = (), **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5-mini-2025-08-07",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **fields,
    }


def usage(read: int, written: int, cached: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": read,
        "output_tokens": written,
        "total_tokens": read + written,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def numbered(*bodies: Mapping[str, Any]) -> list[bytes]:
    return events(*({**b, "sequence_number": n} for n, b in enumerate(bodies)), named=True)


def text_events(at: int, *texts: str) -> list[dict[str, Any]]:
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress"}
    part = {"type": "output_text", "text": "", "annotations": list[Any]()}
    where = {"item_id": "msg_1", "output_index": at, "content_index": 0}
    return [
        {"type": "response.output_item.added", "output_index": at, "item": {**item, "content": []}},
        {"type": "response.content_part.added", "part": part, **where},
        *(
            {"type": "response.output_text.delta", "delta": text, "logprobs": [], **where}
            for text in texts
        ),
    ]


def saying(*texts: str, end: End = "whole") -> Answer:
    created = {"type": "response.created", "response": response("in_progress")}
    begun = [created, *text_events(0, *texts)]
    if end != "whole":
        return Answer(numbered(*begun), end=end)
    text = "".join(texts)
    content = [{"type": "output_text", "text": text, "annotations": list[Any]()}]
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    whole = {**item, "content": content}
    done = {"type": "response.output_item.done", "output_index": 0, "item": whole}
    return Answer(numbered(*begun, done, completed([whole])))


def completed(output: Sequence[Any]) -> dict[str, Any]:
    whole = response("completed", output, usage=usage(120, 7, 100))
    return {"type": "response.completed", "response": whole}


def calling(*calls: tuple[str, str, str], reasoning: Mapping[str, Any] | None = None) -> Answer:
    """Answer with a reasoning item and calls of (id, name, arguments)."""
    items: list[dict[str, Any]] = [dict(reasoning)] if reasoning else []
    for call_id, name, arguments in calls:
        items.append(
            {
                "id": f"fc_{len(items)}",
                "type": "function_call",
                "call_id": call_id,
                "name": name,
                "arguments": arguments,
                "status": "completed",
            }
        )
    bodies: list[dict[str, Any]] = [
        {"type": "response.created", "response": response("in_progress")}
    ]
    for at, item in enumerate(items):
        blank = {**item, "arguments": ""} if item["type"] == "function_call" else item
        bodies.append({"type": "response.output_item.added", "output_index": at, "item": blank})
        bodies += summarised(at, item)
        if item["type"] == "function_call":
            bodies.append(
                {
                    "type": "response.function_call_arguments.delta",
                    "item_id": item["id"],
                    "output_index": at,
                    "delta": item["arguments"],
                }
            )
        bodies.append({"type": "response.output_item.done", "output_index": at, "item": item})
    return Answer(numbered(*bodies, completed(items)))


def summarised(at: int, item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how the summary of a reasoning item is streamed."""
    where = {"item_id": item["id"], "output_index": at}
    return [
        {"type": "response.reasoning_summary_part.added", "part": part, "summary_index": n, **where}
        for n, part in enumerate(item.get("summary", ()))
    ]


def error(kind: str, message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "param": None}}


def messages(body: Mapping[str, Any]) -> Sequence[Any]:
    return body["input"]


def paired(body: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Return (id, arguments, result) of each call in what was sent."""
    sent = [(item, item.get("type")) for item in body["input"]]
    results = {i["call_id"]: i["output"] for i, kind in sent if kind == "function_call_output"}
    return [
        (item["call_id"], json.loads(item["arguments"]), results.pop(item["call_id"]))
        for item, kind in sent
        if kind == "function_call"
    ]
