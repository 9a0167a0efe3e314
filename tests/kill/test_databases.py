"""What becomes of a database under those who share it: it is restarted, replaced, full, or slow."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from tests import postgres
from tests.cli.terminal import jackline
from tests.kill.clerk import World, clerk
from tests.kill.processes import passed
from tests.kill.test_network import answered, desk, sound, told
from tests.kill.test_runtime import USER, Place, killed, kinds, named, office, said
from tests.server import Server, servers, user

from jackline import Runtime, Submission
from jackline.adapters.postgres.store import open_postgres
from jackline.core import events as e
from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.opening import Surroundings
from jackline.runtime.sessions import Sessions

SESSIONS = [f"s{n}" for n in range(12)]
_FILL = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 200)"
APP = """
from pathlib import Path
from jackline import App
from tests.kill.clerk import World, clerk
world = World(Path(), [])
app = App([clerk(world)], deps=world)
"""


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    with servers() as [made]:
        yield made


async def asked(sessions: Sessions, name: str) -> int:
    """Ask for all there is, by the same request id until somebody acknowledges that."""
    while True:
        try:
            session = await sessions.open("clerk", USER, name)
            receipt = await sessions.submit(session, USER, Submission("all", "r1"))
        except (StoreError, UnknownOutcomeError):
            await passed(0.05)
            continue
        assert receipt.turn is not None
        return receipt.turn


def outlived(url: str, folder: Path, falls: Callable[[], None]) -> None:
    """Check that sessions which are asked and driven meanwhile outlive what falls upon the server.

    Whatever was acknowledged is done, and paid once at most.
    """

    async def story() -> None:
        async with desk(url, folder) as there, asyncio.TaskGroup() as group:
            sessions = there.runtime.sessions
            asking = {name: group.create_task(asked(sessions, name)) for name in SESSIONS}
            await asyncio.wait(asking.values(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(falls)
            for name in SESSIONS:
                await answered(there, await asking[name], name)
                await sound(there, name, "r1")
            assert there.world().count("pay") <= len(SESSIONS)

    told(story)


@pytest.mark.parametrize("where", ["tcp", "socket"])
def test_sessions_outlive_a_server_that_is_restarted_under_them(
    where: str, server: Server, tmp_path: Path
) -> None:
    with server.admin() as admin:
        admin.execute(f"CREATE DATABASE {where}".encode())
    url = server.url if where == "tcp" else server.socket_url

    def falls() -> None:
        for _ in range(3):
            server.restart()

    outlived(postgres.with_database(url, where), tmp_path, falls)


@pytest.mark.verify
def test_a_standby_that_takes_over_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    with servers(2) as [first, second]:
        with first.admin() as admin:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            second.copy(first)
            second.start()
            admin.execute("SELECT pg_reload_conf()")

        def falls() -> None:
            first.crash()
            with second.admin() as admin:
                admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
                admin.execute("SELECT pg_reload_conf()")
                assert admin.execute("SELECT pg_promote()").fetchone() == (True,)

        hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        options = "target_session_attrs=read-write"
        outlived(f"postgresql://postgres@{hosts}/postgres?{options}", tmp_path, falls)


@contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    """Mount a disk of 24 MB, for Postgres. Only root may."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    folder.mkdir()
    options = f"size=24m,uid={user()},mode=0700"
    made = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", options, "none", folder],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def test_where_the_disk_is_full_nothing_is_lost_and_with_room_it_goes_on(
    server: Server, tmp_path: Path
) -> None:
    async def story(url: str) -> None:
        async with desk(url, tmp_path) as there:
            await answered(there, await there.asks("all", "before"), "before")
            with psycopg.connect(url, autocommit=True) as filler:
                filler.execute("CREATE TABLE filler (text text)")
                with pytest.raises(psycopg.errors.DiskFull):
                    while True:
                        filler.execute(_FILL)
                filled = asyncio.ensure_future(fill(there.runtime.sessions))
                with pytest.raises(StoreError, match="is full: make room"):
                    await filled
                filler.execute("DROP TABLE filler")
            for name in ("before", *SESSIONS):
                await answered(there, await asked(there.runtime.sessions, name), name)
                await sound(there, name)

    with small_disk(server.folder / "small") as disk, server.admin() as admin:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        admin.execute("CREATE DATABASE small TABLESPACE small")
        try:
            url = postgres.with_database(server.url, "small")
            told(lambda: story(url))
        finally:
            admin.execute("DROP DATABASE small WITH (FORCE)")
            admin.execute("DROP TABLESPACE small")


async def fill(sessions: Sessions) -> None:
    """Say more and more, until nothing more can be kept."""
    for name in SESSIONS:
        session = await sessions.open("clerk", USER, name)
        for n in range(20):
            said = Submission("look " * 2_000, f"fill {n}")
            await sessions.submit(session, USER, said)


