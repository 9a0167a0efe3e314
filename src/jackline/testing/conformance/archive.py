"""What is promised of lists, snapshots, forks and artifacts."""

from typing import Any

from jackline.core.budget import Account
from jackline.core.errors import ConflictError, InputError, NotFoundError
from jackline.core.events import SessionForked, SessionId, SessionOpened, TurnCompleted, Usage
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.core.value import replace
from jackline.ports import Batch, By, Committed, Listing, SessionRow, Store, UsageAsked, Used
from jackline.ports.usage import DAY_S
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
    submitted,
)


async def _a_list_says_how_each_session_stands(store: Store, clock: ManualClock) -> None:
    async def state() -> str:
        (row,) = await store.sessions("acme")
        return row.state

    await opened(store)
    assert await state() == "idle"
    await store.tell(S1, [submitted("r1")])
    assert await state() == "due"
    await store.claim(S1, "w1", LEASE_S)
    assert await state() == "driven"
    clock.advance(LEASE_S)
    assert await state() == "due"
    pause = Batch(1, 3, (), 2, 5, 7, questions=(), release=True, due_at=clock.now + 60)
    await store.drive(S1, pause, LEASE_S)
    row = SessionRow(S1, "ann", "support", "paused", 3, 1, 2, 7, 5, (), clock.now, number=1)
    assert await store.sessions("acme") == [row]
    clock.advance(60)
    await store.claim(S1, "w2", LEASE_S)
    assert [row.worker for row in await store.sessions("acme")] == ["w2"]
    await store.drive(S1, released(DONE, after=4, epoch=2), LEASE_S)
    assert await state() == "idle"


async def _a_store_has_a_key_that_stays(store: Store, clock: ManualClock) -> None:
    key = await store.key()
    await opened(store)
    clock.advance(1)
    assert (len(key), await store.key()) == (32, key)
    assert len(set(key)) > 1, "it is random"


async def _a_list_begins_with_the_latest_and_has_what_is_wanted(
    store: Store, clock: ManualClock
) -> None:
    for name, user in (("a", "ann"), ("b", "bob"), ("c", "ann")):
        clock.advance(1)
        await store.open(SessionId("acme", name), SessionOpened("support", user))
    await store.open(SessionId("other", "d"), SessionOpened("support", "ann"))
    await store.open(SessionId("acme", "e"), SessionOpened("sales", "ann"))
    await store.tell(SessionId("acme", "a"), [submitted("r1")])
    await store.tell(SessionId("acme", "c"), [submitted("r1")])
    assert await store.claim(SessionId("acme", "c"), "w1", LEASE_S)

    async def names(listing: Listing) -> str:
        return "".join(row.id.name for row in await store.sessions("acme", listing))

    assert await names(Listing()) == "ecba"
    assert await names(Listing(limit=2)) == "ec"
    assert await names(Listing(user="bob")) == "b"
    assert await names(Listing(agent="sales")) == "e"
    assert await names(Listing(user="ann", agent="support")) == "ca"
    assert await names(Listing(state="due")) == "a"
    assert await names(Listing(state="driven")) == "c"
    assert await names(Listing(state="idle")) == "eb"
    assert await names(Listing(state="paused")) == await names(Listing(waiting=True)) == ""
    clock.advance(LEASE_S)
    assert await names(Listing(state="due")) == "ca"


