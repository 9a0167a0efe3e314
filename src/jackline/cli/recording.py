"""What `--record` keeps: the replies of a session, for a scenario to say again."""

import shlex
from pathlib import Path

from jackline.app import Runtime
from jackline.cli.options import Exit
from jackline.cli.turns import View
from jackline.core.errors import DefinitionError, InputError
from jackline.core.events import SessionId
from jackline.testing.recording import recorded, scripts, write


def recording(name: str) -> Path | None:
    """Return the file that replies go to. Raises `InputError` before anything is spent."""
    if not name:
        return None
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise InputError(f"There is no folder {path.absolute().parent} to record in.")
    if path.exists() and (not path.is_file() or path.stat().st_size):
        try:
            scripts(path)
        except DefinitionError:
            raise InputError(
                f"{path} is there and holds no recorded replies: name another file."
            ) from None
    return path


async def keep(runtime: Runtime, session: SessionId, path: Path, view: View, code: Exit) -> None:
    """Write down all that the model has said in the session, and say so."""
    replies = recorded(await runtime.store.read(session))
    if not replies:
        view.note(f"The model has said nothing, so {path} is as it was.")
        return
    try:
        write(path, replies)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    view.note(f"What the model has said in session {session.name} is in {path}.")
    if code == Exit.WAITING:
        command = f"jackline resume {session.name} --record {shlex.quote(str(path))}"
        view.note(f"It is not over yet. For the rest: {command}")
