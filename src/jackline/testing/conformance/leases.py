"""What a worker is promised: claims, leases, and which session is due."""

import asyncio
import math

from jackline.core.errors import FencedError, NotFoundError
from jackline.core.events import (
    SessionId,
    SessionTaken,
    ToolReturned,
)
from jackline.ports import Batch, Committed, Store
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


async def _a_hundred_wake_ups_move_no_epoch(store: Store, clock: ManualClock) -> None:
    await opened(store)
    for _ in range(100):
        assert await store.claim(S1, "w1", LEASE_S) is None, "nothing was due"
    await store.tell(S1, [submitted("r1")])
    assert await store.claim(S1, "w1", LEASE_S) is not None
    for worker in ("w1", "w2") * 50:
        assert await store.claim(S1, worker, LEASE_S) is None, "somebody drove"
    clock.advance(LEASE_S / 2)
    assert await store.due(["support"]) == []
    assert await head(store) == 3


async def _of_many_claims_at_once_one_succeeds(store: Store, _: ManualClock) -> None:
    await opened(store)
    await store.tell(S1, [submitted("r1")])
    async with asyncio.TaskGroup() as group:
        claims = [group.create_task(store.claim(S1, f"w{n}", LEASE_S)) for n in range(20)]
    assert len([claim for claim in claims if claim.result()]) == 1


