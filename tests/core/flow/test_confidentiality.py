"""What was read leaves only to those who may read it, whatever floor its argument has."""

from typing import Any

import pytest
from tests.core.flow.tools import reading, with_entry

from jackline.core.flow import (
    Declared,
    From,
    Integrity,
    Labels,
    Plan,
    Planned,
    Question,
    Source,
    ToolFlow,
    endorse,
    flow_of,
    judge,
)
from jackline.core.flow.labels import LEVELS
from jackline.core.permit.overlay import tightened_flow
from jackline.core.permit.rules import Rule

SALARY = "Salary of Ann: 91,000"
TEXTS = {"properties": {"to": {"type": "string"}, "body": {"type": "string"}}}
HOLES = Plan((Planned("mail", {}, frozenset({"to", "body"})),))
LETTER = {"to": "bob@x.com", "body": SALARY}
FLOORS: list[tuple[From | None, bool]] = [
    (None, True),
    (endorse("it is read first"), True),
    *((From(level), level in {"untrusted", "system", "directory"}) for level in LEVELS),
    (From("user", extracted=True), True),
]


def mail(floor: From | None, to: Integrity = "user") -> ToolFlow:
    """Return a tool that sends a body with this floor."""
    critical = {"to": From(to)} | ({"body": floor} if floor else {})
    return flow_of("mail", "once", TEXTS, Declared(critical=critical, readers_from=("to",)))


def sealed(
    asked: str = f"Tell bob@x.com: {SALARY}", *, plan: Plan | None = HOLES, is_clean: bool = False
) -> Question:
    """Return what a call is judged by where only Ann may read what was read."""
    known = reading(asked) if is_clean else reading(asked, "x")
    known.read([Source(3, "payslip", SALARY, "developer", turn=1)])
    known.restrict(frozenset({"ann@x.com"}))
    return Question(known, plan)


@pytest.mark.parametrize(("floor", "carries"), FLOORS)
def test_what_is_kept_to_some_leaves_in_no_argument_that_others_than_the_user_may_decide(
    floor: From | None, *, carries: bool
) -> None:
    verdict = judge(mail(floor), LETTER, sealed())
    assert (verdict.decision, verdict.tier) == (
        ("ask", "readers") if carries else ("allow", "plan")
    )


@pytest.mark.parametrize(("floor", "carries"), FLOORS)
def test_where_nothing_untrusted_was_read_the_same_carries(
    floor: From | None, *, carries: bool
) -> None:
    verdict = judge(mail(floor), LETTER, sealed(plan=None, is_clean=True))
    assert (verdict.decision, verdict.tier) == (
        ("ask", "readers") if carries else ("allow", "clean")
    )


@pytest.mark.parametrize("is_clean", [True, False])
@pytest.mark.parametrize(("floor", "_"), FLOORS)
def test_what_a_tool_returned_leaves_in_no_argument_whatever_floor_or_label_it_has(
    floor: From | None, *, _: bool, is_clean: bool
) -> None:
    question = sealed("Mail bob@x.com", is_clean=is_clean)
    verdict = judge(mail(floor), LETTER, question)
    assert (verdict.decision, verdict.tier) == ("ask", "readers")


def test_a_tool_that_does_not_say_who_gets_it_is_given_only_what_the_user_said() -> None:
    post = flow_of("mail", "once", TEXTS, Declared(outbound=True))
    for known in (sealed(is_clean=True).known, reading("x", "y")):
        verdict = judge(post, LETTER | {"body": "all of it"}, Question(known, HOLES))
        assert verdict.decision == "ask"
    said = judge(post, LETTER, sealed(plan=None, is_clean=True))
    assert (said.decision, said.tier) == ("allow", "clean")


def test_who_has_read_only_what_is_everybodys_may_write_it_anywhere() -> None:
    known = reading("Mail bob@x.com")
    known.restrict(None, private=False)
    assert judge(mail(None), LETTER, Question(known)).decision == "allow"


