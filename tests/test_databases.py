"""What one test leaves in a database is not there for the next."""

from collections.abc import Generator
from contextlib import closing

import psycopg
import pytest
from tests.postgres import Databases

LIMITED = """
    DO $$ BEGIN
        EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET lock_timeout = 200',
            current_database());
    END $$
"""
REWRITTEN = """
    CREATE OR REPLACE FUNCTION jackline.time_after_1(last double precision, given double precision)
    RETURNS double precision LANGUAGE sql AS 'SELECT given'
"""


@pytest.fixture(scope="module")
def databases(postgres_server: str, postgres_template: str) -> Generator[Databases]:
    with closing(Databases(postgres_server, postgres_template)) as made:
        yield made


def place(url: str) -> object:
    """Return what stays the same where a database has only been given another name."""
    return said(url, "SELECT oid FROM pg_database WHERE datname = current_database()")


def said(url: str, sql: str) -> object:
    with psycopg.connect(url) as database:
        row = database.execute(sql.encode()).fetchone()
        return row and row[0]


def test_the_next_one_finds_no_rows_and_is_out_of_reach_of_who_was_there(
    databases: Databases,
) -> None:
    with databases.lend() as first:
        left_over = psycopg.connect(first, autocommit=True)
        left_over.execute("INSERT INTO jackline.bucket (tenant, name) VALUES ('t', 'left')")
        left_over.execute("UPDATE jackline.clock SET ahead = 5, latest = 7")
        left_over.execute("SELECT nextval('jackline.delta_batch')")
        used = place(first)
    with databases.lend() as second:
        assert place(second) == used
        assert said(second, "SELECT count(*) FROM jackline.bucket") == 0
        assert said(second, "SELECT ahead + latest FROM jackline.clock") == 0
        assert said(second, "SELECT nextval('jackline.delta_batch')") == 1
        with pytest.raises(psycopg.OperationalError):
            left_over.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(first)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE mine (no int)",
        "ALTER TABLE jackline.event ADD CHECK (seq < 4)",
        "DROP INDEX jackline.session_source",
        "GRANT SELECT ON jackline.event TO PUBLIC",
        "DELETE FROM jackline.migration",
        LIMITED,
        REWRITTEN,
    ],
)
def test_one_that_was_changed_is_not_used_again(databases: Databases, change: str) -> None:
    with databases.lend() as first:
        with psycopg.connect(first) as database:
            database.execute(change.encode())
        used = place(first)
    with databases.lend() as second:
        assert place(second) != used
