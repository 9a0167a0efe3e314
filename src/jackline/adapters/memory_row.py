"""One session as the store in memory keeps it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from jackline.adapters import rules
from jackline.core.codec import decode
from jackline.core.events import Record, SessionId, SessionOpened, TurnSteered, TurnSubmitted
from jackline.ports import SessionRow, Waiting


@dataclass(slots=True)
class Row:
    """One session: what a database keeps in its row, and beside it."""

    opened: SessionOpened
    source: SessionId | None = None
    epoch: int = 0
    worker: str = ""
    lease_until: float = 0.0
    due_at: float | None = None
    turn: int | None = None
    spent: int = 0
    held: int = 0
    questions: tuple[int, ...] = ()
    updated_at: float = 0.0
    erased_at: float | None = None
    number: int = 0
    bodies: list[bytes] = field(default_factory=list[bytes])
    times: list[float] = field(default_factory=list[float])
    told: dict[bytes, tuple[int, int | None, bytes | None]] = field(
        default_factory=dict[bytes, tuple[int, int | None, bytes | None]]
    )
    snapshot: tuple[int, bytes] = (0, b"")
    artifacts: dict[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])

    def append(self, body: bytes, at: float) -> int:
        """Add an event and return its position."""
        self.bodies.append(body)
        self.times.append(at)
        self.updated_at = at
        return len(self.bodies)

    def records(self, after: int, limit: int | None = None) -> list[Record]:
        """Return the records that follow the first `after`."""
        last = len(self.bodies) if limit is None else after + limit
        pairs = zip(self.times[after:last], self.bodies[after:last], strict=True)
        return [Record(seq, at, decode(body)) for seq, (at, body) in enumerate(pairs, after + 1)]

    def waiting(self, event: TurnSubmitted | TurnSteered) -> int:
        """Return how many inputs wait for turns, or how many the open turn was steered by."""
        open_turn = self.turn or 0
        if isinstance(event, TurnSubmitted):
            return sum((turn or 0) > open_turn for _, turn, _ in self.told.values())
        return sum(turn == open_turn and seq > open_turn for seq, turn, _ in self.told.values())

    def is_due(self, now: float) -> bool:
        """Whether it has work, and nobody who does it."""
        return self.due_at is not None and self.due_at <= now and self.lease_until <= now

    @property
    def waits_since(self) -> float:
        """When it became due, or was set aside, or its last driver was lost."""
        due_at = self.due_at or 0.0
        return self.updated_at if due_at == math.inf else max(due_at, self.lease_until)

    def listed(self, name: SessionId, now: float) -> SessionRow:
        """Return what a list of sessions shows of it."""
        state = rules.state(self.lease_until, self.due_at, self.turn, now)
        return SessionRow(
            name,
            self.opened.user,
            self.opened.agent,
            state,
            len(self.bodies),
            self.epoch,
            self.turn,
            self.spent,
            self.held,
            self.questions,
            self.updated_at,
            self.worker if state == "driven" else "",
            self.erased_at,
            self.number,
        )


def waiting(rows: Iterable[Row], now: float) -> list[Waiting]:
    """Return what of these is due and undriven, or was set aside, by agent, the longest first."""
    since = dict[str, list[float]]()
    for row in rows:
        if row.is_due(now) or row.due_at == math.inf:
            since.setdefault(row.opened.agent, []).append(row.waits_since)
    found = [
        Waiting(agent, "", len(times), now - min(times), None) for agent, times in since.items()
    ]
    return sorted(found, key=lambda each: each.longest_s, reverse=True)
