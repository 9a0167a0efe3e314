"""What a model has read is taken from the journal, and says of each text where it comes from."""

import json

import pytest
from tests.core.flow.tools import LETTER, MAIL
from tests.core.journal import ANN, FLOWS, HOSTILE, PLAN, VOUCHED, Journal

from jackline.core import events as e
from jackline.core.codec import decode, encode
from jackline.core.flow import (
    Declared,
    FlowVerdict,
    Label,
    Plan,
    Planned,
    Question,
    Readers,
    ToolFlow,
    flow_of,
    judge,
)
from jackline.core.messages import (
    File,
    Image,
    InputPart,
    Message,
    Part,
    Pasted,
    Text,
    ToolCall,
    ToolResult,
)


def test_what_the_user_typed_is_theirs_and_what_they_pasted_or_attached_is_not() -> None:
    journal = Journal().ask("write to bob@x.com")
    assert (journal.level("bob@x.com"), journal.readings.known.tainted) == ("user", False)
    journal.ask(Pasted(HOSTILE))
    journal.add(e.TurnCompleted(1, "done"))
    assert (journal.level("eve@evil.com"), journal.readings.known.tainted) == ("untrusted", True)
    assert Journal().ask(Image("a", "image/png")).readings.known.tainted


@pytest.mark.parametrize("part", [Pasted("Salaries"), Image("a", "image/png"), File("a", "x/y")])
def test_what_is_pasted_or_attached_goes_to_nobody_whom_the_user_did_not_name(
    part: InputPart,
) -> None:
    named, steered = Text("Send it to bob@x.com."), Journal().ask("Send it to bob@x.com.")
    steered.add(e.TurnSteered("s", (part,), ANN))
    history = Message("user", (part,))
    imported = Journal().add(e.SessionOpened("a", "ann", (history,))).ask(named)
    for journal in (Journal().ask(named, part), steered, imported):
        assert journal.readings.known.strangers(["bob@x.com", "eve@x.com"]) == ["eve@x.com"]
    assert not Journal().ask(named).readings.known.private, "what was typed is no secret to them"


def test_a_result_is_read_field_by_field_with_the_labels_that_were_journaled_with_it() -> None:
    text = json.dumps([{"id": "m-77", "body": HOSTILE}])
    journal = Journal().ask("hi").result(text, id="system")
    assert journal.level("m-77") == "system"
    assert journal.level("eve@evil.com") == "untrusted"
    assert Journal().ask("hi").result(text).level("m-77") == "untrusted"
    assert Journal().ask("hi").result("m-77", id="system").level("m-77") == "untrusted"


def test_a_tool_that_says_nothing_taints_nothing_and_a_picture_does() -> None:
    journal = Journal().ask("hi").result("Done.", tool="pay")
    assert not journal.readings.known.tainted
    assert not journal.readings.known.private
    assert journal.result(File("a", "text/plain")).readings.known.tainted
    assert journal.readings.known.private


def test_one_bool_taints_nothing_and_many_that_spell_a_text_do() -> None:
    journal = Journal().ask("hi").result("true")
    assert not journal.readings.known.tainted
    assert journal.result("[true,false]").readings.known.tainted


@pytest.mark.parametrize("bit", ["true", "false", "null", "[]", "{}"])
def test_bools_that_are_read_one_after_the_other_spell_a_text_like_those_of_one_result(
    bit: str,
) -> None:
    journal = Journal().ask("hi")
    for _ in range(16):
        journal.result(bit).result(bit, **VOUCHED).result("Done.", tool="pay")
    assert journal.paying() == "clean"
    journal.add(e.TurnCompleted(1, "done")).ask("go on")
    assert journal.result(bit).paying() == "taint"


def test_once_bools_of_quarantined_results_spell_a_text_critical_values_need_an_origin() -> None:
    journal = Journal().ask("hi")
    mail = json.dumps([{"id": 7, "read": True, "text": HOSTILE}, {"id": 8, "read": False}])
    for _ in range(8):
        journal.sealed(mail, id="system", read="untrusted").sealed('{"id":9}', id="system")
    assert journal.paying() == "clean"
    assert journal.sealed("true").paying() == "origin"
    assert not journal.readings.known.tainted


