"""What it takes to take over a long session: `python -m benchmarks.takeover`, figures as JSON.

The session grows turn by turn, as a runtime drives it, and so do its snapshots. To take it over
is what a new driver does before it can decide: claim the session, load the newest snapshot and
the events since, and fold them.
"""

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.jackline import SUBJECT
from benchmarks.peers.measure import ROUNDS, Figure, figure, sample
from benchmarks.peers.work import Script, play
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.events import Principal, SessionId, TurnSubmitted
from jackline.core.fold import replay
from jackline.core.messages import Text
from jackline.ports import Store

EVENTS = 10_000
_SESSION = SessionId("", "long")


async def takeover(folder: Path) -> Figure:
    """Measure the time until a session of `EVENTS` events can be decided on."""
    database = folder / "sessions.sqlite"
    assert SUBJECT.durable is not None, "jackline keeps sessions"
    async with SUBJECT.durable(database) as run:
        turns = EVENTS // (4 * ROUNDS + 5)
        for _ in range(turns):
            await play(run, Script(_SESSION.name, ROUNDS))
    store = open_sqlite(database)
    try:
        session = await _found(store)
        said = TurnSubmitted("again", (Text("hi"),), Principal("local"))
        await store.tell(session, [said])

        async def work() -> None:
            assert await store.claim(session, "another", 0.0), "its lease is over at once"
            loaded = await store.load(session)
            assert replay(loaded.session, loaded.records).turn, "a turn waits to be driven"

        await work()
        samples = await sample(work)
        loaded = await store.load(session)
        note = f"a snapshot of {loaded.session.head:,} events, and {len(loaded.records):,} since"
        return figure(samples.wall_s, 1e3, "ms", note)
    finally:
        store.close()


async def _found(store: Store) -> SessionId:
    """Return the session, under the tenant that it was opened for."""
    from jackline.app import LOCAL_USER  # noqa: PLC0415 - the tenant is the runtime's choice

    (row,) = await store.sessions(LOCAL_USER.tenant)
    assert row.head > 0.9 * EVENTS, row
    return row.id


def _main() -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        taken = asyncio.run(takeover(Path(folder)))
    print(json.dumps({"takeover": asdict(taken)}))


if __name__ == "__main__":
    _main()
