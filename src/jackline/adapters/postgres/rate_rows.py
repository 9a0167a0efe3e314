"""Rows of rates: read, changed by all who want something of them, and written, at once."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from psycopg import Connection

from jackline.adapters.postgres.connections import Connections
from jackline.adapters.postgres.journal import one
from jackline.core.admission import Key
from jackline.ports import Clock

T = TypeVar("T")

_SEEN_MAX = 4_096
_LOCKS = 16  # So often, where another was faster once: who locks comes in turn.
_AS_IT_IS = (None, 0.0)
_WITHIN_S = 0.25  # A circuit and a pace need not know the time better.
_SWAP = """
    SELECT * FROM jackline.buckets_swap_1(
        %s::text[], %s::text[], %b::bytea[], %b::bytea[], %s::float8[], %s, %s, %s
    )
"""
_LOCK = "SELECT * FROM jackline.buckets_1(%s::text[], %s::text[], %s)"
_KEEP = """
    UPDATE jackline.bucket AS b SET body = kept.body, forget_at = kept.forget_at
    FROM unnest(%s::text[], %s::text[], %b::bytea[], %s::float8[])
        AS kept (tenant, name, body, forget_at)
    WHERE b.tenant = kept.tenant AND b.name = kept.name
"""


class Rows:
    """Rows as they were at a time, and what is to come in their place."""

    def __init__(self, bodies: Mapping[Key, bytes], at: float) -> None:
        self.at = at
        self.within_s = _WITHIN_S
        self.kept: dict[Key, tuple[bytes, float]] = {}
        self._bodies = bodies

    def body(self, key: Key) -> bytes:
        """Return a row's body, as it is to be."""
        return self.kept[key][0] if key in self.kept else self._bodies[key]

    def keep(self, key: Key, body: bytes, for_s: float, within_s: float = _WITHIN_S) -> None:
        """Put something in place of a row's body, to be forgotten after so long.

        It is right as long as the time is, but for less than `within_s`.
        """
        self.kept[key] = body, self.at + for_s
        self.within_s = min(self.within_s, within_s)


Work = Callable[[Rows], T]


class Ask:
    """What somebody wants to do with some rows, and what came of it.

    The work may be done again, with other rows, before anything is written.
    """

    def __init__(self, keys: Sequence[Key], work: Work[object]) -> None:
        self.keys = keys
        self.work = work
        self.answer: Any = None  # of the type that the work returns
        self.ended = False
        self.error: Exception | None = None


class RateRows:
    """The rows, and what they were when this process was last at them.

    Others may have been there since, and the database's time is guessed: a statement is taken to
    get there as fast as the last one did. So what is worked out is written only if the rows are
    still the same and the guess was right; else they are read and locked. For one thread at a time.
    """

    def __init__(self, connections: Connections, clock: Clock | None) -> None:
        self._connections = connections
        self._given = clock
        self._clock = clock or time.monotonic  # noqa: TID251 - it goes from one of the database's times to the next
        self._ahead_s = 0.0
        self._seen: dict[Key, bytes] = {}
        self._locks = 0

    def answer(self, group: Sequence[Ask], until: float) -> None:
        """Do what all of them want, one after another, and write it. Raises what `transact` does.

        Where somebody knows these rows that is one statement, and otherwise a transaction.
        """
        keys = sorted({key for ask in group for key in ask.keys})
        given = self._given() if self._given else None
        if not self._locks and all(key in self._seen for key in keys):
            rows = Rows({key: self._seen[key] for key in keys}, self._clock() + self._ahead_s)
            if self._swapped(rows, keys, group, given, until):
                return
            self._locks = _LOCKS
        self._locks = max(0, self._locks - 1)
        self._connections.transact(
            lambda database: self._locked(database, keys, group, given), until
        )

    def _swapped(
        self,
        rows: Rows,
        keys: Sequence[Key],
        group: Sequence[Ask],
        given: float | None,
        until: float,
    ) -> bool:
        """Whether these rows were what they still are."""
        seen = [self._seen.pop(key) for key in keys]  # Unknown, until it is known what came of it.
        _work(rows, group)
        kept, forget_at = zip(*[rows.kept.get(key, _AS_IT_IS) for key in keys], strict=True)
        values = (*_columns(keys), seen, [*kept], [*forget_at], given, rows.at, rows.within_s)
        at, swapped = self._connections.append(lambda database: one(database, _SWAP, values), until)
        if swapped:
            self._ahead_s += at - rows.at
            self._learn(rows, keys)
        return swapped

    def _locked(
        self, database: Connection, keys: Sequence[Key], group: Sequence[Ask], given: float | None
    ) -> None:
        """Do it with rows that nobody else changes meanwhile, each locked in the same order."""
        asked_at = self._clock()
        bodies, at = one(database, _LOCK, (*_columns(keys), given))
        rows = Rows(dict(zip(keys, bodies, strict=True)), at)
        _work(rows, group)
        if rows.kept:
            kept = [(*key, *row) for key, row in rows.kept.items()]
            database.execute(_KEEP, [list(column) for column in zip(*kept, strict=True)])
        self._ahead_s = at - asked_at
        self._learn(rows, keys)

    def _learn(self, rows: Rows, keys: Iterable[Key]) -> None:
        """Take in what rows have become."""
        if len(self._seen) > _SEEN_MAX:
            self._seen.clear()
        self._seen |= {key: rows.body(key) for key in keys}


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in keys], [name for _, name in keys]


def _work(rows: Rows, group: Sequence[Ask]) -> None:
    for ask in group:
        ask.answer = ask.work(rows)