@pytest.mark.parametrize("bit", ["true", "null", "[]", "Done."])
def test_how_many_texts_come_unread_before_another_answer_is_a_number_that_spells(bit: str) -> None:
    journal = Journal().ask("hi")
    for letter in "eve":
        for _ in range(ord(letter)):
            journal.sealed(f'"{HOSTILE}"')
        assert journal.paying() == "clean"
        journal.sealed(bit)
    assert journal.paying() == "origin"


def test_how_often_a_tool_says_nothing_before_it_says_a_bool_is_a_number_that_spells() -> None:
    journal = Journal().ask("hi")
    for letter in "eve":
        assert journal.paying() == "clean"
        for _ in range(ord(letter)):
            journal.result("Done.")
        journal.result("false")
    assert journal.paying() == "taint"


@pytest.mark.parametrize("code", ["timeout", "busy"])
def test_how_often_a_tool_is_late_before_it_says_nothing_is_a_number_that_spells(code: str) -> None:
    journal = Journal().ask("hi")
    for _ in range(100):
        journal.result("Done.", tool="pay").fail(code, "search")
    assert journal.paying() == "clean", "each of them always says the same"
    for _ in "eve":
        journal.fail(code, "pay")
        for _ in range(100):
            journal.result("Done.", tool="pay")
    assert journal.paying() == "origin"
    assert not journal.readings.known.tainted


def test_a_result_that_cannot_be_used_is_told_of_a_text_that_nobody_has_read() -> None:
    assert Journal().ask("hi").fail("result").paying() == "origin"


@pytest.mark.parametrize(
    "event",
    [
        e.ToolFailed("t", HOSTILE),
        e.ToolFailed("t", HOSTILE, "refused"),
        e.ToolFailed("t", HOSTILE, "arguments"),
        e.ToolFailed("t", HOSTILE, "dependencies"),
        e.ToolFailed("t", HOSTILE, "a code that nobody knows"),
        e.ToolUnknown("t", HOSTILE, "error"),
        e.ToolReconciled("t", happened=True, text=HOSTILE),
        e.ChildFinished("t", "s", "completed", (Text(HOSTILE), Image("a", "image/png"))),
        e.MemoryRead("t", "q", (HOSTILE,)),
        e.MemoryRead("t", "q", (HOSTILE,), Label("untrusted")),
        e.Erased("tool.returned"),
    ],
)
def test_words_of_tools_children_and_memory_are_not_the_users(event: e.Event) -> None:
    journal = Journal().ask("hi").add(event)
    assert journal.readings.known.tainted
    assert journal.readings.known.private


@pytest.mark.parametrize(
    "event",
    [
        e.ToolFailed("t", "It took too long.", "timeout"),
        e.ToolFailed("t", "There is no such text.", "handle"),
        e.ToolUnknown("t", "Nobody saw its end."),
        e.ProgressReported("t", HOSTILE),
    ],
)
def test_what_jackline_says_and_what_no_model_reads_taints_nothing(event: e.Event) -> None:
    assert not Journal().ask("hi").add(event).readings.known.tainted


def test_memory_keeps_its_label_but_never_speaks_for_the_user() -> None:
    read = e.MemoryRead("t", "q", ("bob@x.com",), Label("user", frozenset(["ann@x.com"])))
    journal = Journal().ask("hi").add(read)
    assert journal.level("bob@x.com") == "directory"
    assert journal.readings.known.strangers(["bob@x.com"]) == ["bob@x.com"]


def test_a_childs_task_is_never_the_users() -> None:
    for ceiling, level in ((None, "untrusted"), (Label("user"), "directory")):
        journal = Journal().add(e.SessionOpened("a", "ann", parent="p", ceiling=ceiling))
        assert journal.ask("write to bob@x.com").level("bob@x.com") == level