async def _what_turns_used_is_summed_as_they_end(store: Store, clock: ManualClock) -> None:
    clock.advance(20 * DAY_S - clock.now)
    end = TurnCompleted(2, "Done.", usage=Usage(30, 4), cost=7)
    for name, user in (("a", "ann"), ("b", "bob"), ("c", "ann")):
        session = SessionId("acme", name)
        opening = SessionOpened("support" if name < "c" else "sales", user)
        await store.tell(session, [submitted("r1")], opened=opening)
        claimed = await store.claim(session, "w1", LEASE_S)
        assert claimed is not None
        await store.drive(session, released(end, after=3), LEASE_S)
        clock.advance(DAY_S / 2)
    await store.fork(SessionId("acme", "a"), 4, SessionId("acme", "fork"))
    await store.erase("acme", session="a")

    async def used(by: By, since: int = 0, user: str | None = None) -> list[Used]:
        return list(await store.usage("acme", UsageAsked(by, since, 30, user)))

    assert await used("tenant") == [Used("acme", 3, 21, 90, 12)]
    assert await used("user") == [Used("ann", 2, 14, 60, 8), Used("bob", 1, 7, 30, 4)]
    assert await used("agent", user="ann") == [
        Used("sales", 1, 7, 30, 4),
        Used("support", 1, 7, 30, 4),
    ]
    days = [Used("1970-01-21", 2, 14, 60, 8), Used("1970-01-22", 1, 7, 30, 4)]
    assert (await used("day"), await used("day", 21)) == (days, days[1:])
    assert await store.usage("acme", UsageAsked("day", 0, 30, limit=1)) == days[:1]
    assert await store.usage("acme", UsageAsked("day", 0, 30, after=days[0].key)) == days[1:]
    users = await store.usage("acme", UsageAsked("user", 0, 30, after="ann"))
    assert users == [Used("bob", 1, 7, 30, 4)]
    assert await store.usage("other", UsageAsked("day", 0, 30)) == []


async def _who_reads_a_list_in_parts_gets_each_session_once(
    store: Store, clock: ManualClock
) -> None:
    for number in range(9):
        await store.open(SessionId("acme", f"s{number}"), SessionOpened("support", "ann"))
        await store.open(SessionId("other", f"s{number}"), SessionOpened("support", "ann"))
    found: list[str] = []
    listing = Listing(user="ann", limit=4)
    while rows := await store.sessions("acme", listing):
        found += [row.id.name for row in rows]
        listing = replace(listing, before=rows[-1].number)
        clock.advance(1)
        for row in (rows[0], rows[-1]):
            await store.tell(row.id, [submitted("r1")])
        await store.tell(SessionId("acme", "s1"), [submitted(f"r{len(found)}")])
        new = SessionId("acme", f"new{len(found)}")
        await store.fork(rows[0].id, 1, new)
    assert found == [f"s{number}" for number in range(8, -1, -1)]


async def _a_driver_starts_from_the_newest_snapshot(store: Store, _: ManualClock) -> None:
    await driven(store)
    loaded = await store.load(S1)
    assert loaded.session == Session(S1)
    assert loaded.records == await store.read(S1)
    session = replay(loaded.session, loaded.records)
    await store.save(session)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    loaded = await store.load(S1)
    assert loaded.session == session
    assert loaded.records == await store.read(S1, 3)
    newer = replay(loaded.session, loaded.records)
    await store.save(newer)
    await store.save(session)
    assert (await store.load(S1)).session == newer, "an older one does not replace it"
    assert (await store.load(S1)).records == []


async def _what_comes_with_a_claim_is_what_would_be_read(store: Store, clock: ManualClock) -> None:
    await driven(store)
    for records in (4, 1):
        clock.advance(LEASE_S)
        claimed = await store.claim(S1, "w2", LEASE_S)
        assert claimed is not None
        loaded = await store.load(S1)
        assert len(loaded.records) == records
        assert claimed.loaded in (None, loaded)
        await store.save(replay(loaded.session, loaded.records))


