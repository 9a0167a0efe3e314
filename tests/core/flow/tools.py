"""Tools and readings that the tests of flow share."""

from typing import Any

from jackline.core.flow import Declared, From, Provenance, Source, flow_of

_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
MAIL_SCHEMA: dict[str, Any] = {
    "properties": {
        "to": _TEXTS,
        "subject": _TEXT,
        "body": _TEXT,
        "attachments": _TEXTS | {"default": []},
    }
}
MAIL = flow_of(
    "send_email",
    "once",
    MAIL_SCHEMA,
    Declared(critical={"to": From("directory"), "attachments": From("user")}, readers_from=("to",)),
)
PAY = flow_of("pay", "once", {"properties": {"account": _TEXT, "amount": {"type": "number"}}})
FETCH = flow_of("fetch", "read", {"properties": {"url": _TEXT, "retries": {"type": "integer"}}})
SEARCH = flow_of("search", "read", {"properties": {"query": _TEXT}})
LETTER = {"to": ["bob@x.com"], "subject": "Minutes", "body": "All of it", "attachments": []}


def reading(asked: str, *untrusted: str) -> Provenance:
    """Return what a model knows that was asked this and has then read that."""
    known = Provenance("me@x.com")
    known.read([Source(1, "the user", asked, "user", turn=1, said=True)])
    known.read([Source(2, "search", each, path="text", turn=1) for each in untrusted])
    if untrusted:
        known.restrict(None)
    return known


def with_entry(known: Provenance, name: str, address: str, record: int = 1) -> Provenance:
    """Add an entry of a directory to what was read."""
    known.read(
        [
            Source(3, "contacts", name, "directory", "name", 1, record),
            Source(3, "contacts", address, "directory", "email", 1, record),
        ]
    )
    return known
