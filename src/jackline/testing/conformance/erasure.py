"""What is promised to those who want to be forgotten, and of what has become old."""

from hashlib import sha256

from jackline.core.budget import Account
from jackline.core.errors import FencedError, NotFoundError, StaleError
from jackline.core.events import (
    Erased,
    InputProvided,
    SessionForked,
    SessionId,
    SessionOpened,
    SessionTaken,
)
from jackline.core.fold import replay
from jackline.core.messages import Message, Text
from jackline.core.session import Session
from jackline.ports import Batch, Committed, Store
from jackline.testing.conformance.world import (
    ASKED,
    DONE,
    LEASE_S,
    OPENED,
    S1,
    S2,
    ManualClock,
    Promise,
    driven,
    events,
    opened,
    raises,
    released,
    reserved,
    submitted,
)

_DAY_S = 86_400.0


async def _of_what_was_said_nothing_is_left(store: Store, _: ManualClock) -> None:
    history = (Message("user", (Text("Long ago."),)),)
    await store.open(S1, SessionOpened("support", "ann", history))
    await store.tell(S1, [submitted("r1")])
    await store.claim(S1, "w1", LEASE_S)
    handle = await store.put(S1, b"pixels", "image/png")
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    await store.save(replay(Session(S1), await store.read(S1)))
    assert await store.erase("acme", session="s1") == 1
    erased = [OPENED, Erased("turn.submitted"), SessionTaken(1, "w1"), Erased("turn.completed")]
    assert await events(store) == erased
    assert (await store.load(S1)).session == Session(S1)
    with raises(NotFoundError):
        await store.get(S1, handle)
    assert await store.erase("acme", session="s1") == 1, "again changes nothing"
    assert await events(store) == erased
    assert replay(Session(S1), await store.read(S1)).turn is None


async def _an_erasure_fences_and_ends_what_is_under_way(store: Store, _: ManualClock) -> None:
    await driven(store)
    session = replay(Session(S1), await store.read(S1))
    await store.drive(S1, Batch(1, 3, (ASKED,), 2, questions=(4,)), LEASE_S)
    await store.erase("acme")
    with raises(FencedError):
        await store.drive(S1, released(DONE, after=4), LEASE_S)
    await store.save(session)
    assert (await store.load(S1)).session == Session(S1), "nor can it bring it back"
    with raises(StaleError):
        await store.tell(S1, [InputProvided(4, approved=True, by="eve", digest="d1")])
    assert await store.due(["support"]) == []
    (row,) = await store.sessions("acme")
    assert (row.state, row.turn, row.questions) == ("idle", None, ())