async def _a_lease_that_is_over_lets_another_claim_and_fences(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    clock.advance(LEASE_S)
    assert await store.due(["support"]) == [S1]
    claimed = await store.claim(S1, "w2", LEASE_S)
    assert claimed is not None
    assert claimed.epoch == 2
    for after in (3, 4):
        with raises(FencedError):
            await store.drive(S1, released(DONE, after=after), LEASE_S)
    with raises(FencedError):
        await store.transact(S1, 1, 2, lambda _: ToolReturned("k", ()))
    assert await store.renew("w1", {S1: 1}, LEASE_S) == {}
    assert await store.renew("w2", {S1: 2}, LEASE_S) == {S1: 4}
    assert (await events(store))[3:] == [SessionTaken(2, "w2")]


async def _the_same_worker_is_fenced_by_its_own_later_claim(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    clock.advance(LEASE_S)
    assert await store.claim(S1, "w1", LEASE_S) is not None
    assert await store.renew("w1", {S1: 1}, LEASE_S) == {}
    with raises(FencedError):
        await store.drive(S1, released(after=4), LEASE_S)


async def _renewal_and_commits_extend_the_lease(store: Store, clock: ManualClock) -> None:
    await driven(store)
    clock.advance(LEASE_S - 1)
    assert await store.renew("w1", {S1: 1, S2: 1}, LEASE_S) == {S1: 3}, "S2 does not exist"
    clock.advance(LEASE_S - 1)
    assert await store.claim(S1, "w2", LEASE_S) is None
    assert isinstance(await store.drive(S1, Batch(1, 3, (), 2), LEASE_S), Committed)
    clock.advance(LEASE_S - 1)
    assert await store.claim(S1, "w2", LEASE_S) is None
    clock.advance(1)
    assert await store.claim(S1, "w2", LEASE_S) is not None, "a turn was open: it stays due"


async def _a_lease_that_is_over_holds_until_somebody_claims(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    clock.advance(3 * LEASE_S)
    assert await store.renew("w1", {S1: 1}, LEASE_S) == {S1: 3}
    assert await store.claim(S1, "w2", LEASE_S) is None
    assert isinstance(await store.drive(S1, released(DONE, after=3), LEASE_S), Committed)


async def _a_renewal_after_the_release_keeps_nobody_out(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    assert await store.renew("w1", {S1: 1}, LEASE_S) == {}
    await store.tell(S1, [submitted("r2")])
    assert await store.claim(S1, "w2", LEASE_S) is not None


async def _a_session_that_is_released_until_later_is_due_then(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    pause = Batch(1, 3, (), 2, release=True, due_at=clock.now + 60)
    assert isinstance(await store.drive(S1, pause, LEASE_S), Committed)
    assert await head(store) == 3, "a release alone is no event"
    assert await store.claim(S1, "w1", LEASE_S) is None
    clock.advance(60)
    assert await store.due(["support"]) == [S1]
    assert await store.claim(S1, "w1", LEASE_S) is not None


async def _news_makes_a_waiting_session_due_at_once(store: Store, clock: ManualClock) -> None:
    await driven(store)
    pause = Batch(1, 3, (), 2, release=True, due_at=clock.now + 60)
    await store.drive(S1, pause, LEASE_S)
    await store.tell(S1, [steered("r2")])
    assert await store.due(["support"]) == [S1]


async def _the_longest_due_session_comes_first(store: Store, clock: ManualClock) -> None:
    for name in ("c", "a", "b"):
        session = SessionId("acme", name)
        await opened(store, session)
        await store.tell(session, [submitted("r1")])
        clock.advance(1)
    await store.open(S2, type(OPENED)("sales", "bob"))
    await store.tell(S2, [submitted("r1")])
    assert [session.name for session in await store.due(["support"])] == ["c", "a", "b"]
    assert [session.name for session in await store.due(["support"], limit=2)] == ["c", "a"]
    assert await store.due(["sales"]) == [S2]
    assert await store.due([]) == []


async def _where_more_are_due_than_are_wanted_tenants_take_turns(
    store: Store, clock: ManualClock
) -> None:
    for tenant, count in (("acme", 6), ("other", 2), ("third", 1)):
        for number in range(count):
            session = SessionId(tenant, str(number))
            await opened(store, session)
            await store.tell(session, [submitted("r1")])
            clock.advance(1)
    found = [(each.tenant, each.name) for each in await store.due(["support"], limit=5)]
    assert found == [("acme", "0"), ("other", "0"), ("third", "0"), ("acme", "1"), ("other", "1")]
    assert len(await store.due(["support"], limit=9)) == 9
    assert (await store.due(["support"], limit=9))[5].name == "5", "nobody is left out"


async def _what_waits_of_a_tenant_is_counted_as_far_as_is_asked(
    store: Store, clock: ManualClock
) -> None:
    for number in range(4):
        session = SessionId("acme", str(number))
        await opened(store, session)
        if number:
            await store.tell(session, [submitted("r1")])
    await driven(store, SessionId("other", "s"))
    assert [await store.queued("acme", most) for most in (0, 1, 2, 3, 9)] == [0, 1, 2, 3, 3]
    assert await store.queued("other", 9) == 0, "somebody drives it"
    assert await store.queued("nobody", 9) == 0
    clock.advance(LEASE_S)
    assert await store.queued("other", 9) == 1


async def _a_session_that_is_parked_waits_for_news(store: Store, clock: ManualClock) -> None:
    await driven(store)
    with raises(FencedError):
        await store.park(S1, 2)
    await store.park(S1, 1)
    clock.advance(LEASE_S)
    assert await store.due(["support"]) == []
    assert await store.claim(S1, "w1", LEASE_S) is None
    assert [row.turn for row in await store.sessions("acme")] == [2], "its turn stays open"
    assert await head(store) == 3
    await store.tell(S1, [steered("r2")])
    assert await store.due(["support"]) == [S1]
    with raises(NotFoundError):
        await store.park(S2, 1)


async def _who_drives_is_listed_as_long_as_the_lease_holds(
    store: Store, clock: ManualClock
) -> None:
    assert await store.workers() == []
    for name, worker in (("a", "w2"), ("b", "w1"), ("c", "w2")):
        await driven(store, SessionId("acme", name), worker)
    await driven(store, SessionId("other", "s"), "w1")
    rows = [(row.name, row.driven, row.alive) for row in await store.workers()]
    assert rows == [("w1", 2, True), ("w2", 2, True)]
    await store.drive(SessionId("acme", "b"), released(DONE, after=3), LEASE_S)
    assert [row.driven for row in await store.workers()] == [1, 2]
    clock.advance(LEASE_S)
    assert await store.workers() == []


async def _what_waits_is_counted_and_for_how_long(store: Store, clock: ManualClock) -> None:
    async def waiting() -> list[tuple[str, int, float, bool]]:
        rows = await store.waiting()
        return [(row.agent, row.count, row.longest_s, bool(row.served)) for row in rows]

    assert await waiting() == []
    for name in ("a", "b"):
        session = SessionId("acme", name)
        await opened(store, session)
        await store.tell(session, [submitted("r1")])
        clock.advance(1)
    await store.open(S2, type(OPENED)("sales", "bob"))
    await store.tell(S2, [submitted("r1")])
    assert await waiting() == [("support", 2, 2.0, False), ("sales", 1, 0.0, False)]
    await store.claim(SessionId("acme", "a"), "w1", LEASE_S)
    assert await waiting() == [("support", 1, 1.0, False), ("sales", 1, 0.0, False)]
    later = Batch(1, 3, (), 2, release=True, due_at=clock.now + 60)
    await store.drive(SessionId("acme", "a"), later, LEASE_S)
    assert await waiting() == [("support", 1, 1.0, False), ("sales", 1, 0.0, False)]


async def _what_was_set_aside_or_lost_waits_since_then(store: Store, clock: ManualClock) -> None:
    await driven(store)
    clock.advance(5)
    aside = Batch(1, 3, (), 2, release=True, due_at=math.inf)
    await store.drive(S1, aside, LEASE_S)
    clock.advance(7)
    assert [(row.count, row.longest_s) for row in await store.waiting()] == [(1, 7.0)]
    await store.tell(S1, [steered("r2")])
    await store.claim(S1, "w1", LEASE_S)
    assert await store.waiting() == []
    clock.advance(LEASE_S + 2)
    assert [(row.count, row.longest_s) for row in await store.waiting()] == [(1, 2.0)]


PROMISES: tuple[Promise, ...] = (
    _a_hundred_wake_ups_move_no_epoch,
    _of_many_claims_at_once_one_succeeds,
    _a_lease_that_is_over_lets_another_claim_and_fences,
    _the_same_worker_is_fenced_by_its_own_later_claim,
    _renewal_and_commits_extend_the_lease,
    _a_lease_that_is_over_holds_until_somebody_claims,
    _a_renewal_after_the_release_keeps_nobody_out,
    _a_session_that_is_released_until_later_is_due_then,
    _news_makes_a_waiting_session_due_at_once,
    _the_longest_due_session_comes_first,
    _where_more_are_due_than_are_wanted_tenants_take_turns,
    _what_waits_of_a_tenant_is_counted_as_far_as_is_asked,
    _a_session_that_is_parked_waits_for_news,
    _who_drives_is_listed_as_long_as_the_lease_holds,
    _what_waits_is_counted_and_for_how_long,
    _what_was_set_aside_or_lost_waits_since_then,
)
