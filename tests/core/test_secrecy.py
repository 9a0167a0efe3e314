"""Nothing that is written down has a secret in it, wherever in it that would stand."""

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.redaction.fragments import PEM, WHOLE, chunks, text

from jackline.core import events as e
from jackline.core.codec import encode
from jackline.core.events import Event, Finding, GuardJudged, SessionId
from jackline.core.messages import (
    Message,
    Pasted,
    Provider,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.core.redaction import Redactor
from jackline.core.redaction.sight import sight
from jackline.core.secrecy import KEPT, Secrecy, Writing

KEY = b"a store's random key of 32 bytes"
AWS = "AKIAIOSFODNN7EXAMPLE"
SECRECY = Secrecy(KEY, SessionId("acme", "s1"))
HANDLE = SECRECY.text(AWS)


def test_a_secret_has_one_handle_in_a_session_and_others_elsewhere() -> None:
    assert HANDLE.startswith("[secret:aws-key:")
    assert Secrecy(KEY, SessionId("acme", "s1")).text(f"{AWS}, {AWS}") == f"{HANDLE}, {HANDLE}"
    others = (
        Secrecy(KEY, SessionId("acme", "s2")),
        Secrecy(KEY, SessionId("evil", "s1")),
        Secrecy(KEY, SessionId("acm", "e s1")),
        Secrecy(KEY[::-1], SessionId("acme", "s1")),
    )
    assert len({HANDLE, *[each.text(AWS) for each in others]}) == 5


def test_a_text_without_a_secret_is_returned_itself() -> None:
    for plain in ("", "The token is what it is.", '{"a": 1}', "x" * 9000, "ключ: нет"):
        assert SECRECY.text(plain) is plain
        assert SECRECY.json(plain) is plain
        assert SECRECY.said(plain) is plain


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2!x"},
        {"password": 12345678},
        {"pin": [1, 2.5, True, None], "passwords": ["hunter2!x"]},
        {"text": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow", "after": 1},
        {"text": PEM, "deep": [{"a": [AWS]}]},
        {f"key of {AWS}": 1, "b": "c"},
        [f"{AWS}", 'he said "x"\n', 1],
        {"api_key": "A1b2C3d4E5f6G7h8", "quote": 'a "b" c'},
    ],
)
def test_json_stays_json_and_has_no_secret(value: Any) -> None:
    for ascii_only in (True, False):
        said = json.dumps(value, ensure_ascii=ascii_only)
        handled = SECRECY.json(said)
        found = json.loads(handled)
        assert type(found) is type(value)
        assert len(found) == len(value)
        for secret in ("hunter2", "12345678", "MIIEow", AWS, "A1b2C3d4E5f6G7h8"):
            assert secret not in handled
        assert SECRECY.json(handled) == handled
        assert SECRECY.said(f" {said}") == handled if " " not in said[:1] else True


@pytest.mark.parametrize(
    "said",
    [
        '["the password is",12345678,"x"]',
        '{"password is":[],"x":1}',
        "[4111111111111111]",
        '[-4111111111111111,"x"]',
        '{"":4111111111111111}',
        '{"cards":[4111111111111111.0,4.111111111111111e15]}',
        "4111111111111111",
    ],
)
def test_no_pass_over_the_signs_of_json_breaks_it_and_no_number_is_left_out(said: str) -> None:
    redactor = Redactor()
    for writing in (SECRECY, Writing(redactor.search, redactor.blank)):
        told = writing.json(said)
        json.loads(told)
        assert writing.json(told) == told
    assert ("4111" in said or "4.1" in said) == ("[redacted:card]" in told)
    assert "4111" not in told
    assert "4.1" not in told


@pytest.mark.parametrize("name", ["password", "client_secret", "pass"])
@pytest.mark.parametrize(
    "value",
    ['Winter"2024!Tail99', 'a"bCd1234!', "pass\nword12!X", "Back\\slash2024!", "Winter2024!`'\""],
)
def test_a_value_with_any_sign_in_it_is_handled_whole(name: str, value: str) -> None:
    handled = SECRECY.json(json.dumps({name: value, "x": value[:3]}))
    told = json.loads(handled)
    kind = "secret" if name == "client_secret" else "password"
    assert re.fullmatch(rf"\[secret:{kind}:[0-9a-f]{{16}}\]", told[name])
    assert told["x"] == value[:3]
    assert SECRECY.json(handled) == handled


def test_a_password_has_one_handle_in_a_field_and_in_a_text() -> None:
    told = json.loads(SECRECY.json('{"password": "Winter2024!"}'))["password"]
    assert SECRECY.text("PGPASSWORD=Winter2024! psql") == f"PGPASSWORD={told} psql"


