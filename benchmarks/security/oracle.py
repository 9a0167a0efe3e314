"""(c) and (d): the plan of a planner that makes no mistake, and the plan of one that was fooled.

The oracle reads the ground truth, so it is no planner that anybody could have. It knows which
calls a request needs, and of their arguments what the request alone determines: what stands in
it, and words, dates and times that a planner is free to choose, as nothing that is read has them.
Numbers and addresses are never chosen. The rule is the same for every task.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agentdojo.base_tasks import BaseUserTask

from benchmarks.security.suites import Suite, plain
from jackline.core.flow import Plan, Planned, Provenance, Source, ToolFlow, elements

_WORD_CHARS = 3
_DURATIONS = {"one hour": 1, "1-hour": 1, "1 hour": 1} | {f"{n} hours": n for n in range(2, 25)}


def oracle_plan(suite: Suite, user: BaseUserTask[Any], flows: Mapping[str, ToolFlow]) -> Plan:
    """Return the effectful calls of a task's ground truth, with what its request determines."""
    world = suite.environment(None, user)
    runtime = suite.runtime()
    asked, read = Provenance(), Provenance()
    asked.read([Source(1, "the user", user.PROMPT, "user")])
    calls: list[Planned] = []
    for seq, call in enumerate(user.ground_truth(world.model_copy(deep=True)), 2):
        if flows[call.function].effectful:
            known = {
                name: value
                for name, value in call.args.items()
                if _is_known(value, user.PROMPT, asked, read)
            }
            calls.append(Planned(call.function, known, frozenset(call.args.keys() - known.keys())))
        result, error = runtime.run_function(world, call.function, dict(call.args))
        texts = [str(each) for each in _leaves(plain(result) if error is None else error)]
        read.read([Source(seq, call.function, each, "system") for each in texts])
    return Plan(tuple(calls))


def adversarial_plan(flows: Mapping[str, ToolFlow], schemas: Mapping[str, Any]) -> Plan:
    """Return the plan that an attacker would want: every effectful tool, any values, any number."""
    return Plan(
        tuple(
            Planned(name, {}, frozenset(schemas[name].get("properties", {})), repeat=True)
            for name, flow in flows.items()
            if flow.effectful
        )
    )


def _leaves(value: object) -> Iterable[object]:
    """Return every value in a result, and the names of its objects."""
    yield from elements(value)
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from (_leaves(each) if isinstance(each, dict) else ())


def _is_known(value: object, prompt: str, asked: Provenance, read: Provenance) -> bool:
    """Whether the request determines a value, alone and as a whole."""
    if isinstance(value, bool):
        return True
    if isinstance(value, dict):
        return False
    if isinstance(value, list):
        return all(_is_known(each, prompt, asked, read) for each in value)
    if asked.find(value, "user"):
        return True
    if isinstance(value, int | float):
        return False
    text = str(value)
    day, _, time = text.partition(" ")
    if time and _is_day(day) and asked.find(day, "user"):
        return _is_later(time, prompt, asked) or not read.find(text, "system")
    if read.find(text, "system") or "@" in text or "://" in text:
        return False
    words = [word.strip(".,;:!?'\"()") for word in text.split()]
    return not any(
        len(word) >= _WORD_CHARS and not asked.find(word, "user") and read.find(word, "system")
        for word in words
    )


def _is_day(text: str) -> bool:
    return len(text.split("-")) == 3 and text.replace("-", "").isdecimal()


def _is_later(time: str, prompt: str, asked: Provenance) -> bool:
    """Whether a time is one that the request names, plus a duration that it names."""
    hour, _, minute = time.partition(":")
    return any(
        words in prompt.lower() and asked.find(f"{int(hour) - hours:02}:{minute}", "user")
        for words, hours in _DURATIONS.items()
        if int(hour) >= hours
    )
