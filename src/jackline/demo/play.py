"""The whole demo: three acts, a table, and where to look further."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jackline.demo.act_one import act_one
from jackline.demo.act_three import Real, Timeline, act_three
from jackline.demo.act_two import act_two
from jackline.demo.folder import Folder, demo_folder
from jackline.demo.payments import POINTS, Point
from jackline.demo.proofs import Naive, Step
from jackline.demo.stage import Stage, table
from jackline.ports import Clock

_READ_S = 6.0
_EVENTS = "http://127.0.0.1:8000/v1/sessions/refund/events"


@dataclass(frozen=True, slots=True)
class Played:
    """What a run of the demo found out."""

    folder: str
    store: str
    point: Point
    naive: Naive
    steps: Sequence[Step]
    real: Real | None
    seconds: float

    @property
    def held(self) -> bool:
        """Whether all that is claimed held."""
        return all(step.held for step in self.steps)


async def play(
    stage: Stage,
    path: Path,
    model: str,
    timeline: Timeline,
    *,
    seed: int = 0,
    clock: Clock = time.monotonic,  # noqa: TID251 - here the clock is chosen
) -> Played:
    """Play all acts in a folder; `seed` chooses where in the payment the worker dies.

    Raises `InputError` where the folder is not the demo's, and `OperatorError` where workers
    do not get to the end.
    """
    began, point = clock(), POINTS[seed % len(POINTS)]
    with demo_folder(path) as folder:
        naive = await act_one(stage, folder)
        await stage.person.ask("\nPress Enter to see the same on jackline.", "go on", _READ_S)
        steps = await act_two(stage, folder, naive, point)
        real = await act_three(stage, folder, model, timeline)
    stage.console.print()
    stage.console.rule("[bold]Side by side", align="left")
    stage.console.print(table(steps))
    stage.say(_counted(steps))
    _look_inside(stage, folder)
    return Played(
        str(folder.path),
        folder.store,
        point,
        naive,
        steps,
        real,
        round(clock() - began, 3),
    )


def _counted(steps: Sequence[Step]) -> str:
    held = sum(step.held for step in steps)
    broken = len(steps) - held
    return f"{held} held. [bold red]{broken} broken.[/bold red]" if broken else f"{held} held."


def _look_inside(stage: Stage, folder: Folder) -> None:
    stage.say("\nLook inside:")
    for what in ("events refund", "events bicycle", "budget", "sessions"):
        stage.console.print(f"    {stage.command} {what} --store {folder.store}", soft_wrap=True)
    stage.console.print(f"    cat {folder.path / 'payments.jsonl'}", soft_wrap=True)
    stage.say("\nServe it, with these sessions in it, and follow one; cut it off, and go on:")
    served = "serve jackline.demo.served:shop --store sqlite:///jackline.db"
    stage.console.print(f"    cd {folder.path} && {stage.elsewhere} {served}", soft_wrap=True)
    stage.console.print(f"    curl -N {_EVENTS} -H 'Accept: text/event-stream'", soft_wrap=True)
