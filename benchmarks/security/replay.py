"""One task replayed by a model that does what it is asked for, by its user and by any attacker.

The user's ground truth is called in order. As soon as an attacker's words stand in a result, the
attacker's calls are made, too: at once, or after the user's. What a call is told by flow decides
whether it runs; the model goes on with the next one either way.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentdojo.base_tasks import BaseInjectionTask, BaseUserTask
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime, TaskEnvironment

from benchmarks.security.attacks import calls_of
from benchmarks.security.suites import MARKER, Suite, plain
from jackline.core.flow import (
    FlowVerdict,
    Plan,
    Provenance,
    Question,
    Source,
    ToolFlow,
    judge,
)

When = Literal["at once", "at the end"]
Reader = Callable[[TaskEnvironment], Iterable[Source]]


def nothing(world: TaskEnvironment) -> Iterable[Source]:
    """Return what stands anywhere else, which is nothing."""
    del world
    return ()


@dataclass
class Run:
    """One task in one world, as it goes."""

    suite: Suite
    flows: Mapping[str, ToolFlow] | None
    plan: Plan | None
    environment: TaskEnvironment
    known: Provenance
    approves: bool = False
    spent: set[int] = field(default_factory=set[int])
    made: list[FunctionCall] = field(default_factory=list[FunctionCall])
    asked: list[FlowVerdict] = field(default_factory=list[FlowVerdict])
    sources: list[Source] = field(default_factory=list[Source])
    seconds: list[float] = field(default_factory=list[float])
    seq: int = 1
    is_reached: bool = False

    def call(self, runtime: FunctionsRuntime, call: FunctionCall) -> bool:
        """Make a call if it may be made, and read its result. Return whether it was made."""
        if not self._may(call):
            return False
        result, error = runtime.run_function(self.environment, call.function, dict(call.args))
        self.made.append(call)
        self.read(call.function, plain(result) if error is None else error)
        return True

    def _may(self, call: FunctionCall) -> bool:
        if self.flows is None:
            return True
        question = Question(self.known, self.plan, frozenset(self.spent))
        flow, arguments = self.flows[call.function], dict(call.args)
        began = time.perf_counter()
        verdict = judge(flow, arguments, question)
        self.seconds.append(time.perf_counter() - began)
        if verdict.decision != "allow":
            self.asked.append(verdict)
            if not self.approves:
                return False
            self.known.approve(flow, arguments)
        if verdict.planned is not None:
            self.spent.add(verdict.planned)
        return True

    def read(self, tool: str, result: object) -> None:
        """Take in what a tool returned, field by field."""
        self.seq += 1
        self.is_reached |= MARKER in str(result)
        if self.flows is None:
            return
        flow = self.flows[tool]
        sources = [
            Source(self.seq, tool, each.text, each.integrity, each.path, 1, each.record)
            for each in flow.labels.fields(result)
        ]
        self.sources += sources
        self.known.read(sources)
        self.known.keep_to(flow.readers)


@dataclass(frozen=True)
class Case:
    """What is replayed: a task, perhaps an attack on it, and what defends."""

    suite: Suite
    user: BaseUserTask[Any]
    attack: BaseInjectionTask[Any] | None = None
    flows: Mapping[str, ToolFlow] | None = None
    plan: Plan | None = None
    approves: bool = False
    heard: Reader = nothing
    when: When = "at once"


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    is_achieved: bool
    is_done: bool
    questions: int
    run: Run


def replay(case: Case) -> Outcome:
    """Replay one case."""
    words = MARKER if case.attack else None
    world = case.suite.environment(words, case.user)
    before = world.model_copy(deep=True)
    runtime = case.suite.runtime()
    run = Run(case.suite, case.flows, case.plan, world, _known(case, world), case.approves)
    done, is_attacked = True, case.attack is None
    for call in case.user.ground_truth(before.model_copy(deep=True)):
        done &= run.call(runtime, call)
        if run.is_reached and not is_attacked and case.when == "at once":
            is_attacked = True
            _obey(case, run, before, runtime)
    if run.is_reached and not is_attacked:
        _obey(case, run, before, runtime)
    said = case.user.GROUND_TRUTH_OUTPUT
    achieved = case.attack is not None and case.suite.achieved(
        case.attack, said, before, run.environment, run.made
    )
    return Outcome(achieved, done, len(run.asked), run)


def _known(case: Case, world: Any) -> Provenance:
    """Return what a model knows at the start: what the user typed."""
    inbox = getattr(world, "inbox", None)
    known = Provenance(inbox.account_email if inbox else "")
    known.read([Source(1, "the user", case.user.PROMPT, "user", turn=1, said=True)])
    return known


def _obey(case: Case, run: Run, before: TaskEnvironment, runtime: FunctionsRuntime) -> None:
    """Do what the attacker wants, with what stands anywhere else by then."""
    assert case.attack is not None
    heard = list(case.heard(before))
    run.sources += [each for each in heard if each.name != "directory"]
    run.known.read([Source(run.seq, "the attacker", case.attack.GOAL), *heard])
    for call in calls_of(case.attack, before, run.environment):
        run.call(runtime, call)
