"""Rates, breakers and paces that all workers on one database share."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from psycopg import Connection

from jackline.adapters.postgres.connections import Connections
from jackline.adapters.postgres.lanes import Lanes
from jackline.adapters.postgres.rate_rows import Ask, RateRows, Rows, Work
from jackline.core.admission import (
    AT_REST,
    PASSED,
    UNKNOWN,
    Key,
    Standing,
    Ticket,
    Toll,
    Went,
    enter,
    kept_s,
    leave,
    open_s,
    resolution_s,
    settle,
    window_s,
)
from jackline.core.codec import pack_rate, unpack_buckets, unpack_standing
from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.core.rates import Buckets, Quotas
from jackline.core.value import Value
from jackline.ports import Clock

T = TypeVar("T")

_LOOK_S = 1.0  # So long another worker may not know yet what has failed here.
_SWEEP_LOOKS = 600
_TOGETHER = 256
_STANDS = "stands/"
_LOOK = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT now.at, b.name, b.body FROM now LEFT JOIN jackline.bucket AS b
        ON b.tenant = '' AND b.name >= 'stands/' AND b.name < 'stands0' AND b.forget_at > now.at
"""
_SWEEP = """
    DELETE FROM jackline.bucket AS b USING (
        SELECT tenant, name FROM jackline.bucket WHERE forget_at <= jackline.time_1(%s)
        LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE b.tenant = old.tenant AND b.name = old.name
"""


class Owed(Value, frozen=True):
    """What a call held in a rate, as (time, tokens), and has turned out to use."""

    quotas: Quotas
    held: tuple[float, int]
    used: int


Debts = Mapping[Key, Sequence[Owed]]


class PostgresRates:
    """`Rates` in a database: the same rules as in one process, within a transaction.

    A call that counts for a rate, or fails, costs a short transaction, and others cost none; what
    comes while one is under way shares the next. That is one statement where nobody else has
    been at these rows since, and otherwise they are locked. What others found is read once a
    second. What a reply did not use goes back with the next call that counts for the same rate,
    or within a second. `clock` stands for the server's clock in a test.
    """

    def __init__(self, connections: Connections, lanes: Lanes, clock: Clock | None) -> None:
        self.troubled: dict[str, Standing] = {}
        self._connections = connections
        self._lanes = lanes
        self._clock = clock
        self._known_at: dict[str, float] = {}
        self._at = 0.0
        self._debts: defaultdict[Key, list[Owed]] = defaultdict(list)
        self._rows = RateRows(connections, clock)
        self._asks: list[Ask] = []
        self._turn = asyncio.Lock()

    def open_s(self, toll: Toll) -> float:
        """See `Rates.open_s`. It goes by the time of the last look."""
        return open_s(toll, self.troubled.get(toll.name, AT_REST), self._at)

    async def enter(self, toll: Toll) -> Ticket:
        """See `Rates.enter`."""
        standing = self.troubled.get(toll.name, AT_REST)
        if not toll.rates and not standing.bars:
            return PASSED
        debts, stands = self._taken(toll.rates), standing is not AT_REST
        mine = [_stands(toll)] if stands else []
        work = partial(_enter, toll=toll, debts=debts, stands=stands)
        try:
            return self._learned(toll, await self._settling(debts, [*toll.rates, *mine], work))
        except (StoreError, UnknownOutcomeError):
            return UNKNOWN

    async def leave(self, toll: Toll, ticket: Ticket, went: Went) -> None:
        """See `Rates.leave`."""
        if went.used is not None:
            held = ticket.at, toll.tokens
            for key, quotas in toll.rates.items():
                if quotas.tokens and went.used != toll.tokens:
                    self._debts[key].append(Owed(quotas, held, went.used))
        says = ticket.probe or went.too_many or went.ok is False
        if not says and not (went.ok and toll.name in self.troubled):
            return
        try:
            work = partial(_leave, toll=toll, ticket=ticket, went=went)
            told = await self._asked([_stands(toll)], work)
            self._learned(toll, told)
        except (StoreError, UnknownOutcomeError):
            return  # The next append says so louder, and counts for more.

    async def watch(self) -> None:
        """See `Rates.watch`."""
        looks = 0
        while True:
            try:
                await self.exchange()
                if looks % _SWEEP_LOOKS == 0:
                    await self._write(_sweep)
            except (StoreError, UnknownOutcomeError):
                looks = 0  # The worker says so: it looks as often.
            looks += 1
            await asyncio.sleep(_LOOK_S)

    async def exchange(self) -> None:
        """See `Rates.exchange`."""
        if debts := self._taken(list(self._debts)):
            await self._settling(debts, list(debts), partial(_pay, debts=debts))
        until = self._connections.until()
        at, standings = await self._lanes.run(
            lambda: self._connections.read(lambda database: _look(database, self._given()), until)
        )
        for name in [*self.troubled.keys() | standings.keys()]:
            if self._known_at.get(name, 0.0) <= at:
                self._keep(name, standings.get(name, AT_REST), at)
        self._at = at

    def _taken(self, keys: Sequence[Key] | Mapping[Key, object]) -> Debts:
        return {key: self._debts.pop(key) for key in keys if key in self._debts}

    async def _settling(self, debts: Debts, keys: Sequence[Key], work: Work[T]) -> T:
        """Run work that settles debts. They stay where it surely did not."""
        try:
            return await self._asked(keys, work)
        except StoreError:
            for key, owed in debts.items():
                self._debts[key] += owed
            raise

    async def _asked(self, keys: Sequence[Key], work: Work[T]) -> T:
        """Run work on these rows, in one transaction with whoever waits for the same turn.

        A row that all want is locked once for all of them, and nobody waits with a connection.
        """
        ask = Ask(keys, work)
        self._asks.append(ask)
        try:
            async with self._turn:
                while not ask.ended:
                    group, self._asks = self._asks[:_TOGETHER], self._asks[_TOGETHER:]
                    await self._answer(group)
        except asyncio.CancelledError:
            if ask in self._asks:
                self._asks.remove(ask)
            raise
        if ask.error:
            raise ask.error
        return ask.answer

    async def _answer(self, group: Sequence[Ask]) -> None:
        """Answer all of them, or give each the error."""
        until = self._connections.until()

        def commit() -> None:
            try:
                self._rows.answer(group, until)
            except Exception as error:  # noqa: BLE001 - it is raised by each of those who asked
                for ask in group:
                    ask.error = error
            for ask in group:
                ask.ended = True

        try:
            await self._lanes.run(commit)
        finally:
            self._asks = [*(ask for ask in group if not ask.ended), *self._asks]

    async def _write(self, work: Callable[[Connection, float | None], T]) -> T:
        given, until = self._given(), self._connections.until()
        return await self._lanes.run(
            lambda: self._connections.transact(lambda database: work(database, given), until)
        )

    def _given(self) -> float | None:
        return self._clock() if self._clock else None

    def _learned(self, toll: Toll, told: tuple[Ticket, Standing | None, float]) -> Ticket:
        ticket, standing, at = told
        if standing is not None:
            self._keep(toll.name, standing, at)
        return ticket

    def _keep(self, name: str, standing: Standing, at: float) -> None:
        self._known_at[name] = at
        self._at = max(self._at, at)
        if standing == AT_REST:
            self.troubled.pop(name, None)
        else:
            self.troubled[name] = standing