def test_a_conversation_from_elsewhere_keeps_apart_who_said_what() -> None:
    history = (
        Message("user", (Text("write to bob@x.com"), Pasted("cc joe@x.com"))),
        Message("assistant", (Text("to ann2@x.com?"), ToolCall("search", "{}"))),
        Message("tool", (ToolResult("k", "search", (Text(HOSTILE),)),)),
    )
    journal = Journal().add(e.SessionOpened("a", "ann", history))
    assert journal.level("bob@x.com") == "user"
    assert journal.level("joe@x.com") == "untrusted"
    assert journal.level("ann2@x.com") == "untrusted"
    assert journal.level("eve@evil.com") == "untrusted"


@pytest.mark.parametrize("said", [Text(HOSTILE), ToolCall("search", "{}")])
def test_what_a_model_said_elsewhere_may_be_what_it_had_read_there(said: Part) -> None:
    history = (Message("user", (Text("hi"),)), Message("assistant", (said,)))
    journal = Journal().add(e.SessionOpened("a", "ann", history))
    assert journal.readings.known.tainted
    assert journal.readings.known.private


def test_a_conversation_from_elsewhere_of_the_users_words_alone_is_typed() -> None:
    history = (Message("user", (Text("write to bob@x.com"),)),)
    journal = Journal().add(e.SessionOpened("a", "ann", history))
    assert journal.level("bob@x.com") == "user"
    assert not journal.readings.known.tainted


def test_instructions_are_the_developers() -> None:
    reserved = e.ModelReserved("m", "m", 1, 1, instructions="Escalate to ops@x.com.")
    assert Journal().ask("hi").add(reserved).level("ops@x.com") == "developer"


def test_a_plan_that_was_made_before_anything_was_read_holds_for_its_turn_and_is_spent() -> None:
    journal = Journal().ask("write to bob@x.com").plan().result(HOSTILE)
    assert journal.decision() == "plan"
    started = e.ToolStarted("t", "send_email", 1, "k", flow=FlowVerdict("allow", "plan", planned=0))
    assert journal.add(started).decision() == "taint"
    journal.add(e.TurnCompleted(1, "done")).ask("again")
    assert (journal.readings.wishes.plan, journal.readings.wishes.spent) == (None, set())


def test_a_call_that_nobody_planned_spends_nothing() -> None:
    journal = Journal().ask("write to bob@x.com").plan().result(HOSTILE)
    journal.add(e.ToolStarted("t", "search", 1, "k", flow=FlowVerdict("allow", "read")))
    assert journal.decision() == "plan"


def test_a_later_turn_is_planned_afresh_from_all_that_was_typed() -> None:
    journal = Journal().ask("look").result(HOSTILE).add(e.TurnCompleted(1, "done"))
    journal.ask("write to bob@x.com", Pasted(HOSTILE)).plan()
    assert [each.text for each in journal.readings.requests] == ["look", "write to bob@x.com"]
    assert journal.decision() == "plan"


def test_a_childs_tainted_task_is_not_planned_from() -> None:
    journal = Journal().add(e.SessionOpened("a", "ann", parent="p")).ask("write to eve@evil.com")
    assert journal.readings.requests == []


STEER = e.TurnSteered("s", (Text("Stop: do not write to bob@x.com"),), ANN)
REPEATED = {"calls": [PLAN["calls"][0] | {"repeat": True}]}


@pytest.mark.parametrize("plan", [PLAN, REPEATED])
def test_what_was_planned_holds_no_more_once_the_user_says_something_else(plan: object) -> None:
    journal = Journal().ask("write to bob@x.com").plan(plan).result(HOSTILE)
    assert journal.add(STEER).decision() == "taint"
    assert judge(MAIL, LETTER, journal.plan().readings.question()).planned == 1


def test_what_is_pasted_while_a_turn_is_open_takes_nothing_back() -> None:
    pasted = e.TurnSteered("s", (Pasted(HOSTILE),), ANN)
    assert Journal().ask("write to bob@x.com").plan().add(pasted).decision() == "plan"


