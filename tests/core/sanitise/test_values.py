from typing import Any, cast

from jackline.core.events import Finding
from jackline.core.sanitise import clean_value


def test_each_text_in_a_value_is_cleaned_and_told_by_its_path() -> None:
    value = {"items": [{"body": "a\u200bb", "n": 1}, None, 2.5, True], "sub\x07ject": ("x", b"y")}
    cleaned = clean_value(value)
    assert cleaned.value == {
        "items": [{"body": "ab", "n": 1}, None, 2.5, True],
        "subject [cleaned]": ["x", b"y"],
    }
    assert cleaned.findings == (
        Finding("invisible", 1, 2, path="items[0].body"),
        Finding("control", 3, 4),
    )


def test_a_name_that_cleaning_changed_is_no_name_that_was_written() -> None:
    for value, names in (
        (
            {"to": 1, "to\u200b": 2, "t\u200bo": 3, 4: 5},
            ["to", "to [cleaned]", "to [cleaned 2]", 4],
        ),
        ({"i\u200bd": 1, "id": 2}, ["id [cleaned]", "id"]),
        ({"i\u200bd": 1}, ["id [cleaned]"]),
        ({"i\u200bd": 1, "id [cleaned]": 2}, ["id [cleaned 2]", "id [cleaned]"]),
    ):
        cleaned = clean_value(value).value
        assert isinstance(cleaned, dict)
        assert [*cast("dict[object, int]", cleaned).items()] == [
            *zip(names, value.values(), strict=True)
        ]


def test_a_name_that_was_cut_is_no_other_name() -> None:
    cleaned = clean_value({"a": "12345678", "identity": "m-1"}, characters_max=11)
    assert cleaned.value == {"a": "12345678", "id [cleaned]": "[left out]"}


def test_many_names_that_become_one_cost_no_more_than_their_number() -> None:
    tags = [chr(0xE0000 + at) for at in range(1, 120)]
    names = {f"id{one}{other}": 1 for one in tags for other in tags}
    cleaned = clean_value(names).value
    assert isinstance(cleaned, dict)
    assert f"id [cleaned {len(names)}]" in cleaned


def test_what_is_too_deep_is_left_out() -> None:
    value: Any = "x\u200b"
    for _ in range(10_000):
        value = [value]
    cleaned = clean_value(value, depth_max=3)
    assert cleaned.value == [[["[left out]"]]]
    assert cleaned.findings == (Finding("too_deep", path="[0][0][0]"),)
    endless: list[Any] = []
    endless.append(endless)
    assert clean_value(endless).findings[0].what == "too_deep"


def test_what_is_too_much_is_left_out() -> None:
    assert clean_value([1, 2, 3, 4], nodes_max=3).value == [1, 2, "[left out]"]
    cleaned = clean_value({"a": 1, "b": 2, "c": 3}, nodes_max=2)
    assert cleaned.value == {"a": 1, "b": "[left out]"}
    assert cleaned.findings == (Finding("too_many", path="b"),)


def test_text_that_is_too_long_is_cut() -> None:
    cleaned = clean_value({"a": "12345", "b": "123456", "c": "x"}, characters_max=12)
    assert cleaned.value == {"a": "12345", "b": "12345"}
    assert cleaned.findings == (Finding("too_large", 5, 6, path="b"),)
    assert clean_value(["ab", {"abc": 1}, 2], characters_max=4).value == [
        "ab",
        {"ab [cleaned]": "[left out]"},
    ]


def test_a_value_that_repeats_itself_costs_no_more_than_is_allowed() -> None:
    bomb: list[Any] = ["x"]
    for _ in range(40):
        bomb = [bomb] * 10
    assert len(str(clean_value(bomb, nodes_max=1_000).value)) < 20_000


def test_many_findings_are_few() -> None:
    cleaned = clean_value(["\x00"] * 1_000)
    assert len(cleaned.findings) == 51
    assert cleaned.findings[-1] == Finding("more")
    assert clean_value({"a" * 5_000: "\x00"}).findings[0].path == "a" * 200
