"""What a model of 135 million parameters has to be shown, so that it talks and calls tools.

It cannot choose among tools, nor take OpenAI's `tools=`. So its answers are constrained by JSON
schema, to one of `say` and the tools that share words with what the user said, and the numbers and
ids that it may fill in are those that the user named. It then picks, copies and words well enough
for a demonstration, and for nothing else.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from jackline.core.messages import Message, Pasted, Text, ToolCall, ToolResult
from jackline.ports import Request, ToolSpec

Schema = Mapping[str, Any]
Spoken = dict[str, str]

CALLS_MAX = 3
_INSTRUCTIONS_CHARS = 600
_HISTORY_BYTES = 4_000
_RESULT_CHARS = 300
_TEXT_CHARS = 60
_SURE = 2
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are at be by can could do does for from get have how in is it its me my of on or "
        "please tell that the their this to was we what when where which who will with you your",
    )
)
_FORMAT = 'Answer in JSON: {"say": "…"}, or a call of a tool.'
_TALK: tuple[tuple[str, Schema], ...] = (
    ("Hello!", {"say": "Hello! How can I help you?"}),
    ("Thank you!", {"say": "You are welcome!"}),
)
_EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "integer": (52, 4100, 3),
    "number": (52, 4100, 3),
    "boolean": (True,),
}
_TEXTS = ("blue lamp", "tall tree", "old house")
_IDS = ("A52", "B41", "C3")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent: messages, and the schema of the answer. None: it may say what it likes."""

    messages: Sequence[Spoken]
    schema: Schema | None


def prompt_for(request: Request) -> Prompt:
    """Return what the model has to be shown for this request."""
    system = request.instructions[:_INSTRUCTIONS_CHARS]
    turn = _turn(request.messages)
    history = list(_spoken(request.messages))
    if request.output is not None:
        return Prompt(_opened(f"{system}\nAnswer in JSON.", history), request.output)
    calls = [part for message in turn for part in message.parts if isinstance(part, ToolCall)]
    results = [part for message in turn for part in message.parts if isinstance(part, ToolResult)]
    said = [message.text for message in request.messages if message.role == "user"]
    offered = _offered(request.tools, said, calls)
    if offered:
        return _choice(system, offered, said)
    if results:
        return _telling(system, history, results)
    return Prompt(_opened(system, history), None)


