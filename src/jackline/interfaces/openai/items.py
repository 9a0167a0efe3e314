"""Responses as OpenAI writes them: whole, and as a stream of events."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from jackline.core.errors import JacklineError
from jackline.interfaces.openai import ids
from jackline.interfaces.openai.frames import frame
from jackline.interfaces.openai.refusals import TurnError, fault
from jackline.interfaces.openai.reply import Call, Change, Item, Reply, Words
from jackline.interfaces.openai.shapes import (
    McpApprovalRequest,
    McpCall,
    ModelResponse,
    OutputItem,
    OutputMessage,
    OutputText,
    Standing,
    response_usage,
)
from jackline.interfaces.openai.telling import DRAINED, outcome, sentence

Status = Literal["completed", "failed", "in_progress", "cancelled", "incomplete"]


def response(reply: Reply, model: str, before: str | None) -> ModelResponse:
    """Return what came of a request, as it stands."""
    told = outcome(reply)
    status = _status(told)
    return ModelResponse(
        reply.span.named(ids.RESPONSE),
        reply.begun_at,
        model,
        tuple(item(reply, each, model) for each in reply.items),
        status,
        {"code": "server_error", "message": sentence(told)} if status == "failed" else None,
        {"reason": _reason(told)} if status == "incomplete" else None,
        told,
        response_usage(reply.usage) if reply.end else None,
        before,
        reply.ended_at if status == "completed" else None,
    )


def _status(told: Standing) -> Status:
    """Return the status. A turn that waits for a person has done what it can: the response ends."""
    match told.outcome:
        case "completed":
            return "incomplete" if told.code == "cut" else "completed"
        case "paused":
            return "completed" if told.code == "person" else "in_progress"
        case "stopped":
            return "incomplete"
        case "open":
            return "in_progress"
        case "failed" | "cancelled":
            return told.outcome


def _reason(told: Standing) -> str:
    """Return why a response is incomplete: OpenAI knows a filter, and a limit of tokens."""
    return "content_filter" if told.code == "blocked" else "max_output_tokens"


def item(reply: Reply, each: Item, label: str) -> OutputItem:
    """Return an item as OpenAI writes it. `label` names whose tools they are: the agent's."""
    if isinstance(each, Words):
        status = "completed" if each.said else "incomplete" if reply.end else "in_progress"
        content = (OutputText(each.text),) if each.text else ()
        return OutputMessage(reply.span.item("msg_", each.seq), content, status)
    if isinstance(each, Call):
        return _call(reply, each, label)
    asked = each.asked
    return McpApprovalRequest(each.id, label, asked.name, asked.arguments, asked.origins)


def _call(reply: Reply, call: Call, label: str) -> McpCall:
    error = {"type": "mcp_tool_execution_error", "content": _content(call.output)}
    failed = call.closed and call.failed
    return McpCall(
        reply.span.item("mcp_", call.key),
        label,
        call.name,
        call.arguments,
        ("failed" if failed else "completed") if call.closed else "in_progress",
        call.question or None,
        call.output if call.closed and not failed else None,
        error if failed else None,
    )


def _content(text: str) -> Sequence[Mapping[str, str]]:
    return ({"type": "text", "text": text},)


class ResponseWriter:
    """Writes the events of a response. Each has its number, and who is cut off asks by its id."""

    def __init__(self, model: str, before: str | None) -> None:
        self._model = model
        self._before = before
        self._number = 0
        self._is_begun = False

    def changed(self, reply: Reply, changes: Sequence[Change]) -> bytes:
        """See `Writer.changed`."""
        told: list[bytes] = []
        if not self._is_begun:
            self._is_begun = True
            now = response(reply, self._model, self._before)
            now = msgspec.structs.replace(now, output=())
            told += [self._frame(f"response.{each}", response=now) for each in _BEGINNING]
        for change in changes:
            told += self._change(reply, change)
        return b"".join(told)

    def ended(self, reply: Reply) -> bytes:
        """See `Writer.ended`."""
        now = response(reply, self._model, self._before)
        kind = now.status if now.status in _ENDS else "incomplete"
        return self._frame(f"response.{kind}", response=now)

    def broken(self, error: JacklineError) -> bytes:
        """See `Writer.broken`."""
        told = fault(error)
        return self._frame("error", code=told.code, message=told.message, param=None, error=told)

    def drained(self) -> bytes:
        """Return what is told where the server ends, and the turn goes on elsewhere."""
        return self.broken(TurnError(DRAINED, "drain", 503))

    def _change(self, reply: Reply, change: Change) -> list[bytes]:
        each = reply.items[change.index]
        made = item(reply, each, self._model)
        at: dict[str, Any] = {"item_id": made.id, "output_index": change.index}
        if isinstance(each, Words):
            return self._words(each, made, at, change)
        whole = {"output_index": change.index, "item": made}
        if change.what == "new":
            told = [self._frame("response.output_item.added", **whole)]
            return told + (self._calling(each, at) if isinstance(each, Call) else [])
        told: list[bytes] = []
        if isinstance(each, Call):
            kind = "failed" if each.failed else "completed"
            told = [self._frame(f"response.mcp_call.{kind}", **at)]
        return [*told, self._frame("response.output_item.done", **whole)]

    def _calling(self, call: Call, at: Mapping[str, Any]) -> list[bytes]:
        begun = self._frame("response.mcp_call.in_progress", **at)
        written = self._frame("response.mcp_call_arguments.done", **at, arguments=call.arguments)
        return [begun, written]

    def _words(
        self, words: Words, made: OutputItem, at: dict[str, Any], change: Change
    ) -> list[bytes]:
        part = {**at, "content_index": 0}
        whole = {"output_index": change.index, "item": made}
        if change.what == "grew":
            kind = "response.output_text.delta"
            return [self._frame(kind, **part, delta=change.text, logprobs=())]
        if change.what == "new":
            added = self._frame("response.output_item.added", **whole)
            begun = self._frame("response.content_part.added", **part, part=OutputText(""))
            return [added, begun]
        text = words.text
        return [
            self._frame("response.output_text.done", **part, text=text, logprobs=()),
            self._frame("response.content_part.done", **part, part=OutputText(text)),
            self._frame("response.output_item.done", **whole),
        ]

    def _frame(self, kind: str, **fields: object) -> bytes:
        body = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return frame(body, kind)


_BEGINNING = ("created", "in_progress")
_ENDS = {"completed", "failed", "incomplete"}
