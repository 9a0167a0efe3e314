"""Who gets what is sent: what addresses somebody, and whom a plan has as the user typed them."""

from typing import Any

import pytest

from jackline.core.flow import (
    Declared,
    From,
    Plan,
    Planned,
    Provenance,
    Question,
    Source,
    flow_of,
    judge,
    recipients,
)

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "email": {"type": "string"},
        "kind": {"enum": ["to", "cc"]},
        "html": {"type": "boolean", "default": True},
        "urgency": {"type": "integer", "default": 3},
        "copy": {"type": "string", "default": "all@x.com"},
    },
}
SCHEMA: dict[str, Any] = {
    "$defs": {"Person": PERSON},
    "properties": {
        "to": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
        "group": {"enum": ["team", "everybody"], "default": "team"},
        "body": {"type": "string"},
    },
}
CRITICAL = {"to": From("directory"), "body": From("directory")}
SEND = flow_of("send", "once", SCHEMA, Declared(critical=CRITICAL, readers_from=("to",)))
BOB: dict[str, object] = {
    "email": "bob@x.com",
    "kind": "cc",
    "html": True,
    "urgency": 3,
    "copy": "",
}


@pytest.mark.parametrize(
    ("to", "names"),
    [
        (BOB, ["bob@x.com"]),
        (BOB | {"urgency": 4}, ["bob@x.com", 4]),
        (BOB | {"copy": "all@x.com"}, ["bob@x.com", "all@x.com"]),
        ({"kind": "cc"}, ["cc"]),
    ],
)
def test_only_what_can_address_somebody_is_a_recipient(
    to: dict[str, object], names: list[object]
) -> None:
    assert recipients(SEND, {"to": [to]}) == names


def test_a_word_of_a_few_is_a_recipient_where_it_is_the_argument_that_says_who() -> None:
    flow = flow_of("send", "once", SCHEMA, Declared(readers_from=("to", "group")))
    assert recipients(flow, {"to": [BOB], "group": "everybody"}) == ["bob@x.com", "everybody"]


def asked(
    said: str, to: dict[str, object], *pinned: dict[str, object], readers: str = "", told: str = ""
) -> str:
    """Return what is asked of a letter in the second turn of who said this in the first."""
    known = Provenance("me@x.com")
    known.read([Source(1, "the instructions", told, "developer", said=True)])
    known.read([Source(2, "the user", said, "user", turn=1, said=True)])
    known.read([Source(3, "the user", "Send it to them.", "user", turn=2, said=True)])
    known.read([Source(4, "payslip", "91,000", "directory", turn=2)])
    known.restrict(frozenset([readers]) if readers else None)
    pins = {"to": list(pinned)} if pinned else {}
    plan = Plan((Planned("send", pins, frozenset({"to", "body"} - set(pins))),))
    return judge(SEND, {"to": [to], "body": "91,000"}, Question(known, plan)).reason


def test_whom_the_plan_has_to_the_letter_as_the_user_typed_them_is_named() -> None:
    said, unnamed = "My boss is bob@x.com.", "you did not name bob@x.com in this turn"
    assert asked(said, BOB, BOB) == ""
    assert asked(said, BOB).startswith(unnamed)
    assert asked("My boss is Bob.", BOB, BOB).startswith(unnamed)
    assert asked("My boss is Bob.", BOB, BOB, told="Write to bob@x.com.").startswith(unnamed)
    other = BOB | {"copy": "eve@x.com"}
    assert asked(said, other, other).startswith("you did not name eve@x.com in this turn")


def test_what_is_kept_to_some_goes_to_nobody_else_whom_a_plan_has() -> None:
    sealed = asked("My boss is bob@x.com.", BOB, BOB, readers="ann@x.com")
    assert sealed == "bob@x.com may not read what was read here"
