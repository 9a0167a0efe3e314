"""What a schema says of a place inside an argument, and what it does not say."""

import json
from typing import Any

import pytest

from jackline.core.flow.parts import Part, elements, parts
from jackline.core.flow.shapes import completed, is_free, written_out

INNER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "flag": {"type": ["boolean", "null"], "default": True},
        "text": {"type": ["string", "null"]},
        "any": True,
        "open": {"anyOf": [True, {"type": "boolean"}]},
        "words": {"type": "array", "items": {"enum": ["a", "b"]}},
        "few": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
    },
}
SCHEMA: dict[str, Any] = {
    "properties": {"one": {"$ref": "#/$defs/Inner"}, "many": {"anyOf": [INNER, {"type": "null"}]}},
    "$defs": {"Inner": INNER},
}


def places(name: str, value: object) -> dict[tuple[str, ...], Part]:
    """Return the parts of an argument by their paths."""
    shape, definitions = SCHEMA["properties"][name], SCHEMA["$defs"]
    return {each.path: each for each in parts(value, shape, definitions)}


@pytest.mark.parametrize("name", ["one", "many"])
def test_only_what_the_author_wrote_down_is_free(name: str) -> None:
    value: dict[str, Any] = {each: each for each in INNER["properties"]} | {
        "chosen": {"flag": True},
        "set": [],
    }
    found = places(name, value)
    free = [at for at, part in found.items() if is_free(part.shape, SCHEMA["$defs"])]
    assert free == [(".flag",), (".few",)]
    assert [found[at].value for at in [("#",), (".chosen", "#"), (".set",)]] == ["set", "flag", []]
    assert found[".flag",].shape["default"] is True
    assert "default" not in found[".text",].shape


MAPPING: dict[str, Any] = {"type": "object", "additionalProperties": {}}
WITH_X: dict[str, Any] = {"type": "object", "properties": {"x": {}}}
NESTED: list[Any] = [1, {"a": (2, []), "b": [{"c": {}}]}, 5]
SHAPES: list[tuple[list[Any], list[str]]] = [
    ([INNER], ["x"]),
    ([INNER, WITH_X], []),
    ([INNER, MAPPING], ["flag", "x"]),
    ([INNER, {}], ["flag", "x"]),
    ([{"type": "string"}], ["flag", "x"]),
]


@pytest.mark.parametrize(("shapes", "chosen"), SHAPES)
def test_a_key_is_the_authors_only_in_the_place_that_has_it(
    shapes: list[Any], chosen: list[str]
) -> None:
    found = parts([{"flag": True, "x": 1}], {"items": {"anyOf": shapes}})
    assert [each.value for each in found if each.path == ("#",)] == chosen


def test_an_element_of_a_list_is_not_what_the_tool_takes_for_the_whole() -> None:
    shape: dict[str, Any] = {"anyOf": [{"type": "string"}, {"items": {}}], "default": "all"}
    assert [each.shape.get("default") for each in parts("all", shape)] == ["all"]
    assert [each.shape.get("default") for each in parts(["all"], shape)] == [None]


def test_elements_are_those_of_lists_and_objects_and_their_keys() -> None:
    assert elements(NESTED) == [1, "a", "b", 2, "c", 5]
    assert [each.value for each in parts(NESTED)] == [1, "a", "b", 2, [], "c", {}, 5]
    assert elements({"x": 1}) == ["x", 1]
    assert elements([]) == []


def test_a_default_is_filled_in_where_nothing_is_said() -> None:
    given = {"one": {"text": "x"}, "many": [{"flag": None}, {"text": None}], "n": {"z": 1}}
    assert completed(SCHEMA, given) == {
        "one": {"flag": True, "text": "x"},
        "many": [{"flag": None}, {"flag": True, "text": None}],
        "n": {"z": 1},
    }
    assert completed({}, given) == given


KIND: dict[str, Any] = {"enum": ["a", "b"], "type": "string"}
NAMED: dict[str, Any] = {
    "Kind": KIND,
    "Pair": {"properties": {"$ref": {"$ref": "#/$defs/Kind"}, "discriminator": {"const": 1}}},
    "Tree": {"properties": {"below": {"items": {"$ref": "#/$defs/Tree"}}}},
    "Large": {"enum": ["x" * 9_000]},
    "Twice": {"anyOf": [{"$ref": "#/$defs/Large"}, {"$ref": "#/$defs/Large"}]},
    "True": True,
}


def referring(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def test_what_a_schema_refers_to_is_written_out_and_what_stands_beside_it_stays() -> None:
    assert written_out({**referring("Kind"), "default": "a"}, NAMED) == {**KIND, "default": "a"}
    either: dict[str, Any] = {
        "oneOf": [referring("Kind"), referring("Kind")],
        "discriminator": {"mapping": {}},
    }
    assert written_out(either, NAMED) == {"oneOf": [KIND, KIND]}
    inside = written_out({"items": referring("Pair")}, NAMED)
    assert inside == {"items": {"properties": {"$ref": KIND, "discriminator": {"const": 1}}}}
    said = {"default": referring("Kind"), "properties": 1, "uniqueItems": True}
    assert written_out(said, NAMED) == said


@pytest.mark.parametrize(
    "shape",
    [
        referring("Tree"),
        referring("Twice"),
        referring("True"),
        referring("Nothing"),
        {"$ref": "#"},
        {"$ref": "#/definitions/Kind"},
        {"$dynamicRef": "#node"},
        json.loads('{"items":' * 70 + "{}" + "}" * 70),
    ],
)
def test_of_what_has_no_end_or_is_too_much_nothing_is_written_out(shape: dict[str, Any]) -> None:
    assert written_out({"properties": {"one": shape}}, NAMED) is None
