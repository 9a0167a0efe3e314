"""A conversation as clients send it: what was said before, and what is said now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jackline.core.inputs import Given
from jackline.core.messages import Message, Pasted, Text
from jackline.interfaces.openai.asking import without_card
from jackline.interfaces.openai.bodies import ChatMessage, InputItem
from jackline.interfaces.openai.refusals import ParameterError
from jackline.interfaces.openai.saying import content, words

_ROLES = {"user", "system", "developer"}
_LEFT_OUT = Pasted("[A picture or a file was here, and is not kept.]")
_SKIPPED = {"reasoning", "mcp_list_tools", "mcp_approval_request"}


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to an approval request."""

    request: str
    approved: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before, with the assistant's words `last`, and what is said or answered now."""

    history: Sequence[Message]
    last: str
    said: Sequence[Given]
    answers: Sequence[Answered] = ()

    @property
    def typed(self) -> str:
        """What the user typed, where that is all that is said."""
        texts = [part.text for part in self.said if isinstance(part, Text)]
        return "".join(texts) if len(texts) == len(self.said) else ""


def of_messages(messages: Sequence[ChatMessage]) -> Conversation:
    """Return a conversation as chat completions send it. Raises `ParameterError`."""
    after = _after([each.role in {"assistant", "tool"} for each in messages])
    history = [
        message
        for at, each in enumerate(messages[:after])
        for message in _message(each, f"messages.{at}")
    ]
    said = [
        part
        for at, each in enumerate(messages[after:], after)
        for part in _given(each.role, each, f"messages.{at}")
    ]
    last = words(messages[after - 1].content) if after else ""
    return Conversation(history, last, said)


def of_items(given: str | Sequence[InputItem], instructions: str | None) -> Conversation:
    """Return a conversation as responses send it. Raises `ParameterError`."""
    items = [InputItem(role="user", content=given)] if isinstance(given, str) else given
    after = _after([_is_output(each) for each in items])
    history = [
        message for at, each in enumerate(items[:after]) for message in _past(each, f"input.{at}")
    ]
    said: list[Given] = [Pasted(instructions)] if instructions and instructions.strip() else []
    answers: list[Answered] = []
    for at, each in enumerate(items[after:], after):
        if each.type == "mcp_approval_response":
            answers.append(_answered(each, f"input.{at}"))
        elif each.type == "message":
            said += _given(each.role or "", each, f"input.{at}")
        else:
            raise ParameterError(
                f"input.{at}", f"An item of type {each.type[:40]!r} cannot be said to an agent."
            )
    return Conversation(history, "", said, answers)


def _after(is_past: Sequence[bool]) -> int:
    """Return where what is said now begins: after the last that somebody else said."""
    return max((at + 1 for at, past in enumerate(is_past) if past), default=0)


def _is_output(item: InputItem) -> bool:
    known = item.type in {"mcp_call", *_SKIPPED}
    return known or (item.type == "message" and item.role == "assistant")


def _given(role: str, said: ChatMessage | InputItem, param: str) -> list[Given]:
    if role not in _ROLES:
        raise ParameterError(param, f"{role[:40]!r} is no role of who speaks to an agent.")
    return content(role, said.content, param)


def _message(said: ChatMessage, param: str) -> Iterator[Message]:
    """Yield what a message was."""
    if said.role == "tool":
        yield _returned(words(said.content))
    elif said.role == "assistant":
        yield from _assistant(words(said.content))
    else:
        yield from _spoken(_given(said.role, said, param))


def _past(item: InputItem, param: str) -> Iterator[Message]:
    if item.type == "mcp_call":
        yield _returned(item.output or "")
    elif item.role == "assistant":
        yield from _assistant(words(item.content))
    elif item.type == "message":
        yield from _spoken(_given(item.role or "", item, param))


def _assistant(text: str) -> Iterator[Message]:
    if (text := without_card(text)).strip():
        yield Message("assistant", (Text(text),))


def _returned(text: str) -> Message:
    """Return what a tool returned elsewhere: nobody here knows who wrote it."""
    return Message("user", (Pasted(f"[A tool returned: {text}]"),))


def _spoken(parts: Sequence[Given]) -> Iterator[Message]:
    kept = tuple(part if isinstance(part, Text | Pasted) else _LEFT_OUT for part in parts)
    if kept:
        yield Message("user", kept)


def _answered(item: InputItem, param: str) -> Answered:
    if item.approval_request_id is None or item.approve is None:
        raise ParameterError(param, "An answer has an 'approval_request_id', and 'approve'.")
    return Answered(item.approval_request_id, item.approve, item.reason or "")
