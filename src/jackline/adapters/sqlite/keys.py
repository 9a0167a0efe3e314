"""API keys in SQLite."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from jackline.adapters import keys
from jackline.adapters.sqlite.writer import Work
from jackline.ports import ApiKey, Clock, KeyFound

_LISTED_MAX = 10_000
_COLUMNS = ", ".join(keys.COLUMNS)
_ADD = f"""
    INSERT INTO api_key ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - they stand in `COLUMNS`
_EXIST = "SELECT 1 FROM api_key LIMIT 1"
_FIND = f"SELECT {_COLUMNS}, hash FROM api_key WHERE prefix = ?"  # noqa: S608 - as above
_LISTED = f"""
    SELECT {_COLUMNS} FROM api_key WHERE tenant = ?
    ORDER BY made_at DESC, prefix LIMIT {_LISTED_MAX}
"""  # noqa: S608 - as above
_REVOKE = f"""
    UPDATE api_key SET revoked_at = coalesce(revoked_at, ?) WHERE tenant = ? AND prefix = ?
    RETURNING {_COLUMNS}
"""  # noqa: S608 - as above
Write = Callable[[Work], Awaitable[Any]]
Read = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]


class SqliteKeys:
    """`Keys` in the store's file. `clock` tells its time to who only reads."""

    def __init__(self, write: Write, read: Read, clock: Clock) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    async def add(self, key: ApiKey, digest: bytes, lives_s: float | None) -> ApiKey:
        """See `Keys.add`."""

        def work(database: sqlite3.Connection, at: float) -> ApiKey:
            """Insert it."""
            made = keys.dated(key, at, lives_s)
            if not database.execute(_ADD, (*keys.written(made), digest)).rowcount:
                raise keys.taken(key.prefix)
            return made

        return await self._write(work)

    async def exist(self) -> bool:
        """See `Keys.exist`."""
        return bool(await self._read(lambda database: database.execute(_EXIST).fetchone()))

    async def find(self, prefix: str) -> KeyFound | None:
        """See `Keys.find`."""
        row = await self._read(lambda database: database.execute(_FIND, (prefix,)).fetchone())
        return KeyFound(keys.read(row[:-1]), row[-1], self._clock()) if row else None

    async def listed(self, tenant: str) -> list[ApiKey]:
        """See `Keys.listed`."""
        rows = await self._read(lambda database: database.execute(_LISTED, (tenant,)).fetchall())
        return [keys.read(row) for row in rows]

    async def revoke(self, tenant: str, prefix: str) -> ApiKey:
        """See `Keys.revoke`."""

        def work(database: sqlite3.Connection, at: float) -> ApiKey:
            """Mark it."""
            row = database.execute(_REVOKE, (at, tenant, prefix)).fetchone()
            if row is None:
                raise keys.unknown(prefix)
            return keys.read(row)

        return await self._write(work)