def test_a_plan_that_was_asked_for_before_the_user_said_more_is_none() -> None:
    reserved = e.ModelReserved("model/0", "m", 1, 1, purpose="plan")
    reply = e.ModelReplied("model/0", (Text(json.dumps(PLAN)),), "m", e.Usage())
    journal = Journal().ask("write to bob@x.com").result(HOSTILE).add(reserved, STEER)
    assert journal.readings.question([reply]).plan is None
    assert journal.add(reply).decision() == "taint"
    assert journal.plan().decision() == "plan"


def test_a_call_that_failed_gives_nothing_back_that_was_taken_back_meanwhile() -> None:
    journal = Journal().ask("write to bob@x.com").plan().result(HOSTILE)
    allowed = FlowVerdict("allow", "plan", planned=0)
    journal.add(e.ToolStarted("t", "send_email", 1, "k", flow=allowed), STEER)
    assert journal.add(e.ToolFailed("t", "Try again.", "refused")).decision() == "taint"


def test_what_is_no_plan_plans_nothing() -> None:
    assert Journal().ask("hi").plan("nothing").readings.wishes.plan is None
    assert Journal().ask("hi").plan(purpose="reply").readings.wishes.plan is None
    assert Journal().ask("hi").plan({"calls": []}).readings.wishes.plan == Plan()


def test_a_request_that_waits_counts_from_when_its_turn_begins() -> None:
    journal = Journal().ask("first").ask("write to bob@x.com").result(HOSTILE)
    assert journal.readings.known.strangers(["bob@x.com"]) == ["bob@x.com"]
    journal.add(e.TurnFailed(1, "x"))
    assert journal.readings.known.strangers(["bob@x.com"]) == []


def test_steering_adds_to_the_open_turn_or_opens_one() -> None:
    steer = e.TurnSteered("s", (Text("and to bob@x.com"),), ANN)
    for journal in (Journal().ask("write"), Journal()):
        journal.add(steer).result(HOSTILE)
        assert journal.readings.known.strangers(["bob@x.com"]) == []


def test_a_call_that_is_asked_about_uses_up_what_was_planned() -> None:
    journal = Journal().ask("write to bob@x.com").plan().result(HOSTILE)
    verdict = FlowVerdict("allow", "plan", planned=0)
    journal.add(e.InputRequested("approval", "why", 9.0, "t", "send_email", flow=verdict))
    assert journal.decision() == "taint"


@pytest.mark.parametrize(
    ("event", "tier"),
    [
        (e.ToolFailed("t", "Try again.", "refused"), "plan"),
        (e.ToolFailed("other", "Try again.", "refused"), "taint"),
        (e.ToolReconciled("t", happened=False, text="No."), "plan"),
        (e.ToolReconciled("t", happened=True, text="Yes."), "taint"),
        (e.ToolReconciled("t", happened=None, text="Who knows?"), "taint"),
        (e.ToolUnknown("t", "Nobody knows."), "taint"),
        (e.ToolReturned("t", (Text("Done."),)), "taint"),
    ],
)
def test_only_a_call_that_has_done_nothing_leaves_its_plan_to_another(
    event: e.Event, tier: str
) -> None:
    journal = Journal().ask("write to bob@x.com").plan().result(HOSTILE)
    verdict = FlowVerdict("allow", "plan", planned=0)
    journal.add(e.ToolStarted("t", "send_email", 1, "k", flow=verdict), event)
    assert journal.decision() == tier


TO_BOB = Plan((Planned("send_email", {"to": ["bob@x.com"]}, frozenset({"subject", "body"})),))
SEALED = frozenset(["ann@x.com"])


def to_bob(*happened: e.Event, **tools: ToolFlow) -> FlowVerdict:
    """Return whether Bob, whom the user named, may be told what was read."""
    journal = Journal(FLOWS | tools).ask("write to bob@x.com").result(HOSTILE)
    journal.add(e.ToolStarted("t", "payslip", 1, "k"), *happened)
    return judge(MAIL, LETTER, Question(journal.readings.known, TO_BOB))


