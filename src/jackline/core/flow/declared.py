"""What a tool's declarations mean for flow, and what holds where nothing is declared."""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal, cast

from jackline.core.errors import DefinitionError
from jackline.core.flow.fields import Labels
from jackline.core.flow.labels import From, Integrity, suffices
from jackline.core.flow.parts import elements
from jackline.core.flow.shapes import is_free, written_out
from jackline.core.value import Value

Readers = frozenset[str] | Literal["user", "everybody"]

_USER = From("user")
# A transaction that is made again has to be made again: it commits once more.
_REPEATABLE = frozenset(["read", "idempotent"])
_URL = re.compile(
    "url|href|website|webhook|endpoint|callback|domain|hostname|homepage|permalink|nameserver|fqdn"
)
_URL_WORDS = frozenset(["uri", "link", "site", "host", "src", "ip", "redirect"])
_HOSTS = frozenset(["server", "proxy"])  # Of these alone: `server_id` is a thing's number.
_URL_FORMATS = frozenset(["uri", "url", "uri-reference", "iri", "hostname", "ipv4", "ipv6"])
# What clients take for a URL, some of them without its slashes. They leave out tabs and line ends,
# and much of what may stand before it: quotes, brackets, "URL:". Only a word makes it a text, also
# one with a colon and a blank.
_ABSOLUTE = re.compile(
    r"[\W_]*(?:url:[\W_]*|(?!url:)[a-z][a-z0-9+.-]*:(?:(?!\s)[\W_])*)*"
    r"(?:[a-z][a-z0-9+.-]*:[/\\]{2}|(?:https?|wss?|ftp):[/\\]*|(?<![/\\])[/\\]{2}[^\s/\\]+\.)"
    r"[^\s/\\]",
    re.IGNORECASE,
)
_MAY_AIM = re.compile(r"//|\\|(?:https?|wss?|ftp):", re.IGNORECASE)
_LEFT_OUT = {ord(each): None for each in "\t\r\n"}
# The words of a name, whether capitals or anything else tells them apart.
_WORD = re.compile("[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+")


class Declared(Value, frozen=True):
    """What the author of a tool says of it. None: what holds where nothing is said.

    `critical` names the arguments that decide what is done, with a floor for each. `readers_from`
    names those that hold the recipients. `readers` is who may read the result: the session's
    "user" and whom they name, "everybody", or these names alone.
    """

    outbound: bool | None = None
    critical: Mapping[str, From] | None = None
    readers_from: tuple[str, ...] = ()
    labels: Mapping[str, Integrity] = {}
    readers: Readers = "user"


_NOTHING = Declared()


def declared_of(name: str, said: Mapping[str, Any]) -> Declared:
    """Return what `tool` was told of a tool's flow. Raises `DefinitionError`."""
    outbound, readers = said.get("outbound"), said.get("readers", "user")
    critical, recipients = said.get("critical"), said.get("readers_from", ())
    labels = said.get("labels", {})
    if not isinstance(outbound, bool | None):
        raise DefinitionError(f"{name}: outbound wants True or False.")
    if critical is not None and not _maps(critical, From):
        raise DefinitionError(
            f'{name}: critical wants a floor for each argument, as in {{"to": From("user")}}.'
        )
    recipients = (recipients,) if isinstance(recipients, str) else recipients
    if not _are_names(recipients, list | tuple):
        raise DefinitionError(f'{name}: readers_from wants names of arguments, as in "to".')
    if not _maps(labels, str):
        raise DefinitionError(f'{name}: labels wants levels of fields, as in {{"id": "system"}}.')
    if readers not in ("user", "everybody") and not _are_names(readers, AbstractSet):
        raise DefinitionError(f'{name}: readers wants "user", "everybody" or a set of names.')
    Labels(labels)
    named = readers if readers in ("user", "everybody") else frozenset(readers)
    return Declared(outbound, critical, tuple(recipients), labels, named)


def _maps(value: object, kind: type) -> bool:
    """Whether a value is a mapping of names to this kind."""
    if not isinstance(value, Mapping):
        return False
    items = cast("Mapping[object, object]", value).items()
    return all(isinstance(name, str) and isinstance(each, kind) for name, each in items)


def _are_names(value: object, kind: Any) -> bool:
    """Whether a value is of this kind, and all names."""
    return isinstance(value, kind) and all(
        isinstance(each, str) for each in cast("Iterable[object]", value)
    )


