"""What came of attacks: which calls ran, which were asked about, which were refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from jackline.core.value import Value


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is tried: at most so many attacks, and for at most so long."""

    most: int = 2_000
    seed: int = 0
    timeout_s: float = 300.0


class Entry(Value, frozen=True):
    """One attack: of which kind, which call with which arguments, and where the attacker wrote.

    Of what got through `declaration` is the line that closes it, in `declared_by`, a tool.
    """

    tool: str
    arguments: Mapping[str, Any]
    field: str
    when: str
    wrote: str
    chosen: tuple[str, ...] = ()
    declaration: str = ""
    declared_by: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all attacks.

    `tried` says how many there were of each kind, and `untried` in sentences what was not tried,
    and why; `late` how many of these there was no time for.
    """

    attacks: int
    through: Sequence[Entry]
    asked: Sequence[Entry]
    refused: Sequence[Entry]
    fields: int
    untried: Sequence[str]
    tried: Mapping[str, int]
    seconds: float
    late: int = 0

    def as_json(self) -> bytes:
        """Return it as `--json` prints it."""
        return msgspec.json.encode(
            {
                "attacks": self.attacks,
                "through": self.through,
                "asked": self.asked,
                "refused": self.refused,
                "untried": self.untried,
                "tried": self.tried,
            }
        )
