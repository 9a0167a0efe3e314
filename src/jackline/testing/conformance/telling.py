"""What those are promised who tell a session something: once, in order, and to which turn."""

import asyncio

from jackline.core.errors import BusyError, ConflictError, InputError, NotFoundError
from jackline.core.events import (
    ChildFinished,
    GuardJudged,
    LimitsRaised,
    Principal,
    SessionId,
    SessionOpened,
    TurnCancelRequested,
    TurnResumed,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.messages import Text
from jackline.core.value import replace
from jackline.ports import Batch, Committed, Listing, Receipt, Store
from jackline.testing.conformance.world import (
    ANN,
    DONE,
    LEASE_S,
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


async def _a_request_is_taken_once(store: Store, clock: ManualClock) -> None:
    await opened(store)
    first = await store.tell(S1, [submitted("r1")])
    assert first == Receipt(2, 2, clock.now)
    clock.advance(5)
    again = Receipt(2, 2, clock.now - 5, repeated=True)
    assert await store.tell(S1, [submitted("r1")]) == again
    assert await store.tell(S1, [steered("r1", "Hello.")]) == again, "it fell to another way"
    retried = TurnSubmitted(
        "r1", (Text("Hello."),), Principal("ann", frozenset({"new"})), "v2", 5.0, "trace"
    )
    assert await store.tell(S1, [retried]) == again, "nothing of this was said by the user"
    assert await head(store) == 2


async def _a_request_that_ended_is_not_begun_again(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    assert (await store.tell(S1, [submitted("r1")])).repeated
    assert await store.due(["support"]) == []


async def _a_request_id_is_not_used_for_something_else(store: Store, _: ManualClock) -> None:
    await opened(store)
    await store.tell(S1, [submitted("r1")])
    for other in (
        submitted("r1", "Something else."),
        steered("r1"),
        TurnSubmitted("r1", (Text("Hello."),), Principal("bob")),
    ):
        with raises(ConflictError):
            await store.tell(S1, [other])
    assert await head(store) == 2


async def _another_session_may_use_the_same_request_id(store: Store, _: ManualClock) -> None:
    for session in (S1, S2, SessionId("other", "s1")):
        await opened(store, session)
        receipt = await store.tell(session, [submitted("r1")])
        assert (receipt.seq, receipt.repeated) == (2, False)


async def _of_the_same_request_told_at_once_one_is_new(store: Store, _: ManualClock) -> None:
    await opened(store)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.tell(S1, [submitted("r1")])) for _ in range(20)]
    assert sorted(task.result().repeated for task in tasks) == [False] + [True] * 19
    assert await head(store) == 2


async def _an_input_waits_for_the_open_turn_and_a_steer_joins_it(
    store: Store, clock: ManualClock
) -> None:
    await driven(store)
    assert await store.tell(S1, [submitted("r2")]) == Receipt(4, 4, clock.now, queued=True)
    assert await store.tell(S1, [steered("r3")]) == Receipt(5, 2, clock.now)
    batch = Batch(1, 5, (DONE,), 4)
    assert isinstance(await store.drive(S1, batch, LEASE_S), Committed)
    receipt = await store.tell(S1, [steered("r4")])
    assert (receipt.seq, receipt.turn) == (7, 4), "the turn that was queued is open now"
    again = await store.tell(S1, [steered("r3")])
    assert (again.seq, again.turn, again.repeated) == (5, 2, True), "what was said then"


async def _a_steer_opens_a_turn_where_none_is(store: Store, _: ManualClock) -> None:
    await opened(store)
    assert (await store.tell(S1, [steered("r1")])).turn == 2
    assert (await store.tell(S1, [steered("r2")])).turn == 2
    assert await store.due(["support"]) == [S1]


async def _whoever_wants_no_open_turn_hears_of_it(store: Store, _: ManualClock) -> None:
    await driven(store)
    with raises(BusyError):
        await store.tell(S1, [submitted("r2")], idle_only=True)
    assert (await store.tell(S1, [submitted("r1")], idle_only=True)).repeated
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    assert (await store.tell(S1, [submitted("r2")], idle_only=True)).turn == 5


async def _so_many_inputs_may_wait_and_no_more(store: Store, _: ManualClock) -> None:
    await driven(store)
    for number in range(100):
        await store.tell(S1, [submitted(f"q{number}")])
        await store.tell(S1, [steered(f"s{number}")])
    for one_more in (submitted("q"), steered("s")):
        with raises(BusyError):
            await store.tell(S1, [one_more])
    assert (await store.tell(S1, [submitted("q7")])).repeated
    await store.drive(S1, replace(released(DONE, after=203), turn=4), LEASE_S)
    assert (await store.tell(S1, [submitted("q")])).turn == 205
    assert (await store.tell(S1, [steered("s")])).turn == 4


async def _a_verdict_rides_along_with_what_it_judges(store: Store, _: ManualClock) -> None:
    await opened(store)
    verdict = GuardJudged("input", "size", "flag", subject="r1")
    assert (await store.tell(S1, [submitted("r1"), verdict])).seq == 2
    assert (await store.tell(S1, [submitted("r1"), verdict])).repeated
    assert (await events(store))[1:] == [submitted("r1"), verdict]
    claimed = await store.claim(S1, "w1", LEASE_S)
    assert claimed is not None
    assert await head(store) == 4


async def _only_what_can_go_on_is_woken(store: Store, _: ManualClock) -> None:
    await driven(store)
    await store.drive(S1, released(DONE, after=3), LEASE_S)
    told = (
        TurnCancelRequested("Never mind."),
        LimitsRaised({"usd": 1}),
        ChildFinished("k", "child", "completed"),
        TurnResumed("looked at"),
        GuardJudged("input", "size", "flag"),
    )
    for event in told:
        assert (await store.tell(S1, [event])).turn is None
    assert await store.due(["support"]) == []
    for event in told[:4]:
        await store.tell(S1, [submitted(f"for {event}")])
        after = await head(store)
        claimed = await store.claim(S1, "w1", LEASE_S)
        assert claimed is not None
        pause = Batch(claimed.epoch, after + 1, (), after, release=True)
        assert isinstance(await store.drive(S1, pause, LEASE_S), Committed)
        assert await store.due(["support"]) == [], "a pause without end"
        key = f"k{after}"
        told_now = ChildFinished(key, "c", "failed") if isinstance(event, ChildFinished) else event
        assert (await store.tell(S1, [told_now])).turn == after
        assert await store.due(["support"]) == [S1]
        claimed = await store.claim(S1, "w1", LEASE_S)
        assert claimed is not None
        end = released(after=await head(store), epoch=claimed.epoch)
        await store.drive(S1, end, LEASE_S)


async def _a_child_finishes_once(store: Store, _: ManualClock) -> None:
    await driven(store)
    finished = ChildFinished("k", "child", "completed", (Text("42"),), 7)
    assert (await store.tell(S1, [finished])).seq == 4
    assert (await store.tell(S1, [finished])).repeated
    assert (await store.tell(S1, [ChildFinished("k2", "child2", "failed")])).seq == 5


async def _of_what_cannot_be_taken_nothing_is_kept(store: Store, _: ManualClock) -> None:
    await opened(store)
    with raises(InputError):
        await store.tell(S1, [])
    for text in ("\ud800", "a\udfffb"):
        with raises(InputError):
            await store.tell(S1, [submitted("r1", text)])
    with raises(InputError):
        await store.tell(S1, [submitted("r\ud800")])
    assert await head(store) == 1
    assert (await store.tell(S1, [submitted("", "An empty id is one, too.")])).seq == 2


async def _a_tenant_sees_nothing_of_another(store: Store, _: ManualClock) -> None:
    theirs = SessionId("other", "s1")
    await driven(store)
    await store.open(theirs, SessionOpened("support", "bob"))
    await store.tell(theirs, [TurnSteered("r1", (Text("Ours."),), Principal("bob"))])
    assert await head(store, theirs) == 2
    handle = await store.put(S1, b"secret", "text/plain")
    with raises(NotFoundError):
        await store.get(theirs, handle)
    await store.allow("acme", "user", 1)
    assert await store.accounts("other") == []
    assert [row.user for row in await store.sessions("other")] == ["bob"]
    assert await store.sessions("other", Listing(user="ann")) == []
    assert await store.renew("w1", {theirs: 1}, LEASE_S) == {}
    assert await store.erase("other") == 1
    assert (await events(store))[1] == submitted("r1")


async def _text_of_any_kind_comes_back_as_it_was(store: Store, _: ManualClock) -> None:
    await opened(store)
    texts = ("", "\0", "Grüße 🚢", "</script>", "x" * 2_000_000, "'; DROP TABLE session; --")
    for number, text in enumerate(texts):
        said = TurnSubmitted(text[:60], (Text(text),), ANN)
        assert (await store.tell(S1, [said])).seq == number + 2
        assert (await events(store))[-1] == said


PROMISES: tuple[Promise, ...] = (
    _a_request_is_taken_once,
    _a_request_that_ended_is_not_begun_again,
    _a_request_id_is_not_used_for_something_else,
    _another_session_may_use_the_same_request_id,
    _of_the_same_request_told_at_once_one_is_new,
    _an_input_waits_for_the_open_turn_and_a_steer_joins_it,
    _a_steer_opens_a_turn_where_none_is,
    _whoever_wants_no_open_turn_hears_of_it,
    _so_many_inputs_may_wait_and_no_more,
    _a_verdict_rides_along_with_what_it_judges,
    _only_what_can_go_on_is_woken,
    _a_child_finishes_once,
    _of_what_cannot_be_taken_nothing_is_kept,
    _a_tenant_sees_nothing_of_another,
    _text_of_any_kind_comes_back_as_it_was,
)
