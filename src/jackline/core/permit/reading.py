"""How operators write their rules: TOML, of which every part is looked at before any holds."""

import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, cast

from jackline.core.agent import Budget, Limits
from jackline.core.budget import micro_dollars
from jackline.core.errors import DefinitionError
from jackline.core.flow.labels import LEVELS
from jackline.core.permit.rules import Rule

BYTES_MAX = 1 << 20
_DIGITS = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LIMITS = tuple(Limits.__slots__)
_BUDGET = ("usd", "session_usd", "user_usd_per_day", "tenant_usd_per_day")
_SELECTORS = {"agent": "agents", "tool": "tools", "tenant": "tenants", "role": "roles"}
_OF_CALLS = ("deny", "approve", "require_roles", "outbound", "critical")
_OF_TURNS = ("limits", "budget", "forbid_models")
_EFFECTS = (*_OF_CALLS, *_OF_TURNS)
_LOOSENING = {"allow", "endorse", "permit", "allow_models", "raise", "readers"}
_INSTEAD = "A policy only tightens: leave it out. What loosens is said in the code."
_ENDORSED = f'{_INSTEAD[:-1]}, here by endorse("reason"), which is told to everybody who looks.'


@dataclass(frozen=True, slots=True)
class Text:
    """What a policy's text says, and all that is wrong with it. `cedar` names a file beside it."""

    rules: Sequence[Rule] = ()
    cedar: str = ""
    digest: str = ""
    problems: Sequence[str] = ()


@dataclass(slots=True)
class _Reader:
    """Reads rules, and keeps what is wrong with them: one sentence for each thing."""

    problems: list[str] = field(default_factory=list[str])

    def rule(self, number: int, body: object) -> Rule | None:
        """Return the rule that a table says. None: it is none."""
        if not isinstance(body, dict):
            self.problems.append("rule wants tables: write [[rule]] above each.")
            return None
        said, before = cast("dict[str, Any]", body), len(self.problems)
        name = said.get("name", f"rule-{number}")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.problems.append(
                f"Rule {number} has the name {name!r:.80}: write at most 64 letters, digits, "
                "-, _ and dots."
            )
            return None
        found: dict[str, Any] = {}
        for key, value in said.items():
            if key != "name":
                found.update(self._field(name, key, value))
        self._whole(name, said)
        return Rule(name, **found) if len(self.problems) == before else None

    def _field(self, rule: str, key: str, value: object) -> Mapping[str, object]:
        """Return a part of a rule by the name of its field; nothing where it is wrong."""
        try:
            if key in _SELECTORS:
                return {_SELECTORS[key]: _globs(value)}
            if key in _READ:
                return {key: _READ[key](value)}
        except DefinitionError as error:
            self.problems.append(f"Rule {rule!r}, {key}: {error}")
            return {}
        if key in _LOOSENING:
            self.problems.append(f"Rule {rule!r} says {key!r}. {_INSTEAD}")
        else:
            known = ("name", *_SELECTORS, *_EFFECTS)
            self.problems.append(
                f"Rule {rule!r} says {key!r:.80}, which is unknown: {_near(key, known)}"
            )
        return {}

    def _whole(self, rule: str, said: Mapping[str, object]) -> None:
        effects = [key for key in said if key in _EFFECTS]
        if not effects and not said.keys() - {"name", *_SELECTORS}:
            self.problems.append(f"Rule {rule!r} asks for nothing: say {_listed(_EFFECTS)}.")
        for key in effects:
            if key in _OF_TURNS and "tool" in said:
                self.problems.append(
                    f"Rule {rule!r} sets {key} for a tool, and those are of whole turns: leave "
                    "tool out, or write two rules."
                )


