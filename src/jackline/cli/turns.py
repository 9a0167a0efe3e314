"""A turn as it happens: what is shown of it, what a person is asked, and how it is left."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jackline.app import Runtime
from jackline.cli.options import Exit
from jackline.cli.own import Own
from jackline.cli.show import clean, compact, exact, remark, span
from jackline.cli.signals import signals
from jackline.cli.tally import Tally
from jackline.cli.timeline import Timeline, for_people, is_aside
from jackline.core import events as e
from jackline.core.events import InputRequested, Record, SessionId
from jackline.core.user import User
from jackline.interfaces.wire import event_json
from jackline.ports import Delta, Listing

if TYPE_CHECKING:
    from rich.console import Console

Questions = Mapping[int, InputRequested]
News = Record | Delta | signal.Signals | Exit
# Asks a person. False: they want to leave.
Ask = Callable[[SessionId, Questions], Awaitable[bool]]
_QUEUE = 1_000
_SHOWN_S = 0.005
_LISTED_MAX = 1_000
_UNSAID = (
    e.TurnSubmitted,
    e.SessionOpened,
    e.SessionTaken,
    e.TurnResumed,
    e.TurnCompleted,
    e.TurnCancelRequested,
    e.InputRequested,
)


class View(Protocol):
    """Shows what happens in a turn."""

    def show(self, item: Record | Delta) -> None:
        """Show an event, or text as it comes."""
        ...

    def note(self, text: str) -> None:
        """Say something about what happens."""
        ...


class Lines:
    """Prints each event as a line of JSON."""

    def show(self, item: Record | Delta) -> None:
        """See `View.show`. Text comes with the reply."""
        if isinstance(item, Record):
            sys.stdout.write(event_json(item).decode() + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """See `View.note`."""
        sys.stderr.write(f"jackline: {text}\n")


class Answer:
    """Prints the answer alone, once it is there: what a pipe wants."""

    def show(self, item: Record | Delta) -> None:
        """See `View.show`."""
        match item:
            case Record(event=e.TurnCompleted(text=text, value=value, cut=cut)):
                sys.stdout.write((text if value is None else value) + "\n")
                if cut:
                    self.note("the answer was cut: it used up the model's max_tokens")
            case Record(event=e.TurnFailed(text=text, code=code)):
                self.note(f"the turn failed ({code}): {for_people(text)}")
            case Record(event=e.TurnStopped(text=text, code=code)):
                self.note(f"the turn was stopped ({code}): {text}")
            case Record(event=e.TurnCancelled(reason=reason)):
                self.note(f"the turn was cancelled: {reason or 'somebody wanted it to end'}")
            case _:
                return

    def note(self, text: str) -> None:
        """See `View.note`."""
        sys.stderr.write(f"jackline: {clean(text)}\n")


class Screen:
    """Prints text as it comes, and what tools do, briefly."""

    def __init__(self, out: "Console") -> None:
        from rich.text import Text  # noqa: PLC0415 - it takes 0.1 s to import, and pipes want none

        self._styled = Text
        self._out = out
        self._timeline = Timeline(why=False)
        self._seq = 0
        self._said = ""

    def show(self, item: Record | Delta) -> None:
        """See `View.show`."""
        if isinstance(item, Delta):
            self._say(item)
            return
        lines = list(self._timeline.lines(item))
        if isinstance(item.event, e.ModelReplied) and not is_aside(item.event):
            self._finish(item.event.text)
            lines = [line for line in lines if line.what.startswith("→")]
        elif _is_unsaid(item.event) or _is_wait(item.event):
            return
        for line in lines:
            if not line.seq:
                continue  # The day: it is today.
            self.end_line()
            is_call = line.what.startswith("→")
            text = line.what if is_call or line.who == "turn" else f"{line.who} {line.what}"
            took = f"  {span(line.seconds)}" if line.seconds >= _SHOWN_S and not is_call else ""
            style = "red" if line.tone == "bad" else "dim"
            self._out.print(self._styled(f"  {text}", style).append(took, "dim"))

    def note(self, text: str) -> None:
        """See `View.note`."""
        self.end_line()
        self._out.print(self._styled(clean(text), "dim"), soft_wrap=not self._out.is_terminal)

    def end_line(self) -> None:
        """Go to the start of a line."""
        if self._said and not self._said.endswith("\n"):
            self._write("\n")
        self._said = ""

    def _say(self, delta: Delta) -> None:
        if delta.seq != self._seq or delta.offset == 0:
            self.end_line()
            self._seq = delta.seq
        if delta.offset <= len(self._said):
            text = delta.text[len(self._said) - delta.offset :]
            self._said += text
            self._write(clean(text))

    def _finish(self, text: str) -> None:
        """Print what did not come as it was said."""
        if self._said and not text.startswith(self._said):
            self.end_line()
        self._write(clean(text[len(self._said) :]))
        self._said = text
        self.end_line()

    def _write(self, text: str) -> None:
        self._out.file.write(text)
        self._out.file.flush()


def _is_wait(event: object) -> bool:
    return isinstance(event, e.TurnPaused) and not event.is_set_aside


@dataclass(frozen=True, slots=True)
class Followed:
    """How following a turn ended: what the program may exit with, and what the turn took."""

    exit: Exit
    tally: Tally
    left: bool = False


class Turns:
    """Follows turns to their end: shows them, asks, cancels them at Ctrl-C, and can be left."""

    def __init__(self, runtime: Runtime, user: User, view: View, ask: Ask | None = None) -> None:
        self._cancelled = self._left = False
        self._runtime = runtime
        self._user = user
        self._view = view
        self._ask = ask
        self._news: asyncio.Queue[News] = asyncio.Queue(_QUEUE)

    async def follow(self, session: SessionId, turn: int) -> Followed:
        """Show a turn until it ends or cannot go on here.

        The first Ctrl-C cancels it, the second leaves; SIGTERM leaves.
        """
        self._news = asyncio.Queue(_QUEUE)
        tally = Tally(turn)
        state = await self._runtime.sessions.state(session, self._user)
        own = Own(turn, state, await self._runtime.store.read(session, turn))
        if state.turn and state.turn.id <= turn:
            await self._tell_of_driver(session)
        if own.waits and await self._is_held_up(session, turn):
            return Followed(Exit.WAITING, tally)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(self._read(session, turn))
            try:
                with signals(self._hear):
                    code = await self._take(group, session, tally, own)
            finally:
                reader.cancel()
        return Followed(code, tally, self._left)

    def _hear(self, heard: signal.Signals | Exit) -> None:
        if not self._news.full():
            self._news.put_nowait(heard)

    async def _read(self, session: SessionId, turn: int) -> None:
        async with aclosing(self._runtime.follow(session, turn, self._user)) as items:
            async for item in items:
                await self._news.put(item)

    async def _take(
        self, group: asyncio.TaskGroup, session: SessionId, tally: Tally, own: Own
    ) -> Exit:
        """Take news until there is none to wait for."""
        asking: asyncio.Task[None] | None = None
        self._cancelled = False
        while True:
            item = await self._news.get()
            if isinstance(item, Record | Delta) and not own.has(item):
                if isinstance(item, Record) and await self._passed(item, session, own):
                    return Exit.WAITING
                continue
            if asking and _overtakes(item):
                asking.cancel()
                await asyncio.wait([asking])
                asking = None
            found = await self._taken(item, session, tally)
            if isinstance(found, Exit):
                return found
            if found and self._ask:
                asking = group.create_task(self._asked(self._ask, session, found))

    async def _taken(self, item: News, session: SessionId, tally: Tally) -> Exit | Questions:
        """Show one of the news. Return how following ends, or what a person is asked now."""
        match item:
            case Exit():
                return item
            case signal.Signals():
                return await self._signalled(item, session, tally.turn)
            case Delta():
                self._view.show(item)
                return {}
            case Record():
                self._view.show(item)
                tally.add(item.event)
                return await self._recorded(item.event, session, tally.turn)

    async def _recorded(self, event: e.Event, session: SessionId, turn: int) -> Exit | Questions:
        match event:
            case e.TurnCompleted():
                return Exit.OK
            case e.TurnStopped(code="budget"):
                name = session.name
                self._view.note(f"To go further: jackline raise {name} --limit usd=1.00")
                return Exit.FAILED
            case e.TurnFailed() | e.TurnStopped() | e.TurnCancelled():
                return Exit.FAILED
            case e.TurnPaused():
                return await self._paused(session, turn)
            case _:
                return {}

    async def _signalled(
        self, heard: signal.Signals, session: SessionId, turn: int
    ) -> Exit | Questions:
        if self._cancelled or heard == signal.SIGTERM:
            self._view.note("Leaving: what runs is handed over.")
            return Exit.TERMINATED if heard == signal.SIGTERM else Exit.INTERRUPTED
        self._cancelled = True
        self._view.note("Cancelling the turn. Ctrl-C again leaves.")
        await self._runtime.sessions.cancel(session, self._user, "Ctrl-C", turn=turn)
        return {}

    async def _passed(self, item: Record, session: SessionId, own: Own) -> bool:
        """Let an event of another turn pass. True: that turn holds up ours, and not for us."""
        if isinstance(item.event, e.TurnPaused) and own.waits:
            return await self._is_held_up(session, own.turn)
        return False

    async def _is_held_up(self, session: SessionId, turn: int) -> bool:
        """Whether the turn waits behind one that needs somebody, and say so."""
        state = await self._runtime.sessions.state(session, self._user)
        ahead = state.turn
        if not ahead or ahead.id >= turn or not ahead.pause:
            return False
        if ahead.pause.reason != "person" and not ahead.pause.is_set_aside:
            return False
        self._view.note(f"Turn {turn} waits behind turn {ahead.id}, which needs somebody.")
        self._tell(session, await self._questions(session, ahead.id))
        return True

    async def _tell_of_driver(self, session: SessionId) -> None:
        """Say where another process drives the session: it may be dead, and its lease not over."""
        rows = await self._runtime.sessions.listed(self._user, Listing(limit=_LISTED_MAX))
        for row in rows:
            if row.id == session and row.state == "driven" and not _is_ours(row.worker):
                self._view.note(
                    f"Another worker ({row.worker}) holds this session: it goes on when that one "
                    "is done, or here when its lease ends."
                )

    async def _asked(self, ask: Ask, session: SessionId, questions: Questions) -> None:
        if not await ask(session, questions):
            self._left = True
            self._hear(Exit.OK)

    async def _paused(self, session: SessionId, turn: int) -> Exit | Questions:
        """Return what is asked of a person here, or that the turn does not go on here."""
        if await self._stays(session, turn):
            return Exit.WAITING
        questions = await self._questions(session, turn)
        if questions and not self._ask:
            self._tell(session, questions)
            return Exit.WAITING
        return questions

    async def _stays(self, session: SessionId, turn: int) -> bool:
        """Whether the turn waits for something that nobody can do here."""
        state = await self._runtime.sessions.state(session, self._user)
        if not state.turn or state.turn.id != turn or not state.turn.pause:
            return False
        if not state.turn.pause.is_set_aside:
            return False
        self._view.note(f"To go on: jackline resume {session.name}")
        return True

    async def _questions(self, session: SessionId, turn: int) -> Questions:
        """Return the questions that wait now: the pause that we read of may long be over."""
        state = await self._runtime.sessions.state(session, self._user)
        if not state.turn or state.turn.id != turn or state.turn.cancelled is not None:
            return {}
        asked = await self._runtime.sessions.questions(session, self._user)
        now = time.clock_gettime(time.CLOCK_REALTIME)
        return {number: each for number, each in asked.items() if each.expires_at > now}

    def _tell(self, session: SessionId, questions: Questions) -> None:
        for number, asked in questions.items():
            what = f"{asked.name} {compact(asked.arguments)}" if asked.name else exact(asked.text)
            what += f"  ({note})" if (note := remark(asked.arguments)) else ""
            self._view.note(f"It waits for a person, who is asked: {what}")
            for name, origin in asked.origins.items():
                self._view.note(f"  {name} ← {exact(origin)}")
            self._view.note(f"To answer: jackline approve {session.name} {number}  (or --no)")
        if len(questions) > 1:
            self._view.note(f"To approve all: jackline approve {session.name} --all  (or --no)")
        self._view.note(f"Then, to go on: jackline resume {session.name}")


def _is_ours(worker: str) -> bool:
    return not worker or worker.startswith(f"{socket.gethostname()}:{os.getpid()}:")


def _is_unsaid(event: e.Event) -> bool:
    return isinstance(event, _UNSAID) and not (isinstance(event, e.TurnCompleted) and event.cut)


def _overtakes(item: News) -> bool:
    """Whether a question that is being asked may be void now."""
    if isinstance(item, Record):
        return not isinstance(item.event, e.TurnPaused)
    return isinstance(item, signal.Signals)
