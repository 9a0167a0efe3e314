"""What a tool is: a typed function that a model may call, and what a second run of it would do."""

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import (
    Any,
    Literal,
    Required,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    get_origin,
)

import msgspec

from jackline.core.breaker import Breaker
from jackline.core.context import Context, effect_key
from jackline.core.errors import DefinitionError
from jackline.core.events import Principal
from jackline.core.flow import Declared, From, Integrity, ToolFlow, declared_of, flow_of, misnamed
from jackline.core.rates import Quota, Rate, parse
from jackline.core.schemas import ArgumentsError, Schema, hints_of, result_of, schema_of, summary

__all__ = [
    "ArgumentsError",
    "Context",
    "Effect",
    "Tool",
    "digest",
    "effect_key",
    "tool",
]

D = TypeVar("D")
Effect = Literal["read", "idempotent", "once", "transactional"]
Approve = bool | Callable[[dict[str, Any]], bool]
Allow = Callable[[dict[str, Any]], bool | str]
RESULT_BYTES = 65_536
_EFFECTS = get_args(Effect)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_RETRIED = ("read", "idempotent")
_NOT_INSIDE_COMMITS = frozenset({"timeout_s", "concurrency", "workers"})
_NUMBERS = {
    "timeout_s": ((int, float), 0.001),
    "retries": ((int,), 0),
    "concurrency": ((int,), 1),
    "result_bytes": ((int,), 1_024),
    "workers": ((int,), 1),
}
_SEALED = (
    "Texts in its result are handles like jackline:text:7: in place of words that you do not get "
    "to read. Put such a handle, whole and alone, where a tool wants that text."
)
_TIMEOUT_S = 30.0
_RETRIES = 2
_WORKERS = 8


def digest(name: str, arguments: str, principal: Principal, version: str) -> str:
    """Return what an approval binds: this call, of this tool, for this user with these roles."""
    bound = (name, arguments, principal.user, sorted(principal.roles), version)
    return sha256(msgspec.json.encode(bound)).hexdigest()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Tool:
    """A function that a model may call. Made by `tool`, and equal to itself alone."""

    name: str
    description: str
    effect: Effect
    function: Callable[..., Any]
    schema: Schema
    flow: ToolFlow
    version: str
    takes_context: bool
    is_async: bool
    approve: Approve = False
    allow: Allow | None = None
    roles: frozenset[str] = frozenset()
    timeout_s: float = _TIMEOUT_S
    retries: int = _RETRIES
    rate: Quota | None = None
    concurrency: int | None = None
    breaker: Breaker | None = field(default_factory=Breaker)
    result_bytes: int = RESULT_BYTES
    reconcile: Callable[..., Any] | None = None
    workers: int = _WORKERS
    quarantined: bool = False

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the model is told of the arguments."""
        return self.schema.json

    @property
    def repeatable(self) -> bool:
        """Whether a call that was lost may be made again."""
        return self.effect != "once"

    def check(self, arguments: str) -> str:
        """Return a model's arguments as canonical JSON. Raises `ArgumentsError`."""
        return self.schema.check(arguments)

    def bind(self, arguments: str) -> dict[str, object]:
        """Return the values to call the function with. Raises `ArgumentsError`."""
        return self.schema.bind(arguments)

    def permits(self, principal: Principal) -> bool:
        """Whether the principal has one of the tool's roles, if it names any."""
        return not self.roles or not self.roles.isdisjoint(principal.roles)

    def asks(self, arguments: str) -> str:
        """Return why a person has to approve a call with these arguments, or nothing."""
        why = f"{self.name} needs approval"
        if isinstance(self.approve, bool):
            return why if self.approve else ""
        try:
            return why if self.approve(self.bind(arguments)) else ""
        except Exception as error:  # noqa: BLE001 - whatever keeps the predicate from answering, a person can
            return f"{why}: its approve predicate failed with {type(error).__name__}"

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the function itself, as its own tests do."""
        return self.function(*args, **kwargs)


class Options(TypedDict, total=False):
    """What `tool` takes.

    `approve` is True, or a predicate on the bound arguments: where it says True a person is asked.
    `allow` is a predicate on them, too: it says True, or in a sentence why the call is refused.
    `roles`: any one of them is enough.
    `rate` is like "30/min", for all workers that share a Postgres; `concurrency` is for each
    process. `workers` bounds the threads of a function that is not async.
    `reconcile` takes what the tool takes and asks the outside whether a call of which nobody
    knows happened: it returns True, False, None where that cannot be told, or what the tool
    would have returned.

    The others say what may decide a call once its model has read what anybody may have written
    (docs/security.md). `critical` maps the arguments that decide what is done to a floor,
    `From("user")` or `endorse("why anybody may")`; without it every argument but a bool and one
    of several words is critical. `outbound`: what it is given leaves this house. `readers_from`
    names the arguments that say who gets it. `labels` says who wrote which field of the result,
    as in `{"*": "untrusted", "id": "system"}`, and `readers` who may read it. `quarantined`: the
    model gets a handle in place of what is untrusted in it, and passes that on unread.
    """

    effect: Required[Effect]
    name: str | None
    approve: Approve
    allow: Allow | None
    roles: AbstractSet[str]
    timeout_s: float
    retries: int
    rate: str | Rate | Quota | None
    concurrency: int | None
    breaker: Breaker | None
    result_bytes: int
    reconcile: Callable[..., Any] | None
    version: str
    workers: int
    outbound: bool | None
    critical: Mapping[str, From] | None
    readers_from: str | Sequence[str]
    labels: Mapping[str, Integrity]
    readers: AbstractSet[str] | Literal["user", "everybody"]
    quarantined: bool


_OF_FLOW = frozenset({"outbound", "critical", "readers_from", "labels", "readers"})


def tool(
    function: Callable[..., Any] | None = None, /, **options: Unpack[Options]
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a typed function, sync or async, whose first parameter may be a `Context`.

    Name, description and schema come from its signature and its Google-style docstring.
    `timeout_s` bounds each attempt, and before that the wait for a rate or a free place.
    Raises `DefinitionError` where anything is missing, unknown or cannot be enforced.
    """
    if function is not None:
        raise DefinitionError(_wants_effect(_name_of(function, {})))
    return lambda function: _define(function, dict(options))


