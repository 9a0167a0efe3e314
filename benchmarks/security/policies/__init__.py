"""What a team would declare of the tools of each suite: effect, recipients, critical arguments.

A policy speaks of tools alone. It knows no task and no attack.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from benchmarks.security.policies.banking import TOOLS as BANKING
from benchmarks.security.policies.declaration import Tool
from benchmarks.security.policies.travel import TOOLS as TRAVEL
from benchmarks.security.policies.workspace import TOOLS as WORKSPACE
from jackline.core.flow import Declared, ToolFlow, flow_of

Level = Literal["nothing", "default", "tuned"]
POLICIES: Mapping[str, Mapping[str, Tool]] = {
    "workspace": WORKSPACE,
    "travel": TRAVEL,
    "banking": BANKING,
}


def flows(suite: str, schemas: Mapping[str, dict[str, Any]], level: Level) -> dict[str, ToolFlow]:
    """Return how each tool of a suite is judged.

    "nothing" declares effects alone, "default" all but labels, "tuned" labels as well.
    """
    policy = POLICIES[suite]
    assert policy.keys() == schemas.keys(), "a policy speaks of every tool of its suite"
    return {
        name: flow_of(name, each.effect, schemas[name], _declared(each, level))
        for name, each in policy.items()
    }


def _declared(tool: Tool, level: Level) -> Declared:
    if level == "nothing":
        return Declared()
    if level == "default":
        return msgspec.structs.replace(tool.declared, labels={})
    return tool.declared


__all__ = ["POLICIES", "Level", "flows"]
