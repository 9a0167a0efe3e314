"""How many transactions a Postgres server commits, whoever asks for them.

A server process adds what it has committed to `pg_stat_database` now and then, and when it ends:
so the count is read once everybody has left the database. Transactions that write are those that
take an id, of which all databases of a server share one sequence.
"""

import time
from typing import NamedTuple
from urllib.parse import urlsplit

_LEAVE_S = 20.0
_LOOK_S = 0.02
_USERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
_COUNTED = """
    SELECT xact_commit, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    FROM pg_stat_database WHERE datname = %s
"""


class Counted(NamedTuple):
    """What a server has committed in one database, and how many ids it has given out."""

    committed: int
    written: int

    def since(self, before: "Counted") -> "Counted":
        """Return what came after `before`."""
        return Counted(self.committed - before.committed, self.written - before.written)


def counted(url: str) -> Counted:
    """Return the counts of a database that nobody uses any more. Raises `TimeoutError`."""
    import psycopg  # noqa: PLC0415 - not every environment has it, nor needs it

    name = urlsplit(url).path.removeprefix("/")
    until_s = time.perf_counter() + _LEAVE_S
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        while server.execute(_USERS, (name,)).fetchone() != (0,):
            if time.perf_counter() > until_s:
                raise TimeoutError(f"somebody still uses {name}")
            time.sleep(_LOOK_S)  # noqa: TID251 - nothing tells when a server process ends
        found = server.execute(_COUNTED, (name,)).fetchone()
    assert found, "the database is there"
    return Counted(*found)