def _enter(
    rows: Rows, toll: Toll, debts: Debts, *, stands: bool
) -> tuple[Ticket, Standing | None, float]:
    """Take what the call needs, with what is owed given back before."""
    buckets = {key: unpack_buckets(rows.body(key)) for key in toll.rates}
    for key, owed in debts.items():
        buckets[key] = _settled(buckets[key], owed, rows.at)
    before = unpack_standing(rows.body(_stands(toll))) if stands else AT_REST
    standing, taken, ticket = enter(toll, before, buckets, rows.at)
    for key in [*debts, *taken]:
        _keep_buckets(rows, key, taken.get(key, buckets[key]), toll.rates[key])
    if standing != before:
        _keep_standing(rows, toll, standing)
    return ticket, standing if stands else None, rows.at


def _leave(rows: Rows, toll: Toll, ticket: Ticket, went: Went) -> tuple[Ticket, Standing, float]:
    """Remember how a call went."""
    before = unpack_standing(rows.body(_stands(toll)))
    standing = leave(toll, before, ticket, went, rows.at)
    if standing != before:
        _keep_standing(rows, toll, standing)
    return ticket, standing, rows.at


def _pay(rows: Rows, debts: Debts) -> None:
    """Give back what is owed."""
    for key, owed in debts.items():
        buckets = _settled(unpack_buckets(rows.body(key)), owed, rows.at)
        _keep_buckets(rows, key, buckets, owed[0].quotas)


def _settled(buckets: Buckets, owed: Sequence[Owed], now: float) -> Buckets:
    for each in owed:
        buckets = settle(each.quotas, buckets, each.held, each.used, now)
    return buckets


def _keep_buckets(rows: Rows, key: Key, buckets: Buckets, quotas: Quotas) -> None:
    """Put what was taken in place of its row's body. Two takings may be misdated, each by half."""
    rows.keep(key, pack_rate(buckets), window_s(quotas), resolution_s(quotas) / 2)


def _keep_standing(rows: Rows, toll: Toll, standing: Standing) -> None:
    """Put how something stands in place of its row's body."""
    rests = standing == AT_REST
    rows.keep(_stands(toll), b"" if rests else pack_rate(standing), 0 if rests else kept_s(toll))


def _stands(toll: Toll) -> Key:
    return "", _STANDS + toll.name


def _look(database: Connection, given: float | None) -> tuple[float, Mapping[str, Standing]]:
    """Return the time, and how those stand of which something is remembered."""
    rows = database.execute(_LOOK, (given,), binary=True).fetchall()
    cut = len(_STANDS)
    return rows[0][0], {name[cut:]: unpack_standing(body) for _, name, body in rows if name}


def _sweep(database: Connection, given: float | None) -> None:
    """Delete what says nothing any more."""
    database.execute(_SWEEP, (given,))
