"""A tool in the journal's own transaction: what it may not do, and what cannot trick it."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from jackline import Agent, Runtime, ToolCall, tool
from jackline.adapters.sqlite.store import SqliteStore, open_sqlite
from jackline.adapters.sqlite.transact import Connection
from jackline.core.events import SessionId, ToolFailed, ToolReturned
from jackline.core.messages import Text
from jackline.testing import ScriptedModel
from jackline.testing.conformance import ManualClock
from jackline.testing.conformance.world import S1, driven, head, submitted

RETURNED = ToolReturned("k", (Text("Yes."),))
Tool = Callable[[Connection], ToolReturned]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def store(file: Path, clock: ManualClock) -> Generator[SqliteStore]:
    with closing(open_sqlite(file, clock=clock)) as made:
        asyncio.run(driven(made))
        asyncio.run(made.transact(S1, 1, 2, statements("CREATE TABLE shop (id INTEGER UNIQUE)")))
        yield made


def statements(*each: str) -> Tool:
    def tool(connection: Connection) -> ToolReturned:
        for statement in each:
            connection.execute(statement)
        return RETURNED

    return tool


def shop(store: SqliteStore) -> list[int]:
    found: list[int] = []

    def tool(connection: Connection) -> ToolReturned:
        found.extend(number for (number,) in connection.execute("SELECT id FROM shop ORDER BY id"))
        return RETURNED

    asyncio.run(store.transact(S1, 1, 2, tool))
    return found


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("COMMIT", "begin or end a transaction"),
        ("rollback", "begin or end a transaction"),
        ("SAVEPOINT x", "savepoints"),
        ("RELEASE job", "savepoints"),
        ("PRAGMA synchronous = OFF", "PRAGMA"),
        ("SELECT * FROM pragma_table_list", "PRAGMA"),
        ("ATTACH ':memory:' AS other", "attach"),
        ("VACUUM", "VACUUM"),
        ("CREATE TEMP TABLE event (x)", "'event'"),
        ("CREATE TEMP TABLE mine (x)", "temporary"),
        ("CREATE TEMP TRIGGER t AFTER INSERT ON shop BEGIN SELECT 1; END", "temporary"),
        ("CREATE TABLE temp.mine (x)", "temporary"),
        ("CREATE VIEW temp.mine AS SELECT 1", "views"),
        ("CREATE VIRTUAL TABLE temp.mine USING rtree (a, b, c)", "virtual tables"),
        ("CREATE VIRTUAL TABLE mine USING fts4 (body, content='event')", "virtual tables"),
        ("CREATE VIEW mine AS SELECT * FROM session", "views"),
        ("CREATE TRIGGER t AFTER INSERT ON shop BEGIN DELETE FROM event; END", "triggers"),
        ("CREATE TABLE mine (no INTEGER REFERENCES session (no) ON DELETE CASCADE)", "'mine'"),
        ("CREATE TABLE mine (x, FOREIGN KEY (x) REFERENCES Event (id))", "'mine'"),
        ('ALTER TABLE shop ADD COLUMN s REFERENCES "session" (no) ON DELETE SET NULL', "'shop'"),
        ("ANALYZE shop", "ANALYZE"),
        ("SELECT body FROM Event", "'event'"),
        ("SELECT (SELECT max(epoch) FROM main.session)", "'session'"),
        ("WITH s AS (SELECT * FROM api_key) SELECT * FROM s", "'api_key'"),
        ("INSERT INTO shop SELECT no FROM session", "'session'"),
        ("CREATE TRIGGER t AFTER INSERT ON event BEGIN SELECT 1; END", "'event'"),
        ("CREATE INDEX i ON session (worker)", "'session'"),
        ("ALTER TABLE migration RENAME TO old", "'migration'"),
        ("SELECT load_extension('x')", "extension"),
    ],
)
def test_what_is_not_the_tools_is_denied(store: SqliteStore, statement: str, reason: str) -> None:
    tool = statements("INSERT INTO shop VALUES (1)", statement)
    with pytest.raises(sqlite3.DatabaseError, match=reason):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert shop(store) == []
    assert asyncio.run(store.tell(S1, [submitted("r2")])).seq == 6, "the journal goes on"


def test_a_statement_that_the_journal_has_prepared_is_denied_too(store: SqliteStore) -> None:
    sql = "SELECT no, epoch, head FROM session WHERE tenant = ? AND name = ?"

    def tool(connection: Connection) -> ToolReturned:
        connection.execute(sql, ("acme", "s1"))
        return RETURNED

    with pytest.raises(sqlite3.DatabaseError, match="session"):
        asyncio.run(store.transact(S1, 1, 2, tool))


def test_a_trigger_that_others_made_reaches_no_further(store: SqliteStore, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as others:
        others.execute(
            "CREATE TRIGGER t AFTER INSERT ON shop BEGIN UPDATE session SET epoch = 99; END"
        )
    with pytest.raises(sqlite3.DatabaseError, match="session"):
        asyncio.run(store.transact(S1, 1, 2, statements("INSERT INTO shop VALUES (1)")))
    assert asyncio.run(store.sessions("acme"))[0].epoch == 1


def test_a_table_cannot_be_renamed_to_hide_the_journals_own(store: SqliteStore) -> None:
    tool = statements("CREATE TABLE temp.mine (no, tenant)", "ALTER TABLE mine RENAME TO session")
    with pytest.raises(sqlite3.DatabaseError, match="temporary"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert asyncio.run(store.tell(S1, [submitted("r2")])).seq == 5


def test_a_refusal_that_a_tool_swallows_is_a_refusal(store: SqliteStore) -> None:
    refers = statements("CREATE TABLE mine (no INTEGER REFERENCES session (no))")

    def tool(connection: Connection) -> ToolReturned:
        with suppress(sqlite3.DatabaseError):
            refers(connection)
        return RETURNED

    with pytest.raises(sqlite3.DatabaseError, match="refer"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert asyncio.run(head(store)) == 4


def test_how_the_journals_statements_are_planned_is_not_the_tools(
    store: SqliteStore, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as operator:
        operator.execute("ANALYZE")
    worse = statements("INSERT INTO sqlite_stat1 VALUES ('session', 'session_name', '1 1')")
    with pytest.raises(sqlite3.DatabaseError, match="planned"):
        asyncio.run(store.transact(S1, 1, 2, worse))
    asyncio.run(store.transact(S1, 1, 2, statements("DROP TABLE shop")))


def test_tables_of_the_tools_own_may_refer_to_each_other(store: SqliteStore) -> None:
    tool = statements("CREATE TABLE line (shop INTEGER REFERENCES shop (id) ON DELETE CASCADE)")
    assert asyncio.run(store.transact(S1, 1, 2, tool)).event == RETURNED


def test_what_rolls_all_of_it_back_ends_the_tool(store: SqliteStore) -> None:
    def tool(connection: Connection) -> ToolReturned:
        connection.execute("INSERT INTO shop VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT OR ROLLBACK INTO shop VALUES (1)")
        connection.execute("INSERT INTO shop VALUES (2)")
        return RETURNED

    with pytest.raises(sqlite3.ProgrammingError, match="ended"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert shop(store) == []


def test_a_tool_that_swallows_the_rollback_is_not_believed(store: SqliteStore) -> None:
    def tool(connection: Connection) -> ToolReturned:
        connection.execute("INSERT INTO shop VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT OR ROLLBACK INTO shop VALUES (1)")
        return RETURNED

    with pytest.raises(sqlite3.OperationalError, match="rolled back"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert asyncio.run(head(store)) == 4


def test_a_statement_that_runs_for_too_long_is_interrupted(
    store: SqliteStore, clock: ManualClock
) -> None:
    forever = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT count(*) FROM n"

    def tool(connection: Connection) -> ToolReturned:
        connection.execute("INSERT INTO shop VALUES (1)")
        clock.advance(1.5)
        connection.execute(forever).fetchone()
        return RETURNED

    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert shop(store) == []


def test_a_tool_that_takes_too_long_elsewhere_has_written_nothing(
    store: SqliteStore, clock: ManualClock
) -> None:
    def tool(connection: Connection) -> ToolReturned:
        connection.execute("INSERT INTO shop VALUES (1)")
        clock.advance(1.5)
        return RETURNED

    with pytest.raises(TimeoutError):
        asyncio.run(store.transact(S1, 1, 2, tool))
    assert shop(store) == []


def test_a_call_that_takes_too_long_fails_and_its_turn_goes_on(file: Path) -> None:
    clock = ManualClock()

    @tool(effect="transactional")
    def slow() -> str:
        """Take too long."""
        clock.advance(1.5)
        return "Done."

    async def run() -> None:
        agent = Agent("clerk", ScriptedModel([[ToolCall("slow", "{}")], "Well."]), tools=[slow])
        async with Runtime([agent], store=open_sqlite(file, clock=clock)) as runtime:
            result = await runtime.run("clerk", "Go.", session="s")
            assert (result.outcome, result.text) == ("completed", "Well.")
            records = await runtime.store.read(SessionId("default", "s"))
            [failed] = [each.event for each in records if isinstance(each.event, ToolFailed)]
            assert "nothing was written" in failed.text

    asyncio.run(asyncio.wait_for(run(), 20))


def test_rows_come_as_sqlite_gives_them(store: SqliteStore) -> None:
    def tool(connection: Connection) -> ToolReturned:
        inserted = connection.executemany("INSERT INTO shop VALUES (?)", [(1,), (2,), (3,)])
        assert inserted.rowcount == 3
        rows = connection.execute("SELECT id AS number FROM shop WHERE id > :least", {"least": 1})
        assert rows.description[0][0] == "number"
        assert rows.fetchone() == (2,)
        assert rows.fetchall() == [(3,)]
        assert rows.fetchone() is None
        assert connection.execute("INSERT INTO shop VALUES (9)").lastrowid == 4
        return RETURNED

    asyncio.run(store.transact(S1, 1, 2, tool))
    assert shop(store) == [1, 2, 3, 9]


def test_what_the_tool_kept_is_of_no_use_afterwards(store: SqliteStore) -> None:
    kept: list[Connection] = []

    def tool(connection: Connection) -> ToolReturned:
        kept.append(connection)
        raise ValueError("No.")

    with pytest.raises(ValueError, match="No"):
        asyncio.run(store.transact(S1, 1, 2, tool))
    with pytest.raises(sqlite3.ProgrammingError, match="ended"):
        kept[0].execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError, match="ended"):
        kept[0].executemany("INSERT INTO shop VALUES (?)", [(1,)])


def test_a_tools_own_columns_may_be_called_like_the_journals_tables(store: SqliteStore) -> None:
    tool = statements(
        "CREATE TABLE payment (id INTEGER, account TEXT, session TEXT, event TEXT, bucket TEXT)",
        "INSERT INTO payment (id, account) VALUES (1, 'x')",
        "UPDATE payment SET account = 'y', session = 'z'",
        "CREATE INDEX payment_account ON payment (account)",
        "SELECT account, event, bucket FROM payment ORDER BY session",
        "ALTER TABLE payment DROP COLUMN event",
        "DELETE FROM payment WHERE account = 'y'",
    )
    assert asyncio.run(store.transact(S1, 1, 2, tool)).event == RETURNED
