"""What a turn took."""

from dataclasses import dataclass

from jackline.cli.show import span
from jackline.core import events as e
from jackline.core.budget import dollars

_NO_USAGE = e.Usage()


@dataclass(slots=True)
class Tally:
    """Adds up what one turn used, from the events of its session."""

    turn: int
    usage: e.Usage = _NO_USAGE
    cost: int = 0

    def add(self, event: object) -> None:
        """Take in an event."""
        if not isinstance(event, e.ModelReplied | e.HoldUnconfirmed):
            return
        if not event.key.startswith(f"turn/{self.turn}/"):
            return
        self.cost += event.cost
        if isinstance(event, e.ModelReplied):
            self.usage = self.usage.plus(event.usage)


def took(tally: Tally, seconds: float, session_spent: int) -> str:
    """Return what a turn took, as one line."""
    usage = tally.usage
    tokens = f"{usage.input:,} tokens in, {usage.output:,} out"
    return f"{span(seconds)} · {tokens} · {dollars(tally.cost)} · session {dollars(session_spent)}"
