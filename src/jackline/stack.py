"""The guards that every agent has: what stands at its gates unless somebody says otherwise.

Nothing that a guard needs is imported before there is something to judge.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError
from jackline.core.events import Gate
from jackline.core.guards import (
    Audience,
    Filter,
    Filtering,
    Fitting,
    Guard,
    MaximumSize,
    Secrets,
    Verdict,
    stacked,
)


class _Streaming(Filtering, Fitting, Protocol):
    """A guard that filters streams, for somebody."""


G = TypeVar("G", bound=Guard)
_COMES_IN: frozenset[Gate] = frozenset({"input", "result"})
_GOES_OUT: frozenset[Gate] = frozenset({"output"})


def secured(agent: Agent) -> Agent:
    """Return the agent with the stack before its own guards. One that has it stays as it is.

    Raises `DefinitionError` where it takes a guard away that is not there.
    """
    try:
        guards = stacked(STACK, agent.guards)
    except DefinitionError as error:
        raise DefinitionError(f"Agent {agent.name!r}: {error}") from None
    return replace(agent, guards=guards)


class _Late(Generic[G]):
    """A guard that is made when it first has something to judge."""

    hold_back = None

    def __init__(self, name: str, gates: frozenset[Gate], make: Callable[[], G]) -> None:
        self.name = name
        self.gates = gates
        self._make = make

    @cached_property
    def made(self) -> G:
        """What judges."""
        return self._make()

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        return self.made.judge(gate, text)


class _LateFilter(_Late[_Streaming]):
    def stream(self) -> Filter:
        """See `Filtering.stream`."""
        return self.made.stream()

    def fit(self, audience: Audience) -> Guard:
        """See `Fitting.fit`."""
        return self.made.fit(audience)


def _sanitiser() -> Guard:
    from jackline.core.sanitise import Sanitiser  # noqa: PLC0415 - for who has something to judge

    return Sanitiser()


def _classifier() -> Guard:
    from jackline.adapters.classifier import Classifier  # noqa: PLC0415 - as above
    from jackline.core.sanitise import view  # noqa: PLC0415 - as above

    def others(text: str) -> list[str]:
        return [reading for reading in view(text).texts if reading != text]

    return Classifier(views=others)


def _redactor() -> _Streaming:
    from jackline.core.redaction import DEFAULT, Redactor  # noqa: PLC0415 - as above

    return Redactor(DEFAULT)


def _links() -> _Streaming:
    from jackline.core.redaction import Links  # noqa: PLC0415 - as above

    return Links()


STACK: tuple[Guard, ...] = (
    _Late("sanitiser", _COMES_IN, _sanitiser),
    _Late("classifier", _COMES_IN, _classifier),
    Secrets(),
    _LateFilter("redactor", _GOES_OUT, _redactor),
    _LateFilter("links", _GOES_OUT, _links),
    MaximumSize(),
)
