"""What an agent is: an immutable definition that a runtime can drive.

A definition that cannot be enforced cannot be made: it raises `DefinitionError`, one sentence
that says what would be right.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from math import inf
from types import CodeType
from typing import Any, Literal, get_args

import msgspec

from jackline.core.budget import Price, Priced, micro_dollars
from jackline.core.errors import DefinitionError
from jackline.core.extracting import is_extraction
from jackline.core.flow import ToolFlow
from jackline.core.guards import GATES, Guard
from jackline.core.judging import Judge
from jackline.core.outputs import Output
from jackline.core.permit.rules import Bounds
from jackline.core.rates import Rate
from jackline.core.tools import Context, Tool

Scope = Literal["model", "session", "user", "tenant"]
_OnAsk = Literal["pause", "refuse"]
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
        """Refuse what is not above 0, and what has no end: no journal keeps an infinite time."""
        for name in self.__slots__:
            value = getattr(self, name)
            if value is None and name in _REMOVABLE:
                continue
            kinds = int | float if name.endswith("_s") else int
            if not isinstance(value, kinds) or isinstance(value, bool) or not 0 < value < inf:
                raise DefinitionError(
                    f"{name}={value!r} is no limit: give a finite number above 0"
                    f"{', or None for no limit' if name in _REMOVABLE else ''}."
                )


_REMOVABLE = {"driven_s", "model_calls", "tool_calls", "input_bytes", "stale_rounds"}


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
        if (
            not isinstance(self.fill, int | float)  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
            or not 0 < self.fill <= 1
            or not _counts(self.keep_last, 1)
            or not _counts(self.pin_first, 0)
        ):
            raise DefinitionError(
                "Window wants 0 < fill <= 1, keep_last of at least 1 and pin_first of at least 0."
            )


@dataclass(frozen=True, slots=True)
class Agent:
    """A model, what it is told and what it may use: all that makes a turn go.

    `model` names one (`"openai:gpt-5.4-mini"`) or is one; of several the later ones are asked
    when the earlier cannot answer. `instructions` may be a function of the turn's context,
    called once a turn. `rates` bound how often each model is asked, and for each session, user
    or tenant, by all workers that share a Postgres. `output` is a pydantic model or dataclass
    that the answer must be. `guards` come on top of the stack that a runtime gives every agent
    (docs/security.md): one of the same name replaces its guard, `Unguarded(name, reason=…)` takes
    it away. `standing` are those that stand at a gate; it `fits` where one of them can be fitted,
    and `judge` asks a model; one that `extracts` has the tool for it.
    `price` and `price_as` give a price to a model that has none. `on_ask="refuse"` refuses
    calls that need approval, where nobody is there to approve. `flows` says how its calls are
    judged; it is empty where no call of its tools could do any harm.
    """

    name: str
    model: str | Priced | Sequence[str | Priced]
    instructions: Instructions = ""
    tools: Sequence[Tool] = ()
    output: type | None = None
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)
    rates: Mapping[Scope, Rate] = field(default_factory=dict["Scope", Rate])
    guards: Sequence[Guard] = ()
    window: Window = field(default_factory=Window)
    max_tokens: int = 4096
    price: Price | None = None
    price_as: str | None = None
    on_ask: _OnAsk = "pause"
    version: str = ""
    by_name: Mapping[str, Tool] = field(init=False, repr=False)
    flows: Mapping[str, ToolFlow] = field(init=False, repr=False)
    typed: Output | None = field(init=False, repr=False)
    standing: Sequence[Guard] = field(init=False, repr=False)
    fits: bool = field(init=False, repr=False)
    judge: Judge | None = field(init=False, repr=False)
    extracts: bool = field(init=False, repr=False)
    tools_bytes: int = field(init=False, repr=False)
    tools_digest: str = field(init=False, repr=False)
    bounds: Bounds | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        """Refuse what cannot be driven, and derive the version."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
            raise DefinitionError(
                f"{self.name!r} is no agent's name: a letter, then at most 63 more, digits, - or _."
            )
        if not self.model:
            raise DefinitionError(f"Agent {self.name!r} has no model: give model='provider:name'.")
        if not _counts(self.max_tokens, 1):
            raise DefinitionError(f"max_tokens={self.max_tokens!r} is no number of tokens above 0.")
        if self.price and self.price_as:
            raise DefinitionError("price and price_as are two answers to one question: give one.")
        if self.on_ask not in get_args(_OnAsk):
            raise DefinitionError(f"on_ask={self.on_ask!r} is neither 'pause' nor 'refuse'.")
        _check_instructions(self.name, self.instructions)
        _check_models(self.models)
        _check_parts(self)
        _check_guards(self.guards)
        standing = tuple([guard for guard in self.guards if guard.gates])
        object.__setattr__(self, "standing", standing)
        fits = any(hasattr(guard, "fit") for guard in standing)
        object.__setattr__(self, "fits", fits)
        judges = [guard for guard in self.guards if isinstance(guard, Judge)]
        if len(judges) > 1:
            raise DefinitionError(f"Agent {self.name!r} has two judges: name one.")
        object.__setattr__(self, "judge", judges[0] if judges else None)
        object.__setattr__(self, "by_name", _by_name(self.name, self.tools))
        object.__setattr__(self, "extracts", any(map(is_extraction, self.tools)))
        flows = {name: each.flow for name, each in self.by_name.items()}
        is_harmless = all(each.is_harmless for each in flows.values())
        object.__setattr__(self, "flows", {} if is_harmless else flows)
        object.__setattr__(self, "typed", Output(self.output) if self.output else None)
        described = [(each.name, each.description, each.parameters) for each in self.tools]
        told = msgspec.json.encode((described, self.typed.schema if self.typed else None))
        object.__setattr__(self, "tools_bytes", len(told))
        object.__setattr__(self, "tools_digest", sha256(told).hexdigest()[:8])
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
            instructions = _told(code) if code else repr(type(instructions))
        told = [instructions, repr(self.limits), repr(self.budget), self.max_tokens]
        tools = [(each.name, each.version, each.parameters) for each in self.tools]
        schema = self.typed.schema if self.typed else None
        body = msgspec.json.encode((told, tools, schema), order="sorted")
        return sha256(body).hexdigest()[:12]


