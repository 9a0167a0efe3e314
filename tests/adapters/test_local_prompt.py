"""What the demonstration model is shown, and how its answers are read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.adapters.local.model import Answer
from jackline.adapters.local.prompt import prompt_for
from jackline.core.errors import GarbledReplyError
from jackline.core.messages import Message, Text, ToolCall, ToolResult
from jackline.ports import Request, ToolSpec


def tool(name: str, description: str, **properties: Any) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolSpec(name, description, schema)


FIND = tool("find_order", "Look up an order by its number.", order_id={"type": "integer"})
SEARCH = tool("search_products", "Search the shop.", query={"type": "string"})
REFUND = tool(
    "refund_order", "Refund an order.", order_id={"type": "string"}, cents={"type": "integer"}
)
TOOLS = [FIND, SEARCH, REFUND]


def said(text: str) -> Message:
    return Message("user", (Text(text),))


def request(*messages: Message, tools: Any = TOOLS, **fields: Any) -> Request:
    return Request("turn/1/model/0", "You help.", messages, tools, 100, **fields)


def offered(*messages: Message, tools: Any = TOOLS) -> list[str]:
    """Return what the answer may be: tools to call, and whether something may be said."""
    schema = prompt_for(request(*messages, tools=tools)).schema
    if schema is None:
        return ["anything"]
    choices = [each["properties"] for each in schema.get("anyOf", [schema])]
    return [each["call"]["const"] if "call" in each else "say" for each in choices]


def done(name: str, result: str, *, failed: bool = False) -> list[Message]:
    return [
        Message("assistant", (ToolCall(name, "{}", "c"),)),
        Message("tool", (ToolResult("k/tool/0", name, (Text(result),), "c", failed),)),
    ]


def test_the_tool_whose_words_the_user_says_is_offered() -> None:
    assert offered(said("What is the status of order 7?")) == ["find_order"]
    assert offered(said("Please refund order A7 with 300 cents")) == ["refund_order"]
    assert offered(said("Searching for products")) == ["search_products"]


def test_no_tool_is_offered_for_small_talk_or_where_there_is_none() -> None:
    assert offered(said("Hello, how are you?")) == ["anything"]
    assert offered(said("Find order 7"), tools=[]) == ["anything"]


def test_a_tool_that_may_not_be_meant_leaves_the_choice_to_say_something() -> None:
    assert offered(said("I like your shop")) == ["search_products", "say"]


def test_numbers_and_ids_are_those_that_the_user_named() -> None:
    schema = prompt_for(request(said("refund order A12 with 500 cents"))).schema
    assert schema is not None
    arguments = schema["anyOf"][0]["properties"]["arguments"]["properties"]
    assert arguments == {"order_id": {"enum": ["A12", "500"]}, "cents": {"enum": [500]}}


def test_a_number_may_have_been_named_earlier() -> None:
    schema = prompt_for(request(said("My order is 31."), said("Find my order!"))).schema
    assert "31" in json.dumps(schema)


def test_a_tool_is_not_offered_without_the_number_that_it_needs() -> None:
    assert offered(said("Find my order!"), tools=[FIND]) == ["anything"]


def test_a_tool_is_not_offered_where_it_needs_more_than_the_user_named() -> None:
    assert offered(said("refund order A12"), tools=[REFUND]) == ["anything"]


def test_a_call_that_was_made_in_this_turn_is_not_offered_again() -> None:
    asked = said("Find order 7")
    assert offered(asked, *done("find_order", "shipped")) == ["say"]
    assert offered(asked, *done("find_order", "shipped"), said("Find order 8")) == ["find_order"]


def test_a_second_tool_is_offered_for_words_that_the_first_did_not_match() -> None:
    asked = said("Look up order 9 and search products for lamps")
    assert set(offered(asked)) == {"find_order", "search_products"}
    assert offered(asked, *done("find_order", "ok")) == ["search_products"]
    assert offered(asked, *done("search_products", "ok")) == ["find_order"]


def test_a_result_is_told_and_not_made_up() -> None:
    result = json.dumps({"order_id": 7, "is_paid": True, "lines": [{"name": "lamp"}]})
    schema = prompt_for(request(said("Find order 7"), *done("find_order", result))).schema
    assert schema is not None
    ways = schema["properties"]["say"]["enum"]
    assert all("order id 7, is paid yes, lines name lamp" in way for way in ways)


def test_a_failure_is_not_told_as_a_success() -> None:
    messages = [said("Find order 7"), *done("find_order", "no such order", failed=True)]
    schema = prompt_for(request(*messages)).schema
    assert schema is not None
    assert schema["properties"]["say"]["enum"][0] == "That did not work: no such order"


def test_an_output_schema_is_the_schema_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert prompt_for(request(said("Find order 7"), output=schema)).schema == schema


def test_a_long_conversation_keeps_its_latest_words() -> None:
    messages = [said(f"{n} {'word ' * 100}") for n in range(50)]
    shown = prompt_for(request(*messages, tools=[])).messages
    assert sum(len(message["content"]) for message in shown) < 5_000
    assert shown[-1]["content"].startswith("49 ")


def test_definitions_of_a_schema_come_along() -> None:
    spec = ToolSpec(
        "paint_wall",
        "Paint.",
        {
            "type": "object",
            "properties": {"color": {"$ref": "#/$defs/Color"}},
            "required": ["color"],
            "$defs": {"Color": {"enum": ["red"]}},
        },
    )
    schema = prompt_for(request(said("paint the wall"), tools=[spec])).schema
    assert schema is not None
    assert schema["$defs"] == {"Color": {"enum": ["red"]}}


@given(st.text(st.sampled_from('\\u"\n1dD8c\U0001f30a\x1fé/')) | st.text(), st.data())
def test_what_is_said_is_the_same_however_it_is_cut(words: str, data: st.DataObject) -> None:
    content = json.dumps({"say": words}, ensure_ascii=data.draw(st.booleans()))
    answer = Answer(wrapped=True)
    heard = ""
    while content:
        cut = data.draw(st.integers(1, len(content)))
        heard += answer.add(content[:cut])
        content = content[cut:]
    assert heard == words
    assert answer.part("k") == Text(words)


def test_words_that_were_cut_off_are_kept() -> None:
    answer = Answer(wrapped=True)
    assert answer.add('{ "say" : "Half a \\u00') == "Half a "
    assert answer.part("k") == Text("Half a ")


def test_half_a_character_is_neither_said_nor_kept() -> None:
    answer = Answer(wrapped=True)
    assert answer.add('{"say": "a\\ud83c') == "a"
    assert answer.add("\\udf0a") == "🌊"
    assert answer.add('\\ud83c"}') == "\ufffd"
    assert answer.part("k") == Text("a🌊\ufffd")


def test_a_call_keeps_the_text_of_its_arguments() -> None:
    answer = Answer(wrapped=True)
    assert answer.add('{"call": "look", "arguments": {"at": {"x": 1}}}') == ""
    call = answer.part("turn/1/model/0")
    assert call == ToolCall("look", '{"at": {"x": 1}}', "call-turn-1-model-0")


def test_a_call_that_was_cut_off_keeps_what_came_of_its_arguments() -> None:
    answer = Answer(wrapped=True)
    answer.add('{"call": "look", "arguments": {"at": "se')
    call = answer.part("k")
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"at": "se'


def test_nothing_at_all_is_no_reply() -> None:
    answer = Answer(wrapped=True)
    answer.add('{"ca')
    with pytest.raises(GarbledReplyError):
        answer.part("k")
