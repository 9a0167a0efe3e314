"""What is written down of a session: with a handle in the place of each secret.

Whatever has text passes through here before it is appended, so that model, journal, artifacts
and whoever goes on read one text, and no secret. It is the same handle for the same secret in
all of a session, and nobody without the store's key can try whether a guess is right.
"""

import json
from collections import deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar, cast

import msgspec

from jackline.core.events import SessionId
from jackline.core.fields import rewritten
from jackline.core.messages import Pasted, Provider, Text
from jackline.core.patterns import Pattern
from jackline.core.redaction.handles import handles, secrets_search
from jackline.core.redaction.search import Search
from jackline.core.redaction.sight import sight
from jackline.core.redaction.stream import Blanks, Span, Stream, redacted, spans
from jackline.core.value import replace

V = TypeVar("V", bound=msgspec.Struct)
_KEY_BYTES = 32

# What these hold says who, which or how, and is made by programs: to change it would break what
# it refers to. Everything else that is text may have been said by anybody.
_MADE_BY_PROGRAMS = (
    "accounts agent allowed artifact by ceiling code decision digest effect_key fingerprint "
    "gate guard key kind label labels media_type model parent principal provider_id request_id "
    "role session source subject tools traceparent usage user version what answer_schema limits "
    "outcome purpose worker roles tenant"
)
KEPT = frozenset(_MADE_BY_PROGRAMS.split())
_JSON_MAX = 1 << 20
_NAME_MAX = 80  # So much of a name is looked at before what stands under it.
_WHOLE_MAX = 1e19  # No card has more digits.
# A literal in which something may hide.
_LITERAL = Pattern(r'"[^"\\]*\\(?s:.)(?:[^"\\]|\\(?s:.))*"')
_JSON = frozenset(("arguments", "value"))


