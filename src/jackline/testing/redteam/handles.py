"""Texts that nobody has read, sent by their handles to what may quote them: failures, results.

A tool that cannot do anything with a text often says so, and says which text it was.
"""

import re
from collections.abc import Iterable, Iterator

from jackline.core.messages import Message, Text, ToolResult
from jackline.core.tools import Tool
from jackline.testing.redteam.attacks import Attack, checked, example_of
from jackline.testing.redteam.forms import slots
from jackline.testing.redteam.known import Known

HANDLE = "jackline:text:0:"
_HANDLE = re.compile(r'jackline:text:[0-9]+:[^"\\\s]*')


def carried(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield calls of a tool with a handle in each argument that takes words, one in each."""
    example = example_of(tool, known)
    for name, slot in slots(tool.parameters, example).items():
        said = {**example, name: [HANDLE] if slot.is_list else HANDLE}
        if text := checked(tool, said):
            yield Attack(tool.name, text, "behind a handle")


def handle_in(messages: Iterable[Message], tool: str) -> str:
    """Return the first handle that a model got from this tool, or nothing."""
    for said in messages:
        for part in said.parts:
            if isinstance(part, ToolResult) and part.name == tool:
                texts = [each.text for each in part.parts if isinstance(each, Text)]
                if found := _HANDLE.search("\n".join(texts)):
                    return found[0]
    return ""