@pytest.mark.parametrize("nothing", [{"body": ""}, {"body": None}, {"body": []}, {"body": {}}])
def test_what_is_empty_holds_nothing(nothing: dict[str, object]) -> None:
    call = LETTER | nothing
    question = sealed("Mail bob@x.com", plan=None, is_clean=True)
    assert judge(mail(From("user")), call, question).decision == "allow"


def test_a_handle_holds_what_was_read_though_a_plan_or_the_user_says_it() -> None:
    handle = "jackline:text:3:"
    plan = Plan((Planned("mail", {"to": "bob@x.com", "body": handle}),))
    question = sealed(f"Mail bob@x.com {handle}", plan=plan, is_clean=True)
    assert judge(mail(None), LETTER | {"body": handle}, question).decision == "allow"
    question.known.unread = True
    assert judge(mail(None), LETTER | {"body": handle}, question).tier == "readers"


def test_what_was_approved_for_one_goes_to_no_other() -> None:
    plan = Plan((Planned("mail", {"to": "bob@x.com"}, frozenset({"body"})),))
    question = sealed("Mail bob@x.com the news", plan=plan)
    tool = mail(From("user"))
    question.known.approve(tool, LETTER | {"to": "ann@x.com"})
    verdict = judge(tool, LETTER, question)
    assert (verdict.decision, verdict.tier) == ("ask", "readers")
    assert [each.standing for each in verdict.origins] == ["planned", "endorsed"]


def test_a_recipient_who_was_approved_is_told_what_was_not_read() -> None:
    plan = Plan((Planned("mail", {"body": "lunch"}, frozenset({"to"})),))
    known, tool = reading("Tell them: lunch", "bob@x.com"), mail(From("user"))
    known.approve(tool, LETTER)
    call = {"to": "bob@x.com", "body": "lunch"}
    assert judge(tool, call, Question(known, plan)).decision == "allow"
    assert judge(tool, call | {"body": SALARY}, Question(known, HOLES)).tier == "readers"


@pytest.mark.parametrize("to", [[], "", None, [""], {}])
@pytest.mark.parametrize("is_clean", [True, False])
def test_a_call_that_names_nobody_does_not_say_who_gets_it(to: object, *, is_clean: bool) -> None:
    call, floor = {"to": to, "body": SALARY}, endorse("a note")
    verdict = judge(mail(floor, "untrusted"), call, sealed("Post it", is_clean=is_clean))
    assert verdict.reason == "mail does not say who gets what was read here"


@pytest.mark.parametrize(("floor", "carries"), FLOORS)
def test_what_was_read_goes_to_no_entry_of_a_directory_that_the_user_did_not_name(
    floor: From | None, *, carries: bool
) -> None:
    known = with_entry(reading(f"Say to Bob: {SALARY}", "x"), "Bob", "bob@x.com")
    with_entry(known, "Rival", "rival@y.com", record=2)
    known.read([Source(4, "the instructions", SALARY, "developer")])
    tool, question = mail(floor, "directory"), Question(known, HOLES)
    assert judge(tool, LETTER, question).tier == "plan"
    unnamed = judge(tool, LETTER | {"to": "rival@y.com"}, question)
    assert unnamed.tier == ("readers" if carries else "plan")


BOB, RIVAL = "bob@x.com", "rival@y.com"
RECORDS = [{"name": "Bobby", "email": BOB}, {"name": "Rival", "email": RIVAL}]


@pytest.mark.parametrize("said", [BOB, "Bobby", "an email to bob"])
@pytest.mark.parametrize(
    "found",
    [
        [BOB, RIVAL],
        {"found": [BOB, RIVAL]},
        [["Bobby", BOB], ["Rival", RIVAL]],
        {"Bobby": BOB, "Rival": RIVAL},
        {BOB: "Bobby", RIVAL: "Rival"},
        RECORDS,
        {"email": RIVAL},
    ],
)
def test_who_is_named_names_nobody_else_in_a_directory(said: str, found: object) -> None:
    known = reading(f"Send it to {said}", "x")
    known.read(listed(found))
    assert not known.is_named(RIVAL)