class Writing:
    """Puts blanks in the place of what is found, in texts and in whatever is made of them."""

    def __init__(self, search: Search, blanks: Blanks) -> None:
        self._search = search
        self._blanks = blanks

    def text(self, text: str) -> str:
        """Return a text. One in which nothing is found is returned itself."""
        return redacted(text, spans(self._search, text), self._blanks)

    def stream(self) -> Stream:
        """Return what does the same to a text that comes in pieces."""
        return Stream(self._search, self._blanks)

    def json(self, text: str) -> str:
        """Return JSON, which is still JSON afterwards.

        What is none, says a name twice or is too large is a text, and so is each literal in it.
        """
        if len(text) > _JSON_MAX:
            return self._literals(self.text(text))
        if not (self._search.hints(sight(text)) or "\\u" in text or "\\/" in text):
            return text
        told = rewritten(text, self._value, self.text)
        return self._literals(self.text(text)) if told is None else told

    def _literals(self, text: str) -> str:
        """Return a text that has literals of JSON, with nothing behind an escape of these."""
        pieces, at = list[str](), 0
        for literal in _LITERAL.finditer(text):
            said = _said(literal.group())
            told = self.text(said)
            if told is not said:
                pieces += text[at : literal.start()], json.dumps(told, ensure_ascii=False)
                at = literal.end()
        return "".join([*pieces, text[at:]]) if pieces else text

    def said(self, text: str) -> str:
        """Return what may be JSON, or any text."""
        return self.json(text) if text.lstrip()[:1] in {"{", "["} else self.text(text)

    def reply(self, parts: Sequence[V], *, plain: bool) -> tuple[V, ...]:
        """Return what a model said. Where it is `plain`, it is what `stream` makes of the words."""
        return self._parts(parts, plain=plain)

    def of(self, value: V) -> V:
        """Return an event, or whatever else is made of texts. Without a secret it is the same."""
        changes = dict[str, Any]()
        for name in value.__struct_fields__:
            if name not in KEPT:
                old = getattr(value, name)
                new = self._field(name, old)
                if new is not old:
                    changes[name] = new
        return replace(value, **changes) if changes else value

    def _field(self, name: str, value: Any) -> Any:
        match value:
            case str():
                return self.json(value) if name in _JSON else self.said(value)
            case Provider():
                # A provider takes back what it gave as it was, or nothing.
                return value if self.json(value.data) == value.data else None
            case msgspec.Struct():
                return self.of(value)
            case tuple():
                parts = cast("tuple[Any, ...]", value)
                if name == "parts":
                    return _same(parts, self._parts(parts, plain=False))
                return _same(parts, tuple([self._field("", each) for each in parts]))
            case dict():
                fields = cast("dict[Any, Any]", value)
                new = {key: self._field("", each) for key, each in fields.items()}
                return fields if new == fields else new
            case _:
                return value

    def _parts(self, parts: Sequence[V], *, plain: bool) -> tuple[V, ...]:
        """Return parts of which each has no secret, nor has what they say together."""
        said = [self._plain(part) if plain and _is_text(part) else self.of(part) for part in parts]
        places = [place for place, part in enumerate(said) if _is_text(part)]
        if len(places) > 1:
            texts = [cast("Any", said[place]).text for place in places]
            for place, text in zip(places, self._across(texts), strict=True):
                said[place] = _with_text(said[place], text)
        return tuple(said)

    def _plain(self, part: V) -> V:
        provider = getattr(part, "provider", None)
        changed = _with_text(part, self.text(cast("Any", part).text))
        return changed if provider is None else replace(changed, provider=self._field("", provider))

    def _across(self, texts: Sequence[str]) -> Sequence[str]:
        """Return texts that have no secret where one follows the other: it ends in the first."""
        whole = "".join(texts)
        found = deque(spans(self._search, whole))
        if not found:
            return texts
        pieces, at, end = list[str](), 0, 0
        for text in texts:
            end, piece = end + len(text), list[str]()
            while found and found[0].start < end:
                span = found.popleft()
                blank = self._blanks(span.kind)
                blank.take(whole[span.start : span.end])
                piece += whole[at : span.start], blank.shown()
                at = span.end
            pieces.append("".join([*piece, whole[at:end]]))
            at = max(at, end)
        return pieces

    def _value(self, value: str | float, name: str) -> str | float:
        """Return a text or a number of JSON that stands under this name."""
        if isinstance(value, str):
            text = self.text(value)
            return self._named(name, text, '"') if name and text is value else text
        text = json.dumps(_whole(value))
        handled = self._named(name, text, "")
        return value if handled is text else handled

    def _named(self, name: str, text: str, quote: str) -> str:
        """Return what stands under a name without what is a secret for that name's sake."""
        name = name[-_NAME_MAX:]
        if kind := self._search.under(name, text, quoted=bool(quote)):
            return redacted(text, [Span(kind, 0, len(text))], self._blanks)
        head, found = f'"{name}": {quote}' if name else "", list[Span]()
        start = len(head)
        for span in spans(self._search, f"{head}{text}{quote}"):
            begin, end = max(span.start - start, 0), min(span.end - start, len(text))
            found += [Span(span.kind, begin, end)] if begin < end else ()
        return redacted(text, found, self._blanks)


def _whole(value: float) -> float:
    """Return a number as people write it: a card that is said to be a float is one."""
    is_whole = isinstance(value, float) and abs(value) < _WHOLE_MAX and value.is_integer()
    return int(value) if is_whole else value


def _said(literal: str) -> str:
    try:
        return json.loads(literal, strict=False)
    except ValueError:  # An escape that JSON does not have.
        return literal


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the old ones where nothing has changed."""
    return old if all(map(_is, old, new)) else new


def _is(one: object, other: object) -> bool:
    return one is other


def _is_text(part: object) -> bool:
    return isinstance(part, Text | Pasted)


def _with_text(part: V, text: str) -> V:
    return part if cast("Any", part).text is text else replace(part, text=text)


class Secrecy(Writing):
    """Puts handles in the place of a session's secrets, made with the store's key."""

    def __init__(self, key: bytes, session: SessionId) -> None:
        name = f"{len(session.tenant)} {session.tenant} {session.name}"
        own = blake2b(name.encode(), key=key, digest_size=_KEY_BYTES).digest()
        super().__init__(secrets_search(), handles(own))
