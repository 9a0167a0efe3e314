"""What stays unread of a result, what its handles name, and what is asked about it."""

import json
from typing import Any

import msgspec
import pytest

from jackline.core import events as e
from jackline.core import extracting
from jackline.core.errors import DefinitionError, ToolError
from jackline.core.flow import (
    Declared,
    Extraction,
    From,
    Handle,
    Labels,
    Plan,
    Planned,
    Provenance,
    Question,
    Source,
    flow_of,
    handle_of,
    judge,
)
from jackline.core.messages import Text
from jackline.core.quarantine import HandleError, at, handles_of, sealed, unread, with_texts
from jackline.core.results import DONE, WHOLE_BYTES
from jackline.testing.model import FREE

HERE = Handle(7)


def returned(value: object, **labels: Any) -> e.ToolReturned:
    text = value if isinstance(value, str) else json.dumps(value)
    return e.ToolReturned("k", (Text(text),), labels=labels, quarantined=True)


def read(value: object, **labels: Any) -> object:
    """Return what the model reads of a result."""
    (part,) = sealed(returned(value, **labels), 7)
    assert isinstance(part, Text)
    try:
        return json.loads(part.text)
    except ValueError:
        return part.text


BITS = [each == "1" for each in "0110010101110110"]
SHAPES: list[Any] = [[], [[]], {}, [{}, []], [None]]


@pytest.mark.parametrize(
    "value",
    ["words", 5, ["a", "b"], {"a": "b"}, "[" * 5_000, BITS, [None, *BITS], SHAPES, {"a": BITS}],
)
def test_of_what_nobody_labelled_there_is_one_handle(value: object) -> None:
    assert read(value) == str(HERE)


def test_a_bool_and_nothing_are_no_words() -> None:
    assert read("true") is True
    assert read("null") is None
    assert read({"a": False, "b": None}, a="untrusted", b="untrusted") == {"a": False, "b": None}
    assert read(DONE) == DONE
    assert (read([]), read({})) == ([], {})


def test_bools_that_could_spell_a_text_are_not_read() -> None:
    assert read({"a": BITS, "b": True}, a="untrusted", b="untrusted") == {
        "a": "jackline:text:7:a",
        "b": True,
    }
    many = {f"a{at}": True for at in range(17)}
    told = read(many, **dict.fromkeys(many, "untrusted"))
    assert told == many | {"a16": "jackline:text:7:a16"}


def test_a_list_is_looked_into_where_each_of_its_elements_holds_something_trusted() -> None:
    labels = {"id": "system", "read": "untrusted"}
    mails: list[Any] = [{"id": 7, "read": True}, {"id": 8, "read": []}]
    assert read(mails, **labels) == mails
    others: list[Any] = [{"read": True}, {}, [], True]
    assert read([*mails, *others], **labels) == [
        *mails,
        *(f"jackline:text:7:{at}" for at in range(2, 6)),
    ]
    assert read([{"read": True}, {}, {"read": False}], **labels) == str(HERE)
    vouched: dict[str, Any] = {"ids": [True, [], None]}
    assert read(vouched, ids="system") == vouched


def test_what_is_labelled_better_is_read_and_the_others_stand_under_a_star() -> None:
    mail = {"id": 7, "text": "hi", "by": "eve"}
    labels = {"id": "system", "text": "untrusted"}
    assert read([mail], **labels) == [
        {"id": 7, "text": "jackline:text:7:0.text", "*": "jackline:text:7:0"}
    ]
    assert read({"by": {"x": 1}}, **labels) == HERE.__str__()
    assert read({"any": {"name": 1}}, **{"*": "system"}) == {"any": {"name": 1}}
    assert read("words", **{"*": "system"}) == "words"


def test_what_is_nested_deeper_than_labels_go_is_not_read() -> None:
    deep: object = "x"
    for _ in range(200):
        deep = [deep]
    told = json.dumps(read(deep, a="system"))
    assert "x" not in told.replace("text", "")


def test_a_handle_names_the_text_where_it_stands() -> None:
    whole = json.dumps([{"text": "hi", "n": [1, 2]}])
    assert at(HERE, "words") == "words"
    assert at(Handle(7, "0.text"), whole) == "hi"
    assert at(Handle(7, "0"), whole) == '{"text":"hi","n":[1,2]}'
    for path in ("1", "x", "0.no", "0.n.5", "0.n.-1", "0.n.0.0", "0.text.0", "9" * 5_000):
        with pytest.raises(HandleError, match="names no text"):
            at(Handle(7, path), whole)


