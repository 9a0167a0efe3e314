"""Reads what operators say from their files."""

from pathlib import Path

from jackline.core.errors import DefinitionError
from jackline.core.permit.overlay import Overlay
from jackline.core.permit.reading import BYTES_MAX, Text, read

NO_POLICY = Overlay()


def read_text(path: Path) -> Text:
    """Return what a policy's file says, with all that is wrong with it."""
    return read(_text(path))


def read_policy(path: Path | str) -> Overlay:
    """Return the rules of a policy's file. Raises `DefinitionError` for the first thing wrong."""
    where = Path(path)
    said = read_text(where)
    if said.problems:
        others = len(said.problems) - 1
        more = f" ({others} more: jackline policy check)" if others else ""
        raise DefinitionError(f"{where}: {said.problems[0]}{more}")
    return overlay(where, said)


def overlay(path: Path, said: Text) -> Overlay:
    """Return the rules, and the Cedar policies that they name, beside the policy's own file."""
    if not said.cedar:
        return Overlay(said.rules, said.digest)
    from jackline.adapters.cedar import Cedar  # noqa: PLC0415 - only where a policy names it

    file = path.parent / said.cedar
    try:
        return Overlay(said.rules, said.digest, Cedar(_text(file)))
    except DefinitionError as error:
        raise DefinitionError(f"{file}: {error}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        return data.decode()
    except (OSError, ValueError) as error:
        # ValueError: no UTF-8, or a NUL in the name.
        raise DefinitionError(f"The policy {str(path)!r} cannot be read: {error}.") from None