def test_what_a_pair_is_called_says_what_its_value_is() -> None:
    for name in ("name", "key"):
        said = [{name: "db_password", "value": "Tr0ub4dor"}, {name: 1, "value": "Tr0ub4dor"}]
        told, other = json.loads(SECRECY.json(json.dumps(said)))
        assert told["value"].startswith("[secret:password:")
        assert other["value"] == "Tr0ub4dor"


def test_what_json_hides_in_escapes_is_found() -> None:
    hidden = '{"a":"' + "".join(f"\\u{ord(sign):04x}" for sign in AWS) + '","b":1}'
    assert json.loads(SECRECY.json(hidden)) == {"a": HANDLE, "b": 1}
    plain = '{"a":"line\\nbreak \\u00e9"}'
    assert SECRECY.json(plain) == plain


@pytest.mark.parametrize(
    "broken",
    [
        f'{{"a": "{AWS}"',
        f'{{"a": 1, "a": "{AWS}"}}',
        "[" * 100_000 + AWS,
        f'{{"a": "{AWS}\\',
    ],
)
def test_what_is_no_json_is_a_text(broken: str) -> None:
    assert SECRECY.json(broken) == SECRECY.text(broken)
    assert AWS not in SECRECY.json(broken)


ESCAPED = "\\u0041" + AWS[1:]


@pytest.mark.parametrize(
    "broken",
    [
        '{"a": 1, "a": 2, "b": "?"}',
        '```{"b": "?"}\n{"b": "?"}\n```',
        '{"b": "x\\n?", ',
        '{"c": "\\q ?", "b": "?"}',
        '{"b": "' + "x" * (1 << 20) + '?"}',
    ],
)
def test_no_escape_hides_a_secret_in_what_is_no_json(broken: str) -> None:
    told = SECRECY.json(broken.replace("?", ESCAPED))
    assert told.count(HANDLE) >= broken.count("?") - broken.count("\\q")
    assert told.replace(HANDLE, "?") == broken.replace("\\q ?", f"\\q {ESCAPED}")
    assert SECRECY.json(broken) == broken


