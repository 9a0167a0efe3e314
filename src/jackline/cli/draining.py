"""How a command that serves until it is told to end says how it is, and how it ends."""

import asyncio
import os
import signal
import sys
import threading
from dataclasses import dataclass

from jackline.app import Runtime
from jackline.cli.options import Exit
from jackline.cli.show import count, print_json, span

Heard = asyncio.Queue[signal.Signals]

_HANGS_S = 5.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Says how the process is: to people on stderr, to programs as lines of JSON."""

    as_json: bool

    def say(self, state: str, text: str, **fields: object) -> None:
        """Say it. Programs get the fields."""
        if self.as_json:
            print_json({"state": state, **fields})
            sys.stdout.flush()
        else:
            sys.stderr.write(f"jackline: {text}\n")
            sys.stderr.flush()


async def told_to_end(runtime: Runtime, heard: Heard, grace_s: float, voice: Voice) -> None:
    """Wait for a signal, and say that it was heard."""
    name, driven = (await heard.get()).name, runtime.driven
    voice.say("draining", f"{name}: {_left(driven, grace_s)}.", signal=name, driven=driven)


def _left(driven: int, grace_s: float) -> str:
    if not driven:
        return "nothing runs"
    what = count(driven, "session")
    return f"{what} to finish or hand over within {span(grace_s)}; a second signal cuts that short"


async def drained(runtime: Runtime, grace_s: float, heard: Heard) -> bool:
    """Drain the runtime, in no time where there is another signal. True if nothing was cut off."""
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(runtime.drain(grace_s))
        again = group.create_task(heard.get())
        await asyncio.wait((drain, again), return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        if drain.done():
            return drain.result()
        drain.cancel()
    return await runtime.drain(0)


def end_though_something_hangs(voice: Voice, *, drained: bool) -> None:
    """End the process in a while: somebody's code may never return, in a thread that is waited for.

    It is then as if it were killed, and whoever goes on finds out what became of what ran.
    """
    timer = threading.Timer(_HANGS_S, lambda: os._exit(ended(voice, drained=drained)))
    timer.daemon = True
    timer.start()


def ended(voice: Voice, *, drained: bool) -> Exit:
    """Say how it ended, and return its exit code."""
    if drained:
        voice.say("ended", "All was finished or handed over.", drained=True)
        return Exit.OK
    text = "Something still ran, and was cut off: whoever goes on finds out what became of it."
    voice.say("ended", text, drained=False)
    return Exit.FAILED
