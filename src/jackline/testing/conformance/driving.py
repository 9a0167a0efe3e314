"""What a driver is promised: fences, money, time, and that it has seen all there is."""

import asyncio

from jackline.core.budget import Account
from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import (
    ModelReplied,
    SessionId,
    SessionTaken,
    ToolReturned,
    TurnResumed,
    Usage,
)
from jackline.core.messages import Text
from jackline.core.session import Session
from jackline.core.value import replace
from jackline.ports import Batch, Behind, Committed, Late, Refused, Store
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
    numbered,
    raises,
    released,
    reserved,
    steered,
    submitted,
)


async def _a_turn_goes_from_tell_to_release(store: Store, clock: ManualClock) -> None:
    claimed = await driven(store)
    assert (claimed.epoch, claimed.at) == (1, clock.now)
    assert await store.drive(S1, released(DONE, after=3), LEASE_S) == Committed(clock.now)
    assert await events(store) == [OPENED, submitted("r1"), SessionTaken(1, "w1"), DONE]
    assert await store.due(["support"]) == []
    assert await store.claim(S1, "w2", LEASE_S) is None, "nothing is due"


async def _a_session_needs_a_name_and_a_tenant(store: Store, _: ManualClock) -> None:
    for tenant, name in (("", "s"), ("t", ""), ("t", "a\0b"), ("t", "\ud800"), ("t", "x" * 513)):
        with raises(InputError):
            await store.open(SessionId(tenant, name), OPENED)
    assert await store.sessions("t") == []


async def _an_unknown_session_is_not_found(store: Store, _: ManualClock) -> None:
    for call in (
        store.claim(S1, "w1", LEASE_S),
        store.drive(S1, released(after=0), LEASE_S),
        store.transact(S1, 1, 2, lambda _: ToolReturned("k", ())),
        store.tell(S1, [submitted("r1")]),
        store.read(S1),
        store.load(S1),
        store.save(Session(S1)),
        store.put(S1, b"", "text/plain"),
        store.get(S1, "handle"),
        store.fork(S1, 1, S2),
        store.erase("acme", session="s1"),
    ):
        with raises(NotFoundError):
            await call


