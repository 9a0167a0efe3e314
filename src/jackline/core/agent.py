"""What an agent is: an immutable definition that a runtime can drive.

A definition that cannot be enforced cannot be made: it raises `DefinitionError`, one sentence
that says what would be right.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

import msgspec

from jackline.core.budget import Price, Priced, micro_dollars
from jackline.core.errors import DefinitionError
from jackline.core.guards import Guard, MaximumSize
from jackline.core.outputs import Output
from jackline.core.rates import Rate
from jackline.core.tools import Context, Tool

Scope = Literal["model", "session", "user", "tenant"]
Usd = str | float | Decimal
Instructions = str | Callable[[Context[Any]], str]
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many dollars may be spent: by a turn, a session, and in a day of UTC. None: any."""

    usd: Usd | None = "0.50"
    session_usd: Usd | None = "2.00"
    user_usd_per_day: Usd | None = None
    tenant_usd_per_day: Usd | None = None

    per_turn: int | None = field(init=False, repr=False)
    per_session: int | None = field(init=False, repr=False)
    user_per_day: int | None = field(init=False, repr=False)
    tenant_per_day: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is not above 0, and turn dollars into micro-dollars."""
        for name, limit in (
            ("usd", "per_turn"),
            ("session_usd", "per_session"),
            ("user_usd_per_day", "user_per_day"),
            ("tenant_usd_per_day", "tenant_per_day"),
        ):
            usd = getattr(self, name)
            amount = None if usd is None else micro_dollars(usd)
            if amount is not None and amount <= 0:
                raise DefinitionError(
                    f"{name}={usd!r} lets nothing run: give more than 0, or None for no limit."
                )
            object.__setattr__(self, limit, amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far one turn may go. None removes a limit.

    `driven_s` counts the time in which a worker drives, not that of pauses. After `stale_rounds`
    rounds without anything new the model is told, after as many more the turn stops.
    """

    driven_s: float | None = 120.0
    model_calls: int | None = 25
    tool_calls: int | None = 50
    input_bytes: int | None = 1 << 20
    stale_rounds: int | None = 3
    output_tries: int = 3
    model_tries: int = 3
    drivers: int = 5
    attempts: int = 3
    answer_s: float = 86_400.0

    def __post_init__(self) -> None:
        """Refuse what is not above 0."""
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise DefinitionError(f"{name}={value!r} lets nothing run: give more than 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the model gets to see of a long conversation.

    From `fill` of the model's window on, all but the last `keep_last` messages, the task and
    the first `pin_first` are told by a summary.
    """

    fill: float = 0.8
    keep_last: int = 20
    pin_first: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be kept."""
        if not 0 < self.fill <= 1 or self.keep_last < 1 or self.pin_first < 0:
            raise DefinitionError(
                "Window wants 0 < fill <= 1, keep_last of at least 1 and pin_first of at least 0."
            )


@dataclass(frozen=True, slots=True)
class Agent:
    """A model, what it is told and what it may use: all that makes a turn go.

    `model` names one (`"openai:gpt-5.4-mini"`) or is one; of several the later ones are asked
    when the earlier cannot answer. `instructions` may be a function of the turn's context,
    called once a turn. `rates` bound how often each model is asked, and for each session, user
    or tenant. `output` is a pydantic model or dataclass that the answer must be.
    `price` and `price_as` give a price to a model that has none. `on_ask="refuse"` refuses
    calls that need approval, where nobody is there to approve.
    """

    name: str
    model: str | Priced | Sequence[str | Priced]
    instructions: Instructions = ""
    tools: Sequence[Tool] = ()
    output: type | None = None
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)
    rates: Mapping[Scope, Rate] = field(default_factory=dict["Scope", Rate])
    guards: Sequence[Guard] = (MaximumSize(),)
    window: Window = field(default_factory=Window)
    max_tokens: int = 4096
    price: Price | None = None
    price_as: str | None = None
    on_ask: Literal["pause", "refuse"] = "pause"
    version: str = ""
    by_name: Mapping[str, Tool] = field(init=False, repr=False)
    typed: Output | None = field(init=False, repr=False)
    tools_bytes: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be driven, and derive the version."""
        if not _NAME.fullmatch(self.name):
            raise DefinitionError(
                f"{self.name!r} is no agent's name: a letter, then at most 63 more, digits, - or _."
            )
        if not self.models:
            raise DefinitionError(f"Agent {self.name!r} has no model: give model='provider:name'.")
        if self.max_tokens < 1:
            raise DefinitionError(f"max_tokens={self.max_tokens} lets {self.name!r} say nothing.")
        if self.price and self.price_as:
            raise DefinitionError("price and price_as are two answers to one question: give one.")
        object.__setattr__(self, "by_name", _by_name(self.name, self.tools))
        object.__setattr__(self, "typed", Output(self.output) if self.output else None)
        described = [(each.name, each.description, each.parameters) for each in self.tools]
        size = len(msgspec.json.encode((described, self.typed.schema if self.typed else None)))
        object.__setattr__(self, "tools_bytes", size)
        if not self.version:
            object.__setattr__(self, "version", self._hash())

    @property
    def models(self) -> Sequence[str | Priced]:
        """The models, in the order in which they are asked."""
        match self.model:
            case str():
                return (self.model,)
            case Sequence():
                return tuple(self.model)
            case _:
                return (self.model,)

    def _hash(self) -> str:
        """Return what changes with anything that changes how a turn goes."""
        instructions = self.instructions
        if not isinstance(instructions, str):
            code = getattr(instructions, "__code__", None)
            instructions = (
                code.co_code.hex() + repr(code.co_consts) if code else repr(type(instructions))
            )
        told = [instructions, repr(self.limits), repr(self.budget), self.max_tokens]
        tools = [(each.name, each.version, each.parameters) for each in self.tools]
        schema = self.typed.schema if self.typed else None
        body = msgspec.json.encode((told, tools, schema), order="sorted")
        return sha256(body).hexdigest()[:12]


def _by_name(agent: str, tools: Sequence[Tool]) -> Mapping[str, Tool]:
    found: dict[str, Tool] = {}
    for each in tools:
        if not isinstance(each, Tool):  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
            raise DefinitionError(f"{each!r} is no tool: write @tool(effect=…) above the function.")
        if each.name in found:
            raise DefinitionError(f"Agent {agent!r} has two tools named {each.name!r}: rename one.")
        found[each.name] = each
    return found
