"""What readers of events may see of personal data: as the redactors of the agent say for them."""

from collections.abc import Sequence
from functools import lru_cache

from jackline.core.agent import Agent
from jackline.core.guards import Audience, fitted
from jackline.core.redaction import DEFAULT, Redactor
from jackline.core.secrecy import Writing
from jackline.core.user import User
from jackline.interfaces.wire import Discretion

_KNOWN_MAX = 256


def discretion(agent: Agent | None, user: User) -> Sequence[Discretion]:
    """Return with what discretion a user is told of a session of this agent.

    Of an agent that nobody knows here any more they are told as the default policy says.
    """
    guards = (_default(),) if agent is None else agent.standing
    outward = [guard for guard in guards if "output" in guard.gates]
    judging = fitted(outward, Audience(user.tenant, user.roles))
    redactors = [guard for guard in judging if isinstance(guard, Redactor)]
    return [_written(each) for each in redactors if each.search.kinds]


@lru_cache(_KNOWN_MAX)
def _written(redactor: Redactor) -> Discretion:
    """Return one for all who are told with the same, by which they are known as the same."""
    return Writing(redactor.search, redactor.blank)


@lru_cache(1)
def _default() -> Redactor:
    return Redactor(DEFAULT)
