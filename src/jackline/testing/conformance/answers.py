"""What is promised of questions: one answer each, in time, to just what was asked."""

from jackline.core.errors import StaleError
from jackline.core.events import InputProvided, InputRequested
from jackline.ports import Batch, Committed, Listing, Receipt, Store
from jackline.testing.conformance.world import (
    ASKED,
    LEASE_S,
    S1,
    ManualClock,
    Promise,
    driven,
    head,
    raises,
)

YES = InputProvided(4, approved=True, by="eve", digest="d1")
NO = InputProvided(4, approved=False, by="eve", digest="d1", reason="Too much.")


async def _asked(store: Store, *more: InputRequested) -> None:
    """Let the driver ask, from position 4 on, and wait for a person."""
    await driven(store)
    questions = (ASKED, *more)
    seqs = tuple(range(4, 4 + len(questions)))
    pause = Batch(1, 3, questions, 2, questions=seqs, release=True)
    assert isinstance(await store.drive(S1, pause, LEASE_S), Committed)


async def _an_answer_wakes_its_session(store: Store, clock: ManualClock) -> None:
    await _asked(store)
    assert await store.due(["support"]) == []
    assert [row.questions for row in await store.sessions("acme", Listing(waiting=True))] == [(4,)]
    clock.advance(1)
    assert await store.tell(S1, [YES]) == Receipt(5, 2, clock.now)
    assert await store.due(["support"]) == [S1]
    assert await store.sessions("acme", Listing(waiting=True)) == []


async def _a_question_is_answered_once(store: Store, clock: ManualClock) -> None:
    await _asked(store)
    first = await store.tell(S1, [YES])
    clock.advance(5_000)
    assert await store.tell(S1, [YES]) == Receipt(5, 2, first.at, repeated=True)
    with raises(StaleError):
        await store.tell(S1, [NO])
    with raises(StaleError):
        await store.tell(S1, [InputProvided(4, approved=True, by="mallory", digest="d1")])
    assert await head(store) == 5


async def _an_answer_is_to_what_was_asked(store: Store, _: ManualClock) -> None:
    await _asked(store)
    for question, digest in ((4, "d2"), (4, ""), (3, ""), (2, "d1"), (5, "d1"), (0, ""), (-1, "")):
        with raises(StaleError):
            await store.tell(S1, [InputProvided(question, approved=True, by="eve", digest=digest)])
    assert await head(store) == 4
    assert (await store.tell(S1, [YES])).seq == 5, "none of these has used it up"


async def _an_answer_with_other_arguments_binds_the_call_that_they_make(
    store: Store, _: ManualClock
) -> None:
    await _asked(store)
    edited = InputProvided(4, approved=True, by="eve", digest="d2", arguments='{"cents": 1}')
    assert (await store.tell(S1, [edited])).seq == 5
    with raises(StaleError):
        await store.tell(S1, [YES])


async def _a_question_expires(store: Store, clock: ManualClock) -> None:
    await _asked(store)
    clock.now = ASKED.expires_at
    with raises(StaleError):
        await store.tell(S1, [YES])
    assert await head(store) == 4


async def _a_question_that_expired_stays_so_when_the_clock_is_set_back(
    store: Store, clock: ManualClock
) -> None:
    await _asked(store)
    clock.now = ASKED.expires_at
    with raises(StaleError):
        await store.tell(S1, [YES])
    clock.advance(-500)
    with raises(StaleError):
        await store.tell(S1, [YES])


async def _a_question_closes_when_its_driver_says_so(store: Store, _: ManualClock) -> None:
    await _asked(store, InputRequested("input", "Which?", 2_000.0, key="k2", digest="d2"))
    assert (await store.tell(S1, [YES])).seq == 6
    claimed = await store.claim(S1, "w1", LEASE_S)
    assert claimed is not None
    stopped = Batch(claimed.epoch, 7, (), 2, release=True)
    await store.drive(S1, stopped, LEASE_S)
    with raises(StaleError):
        await store.tell(S1, [InputProvided(5, approved=True, by="eve", digest="d2")])


async def _each_of_several_questions_has_its_answer(store: Store, _: ManualClock) -> None:
    await _asked(store, InputRequested("input", "Which?", 2_000.0, key="k2", digest="d2"))
    await store.tell(S1, [InputProvided(5, approved=True, by="eve", digest="d2", value="7")])
    assert [row.questions for row in await store.sessions("acme")] == [(4,)]
    assert (await store.tell(S1, [YES])).seq == 7


async def _a_driver_does_not_reopen_what_it_has_not_read_of(store: Store, _: ManualClock) -> None:
    await driven(store)
    asking = Batch(1, 3, (ASKED,), 2, questions=(4,))
    await store.drive(S1, asking, LEASE_S)
    await store.tell(S1, [YES])
    late = Batch(1, 4, (), 2, questions=(4,))
    assert not isinstance(await store.drive(S1, late, LEASE_S), Committed)
    with raises(StaleError):
        await store.tell(S1, [NO])


async def _an_answer_to_what_cannot_be_asked_is_stale(store: Store, _: ManualClock) -> None:
    await _asked(store)
    for question in (2**63, -(2**63)):
        with raises(StaleError):
            await store.tell(S1, [InputProvided(question, approved=True, by="eve", digest="d1")])
    assert await head(store) == 4


PROMISES: tuple[Promise, ...] = (
    _an_answer_wakes_its_session,
    _a_question_is_answered_once,
    _an_answer_is_to_what_was_asked,
    _an_answer_with_other_arguments_binds_the_call_that_they_make,
    _a_question_expires,
    _a_question_that_expired_stays_so_when_the_clock_is_set_back,
    _a_question_closes_when_its_driver_says_so,
    _each_of_several_questions_has_its_answer,
    _a_driver_does_not_reopen_what_it_has_not_read_of,
    _an_answer_to_what_cannot_be_asked_is_stale,
)
