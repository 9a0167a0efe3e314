"""What a schema says of a place inside an argument, and what it does not say."""

from typing import Any

import pytest

from jackline.core.flow.shapes import completed, default_at, is_free_at

INNER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "flag": {"type": ["boolean", "null"], "default": True},
        "text": {"type": ["string", "null"]},
        "any": True,
        "open": {"anyOf": [True, {"type": "boolean"}]},
        "words": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
}
SCHEMA: dict[str, Any] = {
    "properties": {"one": {"$ref": "#/$defs/Inner"}, "many": {"anyOf": [INNER, {"type": "null"}]}},
    "$defs": {"Inner": INNER},
}


@pytest.mark.parametrize("name", ["one", "many"])
def test_only_what_the_author_wrote_down_is_free(name: str) -> None:
    free = [each for each in INNER["properties"] if is_free_at(SCHEMA, (name, f".{each}"))]
    assert free == ["flag", "words"]
    assert not is_free_at(SCHEMA, (name, "#"))
    assert not is_free_at(SCHEMA, (name, ".flag", ".more"))
    assert not is_free_at(SCHEMA, ("none", ".flag"))


def test_a_default_is_filled_in_where_nothing_is_said() -> None:
    assert default_at(SCHEMA, ("one", ".flag")) is True
    assert default_at(SCHEMA, ("one", ".text")) not in {None, ""}
    given = {"one": {"text": "x"}, "many": [{"flag": None}, {"text": None}], "n": {"z": 1}}
    assert completed(SCHEMA, given) == {
        "one": {"flag": True, "text": "x"},
        "many": [{"flag": None}, {"flag": True, "text": None}],
        "n": {"z": 1},
    }
    assert completed({}, given) == given
