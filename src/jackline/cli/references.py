"""What `module:name` means: the agents that are found there."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, cast

from jackline.core.agent import Agent
from jackline.core.app import App
from jackline.core.errors import DefinitionError, InputError, JacklineError, NotFoundError

if TYPE_CHECKING:
    from jackline.testing.scenario import Scenario


def is_reference(text: str) -> bool:
    """Whether `text` has the form `module:name`."""
    module, colon, name = text.partition(":")
    return bool(colon) and name.isidentifier() and all(map(str.isidentifier, module.split(".")))


def load(reference: str, *fit: type) -> Any:
    """Return what `module:name` names. Modules of the current directory are found, too.

    Raises `CallerError`, in one sentence, where that is nothing or cannot be imported. It names
    what would `fit`: agents and apps, where nothing is said.
    """
    if not reference:
        raise InputError(
            'Say which agent, like agent:support, or write app = "agent:support" to jackline.toml; '
            "or try `jackline chat --local`."
        )
    if not is_reference(reference):
        raise InputError(f"{reference!r} names no agent: write module:name, like agent:support.")
    module_name, _, name = reference.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _module(module_name)
    try:
        return getattr(module, name)
    except AttributeError:
        raise NotFoundError(
            f"Module {module_name!r} has no {name!r}{_instead(module, fit or (Agent, App))}."
        ) from None


def load_app(reference: str) -> App:
    """Return the app, the agents or the one agent that `module:name` names."""
    found = load(reference)
    match found:
        case App():
            return found
        case Agent():
            return App([found])
        case list() | tuple():
            return App(cast("Sequence[Agent]", found))  # App looks at each
        case _:
            kind = type(found).__name__
            raise DefinitionError(
                f"{reference} is {_article(kind)}, and no Agent, list of agents or App."
            )


def load_scenario(reference: str) -> "Scenario":
    """Return the scenario that `module:name` names. Raises `CallerError`."""
    from jackline.testing.scenario import Scenario  # noqa: PLC0415 - only for those who test

    found = load(reference, Scenario)
    if not isinstance(found, Scenario):
        kind = type(found).__name__
        raise DefinitionError(
            f"{reference} is no scenario, but of type {kind}: write @scenario(agent=…, input=…) "
            "above a function that gives its tools their dependencies."
        )
    return found


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def _module(name: str) -> Any:  # a module has whatever attributes it has
    try:
        missing = find_spec(name) is None
    except (ImportError, AttributeError, ValueError):
        missing = name.partition(".")[0] not in sys.modules
    if missing:
        raise NotFoundError(
            f"There is no module {name!r} here ({Path.cwd()}), nor among those installed."
        )
    try:
        return import_module(name)
    except JacklineError as error:
        raise DefinitionError(f"{name}{_line(error)}: {error}") from None
    except Exception as error:  # noqa: BLE001 - somebody's module: whatever it raises is theirs
        kind = type(error).__name__
        raise DefinitionError(
            f"Module {name!r} cannot be imported{_line(error)}: {kind}: {error}."
        ) from None


def _line(error: BaseException) -> str:
    """Return where in somebody's own files it was raised."""
    if isinstance(error, SyntaxError):
        return f" (line {error.lineno})"
    here = str(Path.cwd())
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _instead(module: object, fit: tuple[type, ...]) -> str:
    names = [name for name, each in vars(module).items() if isinstance(each, fit)]
    return f"; there is {' and '.join(names)}" if names else ""