async def _a_snapshot_of_a_driver_that_is_fenced_is_dropped(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    session = replay(Session(S1), await store.read(S1))
    clock.advance(LEASE_S)
    await store.claim(S1, "w2", LEASE_S)
    await store.save(session)
    await store.save(replace(session, head=99, epoch=2))
    assert (await store.load(S1)).session == Session(S1), "nor one of what is not there"


async def _a_fork_is_a_copied_prefix(store: Store, clock: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    handle = await store.put(S1, b"pixels", "image/png")
    await store.save(replay(Session(S1), await store.read(S1)))
    clock.advance(5)
    await store.fork(S1, 4, S2)
    assert (await store.read(S2))[:4] == await store.read(S1)
    assert (await events(store, S2))[4:] == [SessionForked("s1", 4)]
    assert (await store.load(S2)).session == Session(S2)
    assert await store.get(S2, handle) == (b"pixels", "image/png")
    await store.open(S2, OPENED)
    row = await store.row(S2)
    fields = (row.state, row.turn, row.epoch, row.spent, row.user, row.head)
    assert fields == ("idle", None, 0, 0, "ann", 5)


async def _a_fork_goes_its_own_way(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    await store.fork(S1, 4, S2)
    receipt = await store.tell(S2, [submitted("r1", "Another start.")])
    assert (receipt.seq, receipt.repeated) == (6, False), "request ids are its own"
    claimed = await store.claim(S2, "w1", LEASE_S)
    assert claimed is not None
    assert claimed.epoch == 1
    batch = released(TurnCompleted(6, "Yes."), after=7)
    assert isinstance(await store.drive(S2, batch, LEASE_S), Committed)
    assert await head(store) == 4


async def _a_fork_is_of_what_is_there_to_where_nothing_is(store: Store, _: ManualClock) -> None:
    await opened(store)
    await opened(store, S2)
    for after in (0, 2, -1):
        with raises(InputError):
            await store.fork(S1, after, SessionId("acme", "new"))
    with raises(InputError):
        await store.fork(S1, 1, SessionId("other", "new"))
    with raises(InputError):
        await store.fork(S1, 1, SessionId("acme", ""))
    with raises(ConflictError):
        await store.fork(S1, 1, S2)
    assert len(await store.sessions("acme")) == 2


async def _an_artifact_is_found_by_its_content(store: Store, _: ManualClock) -> None:
    await opened(store)
    await opened(store, S2)
    data = bytes(range(256)) * 10_000
    handle = await store.put(S1, data, "application/pdf")
    assert await store.put(S1, data, "application/pdf") == handle
    assert await store.get(S1, handle) == (data, "application/pdf")
    other = await store.put(S1, b"", "text/plain")
    assert other != handle
    assert await store.get(S1, other) == (b"", "text/plain")
    with raises(NotFoundError):
        await store.get(S1, "nothing")
    with raises(NotFoundError):
        await store.get(S2, handle)


async def _accounts_are_listed_by_the_beginning_of_their_names(
    store: Store, _: ManualClock
) -> None:
    for name in ("user/b", "user/a", "us%r/a", "user_/a", "tenant"):
        await store.allow("acme", name, 5)
    assert [account.name for account in await store.accounts("acme", "user/")] == [
        "user/a",
        "user/b",
    ]
    assert [account.name for account in await store.accounts("acme", "us%")] == ["us%r/a"]
    assert len(await store.accounts("acme")) == 5


async def _a_limit_is_an_amount_that_every_store_can_hold(store: Store, _: ManualClock) -> None:
    most = 2**62
    await store.allow("acme", "user/a", most)
    wrong: tuple[Any, ...] = (most + 1, 2**70, -1, 0.5, True, "5")
    for limit in wrong:
        with raises(InputError):
            await store.allow("acme", "user/a", limit)
    assert await store.accounts("acme") == [Account("user/a", most)]
    await store.allow("acme", "user/a", 0)
    assert await store.accounts("acme") == [Account("user/a", 0)]


PROMISES: tuple[Promise, ...] = (
    _a_list_says_how_each_session_stands,
    _a_list_begins_with_the_latest_and_has_what_is_wanted,
    _what_turns_used_is_summed_as_they_end,
    _who_reads_a_list_in_parts_gets_each_session_once,
    _a_store_has_a_key_that_stays,
    _a_driver_starts_from_the_newest_snapshot,
    _what_comes_with_a_claim_is_what_would_be_read,
    _a_snapshot_of_a_driver_that_is_fenced_is_dropped,
    _a_fork_is_a_copied_prefix,
    _a_fork_goes_its_own_way,
    _a_fork_is_of_what_is_there_to_where_nothing_is,
    _an_artifact_is_found_by_its_content,
    _accounts_are_listed_by_the_beginning_of_their_names,
    _a_limit_is_an_amount_that_every_store_can_hold,
)
