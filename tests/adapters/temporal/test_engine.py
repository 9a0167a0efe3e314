"""A real Temporal server brings sessions to workers: soon, to whom it should, never two at once."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from tests.cli.shop import SHOP
from tests.cli.terminal import jackline

from jackline import Agent, Runtime, Submission, Surroundings, ToolCall, User, tool
from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.temporal.address import Address, parse
from jackline.adapters.temporal.engine import TemporalEngine
from jackline.adapters.temporal.waker import TemporalWaker
from jackline.adapters.temporal.wakeups import WORKFLOWS, queue
from jackline.core import events as e
from jackline.core.errors import DefinitionError
from jackline.core.messages import Text
from jackline.testing.model import ScriptedModel

LEASE_S = 2.0
LONG_LEASE_S = 60.0
USER = User("u")
LONG = "ä" * 200
STARTED = "workflow_execution_started_event_attributes"
SIGNALLED = "workflow_execution_signaled_event_attributes"


class Place(NamedTuple):
    """A database, and a namespace that belongs to it."""

    store: str
    engine: str

    async def wake_ups(self, count: int) -> list[HistoryEvent]:
        """Return what has started workflows or signalled them, once it is as many times."""
        address = parse(self.engine)
        client = await Client.connect(address.host, namespace=address.namespace)
        found: list[HistoryEvent] = []
        while len(found) < count:
            found = [
                event
                async for each in client.list_workflows()
                async for event in client.get_workflow_handle(each.id).fetch_history_events()
                if event.WhichOneof("attributes") in {STARTED, SIGNALLED}
            ]
        return found


@pytest.fixture
def place(postgres_url: str, temporal_url: str) -> Place:
    return Place(postgres_url, temporal_url)


class Blind(PostgresStore):
    """Never finds what is overdue: so whatever is brought was woken."""

    async def overdue(self, *_: Any, **__: Any) -> list[e.SessionId]:  # it takes and passes nothing
        return []


class Crew:
    """A worker whose drives are seen, and last for as long as a test wants."""

    def __init__(self, store: PostgresStore, address: Address, version: str, slots: int) -> None:
        served = {"support": version}
        waker = TemporalWaker(store, address, lease_s=LONG_LEASE_S)
        self.engine = TemporalEngine(waker, store, served, slots=slots, lease_s=LONG_LEASE_S)
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.driven = 0
        self.driven_most = 0

    async def drive(self, session: e.SessionId) -> None:
        """Drive no session at all."""
        self.driven += 1
        self.driven_most = max(self.driven_most, self.driven)
        self.begun.put_nowait(session.name)
        await self.go_on.wait()
        self.driven -= 1


class Rig:
    """A journal, and crews that Temporal brings its sessions to."""

    def __init__(self, place: Place, store: PostgresStore, group: asyncio.TaskGroup) -> None:
        self._address = parse(place.engine)
        self._store = store
        self._group = group
        self.work: list[asyncio.Task[None]] = []

    def crew(self, version: str = "1", slots: int = 10) -> Crew:
        """Return another worker, which is at work."""
        crew = Crew(self._store, self._address, version, slots)
        self.work.append(self._group.create_task(crew.engine.run(crew.drive)))
        return crew

    def waker(self) -> TemporalWaker:
        """Return what wakes in another process."""
        waker = TemporalWaker(self._store, self._address, lease_s=LONG_LEASE_S)
        self.work.append(self._group.create_task(waker.run()))
        return waker

    async def due(self, name: str, version: str = "1", tenant: str = "acme") -> e.SessionId:
        """Return a session that is due for a version."""
        session = e.SessionId(tenant, name)
        said = e.TurnSubmitted("r", (Text("Hello."),), e.Principal("ann"), version)
        await self._store.tell(session, [said], opened=e.SessionOpened("support", "ann"))
        return session


@asynccontextmanager
async def rigged(place: Place, kind: type[PostgresStore] = Blind) -> AsyncGenerator[Rig]:
    with closing(kind(place.store)) as store:
        async with asyncio.TaskGroup() as group:
            rig = Rig(place, store, group)
            try:
                yield rig
            finally:
                for work in rig.work:
                    work.cancel()


def told(story: Callable[[], Coroutine[Any, Any, object]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 40))


def test_a_session_that_is_woken_is_brought_under_its_tenants_key(place: Place) -> None:
    async def story() -> None:
        async with rigged(place) as rig:
            crew = rig.crew()
            for name, tenant in (("s1", "acme"), (LONG, LONG)):
                crew.engine.wake(await rig.due(name, tenant=tenant))
                assert await crew.begun.get() == name
            long, _, short, _ = [
                event.workflow_execution_started_event_attributes
                for event in await place.wake_ups(4)
            ]
            assert short.task_queue.name == WORKFLOWS
            assert short.priority.fairness_key == "acme"
            assert len(long.priority.fairness_key) == 64
            assert json.loads(short.input.payloads[0].data) == {
                "tenant": "acme",
                "session": "s1",
                "queue": queue("support", "1"),
                "silent_s": LONG_LEASE_S / 2,
            }

    told(story)


def test_wake_ups_of_one_session_are_one_drive_and_another_where_they_came_during_it(
    place: Place,
) -> None:
    async def story() -> None:
        async with rigged(place) as rig:
            crew, session = rig.crew(), await rig.due("s1")
            for waker in (rig.waker(), rig.waker()):
                waker.wake(session)
                await waker.flush()
            assert await crew.begun.get() == "s1"
            for waker in (rig.waker(), rig.waker()):
                waker.wake(session)
                await waker.flush()
            kinds = [event.WhichOneof("attributes") for event in await place.wake_ups(5)]
            assert kinds == [STARTED, *[SIGNALLED] * 4]
            assert (crew.driven, crew.begun.empty()) == (1, True)
            crew.go_on.set()
            assert await crew.begun.get() == "s1"
            assert crew.driven_most == 1

    told(story)


def test_what_nobody_was_woken_for_is_found(place: Place) -> None:
    async def story() -> None:
        async with rigged(place, PostgresStore) as rig:
            crew = rig.crew()
            await rig.due("s1")
            assert await crew.begun.get() == "s1"

    told(story)


def test_a_session_goes_to_those_who_serve_its_version(place: Place) -> None:
    async def story() -> None:
        async with rigged(place) as rig:
            newer = rig.crew("2")
            for name, version in (("old", "1"), ("new", "2"), ("any", "")):
                newer.engine.wake(await rig.due(name, version))
            assert {await newer.begun.get(), await newer.begun.get()} == {"new", "any"}
            assert await rig.crew("1").begun.get() == "old"
            assert newer.begun.empty()

    told(story)


def test_no_more_sessions_are_driven_than_there_are_slots(place: Place) -> None:
    async def story() -> None:
        async with rigged(place) as rig:
            crew = rig.crew(slots=2)
            for n in range(6):
                crew.engine.wake(await rig.due(f"s{n}", "1" if n % 2 else ""))
            first = {await crew.begun.get(), await crew.begun.get()}
            crew.go_on.set()
            rest = {await crew.begun.get() for _ in range(4)}
            assert first | rest == {f"s{n}" for n in range(6)}
            assert crew.driven_most == 2

    told(story)


def test_what_a_worker_leaves_is_brought_to_another_one_at_once(place: Place) -> None:
    async def story() -> None:
        async with rigged(place) as rig:
            leaving = rig.crew()
            leaving.engine.wake(await rig.due("s1"))
            assert await leaving.begun.get() == "s1"
            await leaving.engine.stop()
            other = rig.crew()
            leaving.go_on.set()
            assert await other.begun.get() == "s1"
            assert leaving.begun.empty()

    told(story)


@tool(effect="once", approve=True)
def refund() -> str:
    """Refund."""
    return "It is refunded."


def runtime(place: Place, *, drive: bool) -> Runtime:
    script = {"refund": [[ToolCall("refund", "{}")], "Done."], "": ["Hello."]}
    agent = Agent("support", ScriptedModel(script), tools=[refund])
    around = Surroundings(lease_s=LEASE_S, engine=place.engine)
    return Runtime([agent], store=place.store, drive=drive, surroundings=around)


def test_a_process_that_only_submits_has_a_worker_woken(place: Place) -> None:
    async def story() -> None:
        async with runtime(place, drive=True), runtime(place, drive=False) as api:
            result = await api.run("support", "hello", session="s1", user=USER)
            assert (result.outcome, result.text) == ("completed", "Hello.")
            assert await place.wake_ups(2)

    told(story)


def test_what_was_said_last_is_passed_on_before_a_process_ends(place: Place) -> None:
    async def story() -> None:
        async with runtime(place, drive=False) as api:
            await api.sessions.begin("support", USER, Submission("hello"), "s1")
        assert await place.wake_ups(2)

    told(story)


def test_a_turn_that_waits_ends_when_its_time_has_come(place: Place) -> None:
    async def story() -> None:
        async with runtime(place, drive=True) as both:
            now = Surroundings().wall_clock()  # The database's machine is this one.
            said = Submission("refund", deadline_at=now + 2)
            name, receipt = await both.sessions.begin("support", USER, said, "s1")
            assert (await both.result(name, receipt.seq, USER)).outcome == "paused"
            *_, last = [event async for event in both.follow(name, receipt.seq, USER)]
            assert isinstance(last, e.Record)
            assert isinstance(last.event, e.TurnStopped)
            assert last.at >= now + 2

    told(story)


def test_a_command_has_a_worker_woken(place: Place, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    settings = f'app = "shop:support"\nstore = "{place.store}"\nengine = "{place.engine}"\n'
    (tmp_path / "jackline.toml").write_text(settings)
    asked = jackline(tmp_path, "run", "refund", "--session", "s1")
    assert asked.returncode == 4, asked.stderr
    count = len(asyncio.run(place.wake_ups(2)))
    done = jackline(tmp_path, "cancel", "s1")
    assert done.returncode == 0, done.stderr
    told(partial(place.wake_ups, count + 1))


@pytest.mark.parametrize(
    "url",
    ["redis://x", "temporal://", "temporal://host/a/b", "temporal://host:x/", "temporal://h?tls=1"],
)
def test_what_is_no_engine_is_refused(url: str, postgres_url: str) -> None:
    async def story() -> None:
        async with runtime(Place(postgres_url, url), drive=False):
            pass

    with pytest.raises(DefinitionError, match="write temporal://host:7233/namespace"):
        asyncio.run(story())


def test_an_engine_has_a_port_and_a_namespace_by_default() -> None:
    assert parse("temporal://host") == Address("host:7233", "default")
    assert parse("temporal://[::1]:1/n") == Address("[::1]:1", "n")


def test_an_engine_wants_a_store_that_is_shared(tmp_path: Path) -> None:
    async def story() -> None:
        url = f"sqlite:///{tmp_path / 'journal.db'}"
        async with runtime(Place(url, "temporal://host"), drive=True):
            pass

    with pytest.raises(DefinitionError, match="give a store like postgresql://"):
        asyncio.run(story())
