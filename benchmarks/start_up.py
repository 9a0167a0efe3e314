"""What it takes to start: `python -m benchmarks.start_up` prints figures as a line of JSON.

CPU is that of a whole new process, the interpreter's own start included, with its bytecode
compiled before.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.peers.environments import quiet_environment
from benchmarks.peers.measure import Figure, figure

IMPORTS = {
    "agent_framework": "from agent_framework import Agent, tool",
    "agno": "from agno.agent import Agent",
    "langgraph": "from langchain.agents import create_agent",
    "openai_agents": "from agents import Agent, Runner, function_tool",
    "pydantic_ai": "from pydantic_ai import Agent",
}
"""What a program imports of each peer to make an agent."""

_REPETITIONS = 10
_TIMEOUT_S = 60.0


def cpu(command: Sequence[str], repetitions: int = _REPETITIONS) -> Figure:
    """Return the CPU of a process that runs `command`. Raises `CalledProcessError`."""
    taken: list[float] = []
    for _ in range(repetitions + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command, check=True, capture_output=True, timeout=_TIMEOUT_S, env=quiet_environment()
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return figure(taken[1:], 1.0, "s")


def imported(python: Path, statement: str) -> Figure:
    """Return the CPU of a process that executes this one statement and ends."""
    return cpu([str(python), "-c", statement])


def _main() -> None:
    """Measure jackline's."""
    python = Path(sys.executable)
    figures = {
        "import_cpu": imported(python, "import jackline"),
        "import_agent_cpu": imported(python, "from jackline import Agent, Runtime, tool"),
        "help_cpu": cpu([str(python.with_name("jackline")), "--help"]),
    }
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    _main()