def test_a_statement_that_the_operator_ends_is_a_failure_and_the_session_goes_on(
    postgres_url: str, tmp_path: Path
) -> None:
    name = urlsplit(postgres_url).path.removeprefix("/")

    async def story() -> None:
        async with desk(postgres_url, tmp_path) as there:
            sessions = there.runtime.sessions
            turn = await asked(sessions, "s")
            with psycopg.connect(postgres_url) as other:
                other.execute("SELECT FROM jackline.session FOR UPDATE")
                with pytest.raises(StoreError, match="took too long"):
                    await sessions.cancel(named("s"), USER)
            await answered(there, turn, "s")
            await sound(there, "s", "r1")
            assert there.world().count("pay") <= 1

    with psycopg.connect(postgres_url, autocommit=True) as admin:
        sql = f"ALTER ROLE CURRENT_USER IN DATABASE {name} SET statement_timeout = '200ms'"
        admin.execute(sql.encode())
    told(story)


def test_workers_whose_clocks_are_twenty_minutes_apart_share_the_databases(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        with psycopg.connect(postgres_url) as database:
            row = database.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        assert row is not None
        began_at = float(row[0])
        early, late = ahead(postgres_url, tmp_path, -600), ahead(postgres_url, tmp_path, 600)
        async with early, late, desk(postgres_url, tmp_path, drive=False) as there:
            workers, rounds = set[str](), 0
            while len(workers) < 2:  # The quicker one gets a session, and it is never always one.
                rounds += 1
                asking = [early.sessions, late.sessions] * len(SESSIONS)
                turns = {
                    name: await asked(each, name)
                    for each, name in zip(asking, [f"{rounds}{s}" for s in SESSIONS], strict=False)
                }
                for name, turn in turns.items():
                    await answered(there, turn, name)
                    events = await sound(there, name, "r1")
                    taken = [event for event in events if isinstance(event, e.SessionTaken)]
                    assert len(taken) == 1, "nobody takes another's lease for over"
                    workers.add(taken[0].worker)
                    times = [record.at for record in await there.records(name)]
                    assert began_at <= times[0] <= times[-1] < began_at + 60
            assert there.world().count("pay") == rounds * len(SESSIONS)

    told(story)


def ahead(store: str, folder: Path, seconds: float) -> Runtime:
    """Return a runtime whose clocks are wrong."""
    world, right = World(folder, []), Surroundings()
    around = Surroundings(
        clock=lambda: right.clock() + seconds,
        wall_clock=lambda: right.wall_clock() + seconds,
        worker=f"{seconds:+.0f} s",
        lease_s=2.0,
    )
    return Runtime([clerk(world)], store=store, deps=world, surroundings=around)


def test_of_those_who_claim_at_once_one_gets_it(postgres_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(postgres_url, tmp_path, drive=False) as there, AsyncExitStack() as stack:
            stores = [open_postgres(postgres_url) for _ in range(3)]
            for store in stores:
                stack.enter_context(closing(store))
            for name in SESSIONS:
                await asked(there.runtime.sessions, name)
                async with asyncio.TaskGroup() as group:
                    claims = [
                        group.create_task(store.claim(named(name), f"w{n}", 10.0))
                        for n, store in enumerate(stores * 3)
                    ]
                got = [claim.result() for claim in claims if claim.result()]
                assert len(got) == 1
                events = [record.event for record in await there.records(name)]
                assert kinds(events, e.SessionTaken) == ["SessionTaken"]

    told(story)


@pytest.mark.verify
def test_a_session_that_kills_its_workers_waits_for_a_person_who_sees_and_resumes_it(
    postgres_url: str, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    where = ("--store", postgres_url, "--user", USER.id, "--tenant", USER.tenant)

    async def story() -> None:
        async with office(Place(postgres_url, tmp_path)) as there:
            turn, deaths = await there.asks("hello"), 0
            resting = asyncio.ensure_future(there.result(turn))
            while True:
                worker = await there.hire("delta")
                speaks = asyncio.ensure_future(said(worker, "delta"))
                await asyncio.wait([speaks, resting], return_when=asyncio.FIRST_COMPLETED)
                await killed(worker)
                if resting.done():
                    break
                deaths += 1
            assert resting.result().outcome == "paused"
            assert deaths == clerk(World(tmp_path, [])).limits.drivers
            with pytest.raises(AssertionError, match="said none of"):
                await speaks
        shown = jackline(tmp_path, "sessions", *where, "--json", **paths)
        assert json.loads(shown.stdout)["state"] == "paused"
        shown = jackline(tmp_path, "events", "s", *where, **paths)
        assert "a person has to look at it" in shown.stdout
        done = jackline(tmp_path, "resume", "s", *where, "--app", "shop:app", **paths)
        assert done.returncode == 0, done.stdout + done.stderr
        async with desk(postgres_url, tmp_path, drive=False) as there:
            await answered(there, turn, "s")
            events = await sound(there, "s")
            assert len(kinds(events, e.TurnPaused)) == 1

    told(story)
