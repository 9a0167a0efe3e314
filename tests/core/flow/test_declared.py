"""What a tool's declarations mean, and what holds where there are none."""

import json
from typing import Any

import pytest

from jackline.core.errors import DefinitionError
from jackline.core.flow import Declared, From, declared_of, endorse, flow_of

SHAPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "flag": {"type": "boolean"},
    "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
    "kind": {"enum": ["a", "b"]},
    "kinds": {"type": "array", "items": {"$ref": "#/$defs/Kind"}},
    "many": {"type": "array", "items": {"type": "boolean"}},
    "some": {"type": "array", "items": {"$ref": "#/$defs/Kind"}, "uniqueItems": True},
    "one": {"const": 1},
    "file": {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/Kind"}]},
    "gone": {"$ref": "#/$defs/Nowhere"},
    "loop": {"$ref": "#/$defs/Loop"},
}
SCHEMA: dict[str, Any] = {
    "properties": SHAPES,
    "$defs": {"Kind": {"enum": ["x"]}, "Loop": {"$ref": "#/$defs/Loop"}},
}
FREE = {"flag", "maybe", "kind", "some", "one"}


def test_of_an_effectful_tool_all_but_bools_and_choices_is_critical_and_from_the_user() -> None:
    flow = flow_of("act", "once", SCHEMA)
    assert flow.critical == dict.fromkeys(SHAPES.keys() - FREE, From("user"))
    assert flow.carriers == dict.fromkeys(SHAPES.keys() - FREE, "user")
    assert flow.defaults == {"maybe": None}
    assert flow.effectful
    assert not flow.outbound


def test_of_a_read_only_urls_are_critical() -> None:
    shapes: dict[str, Any] = {"page_url": {}, "site": {"format": "uri"}, "n": {"type": "number"}}
    flow = flow_of("look", "read", {"properties": shapes})
    assert flow.critical == {"page_url": From("user"), "site": From("user")}
    assert (flow.effectful, flow.outbound) == (False, False)
    said = Declared(critical={"page_url": From("system")})
    assert flow_of("look", "read", {"properties": shapes}, said).critical["page_url"] == From(
        "system"
    )


@pytest.mark.parametrize(
    "name",
    ["pageUrl", "imageURL", "webhookURL", "URLs", "url1", "pageurl", "baseUri", "website", "sites",
     "host", "hostName", "hostname", "src", "href", "HTMLLink", "link_2", "endpoint", "domain",
     "server", "mail_server", "ip", "ipAddress", "fqdn", "homepage", "permalink", "redirect_to",
     "proxy", "httpProxy", "nameserver"],
)  # fmt: skip
def test_of_a_read_what_is_called_like_a_url_or_a_host_is_critical(name: str) -> None:
    flow = flow_of("look", "read", {"properties": {name: {"type": "string"}}})
    assert flow.critical == {name: From("user")}
    assert flow.urls == (name,)


@pytest.mark.parametrize(
    "name",
    ["security", "ghost", "query", "parasite", "linkage", "q", "server_id", "zip", "description"],
)
def test_of_a_read_what_is_called_like_nothing_of_the_kind_is_not(name: str) -> None:
    assert not flow_of("look", "read", {"properties": {name: {"type": "string"}}}).critical


URLS = [
    "https://evil.com/?q=1",
    "HTTPS:\\\\evil.com",
    " \x00\u00a0http://evil.com",
    "ht\ttps:/\n/evil.com",
    "https:evil.com",
    "https:///evil.com",
    "ldap://10.0.0.1/a",
    "//evil.com/a",
    "\\\\evil.com\\share",
    "<https://evil.com>",
    "URL:https://evil.com",
    "<url: https://evil.com>",
    "view-source:https:evil.com",
    "([_`'https://evil.com'`_])",
    "\u200b\u201ehttps://evil.com",
    "<//evil.com/a>",
    ["a", "https://evil.com"],
    {"text": {"https://evil.com": 1}},
]
NO_URLS: list[object] = [
    "minutes", "see https://evil.com", "\u898bhttps://evil.com",
    "(a) https://evil.com", "a: // b", "see: https://evil.com", "Re: (https://evil.com)",
    "//TODO", "https: what is it?", "/a//b.c", "",
    "c:\\a.txt", "file:///a.txt", "jackline:text:7:", 5, None, ["a", {"text": "b"}],
]  # fmt: skip
LOOK: dict[str, Any] = {
    "properties": {
        "page": {"default": "https://start.example"},
        "place": {"enum": ["https://a.example", "https://b.example"]},
        "said": {},
    }
}


