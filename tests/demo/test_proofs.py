"""What the demo claims can be found false: each claim has a history that breaks it."""

from collections.abc import Sequence

import pytest

from jackline.core import events as e
from jackline.core.flow import FlowVerdict, Integrity, Origin
from jackline.core.messages import Message, Messages, Text, ToolCall
from jackline.core.session import Session
from jackline.demo import proofs
from jackline.demo.payments import Payment
from jackline.demo.proofs import Naive

NAIVE = Naive(2, 8_000, 90_000, 100, 5_000_000, 100, 5_000_000, 6)
ME = e.Principal("me")
CALL = "turn/2/model/0/tool/0"
UNKNOWN = [
    e.ToolStarted(CALL, "refund", 1, "k"),
    e.SessionTaken(2, "w"),
    e.ToolUnknown(CALL, "", reconcile_at=5.0),
]
HAPPENED = e.ToolReconciled(CALL, happened=True, text="")
PAID = Payment(1, 7, 4_000, "k")


def records(*events: e.Event) -> list[e.Record]:
    return [e.Record(seq, float(seq), event) for seq, event in enumerate(events, 1)]


def test_one_payment_after_an_unknown_call_that_was_asked_about_is_once() -> None:
    step = proofs.paid_once(NAIVE, [PAID], records(*UNKNOWN, HAPPENED))
    assert step.held is True
    assert step.figures == {"payments_naive": 2, "payments": 1, "unknown": 1, "reconciled": 1}


@pytest.mark.parametrize(
    ("ledger", "events"),
    [
        ([PAID, PAID], [*UNKNOWN, HAPPENED]),
        ([PAID, Payment(2, 7, 4_000, "other")], [*UNKNOWN, HAPPENED]),
        ([], [*UNKNOWN, HAPPENED]),
        ([PAID], UNKNOWN),
        ([PAID], [*UNKNOWN, HAPPENED, e.ToolStarted(CALL, "refund", 2, "k")]),
    ],
    ids=["same key twice", "two keys", "never", "not asked about", "called again"],
)
def test_any_other_history_of_the_payment_breaks_g2(
    ledger: Sequence[Payment], events: Sequence[e.Event]
) -> None:
    assert proofs.paid_once(NAIVE, ledger, records(*events)).held is False


def test_a_turn_that_ends_once_is_done() -> None:
    asked = e.TurnSubmitted("r", (Text("Refund order 7"),), ME)
    assert proofs.ended_once(records(asked, e.TurnCompleted(1, "")), 1).held is True


@pytest.mark.parametrize(
    "ends",
    [
        [],
        [e.TurnCompleted(1, ""), e.TurnCompleted(1, "")],
        [e.TurnFailed(1, "internal")],
    ],
    ids=["no end", "two ends", "a failure"],
)
def test_a_turn_that_does_not_end_well_and_once_breaks_g1(ends: Sequence[e.Event]) -> None:
    asked = e.TurnSubmitted("r", (Text("Refund order 7"),), ME)
    assert proofs.ended_once(records(asked, *ends), 1).held is False


@pytest.mark.parametrize(
    ("heard", "held"),
    [
        ([2, 3, 4], True),
        ([2, 4], False),
        ([2, 3, 3, 4], False),
        ([2, 4, 3], False),
        ([2, 3], False),
        ([], False),
    ],
)
def test_a_stream_holds_only_whole_and_in_order(heard: list[int], *, held: bool) -> None:
    journal = records(*[e.SessionTaken(n, "w") for n in range(4)])
    assert proofs.gapless(heard, journal).held is held


def test_a_call_without_a_result_breaks_g9() -> None:
    asked = Messages.of([Message("assistant", (ToolCall("refund", "{}"),))])
    session = Session(e.SessionId("t", "s"), messages=asked)
    step = proofs.valid_history(session)
    assert step.held is False
    assert "refund" in step.jackline


FIRST, SECOND = e.SessionTaken(1, "w"), e.SessionTaken(2, "x")
ASKED = e.InputRequested("approval", "", 9.0, CALL, "refund", "{}", digest="d")
RAN = [e.ToolStarted(CALL, "refund", 1, "k"), e.ToolReturned(CALL, ())]
REFUSED = e.ToolRefused(CALL, "", "rejected")


def said(*, yes: bool = True, question: int = 3, digest: str = "d") -> e.InputProvided:
    return e.InputProvided(question, yes, "me", digest)


@pytest.mark.parametrize(
    ("events", "paid"),
    [
        ([ASKED, said(), *RAN], 1),
        ([ASKED, said(), *UNKNOWN, HAPPENED], 1),
        ([ASKED, said(yes=False), REFUSED], 0),
    ],
    ids=["yes", "yes, and a crash", "no"],
)
def test_a_call_runs_once_if_a_person_approved_it_and_else_not(
    events: Sequence[e.Event], paid: int
) -> None:
    journal = records(FIRST, SECOND, *events)
    assert proofs.approved_first(NAIVE, journal, [PAID] * paid, stale=True).held is True


