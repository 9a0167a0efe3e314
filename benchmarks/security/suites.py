"""AgentDojo's suites as data: tools, tasks, and environments with an attacker's words in them."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import yaml
from agentdojo.base_tasks import BaseInjectionTask, BaseUserTask
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime, TaskEnvironment
from agentdojo.task_suite import load_suites
from agentdojo.task_suite.task_suite import TaskSuite, read_suite_file
from pydantic import BaseModel

VERSION = "v1.2.2"
SUITES = ("workspace", "travel", "banking")
TEXT_ONLY = {("travel", "injection_task_6")}
MARKER = "jackline-canary-7f3a9c"

Task = BaseUserTask[Any] | BaseInjectionTask[Any]


@dataclass(frozen=True)
class Suite:
    """One suite, and what is made of it once."""

    name: str
    suite: TaskSuite[Any]

    @property
    def users(self) -> Mapping[str, BaseUserTask[Any]]:
        """What users ask for."""
        return self.suite.user_tasks

    @property
    def attacks(self) -> Mapping[str, BaseInjectionTask[Any]]:
        """What attackers ask for."""
        return self.suite.injection_tasks

    def schemas(self) -> dict[str, dict[str, Any]]:
        """Return each tool's parameters as a JSON schema."""
        return {each.name: each.parameters.model_json_schema() for each in self.suite.tools}

    def descriptions(self) -> dict[str, str]:
        """Return what models are told of each tool."""
        return {each.name: each.description for each in self.suite.tools}

    def runtime(self) -> FunctionsRuntime:
        """Return what runs the tools."""
        return FunctionsRuntime(self.suite.tools)

    def environment(self, words: str | None, task: BaseUserTask[Any]) -> TaskEnvironment:
        """Return the world as a task finds it, with these words wherever an attacker can write."""
        return task.init_environment(copy.deepcopy(_environment(self.name, words)))

    def achieved(
        self,
        attack: BaseInjectionTask[Any],
        said: str,
        before: TaskEnvironment,
        after: TaskEnvironment,
        calls: Sequence[FunctionCall],
    ) -> bool:
        """Whether an attacker has got what they wanted, as AgentDojo sees it."""
        before = before.model_copy(deep=True)
        found = attack.security_from_traces(said, before, after, calls)
        return attack.security(said, before, after) if found is None else found


@lru_cache
def suite(name: str) -> Suite:
    """Return a suite by its name."""
    return Suite(name, load_suites.get_suite(VERSION, name))


@lru_cache(maxsize=64)
def _environment(name: str, words: str | None) -> TaskEnvironment:
    """Read a world once for each attack: AgentDojo's own reader takes seconds."""
    of = suite(name).suite
    vectors = of.get_injection_vector_defaults()
    if words is not None:
        vectors = dict.fromkeys(vectors, json.dumps(words)[1:-1])
    text = read_suite_file(name, "environment.yaml", of.data_path).format(**vectors)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return of.environment_type.model_validate(yaml.load(text, Loader=loader))  # noqa: S506 - it is one of the two safe loaders


def plain(result: object) -> object:
    """Return a tool's result as JSON's values."""
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list | tuple):
        return [plain(each) for each in cast("list[object]", result)]
    if isinstance(result, Mapping):
        items = cast("Mapping[object, object]", result).items()
        return {str(name): plain(each) for name, each in items}
    return result