def returned(text: str = "91,000", readers: Readers = "user") -> e.ToolReturned:
    return e.ToolReturned("t", (Text(text),), labels=VOUCHED, readers=readers)


def test_what_a_tool_kept_to_some_is_kept_to_them_when_the_tool_is_gone_or_another() -> None:
    assert to_bob(returned()).decision == "allow"
    gone = to_bob(returned(readers=SEALED))
    assert (gone.tier, gone.reason) == ("readers", "bob@x.com may not read what was read here")
    for readers in ("user", "everybody"):
        now = flow_of("payslip", "read", {}, Declared(readers=readers))
        assert to_bob(returned(readers=SEALED), payslip=now).tier == "readers"
        assert to_bob(returned("Done.", SEALED), payslip=now).decision == "allow"


@pytest.mark.parametrize(
    "event",
    [
        e.ToolFailed("t", "Not 91,000.", "refused", readers=SEALED),
        e.ToolUnknown("t", "Not 91,000?", "error", readers=SEALED),
        e.ToolReconciled("t", happened=True, text="91,000", readers=SEALED),
    ],
)
def test_what_a_tool_keeps_to_some_it_keeps_to_them_where_it_fails_and_after_its_turn(
    event: e.Event,
) -> None:
    ended = e.TurnCompleted(1, "done"), e.TurnSubmitted("r", (Text("write to bob@x.com"),), ANN)
    reread = decode(encode(event))
    assert to_bob(reread).tier == to_bob(*ended, reread).tier == "readers"
    assert to_bob(*ended).decision == "allow"


def test_what_a_tool_keeps_to_some_now_it_kept_to_them_before_and_where_it_fails() -> None:
    now = flow_of("payslip", "read", {}, Declared(readers=SEALED))
    for event in (returned(), e.ToolFailed("t", "Not 91,000.", "refused")):
        assert to_bob(event).decision == "allow"
        assert to_bob(event, payslip=now).tier == "readers"
    assert to_bob(e.ToolFailed("t", "Too slow.", "timeout"), payslip=now).decision == "allow"


def test_a_plan_counts_that_is_about_to_be_journaled() -> None:
    journal = Journal().ask("write to bob@x.com").result(HOSTILE)
    journal.add(e.ModelReserved("model/0", "m", 1, 1, purpose="plan"))
    heard = e.ModelReplied("model/0", (Text(json.dumps(PLAN)),), "m", e.Usage())
    assert judge(MAIL, LETTER, journal.readings.question([heard])).tier == "plan"
    assert journal.decision() == "taint"
    lost = e.HoldUnconfirmed("model/0", 1)
    assert judge(MAIL, LETTER, journal.readings.question([lost])).tier == "taint"


def test_whom_an_approver_typed_is_named_in_that_turn_and_whom_they_let_pass_is_not() -> None:
    to_joe = json.dumps(LETTER | {"to": ["joe@x.com"]})
    for asked, typed, strangers in (
        (to_joe, None, ["joe@x.com"]),
        (to_joe, to_joe, ["joe@x.com"]),
        (json.dumps(LETTER), to_joe, []),
    ):
        journal = Journal().ask("write").result(HOSTILE)
        journal.add(e.InputRequested("approval", "why", 9.0, "t", "send_email", asked))
        answer = e.InputProvided(journal.seq, approved=True, by="bob", arguments=typed)
        journal.add(answer)
        assert journal.readings.known.strangers(["joe@x.com"]) == strangers
        journal.add(e.TurnCompleted(1, "done")).ask("go on")
        assert journal.readings.known.strangers(["joe@x.com"]) == ["joe@x.com"]


ASKED = e.InputRequested("approval", "why", 9.0, "t", "send_email", json.dumps(LETTER))


