"""What only a server can show: its own clock, its locks, and connections that are lost."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from tests import postgres

from jackline import Text
from jackline.adapters.migrations import migrations
from jackline.adapters.postgres import archive, migrate, schema
from jackline.adapters.postgres.store import PostgresStore, open_postgres
from jackline.core.errors import DefinitionError, InputError, StoreError, UnknownOutcomeError
from jackline.core.events import SessionId, SessionOpened, ToolReturned
from jackline.ports import Batch, Committed
from jackline.testing.conformance.world import LEASE_S, S1, driven, head, opened, submitted

RETURNED = ToolReturned("turn/2/model/0/tool/0", (Text("Done."),))
Story = Callable[[PostgresStore], Coroutine[Any, Any, None]]


def told(url: str, story: Story) -> None:
    async def run() -> None:
        with closing(open_postgres(url)) as store:
            async with asyncio.timeout(30):
                await story(store)

    asyncio.run(run())


def execute(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(sql.encode())


def test_the_time_is_the_servers_and_goes_on(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        claimed = await driven(store)
        with psycopg.connect(postgres_url) as database:
            row = database.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        assert row is not None
        assert 0 <= float(row[0]) - claimed.at < 30
        times = [record.at for record in await store.read(S1)]
        assert times == sorted(set(times)), "each transaction has a time of its own"

    told(postgres_url, story)


def test_an_append_to_a_lost_connection_is_unknown_and_the_next_one_goes_on(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        await driven(store)
        execute(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'jackline' AND datname = current_database()",
        )
        with pytest.raises((UnknownOutcomeError, StoreError)):
            while True:
                await store.drive(S1, Batch(1, await head(store), (), 2), LEASE_S)
        known = await patient_head(store)
        batch = Batch(1, known, (RETURNED,), 2)
        assert isinstance(await store.drive(S1, batch, LEASE_S), Committed)
        assert await head(store) == known + 1

    told(postgres_url, story)


async def patient_head(store: PostgresStore) -> int:
    """Return the head, read again where a connection that was ended lay in the pool."""
    while True:
        try:
            return await head(store)
        except StoreError:
            await asyncio.sleep(0)


def test_what_breaks_in_a_commit_is_unknown(postgres_url: str) -> None:
    # The server ends the connection in the midst of the transaction's last statement: COMMIT.
    execute(
        postgres_url,
        """
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON jackline.event
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()
        """,
    )

    async def story(store: PostgresStore) -> None:
        with pytest.raises(UnknownOutcomeError):
            await opened(store)

    told(postgres_url, story)


def test_what_the_database_refuses_is_surely_not_written(postgres_url: str) -> None:
    execute(postgres_url, "ALTER TABLE jackline.event ADD CHECK (seq < 4)")

    async def story(store: PostgresStore) -> None:
        await driven(store)
        with pytest.raises(StoreError, match="cannot be used"):
            await store.drive(S1, Batch(1, 3, (RETURNED,), 2), LEASE_S)
        assert await head(store) == 3

    told(postgres_url, story)


def test_a_tell_that_is_cancelled_while_it_waits_ends_before_its_caller_goes_on(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        await opened(store)
        with psycopg.connect(postgres_url) as database:
            database.execute("SELECT FROM jackline.session FOR UPDATE")
            telling = asyncio.ensure_future(store.tell(S1, [submitted("r1")]))
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            row = None
            while row != (1,):
                row = database.execute(waiting).fetchone()
                await asyncio.sleep(0)
                database.execute("SELECT pg_stat_clear_snapshot()")
            telling.cancel()
            await asyncio.sleep(0)
            assert not telling.done(), "it was begun, so it ends before its caller goes on"
        await asyncio.wait([telling])
        assert await head(store) == 2

    told(postgres_url, story)


def test_what_postgres_cannot_keep_is_bad_input(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        with pytest.raises(InputError):
            await store.open(S1, SessionOpened("support", "a\0b"))

    told(postgres_url, story)


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        open_postgres("postgresql://ann:secret@127.0.0.1:1/journal")
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith("Connection refused.")


def test_a_database_that_is_not_there_is_said_to_be(postgres_url: str) -> None:
    with pytest.raises(
        StoreError, match=r'cannot be reached: .* database "none" does not exist[.]'
    ):
        open_postgres(urlsplit(postgres_url)._replace(path="/none").geturl())


def test_a_url_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(DefinitionError):
        open_postgres("postgresql://ann@db/journal?colour=blue")


def test_many_processes_may_bring_a_database_up_to_date_at_once(postgres_server: str) -> None:
    async def all_at_once(url: str) -> list[int]:
        async with asyncio.TaskGroup() as group:
            work = [asyncio.to_thread(migrate.bring_up_to_date, url) for _ in range(4)]
            tasks = [group.create_task(each) for each in work]
        return sorted(len(task.result()) for task in tasks)

    with postgres.database(postgres_server) as url:
        assert asyncio.run(all_at_once(url)) == [0, 0, 0, len(migrations(schema))]
        assert migrate.bring_up_to_date(url) == []


def test_a_script_that_was_changed_is_refused_and_a_newer_schema_is_not(postgres_url: str) -> None:
    execute(postgres_url, "INSERT INTO jackline.migration VALUES (9999, 'later', 'x', 0)")
    assert migrate.bring_up_to_date(postgres_url) == []
    execute(postgres_url, "UPDATE jackline.migration SET checksum = 'x' WHERE version = 1")
    with pytest.raises(StoreError, match="another 0001_journal"):
        open_postgres(postgres_url)


def test_accounts_that_two_sessions_name_in_another_order_do_not_lock_each_other_out(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        sessions = [SessionId("acme", f"s{n}") for n in range(6)]
        for session in sessions:
            await driven(store, session)
        names = ["a", "b", "c", "d"]
        async with asyncio.TaskGroup() as group:
            for number, session in enumerate(sessions):
                order = names if number % 2 else names[::-1]
                group.create_task(moved(store, session, order))
        totals = [account.held for account in await store.accounts("acme")]
        assert totals == [6 * 20] * 4

    told(postgres_url, story)


async def moved(store: PostgresStore, session: SessionId, names: list[str]) -> None:
    for number in range(20):
        batch = Batch(1, 3 + number, (RETURNED,), 2, moves=dict.fromkeys(names, (1, 0)))
        assert isinstance(await store.drive(session, batch, LEASE_S), Committed)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM jackline.event",
        "UPDATE jackline.session SET epoch = 9",
        "SELECT jackline.time_1(0)",
        "RESET ROLE",
        "/* SELECT */ SET ROLE postgres",
        "SELECT set_config('role', 'none', true)",
        "SELECT 1; COMMIT",
        "CREATE TEMP TABLE t (x int)",
        "SELECT 1 INTO TEMP t",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW v AS SELECT 1",
        "DO $$ BEGIN NULL; END $$",
        "CREATE TABLE jackline.mine (x int)",
        "LOCK TABLE jackline.session",
        "COPY (SELECT 1) TO STDOUT",
        "SELECT pg_sleep(5)",
    ],
)
def test_a_transactional_tool_cannot(statement: str, postgres_url: str) -> None:
    def work(connection: Any) -> ToolReturned:  # of the adapter's own kind
        connection.execute(statement)
        return RETURNED

    async def story(store: PostgresStore) -> None:
        await driven(store)
        with pytest.raises(psycopg.Error):
            await store.transact(S1, 1, 2, work)
        assert await head(store) == 3

    told(postgres_url, story)


def test_a_tool_that_swallows_a_failed_statement_writes_nothing(postgres_url: str) -> None:
    def work(connection: Any) -> ToolReturned:  # as above
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT * FROM nothing")
        return RETURNED

    async def story(store: PostgresStore) -> None:
        await driven(store)
        with pytest.raises(psycopg.Error, match="failed"):
            await store.transact(S1, 1, 2, work)
        assert await head(store) == 3

    told(postgres_url, story)


def test_a_connection_that_a_tool_loses_is_the_stores_failure_and_not_the_tools(
    postgres_url: str,
) -> None:
    def work(connection: Any) -> ToolReturned:  # as above
        [pid] = connection.execute("SELECT pg_backend_pid()").fetchone()
        execute(postgres_url, f"SELECT pg_terminate_backend({pid})")
        try:
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise ValueError("What a tool makes of it.") from error
        return RETURNED

    async def story(store: PostgresStore) -> None:
        await driven(store)
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.transact(S1, 1, 2, work)
        assert await head(store) == 3

    told(postgres_url, story)


def test_a_tool_reads_and_writes_with_parameters(postgres_url: str) -> None:
    def work(connection: Any) -> ToolReturned:  # as above
        connection.execute("CREATE TABLE payment (cents int, note text)")
        rows = [(7, "100 %"), (8, None)]
        assert connection.executemany("INSERT INTO payment VALUES (%s, %s)", rows).rowcount == 2
        found = connection.execute("SELECT cents, note FROM payment WHERE cents > %s", (5,))
        assert found.fetchone() == (7, "100 %")
        assert list(found) == [(8, None)]
        return RETURNED

    async def story(store: PostgresStore) -> None:
        await driven(store)
        assert (await store.transact(S1, 1, 2, work)).seq == 4

    told(postgres_url, story)


def test_databases_of_tests_are_their_own(postgres_server: str, postgres_url: str) -> None:
    assert urlsplit(postgres_server).path != urlsplit(postgres_url).path


def test_to_look_for_what_is_due_reads_nothing_of_what_is_due_later(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await opened(store)
        await store.tell(S1, [submitted("one")])

    told(postgres_url, story)
    execute(
        postgres_url,
        """
        INSERT INTO jackline.session (tenant, name, "user", agent, head, due_at, updated_at)
        SELECT tenant, 'later-' || n, "user", agent, head, due_at + 3600, updated_at
        FROM jackline.session, generate_series(1, 2000) AS n;
        ANALYZE jackline.session
        """,
    )
    with psycopg.connect(postgres_url) as database:
        before = rows_read(database)
        assert archive.due(database, None, ["support"], 20) == [S1]
        assert rows_read(database) - before <= 1


def rows_read(database: psycopg.Connection) -> int:
    """Return how many rows of sessions this transaction has read."""
    row = database.execute(
        "SELECT coalesce(sum(seq_tup_read), 0)::bigint + coalesce(sum(idx_tup_fetch), 0)::bigint"
        " FROM pg_stat_xact_user_tables WHERE schemaname = 'jackline' AND relname = 'session'"
    ).fetchone()
    assert row is not None
    return row[0]
