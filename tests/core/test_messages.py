import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.values import values

from jackline.core.flow import Integrity, Label, join
from jackline.core.messages import (
    File,
    Image,
    Message,
    Messages,
    Part,
    Pasted,
    Provider,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    digest,
    size_bytes,
)

MESSAGES = st.lists(values(Message), max_size=5)
SECRET = Provider("p", '{"signature":"é"}')


@given(MESSAGES, MESSAGES, MESSAGES)
def test_versions_that_grew_from_one_another_do_not_see_each_other(
    first: list[Message], one: list[Message], other: list[Message]
) -> None:
    start = Messages.of(first)
    left, right = start.extended(one), start.extended(other)
    assert (list(start), list(left), list(right)) == (first, first + one, first + other)
    for made in (start, left, right):
        again = Messages.of(list(made))
        assert (made, made.size_bytes) == (again, again.size_bytes)


@given(MESSAGES, st.slices(5))
def test_a_sequence_of_messages_is_a_sequence(said: list[Message], part: slice) -> None:
    messages = Messages.of(said).extended(said)[: len(said)]
    assert messages == said
    kept = Messages.of(said)
    assert kept[part] == said[part]
    assert kept != said
    if said:
        assert (kept[0], kept[-1]) == (said[0], said[-1])
    with pytest.raises(IndexError):
        kept.extended([])[len(said)]


@given(MESSAGES, MESSAGES)
def test_a_digest_tells_messages_apart(one: list[Message], other: list[Message]) -> None:
    assert (digest("", one) == digest("", other)) == (one == other)
    assert digest(digest("", one), other) == digest(digest("", one), other)
    assert digest("x", one) != digest("", one)


def said_to_a_provider(part: Part) -> list[str]:
    """Return every text of the part that a provider is sent."""
    match part:
        case Text() | Reasoning():
            return [part.text, part.provider.data if part.provider else ""]
        case Pasted():
            return [part.text]
        case ToolCall():
            data = part.provider.data if part.provider else ""
            return [part.name, part.arguments, part.provider_id, data]
        case ToolResult():
            inner = [text for each in part.parts for text in said_to_a_provider(each)]
            return [part.name, part.provider_id, *inner]
        case Image() | File():
            return []


FILELESS: list[type[Part]] = [Text, Pasted, Reasoning, ToolCall, Image]


@given(st.lists(st.sampled_from(FILELESS).flatmap(values), max_size=4))
def test_the_size_of_a_message_is_at_least_the_bytes_that_are_sent(parts: list[Part]) -> None:
    words = tuple(part for part in parts if isinstance(part, Text | Image))
    said = (*parts, ToolResult("key", "tool", words, "id"))
    texts = [text for part in said for text in said_to_a_provider(part)]
    assert size_bytes(Message("user", said)) >= sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize(
    ("part", "size"),
    [
        (Text("é"), 2),
        (Pasted("abc"), 3),
        (Image("h", "image/png"), 8_192),
        (File("h", "text/plain", "n", 77), 77),
        (File("h", "application/pdf", "n", 77, 9_000), 9_000),
        (Reasoning("ab", SECRET), 2 + len(SECRET.data.encode())),
        (ToolCall("abc", "{}", "id"), 16 + 7),
        (ToolResult("k", "abc", (Text("xy"),), "id"), 16 + 1 + 3 + 2 + 2),
    ],
)
def test_each_part_has_a_size(part: Part, size: int) -> None:
    assert size_bytes(Message("user", (part,))) == size


def test_a_message_s_text_is_its_words_without_those_of_tools() -> None:
    parts = (Text("a"), Pasted("b"), ToolCall("c", "{}"), Reasoning("d"))
    assert Message("user", parts).text == "ab"


def test_messages_have_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Messages([]))


LABELS = values(Label).map(lambda label: msgspec.structs.replace(label, tenant="t"))


@given(LABELS, LABELS, LABELS)
def test_labels_join_to_the_worse_origin_and_the_fewer_readers(
    one: Label, two: Label, three: Label
) -> None:
    both = join(one, two)
    assert both == join(two, one)
    assert join(both, three) == join(one, join(two, three))
    assert join(both, one) == both
    for each in (one, two):
        if each.readers is not None:
            assert both.readers is not None
            assert both.readers <= each.readers
        assert each.sources <= both.sources


@pytest.mark.parametrize(
    ("one", "other", "worse"),
    [("user", "untrusted", "untrusted"), ("developer", "system", "system")],
)
def test_the_worse_origin_wins(one: Integrity, other: Integrity, worse: Integrity) -> None:
    assert join(Label(one), Label(other)).integrity == worse


def test_values_of_two_tenants_never_meet() -> None:
    with pytest.raises(AssertionError, match="two tenants"):
        join(Label(tenant="a"), Label(tenant="b"))