def _told(code: CodeType) -> str:
    """Return what a function's code says: the same in every process, so without addresses."""
    inner = [_told(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}"


def _counts(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check_instructions(agent: str, instructions: object) -> None:
    if isinstance(instructions, str):
        try:
            instructions.encode()
        except UnicodeEncodeError:
            raise DefinitionError(
                f"The instructions of {agent!r} have a lone surrogate: write valid Unicode."
            ) from None
    elif not callable(instructions) or inspect.iscoroutinefunction(instructions):
        raise DefinitionError(
            f"The instructions of {agent!r} are neither a str nor a def that takes the Context."
        )


def _check_parts(agent: "Agent") -> None:
    """Refuse parts of other types than say what they are: users are not type-checked."""
    for name, kind in (("budget", Budget), ("limits", Limits), ("window", Window)):
        if not isinstance(getattr(agent, name), kind):
            raise DefinitionError(f"{name} of agent {agent.name!r} wants a {kind.__name__}(…).")
    for scope, rate in agent.rates.items():
        if scope not in get_args(Scope) or not isinstance(rate, Rate):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            known = ", ".join(get_args(Scope))
            raise DefinitionError(f"rates of agent {agent.name!r} want a Rate(…) for: {known}.")
        if rate.tokens_per_minute is not None and rate.tokens_per_minute <= agent.max_tokens:
            raise DefinitionError(
                f"A rate of {rate.tokens_per_minute} tokens a minute never lets a request with "
                f"max_tokens={agent.max_tokens} through: raise the one or lower the other."
            )


def _check_models(models: Sequence[object]) -> None:
    for model in models:
        if not isinstance(model, str) and not callable(getattr(model, "stream", None)):
            raise DefinitionError(f"{model!r} is no model: write model='provider:name'.")


def _check_guards(guards: Sequence[Guard]) -> None:
    for guard in guards:
        if isinstance(guard, type) or not callable(getattr(guard, "judge", None)):
            raise DefinitionError(f"{guard!r} is no guard: give an instance that has judge().")
        if not set(guard.gates) <= set(GATES):
            known = ", ".join(GATES)
            raise DefinitionError(f"{guard.name} stands at no gate that there is: {known}.")


def _by_name(agent: str, tools: Sequence[Tool]) -> Mapping[str, Tool]:
    found: dict[str, Tool] = {}
    if isinstance(tools, Tool):
        raise DefinitionError(f"tools of agent {agent!r} is one tool: write tools=[{tools.name}].")
    for each in tools:
        if not isinstance(each, Tool):  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
            raise DefinitionError(f"{each!r} is no tool: write @tool(effect=…) above the function.")
        if each.name in found:
            raise DefinitionError(f"Agent {agent!r} has two tools named {each.name!r}: rename one.")
        found[each.name] = each
    return found
