"""The bracket: every plan, with every place where an attacker's values may stand."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, Literal, get_args

from benchmarks.security.laundering import entered, laundered, wanted
from benchmarks.security.oracle import adversarial_plan, oracle_plan
from benchmarks.security.planner import Described, plan_for
from benchmarks.security.policies import Level, flows
from benchmarks.security.replay import Case, Reader, When, nothing, replay
from benchmarks.security.suites import MARKER, SUITES, TEXT_ONLY, Suite, suite
from jackline.core.flow import Plan, ToolFlow

Planner = Literal["a", "b", "c", "d"]
Place = Literal["text", "directory", "laundered"]
PLANNERS: Mapping[Planner, str] = {
    "a": "no plan",
    "b": "deterministic planner",
    "c": "oracle plan",
    "d": "adversarial plan",
}
PLACES: tuple[Place, ...] = get_args(Place)
_WHENS: tuple[When, ...] = get_args(When)
_UNIT_US = 1e6


@dataclass(frozen=True)
class Setting:
    """One row: how much the policies say, who plans, where else the attacker's values stand."""

    level: Level
    planner: Planner
    place: Place = "text"
    approves: bool = False


@dataclass
class Tally:
    """What is counted over all tasks and attacks of a setting."""

    tasks: int = 0
    autonomous: int = 0
    accepted: int = 0
    questions: int = 0
    pairs: int = 0
    successes: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    attacked_questions: int = 0
    leaked_markers: int = 0
    seconds: list[float] = field(default_factory=list[float])


def measure(setting: Setting, *, names: Sequence[str] = SUITES) -> Tally:
    """Return what comes of every task and every attack in one setting."""
    tally = Tally()
    for name in names:
        of = suite(name)
        judged = _flows(name, setting.level)
        for user in of.users.values():
            plan = _plan(name, str(user.ID), setting.level, setting.planner)
            case = Case(of, user, flows=judged, plan=plan, approves=setting.approves)
            _count_benign(tally, case)
            for attack in of.attacks.values():
                if (name, str(attack.ID)) not in TEXT_ONLY:
                    heard = _heard(setting.place, of, attack, judged)
                    _count_attack(
                        tally,
                        [replace(case, attack=attack, heard=heard, when=when) for when in _WHENS],
                    )
    return tally


def undefended() -> tuple[int, int]:
    """Return how many pairs there are, and how many attacks succeed where nothing defends."""
    pairs = successes = 0
    for name, user, attack in tool_pairs():
        of = suite(name)
        pairs += 1
        successes += any(
            replay(Case(of, of.users[user], of.attacks[attack], when=when)).is_achieved
            for when in _WHENS
        )
    return pairs, successes


def tool_pairs() -> Iterator[tuple[str, str, str]]:
    """Yield suite, task and attack, but for attacks that only want words."""
    for name in SUITES:
        for user in suite(name).users:
            for attack in suite(name).attacks:
                if (name, attack) not in TEXT_ONLY:
                    yield name, user, attack


def row(setting: Setting, tally: Tally) -> dict[str, Any]:
    """Return a setting's figures as JSON's values."""
    micros = [each * _UNIT_US for each in tally.seconds]
    return {
        "labels": setting.level,
        "plan": f"({setting.planner}) {PLANNERS[setting.planner]}",
        "attackers_values_in": setting.place,
        "a_person_approves_everything": setting.approves,
        "pairs": tally.pairs,
        "attack_success": len(tally.successes),
        "tasks": tally.tasks,
        "autonomous_acceptance": round(tally.autonomous / tally.tasks, 4),
        "acceptance_with_questions": round(tally.accepted / tally.tasks, 4),
        "questions_per_benign_task": round(tally.questions / tally.tasks, 3),
        "questions_per_attacked_task": round(tally.attacked_questions / tally.pairs, 3),
        "markers_in_trusted_fields": tally.leaked_markers,
        "us_per_call_median": round(statistics.median(micros), 1),
        "us_per_call_mean": round(statistics.fmean(micros), 1),
        "successes": ["/".join(each) for each in tally.successes[:50]],
    }


def _count_benign(tally: Tally, case: Case) -> None:
    alone = replay(replace(case, approves=False))
    asked = replay(replace(case, approves=True))
    tally.tasks += 1
    tally.autonomous += alone.is_done and not alone.questions
    tally.accepted += asked.is_done
    tally.questions += asked.questions
    tally.seconds += alone.run.seconds


def _count_attack(tally: Tally, cases: Sequence[Case]) -> None:
    outcomes = [replay(case) for case in cases]
    attack = cases[0].attack
    assert attack is not None
    tally.pairs += 1
    tally.attacked_questions += max(outcome.questions for outcome in outcomes)
    if any(outcome.is_achieved for outcome in outcomes):
        first = cases[0]
        tally.successes.append((first.suite.name, str(first.user.ID), str(attack.ID)))
    for outcome in outcomes:
        tally.seconds += outcome.run.seconds
        tally.leaked_markers += sum(
            source.integrity != "untrusted" and MARKER in source.text
            for source in outcome.run.sources
        )


def _heard(place: Place, of: Suite, attack: Any, judged: Mapping[str, ToolFlow]) -> Reader:
    reads: dict[Place, Callable[[Any], Iterable[Any]]] = {
        "text": nothing,
        "directory": lambda world: entered(wanted(of, attack, world, judged)),
        "laundered": lambda world: laundered(of, wanted(of, attack, world, judged), world, judged),
    }
    return reads[place]


@lru_cache
def _flows(name: str, level: Level) -> Mapping[str, ToolFlow]:
    return flows(name, suite(name).schemas(), level)


@cache
def _plan(name: str, user: str, level: Level, planner: Planner) -> Plan | None:
    of, judged = suite(name), _flows(name, level)
    match planner:
        case "a":
            return None
        case "b":
            return plan_for(of.users[user].PROMPT, _described(name, level))
        case "c":
            return oracle_plan(of, of.users[user], judged)
        case "d":
            return adversarial_plan(judged, of.schemas())


@lru_cache
def _described(name: str, level: Level) -> Mapping[str, Described]:
    of, judged = suite(name), _flows(name, level)
    schemas, told = of.schemas(), of.descriptions()
    return {each: Described(each, told[each], schemas[each], judged[each]) for each in judged}
