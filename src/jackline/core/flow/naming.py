"""Whom a user names of those who stand in a directory: by a name said whole, and by nothing else.

A name is a field that is called one, or the key of a mapping from names to addresses. What it
names is what the mapping has there, or fields beside it that are called an address of the one who
is called so: a manager, a team or who referred them is somebody else, whatever the value looks
like. What many share (a department, a city, a role) names nobody, and neither does a name that
leads to two addresses, as nobody knows which is meant. An object is indexed once, when it is first
looked at.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from jackline.core.flow.effort import Effort
from jackline.core.flow.fields import NAME
from jackline.core.flow.forms import form, make, plain
from jackline.core.flow.said import Said, Spelling
from jackline.core.value import Value

_FULL = frozenset(
    [
        *("name", "fullname", "displayname", "username", "user"),
        *("login", "handle", "nickname", "alias", "slug"),
    ]
)
_GIVEN = frozenset(["first", "firstname", "given", "givenname"])
_FAMILY = frozenset(["last", "lastname", "family", "familyname", "surname"])
# Fields that hold an address of whom their object is about, and of which kind. Of two of a kind
# that say different things nobody knows which is meant.
_ADDRESSES = {
    "mail": "email emails emailaddress emailaddresses mail mails workemail privateemail homeemail"
    " personalemail primaryemail businessemail",
    "phone": "phone phones phonenumber phonenumbers telephone tel mobile mobilephone mobilenumber"
    " cell cellphone workphone homephone",
    "account": "account accountnumber iban",
    "id": "id uid uuid guid userid accountid",
    "login": "username login handle userprincipalname",
    "address": "address addresses",
    "name": "name fullname displayname",
    "alias": "alias nickname slug",
}
_KINDS = {word: kind for kind, words in _ADDRESSES.items() for word in words.split()}
# An object with such a field is one entry's, and no mapping from names to addresses.
_OF_ONE = frozenset([*_KINDS, "contact", "to"])
_APART = re.compile(r"[-_\s]+")
_WORDS = re.compile(r"[a-z0-9]+")
_CHARS = 3
_IDEOGRAPHS = 2
_ALPHABETS_END = "\u2e80"


class _Entry(Value, frozen=True):
    """A field of an object in a directory: where it stands, what it says, of which make that is.

    `word` is what the field is called, and `scope` what stands before that in its path.
    """

    path: str
    text: str
    make: str
    scope: str
    word: str

    @property
    def is_key(self) -> bool:
        return self.path.endswith(NAME)

    @property
    def kind(self) -> str:
        return _KINDS.get(self.word, "")


class _Name(Spelling, frozen=True):
    """A name as it is said, and what it names: a path, or the addresses in a scope."""

    scope: str
    path: str = ""

    def covers(self, entry: _Entry) -> bool:
        if self.path:
            return entry.path == self.path
        return bool(entry.kind) and entry.scope == self.scope


class _Object:
    """The fields of one object, and the names in it."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.names: list[_Name] = []


