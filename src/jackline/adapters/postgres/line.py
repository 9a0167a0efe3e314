"""A connection of a process's own, that hears what others say, and is made again when it is lost.

LISTEN is the connection's: behind a pooler that lends a connection for each transaction it hears
nothing, and everybody then finds out by looking, now and then.
"""

import asyncio
import logging
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import psycopg
from psycopg import AsyncConnection, Notify

from jackline.adapters.postgres.address import direct_options, place
from jackline.adapters.postgres.faults import store_error
from jackline.adapters.postgres.news import CHANNEL

_LOG = logging.getLogger("jackline")
_GATHER_S = 0.004
_BEHIND_MAX = 10_000
_BEAT_S = 1.0
_DEAF_S = 16.0
_PAUSE_S, _PAUSE_MAX_S = 0.05, 5.0
# Nothing that is said here has to outlive the server.
_BEGIN = f"SET synchronous_commit = off; LISTEN {CHANNEL}"


class Party(Protocol):
    """Who speaks and listens on a line."""

    def begin(self, *, again: bool) -> None:
        """Begin on a new connection. `again`: what was said since the last one is not heard."""
        ...

    def beat(self) -> None:
        """Do what is done every second."""
        ...

    async def hear(self, database: AsyncConnection, payloads: Sequence[str]) -> None:
        """Take in what others have said, in the order in which they did."""
        ...

    async def send(self, database: AsyncConnection) -> None:
        """Say what there is to say."""
        ...


class Line:
    """Keeps a party in touch with others, with one statement for what comes within a few ms."""

    def __init__(self, url: str, party: Party) -> None:
        self._options = direct_options(url)
        self._place = place(url)
        self._party = party
        self._bell = asyncio.Event()
        self._idle = asyncio.Event()
        self._rung = self._is_ripe = self._is_sending = False
        self._was_there = self._is_lost = False
        self._sent_at = self._beat_at = 0.0
        self._pause_s = _PAUSE_S
        self._pid = 0
        self._heard_at = -math.inf
        self._payloads: list[str] = []

    @property
    def hears(self) -> bool:
        """Whether it has heard at least itself of late, which behind a pooler it may not."""
        now = asyncio.get_running_loop().time()
        return not self._is_lost and now < self._heard_at + _DEAF_S

    def ring(self) -> None:
        """Say that there is something to send. It is sent at once, or with what else comes."""
        if not self._rung:
            self._rung = True
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._sent_at + _GATHER_S), self._ripen)

    async def flush(self, wait_s: float) -> None:
        """Return when all is sent, at the latest after `wait_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._rung or self._is_sending:
                    self._idle.clear()
                    await self._idle.wait()

    async def run(self) -> None:
        """Connect, and again whenever the connection is lost, until cancelled."""
        while True:
            try:
                await self._connect()
            except (psycopg.Error, OSError) as error:
                self._lose(error)
            except Exception:  # noqa: BLE001 - a bug in what only brings news ends no process
                _LOG.exception("A bug in what brings news from %s: it begins anew.", self._place)
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _PAUSE_MAX_S)

    async def _connect(self) -> None:
        connecting = AsyncConnection[Any].connect(self._options, autocommit=True)
        async with await connecting as database:
            self._pid = database.info.backend_pid
            database.add_notify_handler(self._keep)
            await database.execute(_BEGIN)
            self._begin()
            while True:
                await self._serve(database)

    def _begin(self) -> None:
        if self._is_lost:
            _LOG.warning("News from %s come again.", self._place)
        self._pause_s, self._is_lost, self._payloads = _PAUSE_S, False, []
        self._party.begin(again=self._was_there)
        self._was_there = self._rung = True
        self._ripen()

    def _lose(self, error: Exception) -> None:
        """Say once that others are not heard."""
        if not self._is_lost:
            why = store_error(error, self._place) if isinstance(error, psycopg.Error) else error
            _LOG.warning("News from other processes are late until this is over: %s", why)
        self._is_lost = True

    async def _serve(self, database: AsyncConnection) -> None:
        await self._wait(database)
        if asyncio.get_running_loop().time() >= self._beat_at:
            self._beat_at = asyncio.get_running_loop().time() + _BEAT_S
            self._party.beat()
        if self._payloads:
            payloads, self._payloads = self._payloads, []
            await self._party.hear(database, payloads)
        if self._is_ripe:
            await self._send(database)

    async def _send(self, database: AsyncConnection) -> None:
        self._is_ripe = self._rung = False
        self._is_sending = True
        self._sent_at = asyncio.get_running_loop().time()
        try:
            await self._party.send(database)
        finally:
            self._is_sending = False
            self._idle.set()

    async def _wait(self, database: AsyncConnection) -> None:
        """Return when there is something to send, or to hear, or a second is over."""
        loop, socket = asyncio.get_running_loop(), database.fileno()
        if not self._payloads:
            timer = loop.call_at(self._beat_at, self._bell.set)
            loop.add_reader(socket, self._bell.set)
            try:
                await self._bell.wait()
            finally:
                loop.remove_reader(socket)
                timer.cancel()
        self._bell.clear()
        database.pgconn.consume_input()
        while found := database.pgconn.notifies():
            self._keep(Notify(CHANNEL, found.extra.decode("ascii", "replace"), found.be_pid))

    def _keep(self, notify: Notify) -> None:
        """Keep what others say until it is taken in. What is too much is as good as lost."""
        self._heard_at = asyncio.get_running_loop().time()
        if notify.pid == self._pid:
            return
        if len(self._payloads) >= _BEHIND_MAX:
            self._payloads.clear()
            self._party.begin(again=True)
            self.ring()
        self._payloads.append(notify.payload)

    def _ripen(self) -> None:
        self._is_ripe = True
        self._bell.set()