async def _who_has_not_seen_all_writes_nothing_and_sees_it(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.tell(S1, [steered("r2")])
    unseen = await store.read(S1, 3)
    assert await store.renew("w1", {S1: 1}, LEASE_S) == {S1: 4}, "a longer head is a lost signal"
    assert await store.drive(S1, released(DONE, after=3), LEASE_S) == Behind(unseen)
    assert await head(store) == 4
    assert isinstance(await store.drive(S1, released(DONE, after=4), LEASE_S), Committed)


async def _records_have_positions_and_the_databases_time(store: Store, clock: ManualClock) -> None:
    await driven(store)
    clock.advance(5)
    key, text = "turn/2/model/0/tool/0", Text("Grüße \0 " + "x" * 1_000_000)
    await store.drive(S1, Batch(1, 3, (ToolReturned(key, (text,)), DONE), None), LEASE_S)
    records = await store.read(S1)
    assert numbered(records) == [1, 2, 3, 4, 5]
    assert [record.at for record in records][2:] == [clock.now - 5, clock.now, clock.now]
    assert records[3].event == ToolReturned(key, (text,))
    assert numbered(await store.read(S1, 2)) == [3, 4, 5]
    assert numbered(await store.read(S1, 1, 2)) == [2, 3]
    assert await store.read(S1, 9) == []


async def _time_does_not_go_back_with_the_clock(store: Store, clock: ManualClock) -> None:
    await driven(store)
    clock.advance(-500)
    await store.tell(S1, [steered("r2")])
    assert [record.at for record in await store.read(S1)] == [1_000.0] * 4
    assert await store.claim(S1, "w2", LEASE_S) is None
    clock.advance(LEASE_S)
    assert await store.due(["support"]) == [S1], "the lease is over after as long as ever"
    claimed = await store.claim(S1, "w2", LEASE_S)
    assert claimed is not None
    assert claimed.at == 1_000.0 + LEASE_S


async def _only_a_batch_that_reserves_is_refused(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.allow("acme", "user", 100)
    holds = Batch(1, 3, (reserved("k", "user", hold=101),), 2, held=101, moves={"user": (101, 0)})
    reserving = Batch(1, 3, holds.events, 2, 101, moves=holds.moves, reserves=True)
    assert await store.drive(S1, reserving, LEASE_S) == Refused(Account("user", 100))
    assert await head(store) == 3
    assert await store.accounts("acme") == [Account("user", 100)]
    assert isinstance(await store.drive(S1, holds, LEASE_S), Committed), "facts never are"
    assert await store.accounts("acme") == [Account("user", 100, 0, 101)]


async def _what_counts_is_the_sum_after_settling(store: Store, _: ManualClock) -> None:
    await driven(store)
    first = Batch(
        1,
        3,
        (reserved("k1", "user", hold=90),),
        2,
        held=90,
        moves={"user": (90, 0)},
        limits={"user": 100},
        reserves=True,
    )
    assert isinstance(await store.drive(S1, first, LEASE_S), Committed)
    replied = ModelReplied("k1", (), "m", Usage(), 20)
    events = (replied, reserved("k2", "user", hold=80))
    second = Batch(1, 4, events, 2, -10, 20, moves={"user": (-10, 20)}, reserves=True)
    assert isinstance(await store.drive(S1, second, LEASE_S), Committed)
    assert await store.accounts("acme") == [Account("user", 100, 20, 80)]
    more = Batch(1, 6, (reserved("k3", "user", hold=1),), 2, 1, moves={"user": (1, 0)})
    refused = Batch(1, 6, more.events, 2, 1, moves=more.moves, reserves=True)
    assert await store.drive(S1, refused, LEASE_S) == Refused(Account("user", 100, 20, 80))


async def _a_hold_settles_where_it_was_made(store: Store, _: ManualClock) -> None:
    await driven(store)
    limits = {"day/1": 50, "day/2": 50}
    hold = Batch(1, 3, (reserved("k", "day/1"),), 2, 10, moves={"day/1": (10, 0)}, limits=limits)
    await store.drive(S1, hold, LEASE_S)
    replied = ModelReplied("k", (), "m", Usage(), 4)
    moves = {"day/1": (-10, 4), "day/2": (10, 0)}
    batch = Batch(1, 4, (replied, reserved("k2", "day/2")), 2, 0, 4, moves, limits, reserves=True)
    assert isinstance(await store.drive(S1, batch, LEASE_S), Committed)
    assert await store.accounts("acme", "day/") == [
        Account("day/1", 50, 4),
        Account("day/2", 50, 0, 10),
    ]


async def _a_batch_that_one_account_refuses_moves_none(store: Store, _: ManualClock) -> None:
    await driven(store)
    limits, moves = {"a": 50, "b": 5, "c": 50}, {"a": (10, 0), "b": (10, 0), "c": (10, 0)}
    batch = Batch(1, 3, (reserved("k", *moves),), 2, 10, moves=moves, limits=limits, reserves=True)
    assert await store.drive(S1, batch, LEASE_S) == Refused(Account("b", 5))
    assert [account for account in await store.accounts("acme") if account.held] == []


async def _an_accounts_limit_holds_for_all_that_pay_from_it(store: Store, _: ManualClock) -> None:
    sessions = [SessionId("acme", f"s{n}") for n in range(10)]
    for session in sessions:
        await driven(store, session)
    batch = Batch(
        1, 3, (reserved("k", "user"),), 2, 10, 0, {"user": (10, 0)}, {"user": 35}, reserves=True
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.drive(each, batch, LEASE_S)) for each in sessions]
    outcomes = [type(task.result()) for task in tasks]
    assert (outcomes.count(Committed), outcomes.count(Refused)) == (3, 7)
    assert await store.accounts("acme") == [Account("user", 35, 0, 30)]


async def _a_limit_is_what_was_last_allowed(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.allow("acme", "user", 5)
    batch = Batch(
        1, 3, (reserved("k", "user"),), 2, 10, 0, {"user": (10, 0)}, {"user": 99}, reserves=True
    )
    assert await store.drive(S1, batch, LEASE_S) == Refused(Account("user", 5))
    await store.allow("acme", "user", None)
    assert isinstance(await store.drive(S1, batch, LEASE_S), Committed)
    assert await store.accounts("acme") == [Account("user", None, 0, 10)]


async def _of_an_append_that_was_cancelled_the_journal_tells(store: Store, _: ManualClock) -> None:
    await driven(store)
    for round_ in range(20):
        before = await head(store)
        batch = Batch(1, before, (ToolReturned(f"k{round_}", ()),), 2)
        task = asyncio.ensure_future(store.drive(S1, batch, LEASE_S))
        for _unused in range(round_ % 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        known = await head(store)
        assert known in (before, before + 1)
        again = Batch(1, known, (ToolReturned(f"again{round_}", ()),), 2)
        assert isinstance(await store.drive(S1, again, LEASE_S), Committed), "it came later"


async def _of_two_limits_the_lower_one_holds(store: Store, _: ManualClock) -> None:
    await driven(store)
    moves, hold = {"day": (10, 0)}, (reserved("k", "day"),)
    wide = Batch(1, 3, hold, 2, 10, 0, moves, {"day": 100}, reserves=True)
    assert isinstance(await store.drive(S1, wide, LEASE_S), Committed)
    hold = (reserved("k2", "day"),)
    narrow = Batch(1, 4, hold, 2, 10, 0, moves, {"day": 15}, reserves=True)
    assert await store.drive(S1, narrow, LEASE_S) == Refused(Account("day", 15, 0, 10))
    again = Batch(1, 4, hold, 2, 10, 0, moves, {"day": 100}, reserves=True)
    assert isinstance(await store.drive(S1, again, LEASE_S), Committed)
    assert await store.accounts("acme") == [Account("day", 100, 0, 20)]


async def _what_is_beyond_all_positions_is_not_there(store: Store, _: ManualClock) -> None:
    await driven(store)
    assert await store.read(S1, 2**70) == []
    assert numbered(await store.read(S1, -(2**70), 2**70)) == [1, 2, 3]
    assert await store.read(S1, 0, -1) == []


async def _what_an_approval_was_for_is_not_begun_once_it_has_expired(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    until = clock.now + 5
    batch = Batch(1, 3, (TurnResumed("answered"),), 2, before=until)
    clock.now = until
    assert await store.drive(S1, batch, LEASE_S) == Late(until)
    assert await head(store) == 3
    in_time = replace(batch, before=until + 0.001)
    assert isinstance(await store.drive(S1, in_time, LEASE_S), Committed)


PROMISES: tuple[Promise, ...] = (
    _a_turn_goes_from_tell_to_release,
    _a_session_needs_a_name_and_a_tenant,
    _an_unknown_session_is_not_found,
    _who_has_not_seen_all_writes_nothing_and_sees_it,
    _records_have_positions_and_the_databases_time,
    _time_does_not_go_back_with_the_clock,
    _only_a_batch_that_reserves_is_refused,
    _what_counts_is_the_sum_after_settling,
    _a_hold_settles_where_it_was_made,
    _a_batch_that_one_account_refuses_moves_none,
    _an_accounts_limit_holds_for_all_that_pay_from_it,
    _a_limit_is_what_was_last_allowed,
    _of_an_append_that_was_cancelled_the_journal_tells,
    _of_two_limits_the_lower_one_holds,
    _what_is_beyond_all_positions_is_not_there,
    _what_an_approval_was_for_is_not_begun_once_it_has_expired,
)