class Naming:
    """The objects of directories, by the names that stand in them, and what the user has said."""

    def __init__(self) -> None:
        self._turn = 0
        self._said: list[str] = []
        self._heard: list[Said] = []
        self._objects: dict[tuple[int, int, int], _Object] = {}
        self._new: list[_Object] = []
        self._fields: dict[int, tuple[_Object, _Entry]] = {}
        self._by_name: dict[str, list[tuple[_Name, _Object]]] = {}
        self._by_token: dict[str, list[str]] = {}

    def hear(self, text: str, turn: int) -> None:
        """Take in what the user has said in a turn: what they said before names nobody."""
        self.begin(turn)
        self._said.append(text)

    def begin(self, turn: int) -> None:
        """Begin a turn, in which nobody is named yet."""
        if turn != self._turn:
            self._turn = turn
            self._said.clear()
            self._heard.clear()

    def enter(self, at: int, path: str, text: str, place: tuple[int, int, int]) -> None:
        """Take in a field of a directory. Those of one place stand in the same object."""
        if place not in self._objects:
            self._objects[place] = _Object()
            self._new.append(self._objects[place])
        scope, _, field = path.rpartition(".")
        word = _APART.sub("", field).lower()
        entry = _Entry(path, plain(text), make(text.removeprefix("@")), scope, word)
        self._objects[place].entries.append(entry)
        self._fields[at] = (self._objects[place], entry)

    def names(self, recipient: str, at: int, effort: Effort) -> bool:
        """Whether the user has named whose this is, which is all that this field says."""
        if at not in self._fields:
            return False
        found, entry = self._fields[at]
        self._index()
        return (
            entry.text == recipient
            and effort.spend(len(found.entries))
            and any(
                self._is_said(each, effort) and self._is_alone(each.text, entry, effort)
                for each in found.names
                if each.covers(entry)
            )
        )

    def _index(self) -> None:
        while self._new:
            found = self._new.pop()
            found.names += _names(found.entries)
            for each in found.names:
                if each.text not in self._by_name:
                    for token in _tokens(each.text):
                        self._by_token.setdefault(token, []).append(each.text)
                self._by_name.setdefault(each.text, []).append((each, found))
        while self._said:
            self._heard.append(Said(self._said.pop()))

    def _is_said(self, name: Spelling, effort: Effort) -> bool:
        """Whether a name was said, and not only as a part of somebody's longer one."""
        said = [each for each in self._heard if each.names(name, effort)]
        longer = self._longer(name.text, effort) if said else []
        return any(not longer or each.names(name, effort, longer) for each in said)

    def _longer(self, name: str, effort: Effort) -> list[str]:
        nowhere = list[str]()
        having = [self._by_token.get(token, nowhere) for token in _tokens(name)]
        rarest = min(having, key=len, default=nowhere)
        effort.spend(len(rarest))
        longer = [each for each in rarest if len(each) > len(name) and name in each]
        return sorted(longer, key=len, reverse=True)

    def _is_alone(self, name: str, entry: _Entry, effort: Effort) -> bool:
        """Whether a name leads to no other address than this one, in whatever object."""
        return not any(
            not effort.spend(len(found.entries))
            or any(_is_other(field, entry) for field in found.entries if each.covers(field))
            for each, found in self._by_name[name]
        )


def _tokens(name: str) -> AbstractSet[str]:
    """Return the words of a name, which a longer one that has it in it has, too."""
    return frozenset(_WORDS.findall(name) if name.isascii() else form(name).tokens)


def _is_other(field: _Entry, entry: _Entry) -> bool:
    is_alike = field.kind == entry.kind or field.make == entry.make != ""
    return is_alike and field.text != entry.text


def _names(entries: list[_Entry]) -> Iterator[_Name]:
    """Yield the names in an object, in each of the ways in which people say them."""
    given, family = dict[str, list[str]](), dict[str, list[str]]()
    for each in entries:
        text = each.text
        if each.word in _FULL:
            yield from _spelt(each.scope, *_ways(text.removeprefix("@")))
        elif each.word in _GIVEN:
            given.setdefault(each.scope, []).append(text)
        elif each.word in _FAMILY:
            family.setdefault(each.scope, []).append(text)
    for scope in given.keys() & family.keys():
        if len(given[scope]) == len(family[scope]) == 1:
            first, last = given[scope][0], family[scope][0]
            yield from _spelt(scope, f"{first} {last}", f"{last} {first}", f"{last}, {first}")
    yield from _keys(entries)


def _ways(name: str) -> list[str]:
    """Return a name as it is written, and as it is with the family's first or last."""
    family, comma, given = name.partition(", ")
    if comma:
        return [name, f"{given} {family}"]
    given, space, family = name.rpartition(" ")
    return [name, f"{family}, {given}"] if space else [name, f"@{name}"]


def _keys(entries: list[_Entry]) -> Iterator[_Name]:
    """Yield the keys of a mapping from names to addresses of one make.

    What looks like one entry's own fields is no mapping, so that `email` names nobody.
    """
    keys = {each.path.removesuffix(NAME) + each.text: each.text for each in entries if each.is_key}
    values = [each for each in entries if not each.is_key]
    makes = {each.make for each in values}
    words = {_APART.sub("", each).lower() for each in keys.values()}
    is_full = len(keys) > 1 and {each.path for each in values} == keys.keys()
    if is_full and len(makes) == 1 and "" not in makes and words.isdisjoint(_OF_ONE):
        for path, text in keys.items():
            yield from _spelt("", *_ways(text), path=path)


def _spelt(scope: str, *ways: str, path: str = "") -> Iterator[_Name]:
    """Yield a name in the ways to say it that are long enough to be said on purpose."""
    for written in ways:
        text = written.casefold()
        is_ideographic = text.lstrip("@")[:1] >= _ALPHABETS_END
        if len(text) >= (_IDEOGRAPHS if is_ideographic else _CHARS):
            yield _Name(text, written, scope, path)
