"""What all commands share: options, exit codes, and one clear sentence for what is wrong."""

import inspect
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jackline.core.errors import CallerError, JacklineError

if TYPE_CHECKING:
    from jackline.settings import Read, Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AppName = Annotated[
    str, typer.Option("--app", metavar="MODULE:NAME", help="The agents. [setting: app]")
]
Record = Annotated[
    str, typer.Option(metavar="FILE", help="Keep what the model said, for scenarios.")
]
StoreUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="Like sqlite:///jackline.db. [setting: store]")
]
EngineUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Like temporal://host:7233/name. [setting: engine]"),
]
PolicyFile = Annotated[
    str | None,
    typer.Option("--policy", metavar="FILE", help="Rules that tighten. [setting: policy]"),
]
Session = Annotated[str, typer.Argument(metavar="SESSION", help="Its name.")]


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    CALLER = 2
    OPERATOR = 3
    WAITING = 4
    UNFINISHED = 5
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Where:
    """In which store a command looks, and as whom: what was said on the command line."""

    store: StoreUrl = None
    engine: EngineUrl = None
    tenant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose sessions. [setting: tenant]")
    ] = None
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="On whose behalf. [setting: user]")
    ] = None
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A role of the user; repeatable. [setting: roles]"),
    ] = None
    policy: PolicyFile = None

    def read(self) -> "Read":
        """Return the settings: the rest is what file and environment say."""
        from jackline.settings import read_settings  # noqa: PLC0415 - it takes 0.2 s to import

        roles = self.role or None
        said = {"store": self.store, "tenant": self.tenant, "user": self.user, "roles": roles}
        return read_settings(said | {"engine": self.engine, "policy": self.policy})

    def settings(self) -> "Settings":
        """Return the settings themselves."""
        return self.read().settings


def command(function: Callable[..., int]) -> Callable[..., None]:
    """Make a command of a function that returns its exit code.

    A parameter `where: Where` becomes the options of `Where`. An error becomes one sentence
    on stderr and its exit code; a bug keeps its traceback.
    """
    signature = inspect.signature(function, eval_str=True)
    shared = [name for name, each in signature.parameters.items() if each.annotation is Where]

    @wraps(function)
    def run(**given: Any) -> None:
        if shared:
            said = {each.name: given.pop(each.name) for each in fields(Where)}
            given[shared[0]] = Where(**said)
        raise typer.Exit(_exit_code(lambda: function(**given)))

    kept = [each for name, each in signature.parameters.items() if name not in shared]
    kept += _shared_parameters() if shared else []
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in kept]
    run.__signature__ = inspect.Signature(named)  # pyright: ignore[reportAttributeAccessIssue] - inspect reads it
    run.__annotations__ = {each.name: each.annotation for each in named}
    return run


def _shared_parameters() -> list[inspect.Parameter]:
    return list(inspect.signature(Where, eval_str=True).parameters.values())


def _exit_code(work: Callable[[], int]) -> int:
    code: int = Exit.OK
    try:
        code = work()
        sys.stdout.flush()
    except* JacklineError as errors:
        code = complain(_first(errors))
    except* KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except* BrokenPipeError:
        # Who reads us has seen enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _first(errors: BaseExceptionGroup[JacklineError]) -> JacklineError:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, JacklineError), first
    return first


def called(*, absolute: bool = False) -> str:
    """Return how the program is called here, or from elsewhere: what it prints can be copied."""
    given = Path(sys.argv[0])
    if given.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m jackline"
    if given.name != "jackline":
        return "jackline"
    found = shutil.which("jackline")
    if found and Path(found).resolve() == given.resolve():
        return "jackline"
    return shlex.quote(str(given.absolute() if absolute else given))


def complain(error: JacklineError) -> Exit:
    """Say what is wrong in one sentence, and return whose turn it is to act."""
    print(f"jackline: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201 - the command line
    return Exit.CALLER if isinstance(error, CallerError) else Exit.OPERATOR