@pytest.mark.parametrize(
    ("events", "paid", "stale"),
    [
        ([*RAN], 1, True),
        ([*RAN, ASKED, said(question=5)], 1, True),
        ([ASKED, said(), *RAN], 2, True),
        ([ASKED, said(), *RAN, *RAN], 1, True),
        ([ASKED, said(), *RAN], 1, False),
        ([ASKED, said(digest="x"), *RAN], 1, True),
        ([ASKED, said(), said(), *RAN], 1, True),
        ([ASKED, said(yes=False), *RAN], 1, True),
        ([ASKED, said(yes=False), REFUSED], 1, True),
    ],
    ids=[
        "never asked",
        "asked after",
        "paid twice",
        "ran twice",
        "a second yes counted",
        "another call",
        "answered twice",
        "ran after a no",
        "paid after a no",
    ],
)
def test_anything_else_breaks_g5(events: Sequence[e.Event], paid: int, *, stale: bool) -> None:
    journal = records(FIRST, SECOND, *events)
    assert proofs.approved_first(NAIVE, journal, [PAID] * paid, stale=stale).held is False


def test_an_approval_without_a_restart_does_not_show_what_is_claimed() -> None:
    journal = records(FIRST, e.SessionOpened("shop", "me"), ASKED, said(), *RAN)
    assert proofs.approved_first(NAIVE, journal, [PAID], stale=True).held is False


def model_call(number: int, hold: int, cost: int) -> list[e.Event]:
    key = f"turn/2/model/{number}"
    return [e.ModelReserved(key, "m", hold, 9), e.ModelReplied(key, (), "m", e.Usage(), cost)]


STOPPED = e.TurnStopped(2, "budget")


def test_a_turn_within_its_budget_holds_and_says_the_most_that_was_out() -> None:
    journal = records(*model_call(0, 60, 20), *model_call(1, 80, 30), STOPPED)
    step = proofs.within_budget(NAIVE, journal, 100)
    assert step.held is True
    assert step.figures["most_spent_and_held_usd"] == "$0.0001"


@pytest.mark.parametrize(
    "events",
    [
        [*model_call(0, 60, 20), *model_call(1, 81, 30), STOPPED],
        [*model_call(0, 60, 20)],
        [*model_call(0, 60, 20), e.TurnStopped(2, "model_calls")],
    ],
    ids=["holds too much", "no stop", "another limit"],
)
def test_a_turn_beyond_its_budget_or_stopped_by_something_else_breaks_g3(
    events: Sequence[e.Event],
) -> None:
    assert proofs.within_budget(NAIVE, records(*events), 100).held is False


def test_a_loop_is_left_only_after_a_warning() -> None:
    warned = e.GuardJudged("loop", "loop", "flag")
    stopped = e.TurnStopped(2, "loop")
    assert proofs.left_the_loop(NAIVE, records(warned, stopped)).held is True
    assert proofs.left_the_loop(NAIVE, records(stopped)).held is False
    assert proofs.left_the_loop(NAIVE, records(warned)).held is False


def mail(integrity: Integrity, source: int, where: str = "read_inbox") -> e.InputRequested:
    """Return a question about a mail whose address came from there."""
    origin = Origin("to", "eve@attacker.example", "open", integrity, where, source)
    flow = FlowVerdict("ask", "taint", "nobody planned it", (origin,))
    return e.InputRequested("approval", "?", 9.0, "k", "send_mail", "{}", flow=flow)


def test_a_mail_whose_address_a_mail_wrote_is_held_unless_it_left_unseen() -> None:
    asked = mail("untrusted", 3)
    sent = e.ToolStarted("k", "send_mail", 1, "key")
    yes = e.InputProvided(1, approved=True, by="me")
    assert proofs.kept_in(NAIVE, 0, records(asked)).held is True
    assert proofs.kept_in(NAIVE, 1, records(asked, yes, sent)).held is True
    assert proofs.kept_in(NAIVE, 1, records(asked, sent)).held is False
    assert proofs.kept_in(NAIVE, 1, records(asked)).held is False
    assert proofs.kept_in(NAIVE, 0, records()).held is False


@pytest.mark.parametrize(
    "asked", [ASKED, mail("user", 3), mail("untrusted", 0), mail("untrusted", 3, "")]
)
def test_a_question_that_does_not_say_who_wrote_the_address_breaks_it(
    asked: e.InputRequested,
) -> None:
    assert proofs.kept_in(NAIVE, 0, records(asked)).held is False
