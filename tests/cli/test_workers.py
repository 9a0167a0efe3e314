"""Who drives and what waits, as a person and a program see it."""

import asyncio
import json
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import Terminal, jackline

from jackline.adapters.postgres.store import open_postgres
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.events import Principal, SessionId, SessionOpened, TurnSubmitted
from jackline.core.messages import Text
from jackline.ports import Presence, Store

OPENED = SessionOpened("support", "local")
SAID = TurnSubmitted("r1", (Text("Hello."),), Principal("local"), "v1")


async def driven_and_due(store: Store) -> None:
    for name in ("driven", "due"):
        session = SessionId("default", name)
        await store.open(session, OPENED)
        await store.tell(session, [SAID])
    assert await store.claim(SessionId("default", "driven"), "w1", 60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "jackline.toml").write_text('app = "shop:support"\n')
    with closing(open_sqlite(tmp_path / "jackline.db")) as store:
        asyncio.run(driven_and_due(store))
    return tmp_path


@pytest.fixture
def cluster(tmp_path: Path, postgres_url: str) -> Path:
    """Two workers, of which one is dead, and a session for a version that neither serves."""

    async def story() -> None:
        with closing(open_postgres(postgres_url)) as store:
            await driven_and_due(store)
            await store.beat(Presence("w1", {"support": "v2"}, 5, 60))
            await store.beat(Presence("w2", {"support": "v1"}, 5, 0.0))

    asyncio.run(story())
    (tmp_path / "jackline.toml").write_text(f'store = "{postgres_url}"\n')
    return tmp_path


def seen(folder: Path, *options: str) -> Any:
    done = jackline(folder, "workers", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_in_a_file_leases_tell_who_drives(folder: Path) -> None:
    found = seen(folder, "--sessions")
    (worker,) = found["workers"]
    assert (worker["name"], worker["driven"], worker["alive"]) == ("w1", 1, True)
    assert found["driven"] == {"w1": ["driven"]}
    (waits,) = found["waiting"]
    assert (waits["agent"], waits["count"], waits["served"]) == ("support", 1, None)
    assert waits["longest_s"] > 0
    shown = jackline(folder, "workers", "--sessions").stdout
    assert "w1" in shown
    assert "driven" in shown


def test_in_postgres_workers_say_what_they_serve(cluster: Path) -> None:
    found = seen(cluster)
    assert [(w["name"], w["alive"], w["slots"]) for w in found["workers"]] == [
        ("w1", True, 5),
        ("w2", False, 5),
    ]
    assert [(w["version"], w["served"]) for w in found["waiting"]] == [("v1", False)]
    shown = jackline(cluster, "workers").stdout
    assert "1 of 5" in shown
    assert "dead, silent for" in shown
    assert "by nobody" in shown


def test_a_doctor_tells_of_the_dead_and_of_what_nobody_serves(cluster: Path) -> None:
    done = jackline(cluster, "doctor", "--json")
    found = [(each["what"], each["verdict"], each["text"]) for each in json.loads(done.stdout)]
    workers = [text for what, verdict, text in found if (what, verdict) == ("workers", "warn")]
    versions = [text for what, verdict, text in found if (what, verdict) == ("versions", "warn")]
    assert [text.partition(",")[0] for text in workers] == ["w2 is dead"]
    assert "1 session of support v1" in versions[0]
    assert "no worker that is alive serves that" in versions[0]


def test_where_nobody_is_that_is_said(tmp_path: Path) -> None:
    with closing(open_sqlite(tmp_path / "jackline.db")):
        pass
    done = jackline(tmp_path, "workers")
    assert (done.returncode, done.stdout) == (0, "Nobody drives.\nNothing waits for a worker.\n")


def test_one_may_watch_till_ctrl_c(folder: Path) -> None:
    with Terminal(folder, "workers", "--watch") as terminal:
        for _ in range(2):
            terminal.expect("w1")
        terminal.signal(signal.SIGINT)
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--store", "memory://"), "ends with the process that uses it"),
        (("--lease", "0.1"), "lease_s"),
    ],
)
def test_a_worker_that_could_serve_nobody_is_refused(
    options: tuple[str, ...], said: str, folder: Path
) -> None:
    done = jackline(folder, "worker", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_worker_shows_no_password(folder: Path) -> None:
    done = jackline(folder, "worker", "--store", "postgresql://ann:secret@127.0.0.1:1/journal")
    assert done.returncode == 3
    assert "secret" not in done.stderr