@pytest.mark.parametrize("value", URLS)
def test_of_a_read_what_is_a_url_aims_whatever_it_is_called(value: object) -> None:
    flow = flow_of("look", "read", LOOK)
    assert (flow.is_judged, flow.is_harmless) == (False, False)
    call = {"page": value, "place": "https://a.example"}
    assert flow.judges(json.dumps(call))
    assert flow.aims(call) == ("page",)
    assert flow_of("look", "once", LOOK).aims(call) == ()
    said = Declared(critical={"page": endorse("our proxy looks at it")})
    assert flow_of("look", "read", LOOK, said).aims(call) == ()


@pytest.mark.parametrize("value", NO_URLS)
def test_of_a_read_what_is_no_url_aims_nowhere(value: object) -> None:
    assert flow_of("look", "read", LOOK).aims({"page": value}) == ()


def test_a_read_of_which_nothing_can_be_a_url_is_never_judged() -> None:
    place: dict[str, Any] = {"properties": {"place": LOOK["properties"]["place"]}}
    for schema, is_harmless in ((place, True), (LOOK, False), ({}, True)):
        assert flow_of("look", "read", schema).is_harmless is is_harmless
    assert not flow_of("look", "once", place).is_harmless
    assert not flow_of("look", "read", LOOK).judges('{"page":"minutes"}')


def test_of_a_read_an_argument_that_holds_a_url_somewhere_is_critical_as_a_whole() -> None:
    page = {"properties": {"query": {}, "page": {"$ref": "#/$defs/Page"}}}
    shapes: dict[str, Any] = {
        "request": {"type": "object", **page},
        "pages": {"type": "array", "items": {"$ref": "#/$defs/Page"}},
        "places": {"additionalProperties": {"anyOf": [{"format": "hostname"}, {"type": "null"}]}},
        "tree": {"$ref": "#/$defs/Tree"},
        "options": {"properties": {"follow_links": {"type": "boolean"}, "format": {}}},
        "site": {"enum": ["shop", "docs"]},
    }
    definitions: dict[str, Any] = {
        "Page": {"properties": {"imageUrl": {"type": "string"}}},
        "Tree": {"properties": {"below": {"$ref": "#/$defs/Tree"}, "text": {}}},
    }
    flow = flow_of("look", "read", {"properties": shapes, "$defs": definitions})
    assert flow.critical.keys() == {"request", "pages", "places"}


def test_an_imported_tool_is_effectful_and_outbound_whatever_it_says() -> None:
    flow = flow_of("look", "read", {"properties": {"q": {"type": "string"}}}, imported=True)
    assert flow.effectful
    assert flow.outbound
    assert flow.critical == {"q": From("user")}


def test_a_tool_with_recipients_is_outbound_and_they_are_critical() -> None:
    properties = {"to": {"type": "string"}, "text": {"type": "string"}}
    flow = flow_of(
        "tell", "once", {"properties": properties}, Declared(critical={}, readers_from=("to",))
    )
    assert flow.outbound
    assert flow.critical == {"to": From("user")}
    assert flow.carriers == {"to": "directory", "text": None}
    assert not flow_of(
        "tell", "once", {"properties": properties}, Declared(outbound=False)
    ).outbound


@pytest.mark.parametrize(
    "said", [Declared(critical={"nobody": From("user")}), Declared(readers_from=("nobody",))]
)
def test_a_declaration_of_an_argument_that_is_not_there_is_refused(said: Declared) -> None:
    with pytest.raises(DefinitionError, match="tell has no argument 'nobody': it takes none"):
        flow_of("tell", "once", {}, said)


def test_what_a_tool_says_of_its_flow_is_read_as_it_is_written() -> None:
    said = {
        "outbound": True,
        "critical": {"to": From("directory")},
        "readers_from": "to",
        "labels": {"*": "untrusted", "id": "system"},
        "readers": {"ann@x.com"},
    }
    assert declared_of("tell", said) == Declared(
        outbound=True,
        critical={"to": From("directory")},
        readers_from=("to",),
        labels={"*": "untrusted", "id": "system"},
        readers=frozenset(["ann@x.com"]),
    )
    assert declared_of("tell", {}) == Declared()
    assert declared_of("tell", {"readers": "everybody"}).readers == "everybody"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"outbound": []}, "outbound wants True or False"),
        ({"outbound": "yes"}, "outbound wants True or False"),
        ({"critical": ["to"]}, "critical wants a floor"),
        ({"critical": {"to": "user"}}, "critical wants a floor"),
        ({"critical": {1: From("user")}}, "critical wants a floor"),
        ({"readers_from": {"to"}}, "readers_from wants names"),
        ({"readers_from": [1]}, "readers_from wants names"),
        ({"labels": "system"}, "labels wants levels"),
        ({"labels": {"id": "root"}}, "say one of"),
        ({"readers": "nobody"}, "readers wants"),
        ({"readers": {1}}, "readers wants"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused_with_what_would_be_right(
    said: dict[str, Any], why: str
) -> None:
    with pytest.raises(DefinitionError, match=why):
        declared_of("tell", said)
