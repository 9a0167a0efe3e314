"""What a process serves: agents, and what their tools need."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class App:
    """Agents, and what their tools find in `ctx.deps`: what `jackline run module:app` runs.

    `deps` is what `Runtime` takes: a value, or an async context manager factory `(User) -> deps`.
    """

    agents: Sequence[Agent]
    deps: Any = None

    def __post_init__(self) -> None:
        """Refuse what is no agent."""
        strange = [each for each in self.agents if not isinstance(each, Agent)]  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
        if strange or not self.agents:
            found = f"{strange[0]!r} is none" if strange else "there is none"
            raise DefinitionError(f"An app is made of agents, and {found[:200]}.")
