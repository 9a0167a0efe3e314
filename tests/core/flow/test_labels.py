"""Labels: what no one labelled is untrusted, and each field has its own."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core.errors import DefinitionError
from jackline.core.flow import From, Integrity, Labels, endorse, suffices, worse
from jackline.core.flow.labels import LEVELS

MAILS: list[object] = [
    {"id": 7, "from": {"name": "Eve", "email": "eve@evil.com"}, "tags": ["a", "b"], "read": True},
    {"id": 8, "from": {"name": "Bob", "email": None}, "tags": []},
]


def told(labels: Mapping[str, Integrity], value: object) -> dict[tuple[str, str], Integrity]:
    return {(field.path, field.text): field.integrity for field in Labels(labels).fields(value)}


def test_what_no_one_labelled_is_untrusted_names_included() -> None:
    assert set(told({}, MAILS).values()) == {"untrusted"}
    assert ("(name)", "from") in told({}, MAILS)


def test_a_path_labels_its_field_in_every_element_of_a_list() -> None:
    fields = told({"*": "untrusted", "id": "system"}, MAILS)
    assert {key for key, level in fields.items() if level != "untrusted"} == {
        ("id", "7"),
        ("id", "8"),
    }


def test_the_deeper_path_wins_and_what_it_does_not_name_has_the_label_around_it() -> None:
    labels: dict[str, Integrity] = {"from": "directory", "from.name": "untrusted"}
    fields = told(labels, MAILS)
    assert fields["from.email", "eve@evil.com"] == "directory"
    assert fields["from.name", "Eve"] == "untrusted"
    assert fields["tags", "a"] == "untrusted"


VOUCHED = Labels({"*": "system"})
BITS: list[Any] = [[True, False], [None], [[], [[]]], [{}, {}], [[], []]]


@pytest.mark.parametrize("value", BITS)
def test_what_says_one_thing_of_two_is_untrusted_where_there_may_be_many(value: object) -> None:
    assert set(told({}, value).values()) == {"untrusted"}
    assert set(told({"a": "untrusted"}, {"a": value}).values()) == {"untrusted"}
    assert told({"*": "system"}, value) == {}


@pytest.mark.parametrize("value", [True, False, None, [], {}])
def test_one_thing_of_two_alone_is_no_text(value: object) -> None:
    assert told({}, value) == {}
    assert (Labels({}).eithers(value), VOUCHED.eithers(value)) == (1, 0)


@pytest.mark.parametrize(("value", "eithers"), [("x", 0), (MAILS, 3), ([True, [None]], 2)])
def test_of_a_result_all_is_counted_that_says_one_thing_of_two(value: object, eithers: int) -> None:
    assert (Labels({}).eithers(value), VOUCHED.eithers(value)) == (eithers, 0)


def test_an_unlabelled_name_on_the_way_to_a_labelled_one_has_the_label_around_it() -> None:
    fields = told({"*": "system", "from.name": "untrusted"}, MAILS)
    assert fields["from.email", "eve@evil.com"] == "system"
    assert fields["from.name", "Eve"] == "untrusted"


def test_a_star_stands_for_any_name_and_for_a_result_that_is_no_object() -> None:
    assert told({"*.stars": "system"}, {"Hotel": {"stars": 4, "text": "x"}}) == {
        ("(name)", "Hotel"): "untrusted",
        ("Hotel.stars", "4"): "system",
        ("Hotel.(name)", "text"): "untrusted",
        ("Hotel.text", "x"): "untrusted",
    }
    assert told({"*": "system"}, "2024-05-15") == {("", "2024-05-15"): "system"}
    assert told({"*": "system"}, ("a", ["b"])) == {("", "a"): "system", ("", "b"): "system"}
    assert told({"id": "system"}, "bare") == {("", "bare"): "untrusted"}


def test_a_name_that_is_data_is_labelled_like_what_it_names() -> None:
    assert told({"*": "directory"}, {"Sarah": "s@x.com"}) == {
        ("(name)", "Sarah"): "directory",
        ("Sarah", "s@x.com"): "directory",
    }


def test_fields_of_one_object_are_of_one_record() -> None:
    records: dict[int, set[str]] = {}
    for field in Labels({"*": "directory"}).fields([{"a": "1", "b": "2"}, {"a": "3"}]):
        records.setdefault(field.record, set()).add(field.text)
    assert sorted(map(sorted, records.values())) == [["1", "2", "a", "b"], ["3", "a"]]


def test_fields_come_in_the_order_in_which_they_stand() -> None:
    texts = [
        field.text
        for field in Labels({"a": "system", "b": "system"}).fields(
            [
                {"a": "1", "b": ["2", "3"]},
                {"a": "4"},
            ]
        )
    ]
    assert texts == ["1", "2", "3", "4"]


@pytest.mark.parametrize("path", ["", "a..b", ".a"])
def test_a_path_that_names_nothing_is_refused(path: str) -> None:
    with pytest.raises(DefinitionError, match=r"name\.name"):
        Labels({path: "system"})


@pytest.mark.parametrize("level", ["developer", "mine"])
def test_a_tool_cannot_speak_for_the_developer(level: Integrity) -> None:
    with pytest.raises(DefinitionError, match="say one of"):
        Labels({"id": level})


def test_a_floor_is_a_level_and_loosening_it_has_a_reason() -> None:
    with pytest.raises(DefinitionError, match="is no origin"):
        From("somebody")  # pyright: ignore[reportArgumentType] - that is the point
    with pytest.raises(DefinitionError, match="wants its reason"):
        endorse(" ")
    assert endorse("shown to its own user") == From("untrusted", reason="shown to its own user")


@given(st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_the_worse_of_two_suffices_for_nothing_that_either_does_not(
    one: Integrity, other: Integrity
) -> None:
    for floor in LEVELS:
        assert suffices(worse(one, other), floor) == (
            suffices(one, floor) and suffices(other, floor)
        )


def test_words_that_look_like_an_object_are_words_and_the_worst_of_its_labels() -> None:
    labels = Labels({"*": "directory", "id": "system"})
    assert labels.of({"id": 1}) == {"*": "directory", "id": "system"}
    assert labels.of('{"id": 1}') == {"*": "system"}
    assert Labels({"id": "system"}).of('{"id": 1}') == {}
    assert Labels({"*": "system", "mail.body": "untrusted"}).of("Hi") == {"*": "untrusted"}


BELOW = Labels({"*": "system", "from.name": "untrusted", "*.note": "directory"})


def test_a_text_where_an_object_is_labelled_is_the_worst_of_what_may_stand_in_it() -> None:
    value: dict[str, object] = {"from": '{"name": "Eve"}', "to": "a note", "texts": [["a"]]}
    found = {(field.path, field.text): field.integrity for field in BELOW.fields(value)}
    assert found["from", '{"name": "Eve"}'] == "untrusted"
    assert found["to", "a note"] == found["texts", "a"] == "system"
    assert BELOW.sealed({"from": "Eve", "to": "you"}, 7) == {
        "from": "jackline:text:7:from",
        "to": "you",
    }
    assert BELOW.sealed({"from": {"name": "Eve", "id": 7}}, 7) == {
        "from": {"name": "jackline:text:7:from.name", "id": 7}
    }
