"""What a planning model is asked: what was typed, and never a word that anybody else wrote.

A plan is trusted by what its model has seen (docs/decisions/0015). So the question is made anew of
the agent's instructions, of its tools that do something, and of all that the user has typed; the
conversation, in which others speak too, is no part of it.
"""

from collections.abc import Sequence

import msgspec

from jackline.core.agent import Agent
from jackline.core.budget import Terms
from jackline.core.flow import Source, plan_schema
from jackline.core.messages import Message, Text, size_bytes

PLAN = (
    "You plan for an assistant; you call nothing and answer nobody. You read its instructions, "
    "those of its tools that change or send something, and what its user has typed, in order. "
    "List the calls of these tools that the last of it asks for; what was said before says what "
    "is meant. In `known` put each argument that these texts give, with its value exactly as it "
    "stands there; in `unknown` the names of those that have to be looked up or written first. "
    "List nothing that the user did not ask for; where they ask for no such call the list is "
    "empty. Answer in JSON."
)
PLAN_TOKENS = 2_048
PLAN_S = 20.0
_TYPED_BYTES = 32_768
_INSTRUCTIONS_BYTES = 16_384


def asked(agent: Agent, instructions: str, requests: Sequence[Source]) -> tuple[Message, ...]:
    """Return what the planning model reads: the instructions, the tools, and what was typed.

    Where that is too long the beginning of what was typed is left out first, and it is said.
    """
    tools = [
        (each.name, each.description, each.parameters)
        for each in agent.tools
        if each.flow.effectful
    ]
    told = msgspec.json.encode(
        [{"name": name, "description": what, "parameters": how} for name, what, how in tools]
    ).decode()
    typed, left = list[str](), _TYPED_BYTES
    for request in reversed(requests):
        typed.insert(0, _cut(request.text, left))
        left -= len(request.text.encode())
        if left <= 0:
            break
    if len(typed) < len(requests):
        typed.insert(0, "[What was typed before is left out.]")
    sections = (
        ("The assistant's instructions", _cut(instructions, _INSTRUCTIONS_BYTES)),
        ("Its tools that change or send something", told),
        ("What the user typed, the oldest first", "\n\n".join(typed)),
    )
    text = "\n\n".join(f"# {head}\n\n{body}" for head, body in sections)
    return (Message("user", (Text(text),)),)


def schema(agent: Agent) -> dict[str, object]:
    """Return the JSON schema that the plan is bound to."""
    return plan_schema({each.name: each.parameters for each in agent.tools if each.flow.effectful})


def bound_tokens(agent: Agent, messages: Sequence[Message], terms: Terms) -> int:
    """Return how many tokens the request for a plan has at most: a byte is at most one."""
    bound = len(msgspec.json.encode(schema(agent))) + terms.tool_tokens + len(PLAN)
    return bound + sum(map(size_bytes, messages)) + (len(messages) + 1) * terms.message_tokens


def _cut(text: str, limit_bytes: int) -> str:
    """Return the text, cut in its middle where it is too long."""
    raw = text.encode()
    if len(raw) <= limit_bytes:
        return text
    half = max(0, limit_bytes // 2 - 20)
    head, tail = raw[:half].decode(errors="ignore"), raw[len(raw) - half :].decode(errors="ignore")
    return f"{head}\n[… left out …]\n{tail}"
