"""An environment for each peer, with pinned versions, so that none can disturb another.

It is built once: a copy of the requirements that it was built from says that it is complete.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_ENVIRONMENTS = _HERE.parent / ".peers"
_INSTALL_S = 900

QUIET = {
    "AGNO_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "ENABLE_INSTRUMENTATION": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}
"""Variables that turn the telemetry of every peer off."""


class NotInstalledError(Exception):
    """The environment of a peer could not be built."""


def python_of(peer: str) -> Path:
    """Return the interpreter of `peer`, with its requirements installed into it.

    It is of the version that runs this. Raises `NotInstalledError` with the installer's last word.
    """
    environment = _ENVIRONMENTS / peer
    python = environment / "bin" / "python"
    requirements = _HERE / f"requirements-{peer}.txt"
    built_from = environment / "built-from.txt"
    wanted = f"# Python {sys.version.split()[0]}\n{requirements.read_text(encoding='utf-8')}"
    if not built_from.exists() or built_from.read_text(encoding="utf-8") != wanted:
        for command in _commands(environment, python, requirements):
            _execute(command)
        built_from.write_text(wanted, encoding="utf-8")
    return python


def _commands(environment: Path, python: Path, requirements: Path) -> list[list[str]]:
    """Return the commands that build `environment`, with uv where there is one."""
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
            [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)],
        ]
    return [
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)],
    ]


def _execute(command: list[str]) -> None:
    """Run `command` without a word, or raise `NotInstalledError` with its last one."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise NotInstalledError(f"installing took more than {_INSTALL_S} s") from late
    if done.returncode:
        raise NotInstalledError(last_line(done.stderr))


def quiet_environment() -> dict[str, str]:
    """Return this process's environment variables with all telemetry turned off."""
    return os.environ | QUIET


def last_line(text: str) -> str:
    """Return the last line of `text` that says something."""
    return ([line for line in text.splitlines() if line.strip()] or ["no reason was given"])[-1]
