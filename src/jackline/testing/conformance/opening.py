"""What those are promised who open a session, alone or with the first thing they say in it."""

import asyncio

from jackline.core.errors import (
    BusyError,
    CallerError,
    ConflictError,
    InputError,
    NotFoundError,
    StaleError,
)
from jackline.core.events import InputProvided, SessionId, SessionOpened, Told
from jackline.core.messages import Message, Text
from jackline.ports import Receipt, Store
from jackline.testing.conformance.world import (
    DONE,
    LEASE_S,
    OPENED,
    S1,
    S2,
    ManualClock,
    Promise,
    driven,
    events,
    head,
    opened,
    raises,
    released,
    steered,
    submitted,
)

BOBS = SessionOpened("support", "bob")
ELSEWHERE = SessionOpened("sales", "ann")


async def _opening_again_changes_nothing(store: Store, _: ManualClock) -> None:
    history = (Message("user", (Text("Long ago."),)),)
    for again in (OPENED, SessionOpened("support", "ann", history)):
        await store.open(S1, again)
    with raises(NotFoundError):
        await store.open(S1, BOBS)
    with raises(CallerError):
        await store.open(S1, ELSEWHERE)
    assert await events(store) == [OPENED]


async def _a_session_may_begin_with_what_is_said_in_it(store: Store, clock: ManualClock) -> None:
    receipt = await store.tell(S1, [submitted("r1")], opened=OPENED)
    assert receipt == Receipt(2, 2, clock.now)
    assert await events(store) == [OPENED, submitted("r1")]
    assert await store.due(["support"]) == [S1]
    assert (await store.tell(S1, [steered("r2")], opened=OPENED)).turn == 2
    assert await events(store) == [OPENED, submitted("r1"), steered("r2")]
    claimed = await store.claim(S1, "w1", LEASE_S)
    assert claimed is not None
    assert claimed.epoch == 1


async def _to_another_s_session_nothing_is_added(store: Store, _: ManualClock) -> None:
    await opened(store)
    for known in (False, True):
        with raises(NotFoundError):
            await store.tell(S1, [submitted("r1")], opened=BOBS)
        with raises(CallerError):
            await store.tell(S1, [submitted("r1")], opened=ELSEWHERE)
        assert await head(store) == 1 + known
        assert await store.due(["support", "sales"]) == [S1] * known
        await store.tell(S1, [submitted("r1")], opened=OPENED)
    with raises(NotFoundError):
        await store.tell(S1, [submitted("r1", "Something else.")], opened=BOBS)


async def _of_those_who_begin_a_session_at_once_one_creates_it(
    store: Store, _: ManualClock
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(store.tell(S1, [submitted(f"r{n}")], opened=OPENED))
            for n in range(20)
        ]
    assert sorted(task.result().seq for task in tasks) == list(range(2, 22))
    assert (await events(store))[0] == OPENED
    assert await head(store) == 21


async def _of_two_users_who_begin_a_session_at_once_one_is_refused(
    store: Store, _: ManualClock
) -> None:
    async def tells(who: SessionOpened) -> bool:
        try:
            return (await store.tell(S1, [submitted(who.user)], opened=who)).seq == 2
        except NotFoundError:
            return False

    async with asyncio.TaskGroup() as group:
        one, other = (group.create_task(tells(who)) for who in (OPENED, BOBS))
    assert one.result() != other.result()
    whose = OPENED if one.result() else BOBS
    assert await events(store) == [whose, submitted(whose.user)]


async def _the_request_that_began_a_session_is_taken_once(store: Store, clock: ManualClock) -> None:
    first = await store.tell(S1, [submitted("r1")], opened=OPENED)
    clock.advance(5)
    again = await store.tell(S1, [submitted("r1")], opened=OPENED)
    assert again == Receipt(first.seq, first.turn, first.at, repeated=True)
    with raises(ConflictError):
        await store.tell(S1, [submitted("r1", "Something else.")], opened=OPENED)
    assert await head(store) == 2


async def _what_cannot_be_taken_begins_no_session(store: Store, _: ManualClock) -> None:
    unsaid: list[list[Told]] = [[], [submitted("r1", "\ud800")]]
    for events_ in unsaid:
        with raises(InputError):
            await store.tell(S1, events_, opened=OPENED)
    for name in ("", "a\0b", "x" * 513):
        with raises(InputError):
            await store.tell(SessionId("acme", name), [submitted("r1")], opened=OPENED)
    with raises(InputError):
        await store.tell(S1, [submitted("r1")], opened=SessionOpened("support", "\ud800"))
    with raises(StaleError):
        answer = InputProvided(1, approved=True, by="ann", digest="d1")
        await store.tell(S1, [answer], opened=OPENED)
    with raises(NotFoundError):
        await store.row(S1)
    assert await store.sessions("acme") == []


async def _what_is_told_after_all_that_was_seen_is_told_after_nothing_else(
    store: Store, _: ManualClock
) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    for moved in (0, 3, 5):
        with raises(BusyError):
            await store.tell(S1, [submitted("r2")], after=moved)
    assert (await store.tell(S1, [submitted("r2")], after=4)).seq == 5
    assert (await store.tell(S1, [submitted("r2")], after=4)).repeated
    assert await head(store) == 5


async def _a_row_is_what_the_list_shows(store: Store, clock: ManualClock) -> None:
    await driven(store)
    await opened(store, S2)
    row = await store.row(S1)
    fields = (row.user, row.agent, row.state, row.head, row.turn, row.worker, row.erased_at)
    assert fields == ("ann", "support", "driven", 3, 2, "w1", None)
    assert row in await store.sessions("acme")
    clock.advance(5)
    await store.erase("acme", session="s1")
    row = await store.row(S1)
    assert (row.erased_at, row.head, row.user) == (clock.now, 3, "ann")
    assert (await store.row(S2)).erased_at is None
    for unknown in (SessionId("acme", "s3"), SessionId("other", "s1")):
        with raises(NotFoundError):
            await store.row(unknown)


PROMISES: tuple[Promise, ...] = (
    _opening_again_changes_nothing,
    _a_session_may_begin_with_what_is_said_in_it,
    _to_another_s_session_nothing_is_added,
    _of_those_who_begin_a_session_at_once_one_creates_it,
    _of_two_users_who_begin_a_session_at_once_one_is_refused,
    _the_request_that_began_a_session_is_taken_once,
    _what_cannot_be_taken_begins_no_session,
    _what_is_told_after_all_that_was_seen_is_told_after_nothing_else,
    _a_row_is_what_the_list_shows,
)
