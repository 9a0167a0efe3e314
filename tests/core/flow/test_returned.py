"""A label of a field that a tool does not return is refused when the tool is defined."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from jackline import tool
from jackline.core.errors import DefinitionError
from jackline.core.flow.returned import misnamed


class Mail(BaseModel):
    """A mail whose fields are written otherwise than they are called."""

    model_config = ConfigDict(alias_generator=to_camel)

    mail_id: str
    body_text: str
    answers: "list[Mail]" = []
    made_by: Callable[[], str] | None = None


class Loose(BaseModel):
    """A model that takes more than it says."""

    model_config = ConfigDict(extra="allow")

    number: int


@dataclass
class Box:
    """Mails, by who has written them, and a pair."""

    mails: dict[str, Mail]
    pair: tuple[Mail, int]
    rest: Any = None


class Row(TypedDict):
    """A row."""

    number: int


class Entry(msgspec.Struct, rename="camel"):
    """An entry whose fields are written otherwise, too."""

    full_name: str


class Foreign:
    """What no schema is known of."""

    def __init__(self, text: str) -> None:
        self.text = text


def define(returned: Any, *paths: str) -> None:
    def look() -> Any:
        """Look."""

    look.__annotations__["return"] = returned
    tool(effect="read", labels={"*": "system", **dict.fromkeys(paths, "untrusted")})(look)


NAMES = "mailId, bodyText, answers, madeBy"


@pytest.mark.parametrize(
    ("returned", "path", "told"),
    [
        (Mail, "body_text", f"there are {NAMES}"),
        (list[Mail] | None, "body_text", f"there are {NAMES}"),
        (Mail | Box, "body_text", f"there are {NAMES}, mails, pair, rest"),
        (Mail, "answers.answers.body_text", "there are answers.answers.mailId, answers.answers.bo"),
        (Mail, "bodyText.html", "'bodyText' has no fields"),
        (Box, "mails.*.body", "there are mails.*.mailId, mails.*.bodyText"),
        (Box, "pair.body", "there are pair.mailId, pair.bodyText"),
        (Row, "id", "there are number"),
        (Entry, "full_name", "there are fullName"),
        (str, "body", "what it returns has no fields"),
        (list[int], "body", "what it returns has no fields"),
    ],
)
def test_a_label_that_names_no_field_of_the_result_is_refused_with_those_that_there_are(
    returned: Any, path: str, told: str
) -> None:
    with pytest.raises(DefinitionError, match="look: labels has") as refused:
        define(returned, path)
    assert f"{path!r}, and there is no such field: {told}" in str(refused.value)


@pytest.mark.parametrize(
    ("returned", "paths"),
    [
        (Mail, ["bodyText", "answers.answers.bodyText", "*.bodyText", "madeBy.name"]),
        (Mail | Box, ["bodyText", "pair"]),
        (Iterator[Mail], ["bodyText"]),
        (Box, ["mails.Ann.bodyText", "mails.*", "pair.bodyText", "rest.of.it"]),
        (Loose, ["number", "else.where"]),
        (dict[str, str], ["body"]),
        (Mail | Foreign, ["bodyText", "text"]),
        (Foreign, ["text"]),
        (list, ["text"]),
        (Any, ["text"]),
        (str, []),
    ],
)
def test_a_label_of_a_field_that_there_is_or_may_be_is_taken(
    returned: Any, paths: list[str]
) -> None:
    define(returned, *paths)


def test_of_many_fields_the_first_are_told() -> None:
    shape: dict[str, Any] = {"properties": {f"f{number}": {} for number in range(30)}}
    assert misnamed(["g"], shape).endswith("f18, f19, ….")


def test_what_refers_to_itself_alone_or_to_nothing_comes_to_an_end() -> None:
    loop = {"$ref": "#/$defs/Loop", "$defs": {"Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}]}}}
    assert misnamed(["a"], loop)
    assert not misnamed(["a"], {"$ref": "#/$defs/Nothing"})
    assert not misnamed(["a"], {"type": "array", "prefixItems": [{}], "items": False})