@pytest.mark.parametrize(
    ("said", "other"),
    [("12345678", "87654321"), ("acct-1", "acct-2"), ("https://a.example/", "https://b.example/")],
)
def test_an_account_says_nothing_of_another_one(said: str, other: str) -> None:
    known = reading(f"Send it to {said}", "x")
    known.read(listed({"first": said, "second": other}))
    assert (known.is_named(said), known.is_named(other)) == (True, False)


def test_entries_that_one_result_tells_in_several_texts_are_apart() -> None:
    known = reading("Send it to Bobby", "x")
    for each in RECORDS:
        known.read(listed(each))
    assert (known.is_named(BOB), known.is_named(RIVAL)) == (True, False)


def listed(found: object) -> list[Source]:
    """Return what a model reads of a directory."""
    fields = Labels({"*": "directory"}).fields(found)
    return [Source(3, "people", f.text, f.integrity, f.path, 1, f.record) for f in fields]


def test_what_two_tools_keep_to_some_goes_to_those_whom_both_keep_it_to() -> None:
    known = reading("Mail bob@x.com, ann@x.com and me@x.com")
    known.restrict(frozenset({"ann@x.com", "both@x.com"}))
    known.restrict(frozenset({"bob@x.com", "both@x.com"}))
    assert known.strangers(["ann@x.com", "bob@x.com"]) == ["ann@x.com", "bob@x.com"]
    assert not known.is_barred("both@x.com")


def test_an_entry_of_a_directory_may_be_told_what_was_not_read() -> None:
    known = with_entry(reading("Tell all of them: lunch", "x"), "Bob", "bob@x.com")
    plan = Plan((Planned("mail", {"body": "lunch"}, frozenset({"to"})),))
    tool = mail(None, "directory")
    call = {"to": "bob@x.com", "body": "lunch"}
    assert judge(tool, call, Question(known, plan)).decision == "allow"


@pytest.mark.parametrize("floor", ["untrusted", "system"])
def test_a_recipient_who_is_no_entry_of_a_directory_may_be_what_was_read(floor: Integrity) -> None:
    known = reading("Tell them: lunch", "91000@evil.com")
    known.read([Source(4, "ids", "91000@evil.com", "system", turn=1)])
    plan = Plan((Planned("mail", {"body": "lunch"}, frozenset({"to"})),))
    call = {"to": "91000@evil.com", "body": "lunch"}
    assert judge(mail(None, floor), call, Question(known, plan)).tier == "readers"


def test_an_outbound_tool_without_recipients_gets_nothing_private_in_an_endorsed_argument() -> None:
    said = Declared(outbound=True, critical={"to": From("user"), "body": endorse("short")})
    post = flow_of("mail", "once", TEXTS, said)
    verdict = judge(post, LETTER, Question(reading("to bob@x.com", "x"), HOLES))
    assert verdict.reason == "mail does not say who gets what was read here"


def test_operators_who_call_a_tool_outbound_are_heard_where_the_code_endorsed_its_words() -> None:
    critical = {"to": From("user"), "body": endorse("only we read it")}
    inner = flow_of("mail", "once", TEXTS, Declared(critical=critical))
    question = Question(reading("to bob@x.com", "x"), HOLES)
    assert judge(inner, LETTER, question).tier == "plan"
    outer = tightened_flow(inner, [Rule("a", outbound=True)])
    assert judge(outer, LETTER, question).tier == "readers"


@pytest.mark.parametrize("kind", [{"type": "boolean"}, {"enum": ["a", "b"]}])
def test_a_choice_of_few_holds_nothing_whoever_decides_it(kind: dict[str, Any]) -> None:
    schema = {"properties": {"to": {"type": "string"}, "body": kind}}
    critical = {"to": From("user"), "body": endorse("harmless")}
    flow = flow_of("mail", "once", schema, Declared(critical=critical, readers_from=("to",)))
    assert flow.carriers == {"to": "directory"}
