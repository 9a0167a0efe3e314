"""What readers of events may see of personal data: as the redactors of the agent say for them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec

from jackline.core.agent import Agent
from jackline.core.events import ModelReplied
from jackline.core.guards import Audience, fitted
from jackline.core.redaction import DEFAULT, Redactor
from jackline.core.secrecy import Writing
from jackline.core.user import User
from jackline.core.value import replace
from jackline.interfaces.wire import Discretion

_KNOWN_MAX = 256


V = TypeVar("V", bound=msgspec.Struct)


class _Spoken(Writing):
    """Reads what a model said as what streams of it is read: as a text, though it be JSON."""

    def of(self, value: V) -> V:
        """See `Discretion.of`."""
        if not isinstance(value, ModelReplied):
            return super().of(value)
        return replace(
            super().of(replace(value, parts=())), parts=self.reply(value.parts, plain=True)
        )


def discretion(agent: Agent | None, user: User, *, streams: bool = False) -> Sequence[Discretion]:
    """Return with what discretion a user is told of a session of this agent.

    Of an agent that nobody knows here any more they are told as the default policy says.
    `streams`: what is told has to go on from what has streamed, as the output's guards read it.
    """
    guards = (_default(),) if agent is None else agent.standing
    outward = [guard for guard in guards if "output" in guard.gates]
    judging = fitted(outward, Audience(user.tenant, user.roles))
    redactors = [guard for guard in judging if isinstance(guard, Redactor)]
    told = _spoken if streams and agent and not agent.typed else _written
    return [told(each) for each in redactors if each.search.kinds]


@lru_cache(_KNOWN_MAX)
def _written(redactor: Redactor) -> Discretion:
    """Return one for all who are told with the same, by which they are known as the same."""
    return Writing(redactor.search, redactor.blank)


@lru_cache(_KNOWN_MAX)
def _spoken(redactor: Redactor) -> Discretion:
    return _Spoken(redactor.search, redactor.blank)


@lru_cache(1)
def _default() -> Redactor:
    return Redactor(DEFAULT)
