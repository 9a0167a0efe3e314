"""API keys in Postgres."""

from collections.abc import Awaitable, Callable
from typing import Any, LiteralString

from psycopg import Connection

from jackline.adapters import keys
from jackline.ports import ApiKey, KeyFound

_LISTED_MAX = 10_000
_COLUMNS: LiteralString = (
    'prefix, name, tenant, "user", roles, scopes, made_at, expires_at, revoked_at'
)
_NOW: LiteralString = "WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)"
_ADD = f"""
    {_NOW} INSERT INTO jackline.api_key ({_COLUMNS}, hash)
    SELECT %s, %s, %s, %s, %s, %s, now.at, now.at + %s::double precision, NULL, %s FROM now
    ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - they stand above
_EXIST = "SELECT 1 FROM jackline.api_key LIMIT 1"
_FIND = f"{_NOW} SELECT {_COLUMNS}, hash, now.at FROM jackline.api_key, now WHERE prefix = %s"  # noqa: S608 - as above
_LISTED = f"""
    SELECT {_COLUMNS} FROM jackline.api_key WHERE tenant = %s ORDER BY made_at DESC, prefix LIMIT %s
"""  # noqa: S608 - as above
_REVOKE = f"""
    {_NOW} UPDATE jackline.api_key SET revoked_at = coalesce(revoked_at, now.at) FROM now
    WHERE tenant = %s AND prefix = %s RETURNING {_COLUMNS}
"""  # noqa: S608 - as above
Work = Callable[[Connection, float | None], Any]
Run = Callable[[Work], Awaitable[Any]]


class PostgresKeys:
    """`Keys` in the database: each statement is a transaction."""

    def __init__(self, append: Run, read: Run) -> None:
        self._append = append
        self._read = read

    async def add(self, key: ApiKey, digest: bytes, lives_s: float | None) -> ApiKey:
        """See `Keys.add`."""
        *names, _, _, _ = keys.written(key)

        def work(database: Connection, given: float | None) -> ApiKey:
            """Insert it."""
            row = database.execute(_ADD, (given, *names, lives_s, digest)).fetchone()
            if row is None:
                raise keys.taken(key.prefix)
            return keys.read(row)

        return await self._append(work)

    async def exist(self) -> bool:
        """See `Keys.exist`."""
        return bool(await self._read(lambda database, _: database.execute(_EXIST).fetchone()))

    async def find(self, prefix: str) -> KeyFound | None:
        """See `Keys.find`."""
        row = await self._read(
            lambda database, at: database.execute(_FIND, (at, prefix)).fetchone()
        )
        return KeyFound(keys.read(row[:-2]), row[-2], row[-1]) if row else None

    async def listed(self, tenant: str) -> list[ApiKey]:
        """See `Keys.listed`."""
        told = (tenant, _LISTED_MAX)
        rows = await self._read(lambda database, _: database.execute(_LISTED, told).fetchall())
        return [keys.read(row) for row in rows]

    async def revoke(self, tenant: str, prefix: str) -> ApiKey:
        """See `Keys.revoke`."""

        def work(database: Connection, given: float | None) -> ApiKey:
            """Mark it."""
            row = database.execute(_REVOKE, (given, tenant, prefix)).fetchone()
            if row is None:
                raise keys.unknown(prefix)
            return keys.read(row)

        return await self._append(work)