def test_only_a_quarantined_result_that_is_still_there_has_a_text() -> None:
    assert unread(HERE, returned("hi")).text == "hi"
    open_to_all = msgspec.structs.replace(returned("hi"), quarantined=False)
    for event in (None, open_to_all, e.ToolFailed("k", "no")):
        with pytest.raises(HandleError, match="names no text"):
            unread(HERE, event)
    with pytest.raises(HandleError, match="erased"):
        unread(HERE, e.Erased("tool.returned"))


def test_texts_are_put_in_as_long_as_they_are_not_too_many() -> None:
    said = {"a": "jackline:text:7:", "b": ["x jackline:text:7:"]}
    assert handles_of(said) == [HERE]
    assert json.loads(with_texts(said, {HERE: "hi"})) == {"a": "hi", "b": ["x jackline:text:7:"]}
    with pytest.raises(HandleError, match="are the most"):
        with_texts(["jackline:text:7:"] * 3, {HERE: "x" * (WHOLE_BYTES // 2)})


def test_a_position_that_no_journal_has_is_no_handle() -> None:
    assert handle_of("jackline:text:" + "9" * 5_000 + ":") is None


def test_a_number_is_one_that_every_tool_can_hold() -> None:
    asked = Extraction("?", "number")
    assert asked.value('{"value": ' + "9" * 400 + "}") is None
    assert asked.value('{"value": -5}') == -5


@pytest.mark.parametrize("changed", [{"question": "?" * 501}, {"choices": ("x" * 61,)}])
def test_questions_and_choices_are_short(changed: dict[str, Any]) -> None:
    said: dict[str, Any] = {"question": "?", "kind": "choice", "choices": ("x",), **changed}
    with pytest.raises(DefinitionError, match="at most 500 characters, a choice 60"):
        Extraction(**said)


def test_the_tool_by_itself_asks_nobody() -> None:
    with pytest.raises(ToolError, match="Only the runtime"):
        extracting.extract("x", "?", "number").send(None)


def test_the_question_fits_into_what_is_held_for_it() -> None:
    asked = Extraction("é" * 500, "choice", tuple(f"{n:02}" + "\n" * 58 for n in range(32)))
    posed = extracting.question(asked, "é" * 100_000)
    size = len((posed.instructions + posed.text + json.dumps(asked.schema)).encode())
    assert not posed.whole
    assert size <= extracting.bound_tokens(asked, FREE)


SCHEMA = {"properties": {"to": {"type": "string"}, "cents": {"type": "number"}}}
PAY = flow_of(
    "pay",
    "once",
    SCHEMA,
    Declared(critical={"to": From("user"), "cents": From("user", extracted=True)}),
)


def reading(*, extracted: object = None) -> Provenance:
    known = Provenance("ann")
    known.unread = True
    known.read([Source(1, "the user", "pay bob or jackline:text:7:", "user")])
    if extracted is not None:
        known.extract(extracted, Source(5, "an extraction", str(extracted)))
    return known


def test_after_an_extraction_every_critical_value_needs_an_origin_and_no_plan() -> None:
    question = Question(reading(extracted=98.7))
    allowed = judge(PAY, {"to": "bob", "cents": 98.7}, question)
    assert (allowed.decision, allowed.tier) == ("allow", "quarantine")
    for call in ({"to": "eve", "cents": 98.7}, {"to": "bob", "cents": 5}):
        assert judge(PAY, call, question).tier == "origin"
    assert judge(PAY, {"to": "eve", "cents": 5}, Question(reading())).tier == "clean"


def test_a_handle_is_open_whoever_wrote_it_down_and_all_else_is_as_before() -> None:
    there = "jackline:text:7:"
    plan = Plan((Planned("pay", {"to": there, "cents": 5}),))
    for question in (Question(reading()), Question(reading(), plan)):
        assert judge(PAY, {"to": there, "cents": 5}, question).tier == "origin"
    free = flow_of("keep", "once", SCHEMA, Declared(critical={"cents": From("user")}))
    verdict = judge(free, {"to": there, "cents": 5}, Question(reading()))
    assert (verdict.decision, verdict.tier) == ("allow", "quarantine")
    known = reading()
    known.endorse("pay", "to", there)
    assert judge(PAY, {"to": there, "cents": 5}, Question(known)).decision == "allow"


def test_labels_seal_what_is_no_object_as_a_whole() -> None:
    assert Labels({}).sealed("x", 3) == "jackline:text:3:"
