"""What every event is made of, and what several of them speak of."""

import re
from typing import Literal

from jackline.core.value import Value

Gate = Literal["input", "result", "call", "output", "loop"]
Decision = Literal["allow", "flag", "redact", "ask", "block"]
Purpose = Literal["reply", "compact", "judge", "plan", "extract"]


class SessionId(Value, frozen=True):
    """A session's whole name: there is none outside of a tenant."""

    tenant: str
    name: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"


class Principal(Value, frozen=True):
    """On whose behalf a turn runs, and with which rights."""

    user: str
    roles: frozenset[str] = frozenset()


class Usage(Value, frozen=True):
    """Tokens. `input` counts all that was read, `cache_read` and `cache_write` are part of it."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


class Finding(Value, frozen=True):
    """What a guard saw, and where: characters `start` to `end` of the text that it judged.

    `decoded` is what it says, or how it begins, where that cannot be read there. `path` is the
    field of a structured value that the text stands in, as in `items[2].body`.
    """

    what: str
    start: int = 0
    end: int = 0
    decoded: str = ""
    path: str = ""


def kind(name: str) -> str:
    """Return the wire's name of an event's class: its first word, a dot, the others."""
    first, *others = re.findall("[A-Z][a-z]+", name)
    return f"{first}.{'_'.join(others)}".lower().rstrip(".")


class Fact(Value, frozen=True, tag_field="type", tag=kind):
    """Something that happened. Its class's name is its name on the wire."""