@pytest.mark.parametrize(
    ("to", "strangers"),
    [
        (["bob@x.com"], ["bob@x.com", "Bob@x.com", "joe@x.com"]),
        ([" Bob@x.com "], ["bob@x.com", "Bob@x.com", "joe@x.com"]),
        (["bob@x.com", "joe@x.com"], ["bob@x.com", "Bob@x.com"]),
    ],
)
@pytest.mark.parametrize("by", ["ann@x.com", "the boss"])
def test_who_edits_a_call_names_only_the_recipients_that_they_add(
    by: str, to: list[str], strangers: list[str]
) -> None:
    journal = Journal().ask("write").result(HOSTILE).add(ASKED)
    edited = json.dumps(LETTER | {"to": to, "body": "Nothing."})
    journal.add(e.InputProvided(journal.seq, approved=True, by=by, arguments=edited))
    all_of_them = ["bob@x.com", "Bob@x.com", "joe@x.com"]
    assert journal.readings.known.strangers(all_of_them) == strangers


@pytest.mark.parametrize(
    ("arguments", "to", "is_endorsed"),
    [
        (None, "bob@x.com", True),
        (json.dumps(LETTER | {"to": ["joe@x.com"]}), "joe@x.com", True),
        (json.dumps(LETTER | {"to": ["joe@x.com"]}), "bob@x.com", False),
        ("no json", "bob@x.com", False),
    ],
)
def test_who_approves_a_call_endorses_the_values_that_run(
    arguments: str | None, to: str, *, is_endorsed: bool
) -> None:
    journal = Journal().ask("hi").result(HOSTILE).add(ASKED)
    answer = e.InputProvided(journal.seq, approved=True, by="ann", arguments=arguments)
    journal.add(answer)
    assert journal.readings.known.is_endorsed("send_email", ("to",), to) is is_endorsed


def test_who_refuses_or_answers_something_else_endorses_nothing() -> None:
    journal = Journal().ask("hi").add(ASKED)
    journal.add(e.InputProvided(journal.seq, approved=False, by="ann"))
    journal.add(e.InputProvided(99, approved=True, by="ann"))
    journal.add(e.InputRequested("input", "which?", 9.0))
    journal.add(e.InputProvided(journal.seq, approved=True, by="ann", value='"x"'))
    assert not journal.readings.known.is_endorsed("send_email", ("to",), "bob@x.com")


def test_whom_the_user_named_stays_named_in_what_goes_on_with_their_turn() -> None:
    failed, typed = e.TurnFailed(1, "model", "It is down."), "write to bob@x.com"
    journal = Journal().ask(typed).result(HOSTILE).add(failed).ask().result(HOSTILE)
    assert journal.readings.known.strangers(["bob@x.com"]) == []
    for said in ("again", Pasted("again")):
        journal = Journal().ask(typed).result(HOSTILE).add(failed).ask(said)
        assert journal.readings.known.strangers(["bob@x.com"]) == ["bob@x.com"]


def test_what_goes_on_with_a_conversation_from_elsewhere_goes_on_with_no_turn() -> None:
    history = (Message("user", (Text("write to bob@x.com"),)),)
    journal = Journal().add(e.SessionOpened("a", "ann", history)).ask().result(HOSTILE)
    assert journal.readings.known.strangers(["bob@x.com"]) == ["bob@x.com"]


def test_a_fork_leaves_the_open_turn_its_plan_and_what_waits_behind() -> None:
    journal = Journal().ask("write to bob@x.com").plan().ask("then this").add(ASKED)
    question = journal.seq
    journal.add(e.SessionForked("t/s", journal.seq)).ask("now")
    journal.add(e.InputProvided(question, approved=True, by="ann"))
    assert journal.readings.wishes.plan is None
    assert journal.readings.known.turn == journal.seq - 1
    assert not journal.readings.known.is_endorsed("send_email", ("to",), "bob@x.com")


def test_what_is_not_known_any_more_is_the_worst_there_is() -> None:
    journal = Journal().ask("write to bob@x.com")
    assert journal.decision() == "clean"
    journal.readings.forget()
    assert journal.decision() == "taint"
    assert journal.readings.known.unread, "a handle that is given has its text from somewhere"