async def _an_erased_session_goes_on(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.erase("acme")
    assert (await store.tell(S1, [submitted("r2")])).turn == 4
    claimed = await store.claim(S1, "w1", LEASE_S)
    assert claimed is not None
    assert claimed.epoch == 3
    session = replay(Session(S1), await store.read(S1))
    assert (session.epoch, session.opened) == (3, OPENED)
    assert session.turn is not None
    assert session.turn.id == 4


async def _a_request_is_known_after_its_erasure(store: Store, clock: ManualClock) -> None:
    await driven(store)
    await store.erase("acme")
    assert (await store.tell(S1, [submitted("r1", "Whatever.")])).repeated
    clock.advance(31 * _DAY_S)
    assert await store.retain(1_000 * _DAY_S) == 0
    assert not (await store.tell(S1, [submitted("r1")])).repeated


async def _money_stays_and_holds_are_charged(store: Store, _: ManualClock) -> None:
    await driven(store)
    moves, limits = {"user": (30, 5)}, {"user": 100}
    batch = Batch(1, 3, (reserved("k", "user", hold=30),), 2, 30, 5, moves, limits)
    await store.drive(S1, batch, LEASE_S)
    await store.erase("acme")
    await store.erase("acme")
    assert await store.accounts("acme") == [Account("user", 100, 35, 0)]
    (row,) = await store.sessions("acme")
    assert (row.spent, row.held) == (35, 0)


async def _forks_and_children_are_reached(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    await store.fork(S1, 4, S2)
    fork, child = SessionId("acme", "fork of s2"), SessionId("acme", "child")
    await store.fork(S2, 5, fork)
    await store.open(child, SessionOpened("helper", "bob", parent="fork of s2"))
    await store.tell(child, [submitted("c1", "What ann said.")])
    alien, other = SessionId("other", "child"), SessionId("acme", "other")
    await store.open(alien, SessionOpened("helper", "bob", parent="s1"))
    await opened(store, other)
    await store.tell(other, [submitted("r1")])
    assert await store.erase("acme", session="s1") == 4
    assert (await events(store, fork))[4:] == [SessionForked("s1", 4), SessionForked("s2", 5)]
    assert (await events(store, child))[1] == Erased("turn.submitted")
    assert (await events(store, other))[1] == submitted("r1")


async def _what_comes_after_an_erasure_is_reached_by_the_next(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.erase("acme", session="s1")
    child = SessionId("acme", "child")
    await store.open(child, SessionOpened("helper", "ann", parent="s1"))
    await store.tell(child, [submitted("c1")])
    assert (await events(store, child))[1] == submitted("c1")
    assert await store.erase("acme", session="s1") == 2
    assert (await events(store, child))[1] == Erased("turn.submitted")


async def _one_users_erasure_is_nobody_elses(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.open(S2, SessionOpened("support", "bob"))
    await store.tell(S2, [submitted("r1")])
    assert await store.erase("acme", "bob") == 1
    assert (await events(store))[1] == submitted("r1")
    assert (await events(store, S2))[1] == Erased("turn.submitted")
    assert await store.erase("acme", "bob", "s2") == 1
    with raises(NotFoundError):
        await store.erase("acme", "ann", "s2")
    assert await store.erase("acme", "nobody") == 0
    assert await store.erase("nobody") == 0


async def _what_is_idle_for_long_is_dropped(store: Store, clock: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    waiting, later, young = (SessionId("acme", name) for name in ("waiting", "later", "young"))
    await driven(store, waiting)
    pause = Batch(1, 3, (ASKED,), 2, questions=(4,), release=True)
    await store.drive(waiting, pause, LEASE_S)
    await driven(store, later)
    await store.drive(later, released(after=3, due_at=clock.now + 90 * _DAY_S), LEASE_S)
    clock.advance(60 * _DAY_S)
    await opened(store, young)
    assert await store.retain(30 * _DAY_S) == 1
    assert {row.id for row in await store.sessions("acme")} == {waiting, later, young}
    with raises(NotFoundError):
        await store.read(S1)
    await store.open(S1, SessionOpened("support", "bob"))
    assert await events(store) == [SessionOpened("support", "bob")]
    assert (await store.tell(S1, [submitted("r1")])).seq == 2
    assert await store.claim(S1, "w1", LEASE_S) is not None
    assert await store.retain(30 * _DAY_S) == 0


async def _a_fork_outlives_what_it_was_copied_from(store: Store, clock: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    handle = await store.put(S1, b"pixels", "image/png")
    clock.advance(60 * _DAY_S)
    await store.fork(S1, 4, S2)
    assert await store.retain(30 * _DAY_S) == 1
    assert await store.get(S2, handle) == (b"pixels", "image/png")
    await opened(store, S1)
    await store.tell(S2, [submitted("r2")])
    await store.erase("acme", session="s1")
    assert (await events(store, S2))[5] == submitted("r2"), "a later namesake is another one"
    claimed = await store.claim(S2, "w1", LEASE_S)
    assert claimed is not None
    assert isinstance(await store.drive(S2, released(after=7), LEASE_S), Committed)


async def _a_driver_that_was_fenced_keeps_no_artifact(store: Store, _: ManualClock) -> None:
    await driven(store)
    handle = await store.put(S1, b"kept", "text/plain", epoch=1)
    assert await store.get(S1, handle) == (b"kept", "text/plain")
    await store.erase("acme", session="s1")
    with raises(FencedError):
        await store.put(S1, b"late", "text/plain", epoch=1)
    with raises(NotFoundError):
        await store.get(S1, sha256(b"late").hexdigest())
    await store.put(S1, b"of a new input", "text/plain")


PROMISES: tuple[Promise, ...] = (
    _of_what_was_said_nothing_is_left,
    _an_erasure_fences_and_ends_what_is_under_way,
    _an_erased_session_goes_on,
    _a_request_is_known_after_its_erasure,
    _money_stays_and_holds_are_charged,
    _forks_and_children_are_reached,
    _what_comes_after_an_erasure_is_reached_by_the_next,
    _one_users_erasure_is_nobody_elses,
    _what_is_idle_for_long_is_dropped,
    _a_fork_outlives_what_it_was_copied_from,
    _a_driver_that_was_fenced_keeps_no_artifact,
)