def _turn(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages since the user last spoke."""
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user":
            return messages[at:]
    return messages


def _spoken(messages: Sequence[Message]) -> Iterator[Spoken]:
    """Yield what was said by either side, as much of the latest as there is room for."""
    room = _HISTORY_BYTES
    kept: list[Spoken] = []
    for message in reversed(messages):
        text = " ".join(p.text for p in message.parts if isinstance(p, Text | Pasted)).strip()
        if message.role == "tool" or not text:
            continue
        room -= len(text.encode())
        if kept and room < 0:
            break
        kept.append({"role": message.role, "content": text})
    return reversed(kept)


def _opened(system: str, history: Sequence[Spoken]) -> list[Spoken]:
    return [{"role": "system", "content": system}, *history] if system else [*history]


def _offered(
    tools: Sequence[ToolSpec], said: Sequence[str], calls: Sequence[ToolCall]
) -> dict[str, tuple[ToolSpec, Schema, bool]]:
    """Return the tools that may be called now, by name, with a schema, and whether one surely is.

    One that was called in this turn is not offered again, nor is one that matches nothing in
    what the user said but the words of those that were called.
    """
    if not said or len(calls) >= CALLS_MAX:
        return {}
    words = _words(said[-1])
    called = {call.name for call in calls}
    for tool in tools:
        if tool.name in called:
            words -= _words(tool.name) | _words(tool.description)
    scores = {tool.name: _score(tool, words) for tool in tools if tool.name not in called}
    best = max(scores.values(), default=0)
    found: dict[str, tuple[ToolSpec, Schema, bool]] = {}
    for tool in tools:
        if best and scores.get(tool.name) == best:
            schema = _call_schema(tool, said)
            if schema is not None:
                found[tool.name] = (tool, schema, best >= _SURE)
    return found


def _score(tool: ToolSpec, words: set[str]) -> int:
    name = _words(tool.name)
    return 2 * len(name & words) + len((_words(tool.description) - name) & words)


def _words(text: str) -> set[str]:
    """Return the words of a text, cut short: that is stem enough."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return {word[:5] for word in re.findall(r"[^\W\d_]{2,}", spaced.lower()) if word not in _STOP}


def _call_schema(tool: ToolSpec, said: Sequence[str]) -> Schema | None:
    """Return the schema of a call, or None where it needs more than the user has named."""
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    required = [name for name in tool.parameters.get("required", ()) if name in properties]
    fields = {name: _grounded(name, properties[name], said) for name in required}
    named = [name for name, field in fields.items() if field is not properties[name]]
    values = {str(value) for name in named for value in (fields[name] or {}).get("enum", ())}
    copied = [name for name in named if "enum" in (fields[name] or {})]
    if None in fields.values() or len(copied) > len(values):
        return None
    return _object({"call": {"const": tool.name}, "arguments": _object(fields)})


def _grounded(name: str, field: Schema, said: Sequence[str]) -> Schema | None:
    """Narrow numbers and ids to those that the user named, in the latest message with any."""
    kind = field.get("type")
    if "enum" in field or "const" in field or kind not in {"integer", "number", "string"}:
        return field
    if kind == "string" and not re.search(r"(?:^|_)(?:id|number|code)$", name):
        return {"maxLength": _TEXT_CHARS, **field}
    for text in reversed(said):
        if values := _named(str(kind), text):
            return {"enum": values}
    return {"maxLength": _TEXT_CHARS, **field} if kind == "string" else None


def _named(kind: str, text: str) -> list[Any]:
    if kind == "string":
        return list(dict.fromkeys(re.findall(r"[A-Za-z]*[\w-]*\d[\w-]*", text)))
    numbers = re.findall(r"(?<![\w.])-?\d{1,15}(?:\.\d+)?", text)
    values = [float(number) if "." in number else int(number) for number in numbers]
    return list(dict.fromkeys(v for v in values if kind == "number" or isinstance(v, int)))


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _choice(
    system: str,
    offered: Mapping[str, tuple[ToolSpec, Schema, bool]],
    said: Sequence[str],
) -> Prompt:
    """Offer these tools, and to say something where none of them is surely meant."""
    examples = [_example(tool) for tool, _, _ in offered.values()]
    shown: list[Spoken] = []
    for words, answer in (_TALK[0], *examples, _TALK[1]):
        shown.append({"role": "user", "content": words})
        shown.append({"role": "assistant", "content": json.dumps(answer)})
    choices = [schema for _, schema, _ in offered.values()]
    if not any(sure for _, _, sure in offered.values()):
        choices.append(_object({"say": {"type": "string"}}))
    definitions = {
        key: value
        for tool, _, _ in offered.values()
        for key, value in tool.parameters.get("$defs", {}).items()
    }
    asked: Spoken = {"role": "user", "content": said[-1][-_HISTORY_BYTES:]}
    schema = {"anyOf": choices, **({"$defs": definitions} if definitions else {})}
    return Prompt(_opened(f"{system}\n{_FORMAT}", [*shown, asked]), schema)


def _example(tool: ToolSpec) -> tuple[str, Schema]:
    """Return a call of the tool as a user might ask for it, by its own schema."""
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    arguments: dict[str, Any] = {}
    for at, name in enumerate(tool.parameters.get("required", ())):
        field = properties.get(name, {})
        kind = field.get("type")
        texts = _IDS if re.search(r"(?:^|_)(?:id|number|code)$", name) else _TEXTS
        values = field.get("enum") or _EXAMPLES.get(kind) or (texts if kind == "string" else ())
        if values:
            arguments[name] = values[at % len(values)]
    words = ", ".join(f"{name} {value}" for name, value in arguments.items())
    asked = f"{tool.name.replace('_', ' ')}: {words}" if words else tool.name.replace("_", " ")
    return asked, {"call": tool.name, "arguments": arguments}


def _telling(system: str, history: Sequence[Spoken], results: Sequence[ToolResult]) -> Prompt:
    """Let it tell a result in one of several ways: left to itself it would make one up."""
    text = "; ".join(_plainly(result) for result in results)[:_RESULT_CHARS].strip() or "nothing"
    if any(result.failed for result in results):
        ways = [f"That did not work: {text}", f"I could not do that: {text}"]
    else:
        ways = [f"Here is what I found: {text}", f"Done: {text}", f"The answer is: {text}"]
    schema = _object({"say": {"enum": ways}})
    asked: Spoken = {"role": "user", "content": f"Tell me the result: {text}"}
    return Prompt(_opened(f"{system}\nAnswer in JSON.", [*history[-1:], asked]), schema)


def _plainly(result: ToolResult) -> str:
    """Return a result as people would say it, where it is a flat object or a list of them."""
    text = " ".join(part.text for part in result.parts if isinstance(part, Text))
    try:
        value = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return " ".join(text.split())
    return _worded(value)


def _worded(value: object) -> str:
    match value:
        case dict():
            fields = cast("dict[str, object]", value)
            return ", ".join(f"{key.replace('_', ' ')} {_worded(v)}" for key, v in fields.items())
        case list():
            return "; ".join(_worded(each) for each in cast("list[object]", value))
        case bool():
            return "yes" if value else "no"
        case None:
            return "none"
        case _:
            return " ".join(str(value).split())