def read(text: str) -> Text:
    """Return what a policy says. What is wrong with it is told in sentences, all of it."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    if len(text) > BYTES_MAX:
        return Text(
            digest=digest, problems=[f"It has more than {BYTES_MAX:,} characters: say less."]
        )
    try:
        said: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        return Text(digest=digest, problems=[f"It is no TOML: {error}."])
    reader = _Reader()
    reader.problems += _unknown(said)
    cedar, tables = said.get("cedar", ""), said.get("rule", [])
    if not isinstance(cedar, str) or ("cedar" in said and not cedar.strip()):
        reader.problems.append('cedar wants the name of a file, as in cedar = "roles.cedar".')
        cedar = ""
    if not isinstance(tables, list):
        reader.problems.append("rule wants tables: write [[rule]] above each, with two brackets.")
        tables = []
    bodies = cast("list[object]", tables)
    rules = [reader.rule(number, body) for number, body in enumerate(bodies, 1)]
    found = [rule for rule in rules if rule]
    names = [rule.name for rule in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problems.append(
            f"Two rules are named {name!r}: rename one, or the journal mixes them."
        )
    return Text(found, cedar, digest, reader.problems)


def _unknown(said: Mapping[str, object]) -> Iterator[str]:
    for key in said.keys() - {"rule", "cedar"}:
        if key in _LOOSENING:
            yield f"{key!r} would loosen. {_INSTEAD}"
        else:
            yield f"{key!r:.80} is unknown: {_near(key, ('rule', 'cedar'))}"


def _near(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {_listed(known)}."


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"


def _names(value: object) -> tuple[str, ...]:
    """Return one name or a list of them, none of which is empty."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and value:
        listed = cast("list[object]", value)
        names = [each for each in listed if isinstance(each, str) and each.strip()]
        if len(names) == len(listed):
            return tuple(names)
    raise DefinitionError(f"{value!r:.80} names nothing: write a name, or a list of names.")


def _globs(value: object) -> tuple[str, ...]:
    return _names(value)


def _roles(value: object) -> frozenset[str]:
    return frozenset(_names(value))


def _sentence(value: object) -> str:
    """Return what is said beside a yes. Raises where it is a no: that would loosen."""
    if value is True:
        return ""
    if isinstance(value, str) and value.strip() and len(value) <= _SENTENCE_MAX:
        return " ".join(value.split())
    if value is False:
        raise DefinitionError(f"it is false. {_INSTEAD}")
    raise DefinitionError(f"{value!r:.80} is neither true nor a sentence.")


def _true(value: object) -> bool:
    if value is True:
        return True
    if value is False:
        raise DefinitionError(f"it is false. {_INSTEAD}")
    raise DefinitionError(f"{value!r:.80} is not true.")


def _critical(value: object) -> dict[str, str]:
    found = _table(value, 'a level for each argument, as in { to = "user" }')
    for name, level in found.items():
        if level == "untrusted":
            raise DefinitionError(f"{name} may come from anywhere then. {_ENDORSED}")
        if level not in LEVELS:
            raise DefinitionError(
                f"{name} = {level!r:.40} is no origin: say one of {_listed(LEVELS[1:])}."
            )
    return found


def _limits(value: object) -> dict[str, float]:
    found = _table(value, "numbers, as in { tool_calls = 5 }")
    for name, most in found.items():
        if name not in _LIMITS:
            raise DefinitionError(f"{name!r:.40} is no limit: {_near(name, _LIMITS)}")
        kinds = int | float if name.endswith("_s") else int
        if isinstance(most, bool) or not isinstance(most, kinds) or not 0 < most < math.inf:
            raise DefinitionError(
                f"{name} = {most!r:.40} is no limit: give a finite number above 0."
            )
    return found


def _budget(value: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, usd in _table(value, 'dollars, as in { usd = "0.10" }').items():
        if name not in _BUDGET:
            raise DefinitionError(f"{name!r:.40} is no budget: {_near(name, _BUDGET)}")
        if isinstance(usd, bool) or not isinstance(usd, str | int | float):
            raise DefinitionError(f"{name} = {usd!r:.40} is no amount of dollars, like '0.50'.")
        Budget(**{name: usd})
        found[name] = micro_dollars(usd)
    return found


def _table(value: object, form: str) -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return cast("dict[str, Any]", value)
    raise DefinitionError(f"it wants {form}.")


_SENTENCE_MAX = 500
_READ: Mapping[str, Callable[[object], object]] = {
    "deny": _sentence,
    "approve": _sentence,
    "require_roles": _roles,
    "outbound": _true,
    "critical": _critical,
    "limits": _limits,
    "budget": _budget,
    "forbid_models": _names,
}
