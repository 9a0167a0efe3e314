import pytest
from hypothesis import given as generated
from hypothesis import strategies as st
from tests.core.test_window import histories

from jackline.core.errors import InputError
from jackline.core.inputs import HISTORY_BYTES, Said, Upload, given, imported
from jackline.core.messages import (
    File,
    Image,
    Message,
    Pasted,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.core.user import User
from jackline.core.value import replace

MIB = 1 << 20
PNG = Upload(b"\x89PNG", "image/png")


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("hi", (Text("hi"),)),
        (Text("hi"), (Text("hi"),)),
        (["hi", Pasted("there")], (Text("hi"), Pasted("there"))),
        (PNG, (PNG,)),
        (["", PNG], (Text(""), PNG)),
        (Image("h", "image/png"), (Image("h", "image/png"),)),
    ],
)
def test_what_is_said_becomes_parts(said: Said, parts: tuple[object, ...]) -> None:
    assert given(said, MIB) == parts


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ([], "empty"),
        ([Pasted(" ")], "empty"),
        ("a\0b", "NUL"),
        (Pasted("a\0b"), "NUL"),
        ("a\ud800", "surrogate"),
        ("x" * (MIB + 1), "larger than the 1048576 bytes"),
        ("é" * (MIB // 2 + 1), "larger than"),
        (["x" * MIB, "y"], "larger than"),
        (Upload(b"x" * (MIB + 1), "text/plain"), "larger than"),
        ("x" * 50_000_000, "larger than"),
        (None, "NoneType is no type of input"),
        (7, "int is no type of input"),
        (b"hi", "int is no type of input"),
        ([None], "NoneType is no type of input"),
        ([{"type": "text"}], "dict is no type of input"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_said_is_refused_in_one_sentence(said: Said, why: str) -> None:
    with pytest.raises(InputError, match=why):
        given(said, MIB)


def test_the_limit_of_input_can_be_removed() -> None:
    assert given("x" * 2_000_000, None)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ((b"", "text/plain"), "at least one"),
        (("text", "text/plain"), "as bytes"),
        ((b"x", "png"), "no media type"),
        ((b"x", "image/png\n"), "no media type"),
        ((b"x", "text/plain", "n" * 201), "at most 200 bytes"),
        ((b"x", "text/plain", "a\0"), "NUL"),
        ((b"%PDF", "application/pdf"), "tokens_max=50_000"),
    ],
)
def test_an_upload_that_no_model_could_be_shown_is_refused(
    fields: tuple[str, ...], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        Upload(*fields)  # pyright: ignore[reportArgumentType] - that is what is wrong with them


def test_an_upload_says_what_it_is() -> None:
    assert PNG.is_image
    assert not Upload(b"x", "text/plain; charset=utf-8").is_image
    assert Upload(b"%PDF", "application/pdf", tokens_max=9).tokens_max == 9


@generated(histories())
def test_a_conversation_that_a_provider_takes_can_be_taken_over(history: list[Message]) -> None:
    assert imported(history) == tuple(history)


def assistant(*names: str) -> Message:
    return Message("assistant", tuple(ToolCall(name, "{}", f"id {name}") for name in names))


def results(*names: str) -> Message:
    return Message("tool", tuple(ToolResult("k", n, (Text("r"),), f"id {n}") for n in names))


USER = Message("user", (Text("hi"),))


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([assistant("a"), USER], "Message 1 .*'a' was called before it and has no result"),
        ([assistant("a", "b"), results("a")], "'b' was called before it"),
        ([assistant("a")], "ends before 'a' has a result"),
        ([results("a")], "result of 'a', which was not called"),
        ([assistant("a"), results("a", "a")], "result of 'a', which was not called"),
        ([assistant("a"), results("b")], "'a' was called before it"),
        (
            [assistant("a"), Message("tool", (ToolResult("k", "a", (), "another"),))],
            "call 'another', which was not made",
        ),
        ([Message("user", ())], "no message of"),
        ([replace(USER, role="system")], "no message of"),
        ([{"role": "user"}], "no message of"),
        ([Message("user", (ToolCall("a", "{}"),))], "user messages have no part like ToolCall"),
        ([Message("assistant", (Pasted("x"),))], "no part like Pasted"),
        ([Message("user", (Text("a\0"),))], "NUL"),
        ([Message("assistant", (ToolCall("a", "\ud800"),))], "surrogate"),
        ([Message("assistant", (Reasoning("\0"),))], "NUL"),
        ([Message("user", (Image("h", "image/png"),))], "no part like Image"),
        (
            [assistant("a"), Message("tool", (ToolResult("k", "a", (File("h", "x/y"),)),))],
            "said anew, as an Upload",
        ),
        ([Message("user", (Text("x" * (HISTORY_BYTES + 1)),))], "more than 16777216 are not kept"),
    ],
    ids=lambda value: "" if isinstance(value, list) else value[:40],
)
def test_a_conversation_with_which_no_model_could_go_on_is_refused(
    history: list[Message], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        imported(history)


def test_a_user_has_a_name_a_tenant_and_roles() -> None:
    user = User("ann", "acme", ["admin"])
    assert (user.principal.user, user.principal.roles) == ("ann", frozenset({"admin"}))


@generated(st.sampled_from(["", "a/b", "a\nb", "\0", "x" * 201, "\ud800"]))
def test_a_name_that_names_nobody_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="names nobody"):
        User(name)
    with pytest.raises(InputError, match="names nobody"):
        User("ann", name)