class ToolFlow(Value, frozen=True, gc=True):
    """What has to be known of a tool to judge a call of it.

    `repeatable`: the same call made twice does no more than made once. `own` is what the code
    says, where operators ask for more: a call has to be right by both. `carriers` are the
    arguments that can hold what was read, each with the origin from which on its values hold
    nothing of it; None: whatever it comes from. `unpinned` are those that no plan can pin, as
    their schema has no end: nothing in them is anybody's.
    """

    name: str
    effectful: bool
    repeatable: bool
    outbound: bool
    critical: Mapping[str, From]
    carriers: Mapping[str, Integrity | None]
    readers_from: tuple[str, ...]
    urls: tuple[str, ...]
    labels: Labels
    readers: Readers
    defaults: Mapping[str, object]
    schema: Mapping[str, Any]
    unpinned: frozenset[str] = frozenset()
    own: "ToolFlow | None" = None

    @property
    def is_judged(self) -> bool:
        """Whether there is anything that each call could do wrong: mere reads just run."""
        return self.effectful or self.outbound or bool(self.critical)

    @property
    def is_harmless(self) -> bool:
        """Whether no call of it is ever judged: it only reads, and takes nothing that is a URL."""
        return not (self.is_judged or self.carriers)

    def judges(self, arguments: str) -> bool:
        """Whether a call with these arguments, as JSON, has to be judged: one of them may aim."""
        return self.is_judged or _MAY_AIM.search(arguments) is not None

    def aims(self, arguments: Mapping[str, object]) -> tuple[str, ...]:
        """Return the arguments of a read that are URLs, and of which its author says nothing."""
        if self.effectful:
            return ()
        said = [name for name in arguments if name in self.carriers and name not in self.critical]
        return tuple([name for name in said if any(map(_is_absolute, elements(arguments[name])))])


def flow_of(
    name: str,
    effect: str,
    schema: Mapping[str, Any],
    declared: Declared = _NOTHING,
    *,
    imported: bool = False,
) -> ToolFlow:
    """Return how calls of this tool are judged. Raises `DefinitionError` for what is not there.

    Of effectful tools every argument but a bool and one of several words is critical, from the
    user, and what no plan can pin whatever is declared of others. Of reads only those that hold a
    URL or a host are. Imported tools are `once` and outbound.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    for said in (*(declared.critical or ()), *declared.readers_from):
        if said not in properties:
            raise DefinitionError(
                f"{name} has no argument {said!r}: it takes {', '.join(properties) or 'none'}."
            )
    effectful = imported or effect != "read"
    unpinned = _unpinned(properties, definitions) if effectful else frozenset[str]()
    free = {each for each in properties if is_free(properties[each], definitions)} - unpinned
    if declared.critical is None:
        critical = {each: _USER for each in properties if each not in free} if effectful else {}
    else:
        critical = dict(declared.critical)
    if effectful:
        critical = dict.fromkeys([*declared.readers_from, *sorted(unpinned)], _USER) | critical
    urls = [each for each, shape in properties.items() if _is_url(each, shape, definitions)]
    if not effectful:
        critical |= {each: _USER for each in urls if each not in critical}
    outbound = declared.outbound
    if outbound is None:
        outbound = imported or bool(declared.readers_from)
    return ToolFlow(
        name,
        effectful,
        not imported and effect in _REPEATABLE,
        outbound,
        critical,
        {
            each: _held(critical.get(each), is_recipient=each in declared.readers_from)
            for each in properties
            if each not in free
        },
        declared.readers_from,
        tuple(urls),
        Labels(declared.labels),
        declared.readers,
        {each: shape["default"] for each, shape in properties.items() if "default" in shape},
        schema,
        unpinned,
    )


def _unpinned(properties: Mapping[str, Any], definitions: Mapping[str, Any]) -> frozenset[str]:
    """Return the arguments that no plan can pin."""
    written = {name: written_out(shape, definitions) for name, shape in properties.items()}
    return frozenset([name for name, shape in written.items() if shape is None])


def _held(floor: From | None, *, is_recipient: bool) -> Integrity | None:
    """Return from which origin on a value holds nothing of what was read; None: from none.

    The user said it, or it says which entry of a directory gets it, and that is who gets it.
    """
    least: Integrity = "directory" if is_recipient else "user"
    is_held = floor is not None and suffices(floor.level, least) and not floor.extracted
    return least if is_held else None


def _is_url(name: str, shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether a value says where on the net to look, by name or format, or holds what does."""
    return any(
        (is_url_name(field) or str(each.get("format")) in _URL_FORMATS)
        and not is_free(each, definitions, in_lists=True)
        for field, each in _fields(name, shape, definitions)
    )


def is_url_name(name: str) -> bool:
    """Whether an argument that is called so holds a URL or a host."""
    words = [word.lower() for word in _WORD.findall(name)]
    if _URL.search(name.lower()) or not _HOSTS.isdisjoint(words[-1:]):
        return True
    return not _URL_WORDS.isdisjoint([*words, *(word.removesuffix("s") for word in words)])


def _is_absolute(value: object) -> bool:
    """Whether a value is a URL that says where on the net it is, and no word stands before it."""
    return isinstance(value, str) and bool(_ABSOLUTE.match(value.translate(_LEFT_OUT)))


def _fields(
    name: str, shape: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the schemas at any depth, each with its name where it is a field's."""
    stack: list[tuple[str, object]] = [(name, shape)]
    seen = set[str]()
    while stack:
        field, each = stack.pop()
        if isinstance(each, list):
            stack += [("", below) for below in cast("list[object]", each)]
        elif isinstance(each, dict):
            inside = cast("dict[str, Any]", each)
            yield field, inside
            stack += [("", below) for below in inside.values()]
            known = inside.get("properties")
            stack += cast("dict[str, object]", known).items() if isinstance(known, dict) else ()
            reference = str(inside.get("$ref", "")).rpartition("/")[2]
            if reference not in seen:
                seen.add(reference)
                stack.append(("", definitions.get(reference)))