def _made(kind: Any, secret: str) -> Any:
    """Return something of this type, with the secret in all its texts."""
    if kind in {int, float, bool, str}:
        return secret if kind is str else kind(1)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return _made(arguments[0], secret)
    if origin is tuple:
        kinds = get_args(arguments[0]) or (arguments[0],)
        return tuple([_made(each, secret) for each in kinds])
    if origin is Mapping:
        return {"x": _made(arguments[1], secret)}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind is Provider:
            return Provider("p", json.dumps({"blob": secret}))
        hints = get_type_hints(kind)
        return kind(**{name: _made(hints[name], secret) for name in kind.__struct_fields__})
    return None


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a value with the names of the fields that they stand in."""
    match value:
        case str():
            yield name, value
        case msgspec.Struct():
            for field in value.__struct_fields__:
                yield from _texts(getattr(value, field), field)
        case Mapping():
            for each in cast("Mapping[str, Any]", value).values():
                yield from _texts(each, name)
        case tuple() | list() | frozenset():
            for each in cast("Sequence[Any]", value):
                yield from _texts(each, name)
        case _:
            return


EVENTS = [kind for kind in get_args(Event) if kind is not e.Erased]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_no_field_of_an_event_keeps_a_secret_but_those_that_programs_fill(kind: Any) -> None:
    event = _made(kind, AWS)
    assert {name for name, said in _texts(event, "") if AWS in said}, "there is one to be found"
    handled = SECRECY.of(event)
    left = {name for name, said in _texts(handled, "") if AWS in said}
    assert left <= KEPT
    assert SECRECY.of(handled) is handled, "once is enough"


def test_each_field_that_is_kept_is_one_of_an_event() -> None:
    found = set[str]()

    def look(value: Any) -> None:
        match value:
            case msgspec.Struct():
                for name in value.__struct_fields__:
                    found.add(name)
                    look(getattr(value, name))
            case tuple():
                for each in cast("Sequence[Any]", value):
                    look(each)
            case _:
                return

    for kind in EVENTS:
        look(_made(kind, "x"))
    assert found >= KEPT, KEPT - found


def test_an_event_without_a_secret_stays_the_same_object() -> None:
    event = GuardJudged("result", "sanitiser", "flag", findings=(Finding("tags", 1, 2, "hello"),))
    assert SECRECY.of(event) is event
    message = Message("tool", (ToolResult("k", "look", (Text("12"), Text("13"))),))
    assert SECRECY.of(message) is message


@pytest.mark.parametrize(
    ("texts", "handled"),
    [
        (["my password is ", "S3cret-9x!"], 1),
        (["AKIAIOSF", "ODNN7EXAMPLE"], 1),
        (["foo", AWS, "bar"], 1),
        ([AWS, " and ", AWS], 2),
        (["AKIAIO", "SFODNN7", "EXAMPLE, and so on"], 1),
        (["a", "b"], 0),
    ],
)
def test_a_secret_is_found_that_stands_across_parts(texts: list[str], handled: int) -> None:
    parts = tuple(Text(each) if n % 2 else Pasted(each) for n, each in enumerate(texts))
    event = SECRECY.of(e.TurnSteered("r", parts, e.Principal("ann")))
    whole = "".join(part.text for part in event.parts if isinstance(part, Text | Pasted))
    assert whole.count("[secret:") == handled
    assert [type(part) for part in event.parts] == [type(part) for part in parts]
    for secret in (AWS, "S3cret", "ODNN7"):
        assert secret not in whole


def test_a_provider_gets_back_what_it_gave_or_nothing() -> None:
    clean, leaky = Provider("p", '{"signature":"Eqob"}'), Provider("p", f'{{"thought":"{AWS}"}}')
    parts = (Reasoning(AWS, clean), Text("so", leaky), ToolCall("look", "{}", "id", leaky))
    for plain in (True, False):
        reasoning, said, call = SECRECY.reply(parts, plain=plain)
        assert reasoning == Reasoning(HANDLE, clean)
        assert (said.provider, call.provider) == (None, None)


def test_what_a_model_says_is_what_streamed_even_where_it_looks_like_json() -> None:
    said = '{"password": 12345678}'
    (streamed,) = SECRECY.reply((Text(said),), plain=True)
    stream = SECRECY.stream()
    assert streamed.text == "".join([*map(stream.feed, said), stream.finish()])
    (typed,) = SECRECY.reply((Text(said),), plain=False)
    assert json.loads(typed.text)["password"].startswith("[secret:password:")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_reply_is_what_streamed_whatever_its_pieces(seed: int) -> None:
    draw = random.Random(seed)
    said = text(draw)
    stream = SECRECY.stream()
    streamed = "".join([*map(stream.feed, chunks(draw, said)), stream.finish()])
    assert streamed == SECRECY.reply((Text(said),), plain=True)[0].text


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.text(max_size=12), st.sampled_from(WHOLE), st.integers(), st.booleans()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(("password", "a", "token", PEM[:40])), inner),
        ),
        max_leaves=8,
    )
)
def test_any_json_keeps_its_shape(value: Any) -> None:
    def shape(found: Any) -> Any:
        match found:
            case dict():
                return [shape(each) for each in cast("dict[str, Any]", found).values()]
            case list():
                return [shape(each) for each in cast("list[Any]", found)]
            case _:
                return 0

    said = json.dumps({"value": value})
    handled = SECRECY.json(said)
    assert shape(json.loads(handled)) == shape({"value": value})
    assert SECRECY.json(handled) == handled
    assert AWS not in handled
    assert encode(e.InputProvided(1, approved=True, by="ann", arguments=handled))


def test_json_that_is_too_large_to_be_taken_apart_is_a_text() -> None:
    large = json.dumps({"password": 12345678, "rest": "x" * (1 << 20)})
    assert SECRECY.json(large) == SECRECY.text(large) != large


def work_of(value: Any) -> int:
    """Return what handling it takes: functions called and characters looked at."""
    count = 0

    def counted(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}
        if event == "call" and frame.f_code is sight.__code__:
            count += len(frame.f_locals["text"])

    sys.setprofile(counted)
    try:
        SECRECY.json(value) if isinstance(value, str) else SECRECY.of(value)
    finally:
        sys.setprofile(None)
    return count


HOSTILE: dict[str, Callable[[int], Any]] = {
    "a long name over many values": lambda n: json.dumps({"password " * n: [1] * n}),
    "many names": lambda n: json.dumps({f"token{each}": f"\u00e9{each}" for each in range(n)}),
    "many secrets": lambda n: json.dumps([f"password: h{each}x!" for each in range(n)]),
    "no JSON": lambda n: "[" * n + "]" * n + " password=",
    "literals in what is no JSON": lambda n: '{"a": "b\\n", ' * n,
    "literals without an end": lambda n: '"\\' * n,
    "many parts": lambda n: e.TurnSteered(
        "r", tuple(Text(f"AKIAIOSFODNN{each:08d} ") for each in range(n)), e.Principal("ann")
    ),
    "many parts of one secret": lambda n: e.TurnSteered(
        "r", tuple(Text(each) for each in AWS * n), e.Principal("ann")
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_length_takes_twice_the_work(name: str) -> None:
    few, some, many = (work_of(HOSTILE[name](times)) for times in (100, 200, 400))
    assert many - some <= 2.2 * (some - few) + 200, (few, some, many)