def _define(function: Callable[..., Any], options: dict[str, Any]) -> Tool:
    name = _name_of(function, options)
    if options.get("effect") not in _EFFECTS:
        raise DefinitionError(_wants_effect(name))
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        known = ", ".join(Options.__annotations__)
        raise DefinitionError(f"{name}: tools have no option {unknown[0]!r}, but {known}.")
    if not inspect.isroutine(function) or inspect.isbuiltin(function):
        raise DefinitionError(f"{name}: a tool is made of a function written with def.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DefinitionError(f"{name} yields; a tool returns one result.")
    parameters = dict(inspect.signature(function).parameters)
    _check_functions(name, options, list(parameters))
    takes_context = _takes_context(name, function, parameters)
    schema = schema_of(name, function, parameters)
    is_async = inspect.iscoroutinefunction(function)
    _check_options(name, options, is_async=is_async)
    _check_numbers(name, options)
    declared = declared_of(name, options)
    _check_labels(name, function, declared)
    kept = {option: value for option, value in options.items() if option not in _OF_FLOW}
    given: dict[str, Any] = kept | {
        "name": name,
        "flow": flow_of(name, options["effect"], schema.json, declared),
        "retries": options.get("retries", _RETRIES if options["effect"] in _RETRIED else 0),
        "rate": _quota(name, options.get("rate")),
        "roles": _roles(name, options.get("roles", frozenset[str]())),
        "version": options.get("version") or _version(name, schema, options["effect"], declared),
    }
    told = summary(function)
    return Tool(
        description=f"{told}\n\n{_SEALED}" if options.get("quarantined") else told,
        function=function,
        schema=schema,
        takes_context=takes_context,
        is_async=is_async,
        **given,
    )


def _wants_effect(name: str) -> str:
    return f'say what {name} does: effect="read", "idempotent", "once" or "transactional"'


def _name_of(function: object, options: Mapping[str, Any]) -> str:
    name = options.get("name") or getattr(function, "__name__", type(function).__name__)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DefinitionError(
            f"{name!r} is no name for a tool; use at most 64 ASCII letters, digits, _ and -, "
            'as in name="find_order".'
        )
    return name


def _takes_context(
    name: str, function: Callable[..., Any], parameters: dict[str, inspect.Parameter]
) -> bool:
    """Whether the first parameter is the context, which is then taken out of `parameters`."""
    hints = hints_of(name, function)
    contexts = [each for each in parameters if _is_context(hints.get(each))]
    first = next(iter(parameters), "")
    if first == "ctx" and not contexts:
        raise DefinitionError(f"{name}: ctx has no type; write ctx: Context[…] or rename it.")
    if contexts and contexts != [first]:
        raise DefinitionError(
            f"{name}: {contexts[-1]} is a Context; only the first parameter may be."
        )
    if contexts and parameters.pop(first).kind is inspect.Parameter.KEYWORD_ONLY:
        raise DefinitionError(f"{name}: {first} is passed by position; put it before the *.")
    return bool(contexts)


def _is_context(hint: object) -> bool:
    return hint is Context or get_origin(hint) is Context


def _check_options(name: str, options: Mapping[str, Any], *, is_async: bool) -> None:
    effect = options["effect"]
    if not isinstance(options.get("quarantined", False), bool):
        raise DefinitionError(f"{name}: quarantined wants True or False.")
    if effect == "transactional" and is_async:
        raise DefinitionError(
            f"{name} is transactional, and runs inside a commit: write def, not async def."
        )
    if effect not in _RETRIED and options.get("retries"):
        raise DefinitionError(
            f'{name}: retries are for effect="read" and "idempotent", not {effect!r}.'
        )
    if effect != "once" and options.get("reconcile") is not None:
        raise DefinitionError(f'{name}: reconcile is for effect="once", not {effect!r}.')
    if is_async and "workers" in options:
        raise DefinitionError(
            f"{name}: workers are threads, and an async function uses none; say concurrency."
        )
    unused = _NOT_INSIDE_COMMITS & options.keys()
    if effect == "transactional" and unused:
        raise DefinitionError(
            f"{name}: {min(unused)} means nothing inside a commit, where transactional tools run."
        )


def _check_numbers(name: str, options: Mapping[str, Any]) -> None:
    for option, (kinds, least) in _NUMBERS.items():
        value = options.get(option)
        if option not in options or (value is None and option == "concurrency"):
            continue
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < math.inf:
            raise DefinitionError(
                f"{name}: {option} is {value!r}; say a number of at least {least}."
            )


def _check_functions(name: str, options: Mapping[str, Any], parameters: list[str]) -> None:
    approve, reconcile = options.get("approve", False), options.get("reconcile")
    allow = options.get("allow")
    if allow is not None and (not callable(allow) or inspect.iscoroutinefunction(allow)):
        raise DefinitionError(f"{name}: allow wants a def that takes the arguments.")
    if not isinstance(approve, bool) and (
        not callable(approve) or inspect.iscoroutinefunction(approve)
    ):
        raise DefinitionError(
            f"{name}: approve wants True, False or a def that takes the arguments."
        )
    if not isinstance(options.get("breaker"), Breaker | None):
        raise DefinitionError(f"{name}: breaker wants a Breaker(…), or None for none.")
    if not isinstance(options.get("version", ""), str):
        raise DefinitionError(f"{name}: version wants a str.")
    if reconcile is None:
        return
    if not inspect.isroutine(reconcile):
        raise DefinitionError(f"{name}: reconcile wants a function.")
    if list(inspect.signature(reconcile).parameters) != parameters:
        raise DefinitionError(
            f"{name}: reconcile has to take what {name} takes: ({', '.join(parameters)})."
        )


def _check_labels(name: str, function: Callable[..., Any], declared: Declared) -> None:
    """Refuse a label of what the function does not return, as far as its type says so."""
    if declared.labels.keys() <= {"*"}:
        return
    if told := misnamed(declared.labels, result_of(hints_of(name, function).get("return", Any))):
        raise DefinitionError(f"{name}: {told}")


def _quota(name: str, rate: object) -> Quota | None:
    match rate:
        case None | Quota():
            return rate
        case str():
            try:
                return parse(rate)
            except DefinitionError as error:
                raise DefinitionError(f"{name}: {error}") from None
        case Rate(tokens_per_minute=None):
            return rate.requests
        case _:
            raise DefinitionError(
                f"{name}: {rate!r} is no rate for a tool; write for example '30/min'."
            )


def _roles(name: str, roles: object) -> frozenset[str]:
    if isinstance(roles, AbstractSet | list | tuple):
        found = frozenset(cast("AbstractSet[object]", roles))
        if all(isinstance(role, str) and role for role in found):
            return cast("frozenset[str]", found)
    raise DefinitionError(
        f'{name}: roles wants a set of names, as in {{"support"}}, not {roles!r}.'
    )


def _version(name: str, schema: Schema, effect: str, declared: Declared) -> str:
    said = msgspec.json.Encoder(order="sorted").encode((name, schema.json, effect, declared))
    return sha256(said).hexdigest()[:16]
