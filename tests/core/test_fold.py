"""A session is the fold of its events, and of nothing else."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.story import ANN, ID, Story, agent
from tests.core.test_turn import happens

from jackline.core import events as e
from jackline.core.agent import Limits, Window
from jackline.core.budget import Price, Terms
from jackline.core.codec import decode, encode, erased, pack, unpack
from jackline.core.events import Record
from jackline.core.fold import apply, fingerprint, replay
from jackline.core.fold.calls import canonical
from jackline.core.messages import Message, Text, ToolCall
from jackline.core.session import Session
from jackline.core.value import replace

CENTS = '{"cents":5}'
STEPS = st.lists(st.integers(0, 11), max_size=16)


def lived(steps: list[int]) -> list[Record]:
    """Return the journal of a session to which all that happened."""
    priced = Terms("free", Price("0.10", 1), window_tokens=2_000)
    limits = Limits(drivers=50, driven_s=None)
    told = Story(agent(limits=limits, window=Window(keep_last=2)), priced).asked()
    for step in steps:
        told.goes_on(0.5)
        happens(told, step)
    told.goes_on()
    return [Record(seq, at, event) for seq, (at, event) in enumerate(told.events, 1)]


@settings(max_examples=60)
@given(STEPS)
def test_from_every_prefix_a_snapshot_and_the_rest_make_the_same_session(steps: list[int]) -> None:
    records = lived(steps)
    whole = replay(Session(ID), records)
    session = Session(ID)
    for record in records:
        packed = pack(session)
        unpacked = unpack(packed)
        assert unpacked == session
        assert unpacked is not None
        assert unpacked.messages.size_bytes == session.messages.size_bytes
        assert replay(unpacked, records[session.head :]) == whole
        session = replay(session, [record])
        assert unpack(packed) == unpacked
    assert session == whole


@settings(max_examples=60)
@given(STEPS)
def test_folding_changes_nothing_that_it_was_given(steps: list[int]) -> None:
    session = Session(ID)
    for record in lived(steps):
        before = msgspec.msgpack.encode(session, enc_hook=list), len(session.messages)
        after = replay(session, [record])
        assert after.head == session.head + 1
        assert (msgspec.msgpack.encode(session, enc_hook=list), len(session.messages)) == before
        session = after


@settings(max_examples=60)
@given(STEPS)
def test_a_journal_read_back_from_bytes_folds_to_the_same(steps: list[int]) -> None:
    records = lived(steps)
    read = [Record(each.seq, each.at, decode(encode(each.event))) for each in records]
    assert replay(Session(ID), read) == replay(Session(ID), records)


@settings(max_examples=40)
@given(STEPS, st.integers(1, 200))
def test_an_erased_session_still_folds_and_can_go_on(steps: list[int], cut: int) -> None:
    records = lived(steps)[:cut]
    kept = (e.SessionOpened, e.SessionTaken, e.SessionForked)
    stones = [
        each
        if isinstance(each.event, kept)
        else Record(each.seq, each.at, decode(erased(encode(each.event))))
        for each in records
    ]
    session = replay(Session(ID), stones)
    assert (session.turn, len(session.messages)) == (None, 0)
    assert apply(session, e.TurnSubmitted("new", (Text("hi"),), ANN)).turn is not None


def test_a_gap_in_a_journal_is_no_history() -> None:
    with pytest.raises(AssertionError, match="3 does not follow 1"):
        replay(
            Session(ID), [Record(1, 0.0, e.SessionOpened("a", "u")), Record(3, 0.0, e.Erased(""))]
        )


@pytest.mark.parametrize(
    "event",
    [
        e.ToolStarted("turn/9/model/0/tool/0", "look", 1, ""),
        e.ModelReplied("turn/9/model/0", (), "m", e.Usage()),
        e.TurnCompleted(9, ""),
    ],
)
def test_what_belongs_to_no_turn_is_a_bug_and_not_a_state(event: e.Event) -> None:
    with pytest.raises(AssertionError):
        Story().told(event)


def test_a_reply_to_another_question_is_a_bug() -> None:
    told = Story().asked()
    with pytest.raises(AssertionError, match="was not asked"):
        told.told(e.ModelFailed("turn/2/model/0", "overloaded"))
    told.goes_on()
    with pytest.raises(AssertionError, match="but turn/2/model/0"):
        told.told(e.ModelFailed("turn/2/model/7", "overloaded"))


def test_time_never_goes_back_in_a_session() -> None:
    told = Story().asked()
    told.goes_on()
    told.now -= 500
    told.replied(ToolCall("look", "{}"))
    assert told.session.at == 1_000.0
    assert told.turn.driven_s == 0.0


def test_a_fork_keeps_what_was_said_and_unknown_and_nothing_that_is_open() -> None:
    told = Story(agent(limits=Limits(drivers=9))).asked("one")
    told.calls("pay")
    told.told(told.taken(), e.TurnSubmitted("r2", (Text("two"),), ANN))
    told.told(e.LimitsRaised({"usd": 9}))
    told.goes_on()
    told.replied("Nobody knows.")
    told.goes_on()
    assert told.turn.id, "the next turn is open"
    said = [message.text for message in told.session.messages][:-1]
    unknown = told.session.unknown
    told.told(e.SessionForked("s", told.session.head))
    fork = told.session
    assert [message.text for message in fork.messages] == said
    assert (fork.turn, fork.queue, fork.epoch, fork.raised) == (None, (), 0, {})
    assert (fork.money.spent, fork.money.held) == (0, 0)
    assert fork.unknown == unknown != ()


@pytest.mark.parametrize(("name", "kept"), [("pay", 1), ("put", 0)])
def test_only_calls_that_may_be_made_once_are_remembered_as_unknown(name: str, kept: int) -> None:
    told = Story().asked()
    told.calls(name)
    told.now += 1
    told.told(e.TurnCancelRequested())
    told.goes_on()
    assert len(told.session.unknown) == kept


def test_of_unknown_calls_the_latest_256_are_remembered() -> None:
    told = Story(agent(limits=Limits(tool_calls=None))).asked()
    told.calls("pay")
    told.told(told.taken())
    told.goes_on()
    first = told.session.unknown
    for turn in range(9):
        told.replied("Who knows.")
        told.goes_on()
        told.asked()
        told.goes_on()
        calls = [ToolCall("pay", f'{{"cents":{turn * 30 + n + 2}}}') for n in range(30)]
        told.replied(*calls)
        told.goes_on()
        told.told(*(e.ToolUnknown(told.tool_key(n), "?") for n in range(30)))
        told.goes_on()
    assert len(told.session.unknown) == 256
    assert first[0] not in told.session.unknown
    assert fingerprint("pay", '{"cents":271}') == told.session.unknown[-1]


def test_a_cancellation_that_means_another_turn_changes_nothing() -> None:
    told = Story().asked()
    told.told(e.TurnCancelRequested("", told.turn.id + 1))
    assert told.turn.cancelled is None
    told.told(e.TurnCancelRequested("why", told.turn.id))
    assert told.turn.cancelled == "why"


def test_a_turn_that_is_cancelled_while_it_waits_ends_as_soon_as_it_opens() -> None:
    told = Story().asked("first").asked("second")
    ((second, _),) = told.session.queue
    told.told(e.TurnCancelRequested("not that one", second))
    assert told.turn.cancelled is None
    told.goes_on()
    told.replied("done")
    ended = told.goes_on()
    assert [type(each) for each in ended] == [e.TurnCompleted, e.TurnCancelled]
    assert [each.reason for each in ended if isinstance(each, e.TurnCancelled)] == ["not that one"]
    assert (told.session.turn, told.session.revoked) == (None, {})


def test_an_imported_history_is_kept_once() -> None:
    told = Story(history=(Message("user", (Text("x" * 10_000),)),))
    assert told.session.messages[0].text == "x" * 10_000
    assert len(pack(told.session)) < 11_000


def test_a_fork_of_a_session_at_rest_keeps_all_of_it() -> None:
    told = Story().asked("one")
    told.goes_on()
    told.replied("1").goes_on()
    told.told(e.SessionForked("s", told.session.head))
    assert [message.text for message in told.session.messages] == ["one", "1"]


def test_events_that_others_emit_fold_to_nothing() -> None:
    told = Story()
    before = told.session
    told.told(
        e.ChildOpened("k", "c", "a", ANN, 1),
        e.ChildFinished("k", "c", "completed"),
        e.MemoryRead("k", "q"),
        e.MemoryWritten("k", "i"),
        e.ProgressReported("k", "half", 0.5),
        e.Erased("turn.submitted"),
    )
    assert told.session == replace(before, head=before.head + 6)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_equal_arguments_have_one_form_in_any_order(arguments: dict[str, object]) -> None:
    text = msgspec.json.encode(arguments).decode()
    turned = msgspec.json.encode(dict(reversed(arguments.items()))).decode()
    assert canonical(text) == canonical(f" {turned}\n")
    assert fingerprint("a", text) == fingerprint("a", turned) != fingerprint("b", text)


@given(st.text(max_size=30))
def test_arguments_that_are_no_json_have_a_fingerprint_too(text: str) -> None:
    assert fingerprint("a", text) == fingerprint("a", text)


@pytest.mark.parametrize("text", ['"\ud800"', "\udfff", "[" * 100_000])
def test_arguments_that_nobody_can_read_have_a_fingerprint_too(text: str) -> None:
    assert fingerprint("a", text) != fingerprint("a", "")


def test_a_session_lists_what_waits_and_what_runs() -> None:
    told = Story().asked()
    assert list(told.turn.calls) == told.turn.steps(told.now) == []
    told.calls("refund", arguments=CENTS)
    assert len(told.session.questions) == 1
    assert not told.turn.is_running
    assert Story().session.questions == ()
    (call,) = told.turn.calls
    assert call.wakes_at == call.expires_at


def test_messages_of_a_session_are_shared_by_its_versions() -> None:
    told = Story().asked("one")
    early = told.session.messages
    told.goes_on()
    told.replied("1")
    assert list(early) == [Message("user", (Text("one"),))]
    assert len(told.session.messages) == 2
