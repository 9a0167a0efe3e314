"""Texts that a client reads as one, though each was judged by itself.

What a model says before and behind a call are two replies. A message of a chat completion has
both, and OpenAI's own library puts those of a response together. What only both of them say, as a
tag that one begins and the next fills, is taken out of the later one: the first has been told.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jackline.core.agent import Agent
from jackline.core.guards import Audience, Filter, Filtering, fitted
from jackline.core.redaction import DEFAULT, Links, Redactor, links_stream, urls
from jackline.core.user import User

_BEFORE = 8_192  # More than any filter of the stack looks back on.
_OPENING = re.compile("<|```|~~~")


def _nowhere(url: str) -> bool:  # noqa: ARG001 - nothing is known of any
    return False


@dataclass(frozen=True, slots=True)
class Joint:
    """How a client puts texts of an agent together: with `between` between them.

    Of an agent that nobody knows here any more they are filtered as the default stack does.
    """

    agent: Agent | None
    user: User
    between: str

    def behind(self, told: Iterable[str], heard: Iterable[str]) -> Filter | None:
        """Return what reads a text as it goes on from these. None: there are none.

        `heard` are the texts before anything was taken out of them as parts of one: what began
        there goes on, though it is not `told`.
        """
        before = self._joined(heard)
        if not before:
            return None
        # A URL that stands in one of the texts by itself was judged with it: it was named.
        known = {each.url for each in urls(self._joined(told))} - {""}
        filtering = self._filtering(lambda url: url in known)
        return _Behind(before, _Chain(filtering), _Chain(filtering).whole(before), known)

    def _joined(self, texts: Iterable[str]) -> str:
        said = [text for text in texts if text]
        return self.between.join([*said, ""])[-_BEFORE:] if said else ""

    def question(self, texts: Iterable[str], text: str) -> str:
        """Return a question behind these texts: as it is, unless it leads away as a part of them.

        Between blank lines only HTML and fences stay open, and would hold what it is fenced from.
        """
        if not any(_OPENING.search(each) for each in texts):
            return text
        return _Chain([each for each in self._filtering() if isinstance(each, Links)]).whole(text)

    def _filtering(self, named: Callable[[str], bool] = _nowhere) -> list[Filtering]:
        guards = (Redactor(DEFAULT), Links()) if self.agent is None else self.agent.standing
        outward = [guard for guard in guards if "output" in guard.gates]
        audience = Audience(self.user.tenant, self.user.roles, named)
        return [each for each in fitted(outward, audience) if isinstance(each, Filtering)]


class _Chain:
    """Filters that stand one behind another."""

    def __init__(self, guards: Iterable[Filtering]) -> None:
        self._filters = [guard.stream() for guard in guards]

    def feed(self, delta: str) -> str:
        """See `Filter.feed`."""
        for each in self._filters:
            delta = each.feed(delta)
        return delta

    def finish(self) -> str:
        """See `Filter.finish`."""
        rest = ""
        for each in self._filters:
            rest = each.feed(rest) + each.finish()
        return rest

    def whole(self, text: str) -> str:
        """Return what is left of a text."""
        return self.feed(text) + self.finish()


class _Behind:
    """Filters a text that comes behind another, and gives on nothing of that again."""

    def __init__(self, before: str, chain: _Chain, shown: str, known: set[str]) -> None:
        self._known = known
        self._alone = links_stream(self._know)
        self._chain = chain
        # What the chain gives on of the text before, if nothing follows.
        self._before = shown
        self._new(chain.feed(before))

    def feed(self, delta: str) -> str:
        """See `Filter.feed`."""
        self._alone.feed(delta)
        return self._new(self._chain.feed(delta))

    def finish(self) -> str:
        """See `Filter.finish`."""
        self._alone.finish()
        return self._new(self._chain.finish())

    def _know(self, url: str) -> bool:
        if url:
            self._known.add(url)
        return True

    def _new(self, given: str) -> str:
        """Return what is not of the text before: from where that is not given on as it was."""
        pairs = enumerate(zip(given, self._before, strict=False))
        shorter = min(len(given), len(self._before))
        same = next((at for at, (one, other) in pairs if one != other), shorter)
        self._before = self._before[same:] if same == len(given) else ""
        return given[same:]
