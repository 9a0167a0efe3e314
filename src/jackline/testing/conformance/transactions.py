"""What is promised of tools that write to the journal's own database: all of it, or nothing."""

import asyncio
from typing import Any

from jackline.core.errors import FencedError, InputError, ToolError
from jackline.core.events import ToolReturned
from jackline.core.messages import Text
from jackline.ports import Batch, Committed, Store
from jackline.testing.conformance.world import (
    DONE,
    LEASE_S,
    S1,
    S2,
    ManualClock,
    Promise,
    driven,
    events,
    head,
    raises,
    steered,
    submitted,
)

RETURNED = ToolReturned("turn/2/model/0/tool/0", (Text("Paid."),))


def _pay(connection: Any) -> ToolReturned:  # of the adapter's own kind
    connection.execute("CREATE TABLE IF NOT EXISTS payment (cents INTEGER)")
    connection.execute("INSERT INTO payment (cents) VALUES (7)")
    return RETURNED


def _count(connection: Any) -> ToolReturned:  # as above
    (count,) = connection.execute("SELECT count(*) FROM payment").fetchone()
    return ToolReturned("count", (Text(str(count)),))


async def _paid(store: Store) -> str:
    """Return how many payments there are, as a tool sees them."""
    record = await store.transact(S1, 1, 2, _count)
    assert isinstance(record.event, ToolReturned)
    assert isinstance(record.event.parts[0], Text)
    return record.event.parts[0].text


async def _writes_and_result_commit_together(store: Store, clock: ManualClock) -> None:
    await driven(store)
    record = await store.transact(S1, 1, 2, _pay)
    assert (record.seq, record.at, record.event) == (4, clock.now, RETURNED)
    assert (await events(store))[3:] == [RETURNED]
    assert await _paid(store) == "1"
    assert isinstance(await store.drive(S1, Batch(1, 5, (), 2), LEASE_S), Committed)


async def _a_tool_that_raises_has_written_nothing(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.transact(S1, 1, 2, _pay)

    def fail(connection: Any) -> ToolReturned:  # as above
        _pay(connection)
        raise ZeroDivisionError

    with raises(ZeroDivisionError):
        await store.transact(S1, 1, 2, fail)
    assert await head(store) == 4
    assert await _paid(store) == "1"


async def _a_fenced_driver_does_not_begin(store: Store, _: ManualClock) -> None:
    await driven(store)
    calls: list[int] = []

    def note(_: Any) -> ToolReturned:  # as above
        calls.append(1)
        return RETURNED

    with raises(FencedError):
        await store.transact(S1, 2, 2, note)
    assert (calls, await head(store)) == ([], 3)


async def _it_follows_what_was_told_meanwhile(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.tell(S1, [steered("r2")])
    assert (await store.transact(S1, 1, 2, _pay)).seq == 5


async def _the_connection_ends_with_its_tool(store: Store, _: ManualClock) -> None:
    await driven(store)
    kept: list[Any] = []

    def keep(connection: Any) -> ToolReturned:  # as above
        kept.extend((connection, connection.execute("SELECT 1 UNION SELECT 2")))
        return RETURNED

    await store.transact(S1, 1, 2, keep)
    with raises(Exception):
        kept[0].execute("SELECT 1")
    with raises(Exception):
        kept[1].fetchone()


async def _the_transaction_is_not_the_tools_to_end(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.transact(S1, 1, 2, _pay)
    for statement in ("COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT s", "END"):

        def end(connection: Any, statement: str = statement) -> ToolReturned:  # as above
            _pay(connection)
            connection.execute(statement)
            return RETURNED

        with raises(Exception):
            await store.transact(S1, 1, 2, end)
    assert await _paid(store) == "1"


async def _the_journals_tables_are_not_the_tools(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.transact(S1, 1, 2, _pay)
    for statement in (
        "SELECT * FROM event",
        "UPDATE session SET epoch = 9",
        "DELETE FROM event",
        "INSERT INTO api_key DEFAULT VALUES",
        "DROP TABLE account",
        "CREATE TABLE snapshot (x)",
        "CREATE TABLE mine (no INTEGER REFERENCES session (no) ON DELETE CASCADE)",
        "CREATE TRIGGER mine AFTER INSERT ON payment BEGIN DELETE FROM event; END",
        "CREATE VIEW v AS SELECT * FROM session; SELECT * FROM v",
    ):

        def touch(connection: Any, statement: str = statement) -> ToolReturned:  # as above
            for each in statement.split(";"):
                connection.execute(each)
            return RETURNED

        with raises(Exception):
            await store.transact(S1, 1, 2, touch)
    assert await head(store) == 4


async def _an_async_tool_is_refused(store: Store, _: ManualClock) -> None:
    await driven(store)

    async def late() -> ToolReturned:
        return RETURNED

    begun: list[Any] = []

    def start(_: Any) -> Any:  # as above
        begun.append(late())
        return begun[-1]

    with raises(InputError):
        await store.transact(S1, 1, 2, start)
    begun[0].close()
    assert await head(store) == 3


async def _other_sessions_go_on_beside_it(store: Store, _: ManualClock) -> None:
    await driven(store)
    await driven(store, S2)

    def fail(connection: Any) -> ToolReturned:  # as above
        _pay(connection)
        raise ZeroDivisionError

    async with asyncio.TaskGroup() as group:
        failing = group.create_task(_attempt(store, fail))
        batch = Batch(1, 3, (RETURNED,), 2)
        driving = group.create_task(store.drive(S2, batch, LEASE_S))
        paying = group.create_task(store.transact(S1, 1, 2, _pay))
    assert isinstance(failing.result(), ZeroDivisionError)
    assert isinstance(driving.result(), Committed)
    assert paying.result().seq == 4
    assert await _paid(store) == "1"


async def _attempt(store: Store, work: Any) -> Exception | None:  # as above
    try:
        await store.transact(S1, 1, 2, work)
    except (ZeroDivisionError, ToolError) as error:
        return error
    return None


async def _a_call_commits_nothing_after_its_turn(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.transact(S1, 1, 2, _pay)
    async with asyncio.TaskGroup() as group:
        group.create_task(store.drive(S1, Batch(1, 4, (DONE,), None), LEASE_S))
        late = group.create_task(_attempt(store, _pay))
    assert isinstance(late.result(), ToolError), "what was asked first comes first"
    await store.tell(S1, [submitted("r2")])
    with raises(ToolError):
        await store.transact(S1, 1, 2, _pay)
    assert await head(store) == 6
    record = await store.transact(S1, 1, 6, _count)
    assert record.event == ToolReturned("count", (Text("1"),))


PROMISES: tuple[Promise, ...] = (
    _writes_and_result_commit_together,
    _a_tool_that_raises_has_written_nothing,
    _a_fenced_driver_does_not_begin,
    _it_follows_what_was_told_meanwhile,
    _the_connection_ends_with_its_tool,
    _the_transaction_is_not_the_tools_to_end,
    _the_journals_tables_are_not_the_tools,
    _an_async_tool_is_refused,
    _other_sessions_go_on_beside_it,
    _a_call_commits_nothing_after_its_turn,
)
