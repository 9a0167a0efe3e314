"""Lists are read in parts, and show what somebody may see of what they asked for."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.interfaces.house import client, house, shown

from jackline.adapters.postgres import archive as postgres_archive
from jackline.adapters.sqlite import archive as sqlite_archive
from jackline.adapters.sqlite.store import open_sqlite
from jackline.ports import Listing


def test_a_list_is_read_in_parts_by_a_cursor_that_only_its_tenant_can_use() -> None:
    async def story() -> None:
        async with house() as (_, app), client(app) as anybody:

            async def listed(who: Any, status: int = 200, **wanted: Any) -> Any:
                said = await anybody.get("/v1/sessions", params=wanted, headers=who)
                assert said.status_code == status, said.text
                return said.json()

            ann, eve = shown("ann", "heron", "user"), shown("eve", "heron", "viewer")
            bob, bea = shown("bob", "heron", "user"), shown("bea", "bittern", "user")
            for who, names in ((ann, "abcde"), (bob, "fg"), (bea, "abc")):
                for name in names:
                    asked = {"agent": "clerk", "session": name}
                    made = await anybody.post("/v1/sessions", json=asked, headers=who)
                    assert made.status_code == 201

            found, cursor = "", ""
            for _ in range(3):
                page = await listed(ann, limit=2, cursor=cursor)
                found += "".join(each["session"] for each in page["sessions"])
                cursor = page["next"] or ""
            assert (found, cursor) == ("edcba", "")
            page = await listed(eve, limit=5)
            assert [each["session"] for each in page["sessions"]] == list("gfedc")
            rest = await listed(eve, limit=5, cursor=page["next"])
            assert [each["session"] for each in rest["sessions"]] == list("ba")
            await listed(bea, 422, cursor=page["next"])
            for wrong in ("a", page["next"][:-2], "\0", "é" * 9, "a" * 401):
                await listed(eve, 422, cursor=wrong)
            assert len((await listed(eve, user="bob"))["sessions"]) == 2
            assert (await listed(ann, user="bob"))["sessions"] == []
            assert len((await listed(eve, agent="clerk", state="idle"))["sessions"]) == 7
            assert (await listed(eve, agent="nobody"))["sessions"] == []
            assert (await listed(eve, waiting=True))["sessions"] == []
            for wrong in ({"state": "asleep"}, {"user": "\0"}, {"limit": 0}, {"color": "red"}):
                await listed(eve, 422, **wrong)

    asyncio.run(story())


WANTED = (
    Listing(),
    Listing(user="ann", before=7),
    Listing(agent="clerk", state="idle", before=7),
    Listing(waiting=True),
)


@pytest.mark.parametrize("listing", WANTED, ids=repr)
def test_a_list_is_one_walk_along_an_index_in_sqlite(listing: Listing, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    open_sqlite(path).close()
    with closing(sqlite3.connect(path)) as database:
        sql = sqlite_archive.listing_sql(listing)
        values = (0.0, "acme", listing.before, listing.user, listing.agent, listing.state, 50)
        plan = database.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    steps = [step for *_, step in plan]
    assert not any("TEMP B-TREE" in step or "SCAN session" in step for step in steps), steps
    index = "session_opener" if listing.user else "session_"
    assert any("SEARCH session USING INDEX" in step and index in step for step in steps), steps


@pytest.mark.parametrize("listing", WANTED, ids=repr)
def test_a_list_is_one_walk_along_an_index_in_postgres(listing: Listing, postgres_url: str) -> None:
    values = {name: getattr(listing, name) for name in listing.__struct_fields__}
    with psycopg.connect(postgres_url) as database:
        database.execute("SET enable_seqscan = off")
        database.execute("SET enable_bitmapscan = off")
        explained = "EXPLAIN " + postgres_archive.listing_sql(listing)
        plan = database.execute(explained, {**values, "tenant": "acme", "given": 0.0}).fetchall()
    steps = "\n".join(step for (step,) in plan)
    assert "Sort" not in steps, steps
    assert "Index Scan Backward" in steps, steps
