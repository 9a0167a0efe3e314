"""`jackline chat`: talk to an agent."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.text import Text as Styled

from jackline.app import Runtime
from jackline.cli.approve import described
from jackline.cli.assistant import assistant
from jackline.cli.opened import chosen, default_session, driving, looking, with_model
from jackline.cli.options import Exit, Json, Where
from jackline.cli.prompt import Parts, Piped, Source, is_plain, source
from jackline.cli.references import load_app
from jackline.cli.show import console, count
from jackline.cli.signals import signals
from jackline.cli.tally import took
from jackline.cli.turns import Lines, Questions, Screen, Turns, View
from jackline.core.agent import Agent
from jackline.core.app import App
from jackline.core.budget import dollars
from jackline.core.errors import CallerError, InputError, NotFoundError, StaleError
from jackline.core.events import InputRequested, SessionId
from jackline.core.messages import Pasted, Text
from jackline.core.user import User
from jackline.runtime.submission import Submission
from jackline.settings import Settings

_LOCAL = "local"
_HELP = "Ctrl-C cancels a turn, Ctrl-D or /quit leaves."
_PLAIN = (
    "No approval is asked for here: this terminal (TERM) cannot tell a paste from what is typed, "
    "so each line is a turn, and a call that waits for a person ends the chat with exit code 4."
)


def chat(  # noqa: PLR0913 - the options of a command
    where: Where,
    *,
    app: Annotated[
        str, typer.Argument(metavar="MODULE:NAME", help="The agents. [setting: app]")
    ] = "",
    local: Annotated[
        bool, typer.Option("--local", help="With the small demonstration model that runs here.")
    ] = False,
    model: Annotated[str, typer.Option(metavar="NAME", help="Another model: provider:name.")] = "",
    agent: Annotated[str, typer.Option(metavar="NAME", help="Which, where there are more.")] = "",
    session: Annotated[
        str, typer.Option(metavar="NAME", help="Without: the one of last time.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Talk to an agent. The conversation goes on at the next start.

    Ctrl-C cancels a turn, a second one leaves; SIGTERM hands over and leaves. What is pasted is
    passed on as pasted: not as typed by you. Where stdin is no terminal, each line is a turn.
    Without an app, --local or --model brings a small assistant with two tools.
    """
    if local and model:
        raise InputError("--local and --model are two models: give one of them.")
    settings = where.settings()
    wanted = _LOCAL if local else model
    named = app or settings.app
    served = (
        with_model(load_app(named), wanted) if named or not wanted else App([assistant(wanted)])
    )
    chosen_one = chosen(served, agent)
    name = session or default_session(chosen_one, settings.identity)
    return asyncio.run(_chat(settings, served, chosen_one, name, as_json=as_json))


async def _chat(settings: Settings, app: App, agent: Agent, name: str, *, as_json: bool) -> Exit:
    user = settings.identity
    left = await _left_open(settings, name)
    async with driving(settings, app) as runtime:
        session = await runtime.sessions.open(agent.name, user, name)
        lines = source()
        view: View = Lines() if as_json else Screen(console())
        chat = Chat(runtime, user, session, lines, view, left)
        with lines.held():
            if not isinstance(lines, Piped):
                await chat.greet(agent)
            elif is_plain():
                view.note(_PLAIN)
            return await chat.run()


async def _left_open(settings: Settings, name: str) -> Sequence[int]:
    """Return the turns that were left open, as long as nobody drives them here.

    A runtime drives from its first moment: what is left of a turn may be over before it is looked
    for, and nobody would see what came of it.
    """
    if settings.store.startswith("memory:"):
        return ()
    try:
        async with looking(settings) as look:
            state = await look.sessions.state(look.id(name), look.user)
    except NotFoundError:
        return ()
    opened = (state.turn.id,) if state.turn else ()
    return (*opened, *(turn for turn, _ in state.queue))


@dataclass(slots=True)
class Chat:
    """A conversation: reads what a person says, and shows what comes of it."""

    runtime: Runtime
    user: User
    session: SessionId
    source: Source
    view: View
    left: Sequence[int] = ()
    settled: dict[int, bool] = field(default_factory=dict[int, bool])

    async def greet(self, agent: Agent) -> None:
        """Say who is there, and what was before."""
        state = await self.runtime.sessions.state(self.session, self.user)
        before = sum(message.role == "user" for message in state.messages)
        model = agent.models[0]
        name = model if isinstance(model, str) else model.terms.model
        self.view.note(f"{agent.name} with {name}, session {self.session.name}.")
        self.view.note(_HELP)
        if name == _LOCAL:
            self.view.note("This model is small and runs here, to show how things work: it errs.")
        if before:
            spent = dollars(state.money.spent)
            self.view.note(f"It goes on after {count(before, 'message')} of yours and {spent}.")

    async def run(self) -> Exit:
        """Talk until the person leaves, and return what the program exits with."""
        code = await self._open_turns()
        while code is None:
            line = await self._line()
            if not isinstance(line, list):
                return line
            if _is_empty(line):
                continue
            if isinstance(line[0], str) and line[0].startswith("/"):
                code = self._command(line[0].strip())
            else:
                code = await self._said(line)
        return code

    async def _open_turns(self) -> Exit | None:
        """Go on with what was left open."""
        left = deque(self.left)
        while turn := left.popleft() if left else await self._opened():
            self.view.note("Going on with the turn that was left open.")
            code = await self._follow(turn)
            if code is not None or await self._opened() == turn:
                return code
        return None

    async def _opened(self) -> int:
        """Return the open turn, 0 where there is none."""
        turn = (await self.runtime.sessions.state(self.session, self.user)).turn
        return turn.id if turn else 0

    async def _line(self) -> Parts | Exit:
        """Return what the person says, or that they leave."""
        left: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

        def hear(heard: signal.Signals) -> None:
            if heard == signal.SIGINT and self.source.clear():
                return
            if not left.done():
                left.set_result(Exit.TERMINATED if heard == signal.SIGTERM else Exit.OK)

        async with asyncio.TaskGroup() as group:
            with signals(hear):
                reading = group.create_task(self.source.read("> "))
                await asyncio.wait([reading, left], return_when=asyncio.FIRST_COMPLETED)
                if left.done():
                    reading.cancel()
                    return left.result()
                line = reading.result()
        return Exit.OK if line is None else line

    def _command(self, line: str) -> Exit | None:
        if line in {"/quit", "/exit"}:
            return Exit.OK
        self.view.note(_HELP if line == "/help" else f"There is no command {line}. {_HELP}")
        return None

    async def _said(self, parts: Parts) -> Exit | None:
        said = [part if isinstance(part, Pasted) else Text(part) for part in parts]
        try:
            submission = Submission([part for part in said if part.text])
            receipt = await self.runtime.sessions.submit(self.session, self.user, submission)
        except CallerError as error:
            self.view.note(str(error))
            return None
        return await self._follow(receipt.turn or receipt.seq)

    async def _follow(self, turn: int) -> Exit | None:
        began_at = time.perf_counter()
        ask = None if isinstance(self.source, Piped) else self._ask
        turns = Turns(self.runtime, self.user, self.view, ask)
        followed = await turns.follow(self.session, turn)
        if followed.exit in {Exit.INTERRUPTED, Exit.TERMINATED} or followed.left:
            return followed.exit
        if followed.exit == Exit.WAITING:
            return Exit.WAITING if isinstance(self.source, Piped) else None
        state = await self.runtime.sessions.state(self.session, self.user)
        spent = took(followed.tally, time.perf_counter() - began_at, state.money.spent)
        if isinstance(self.view, Screen):
            self.view.note(spent)
        return None

    async def _ask(self, session: SessionId, questions: Questions) -> bool:
        """Ask the person all that waits, on one card. False: they want to leave.

        The first answer may let the turn go on, and pause again with the others: what was said
        of all of them holds for these.
        """
        if len(questions.keys() - self.settled) > 1:
            self._show(*questions.values())
            answer = await self._word(f"  all {len(questions)}: yes, no or one by one? ")
            if answer is None:
                return False
            if answer.lower() in {"y", "yes", "n", "no"}:
                approved = answer.lower() in {"y", "yes"}
                self.settled |= dict.fromkeys(questions, approved)
        for number, asked in questions.items():
            if number in self.settled:
                await self._answer(session, number, (self.settled[number], None, ""))
                continue
            self._show(asked)
            if not await self._ask_one(session, number, asked):
                return False
        return True

    def _show(self, *questions: InputRequested) -> None:
        out, now = console(), time.clock_gettime(time.CLOCK_REALTIME)
        for asked in questions:
            for line in described(asked, now):
                out.print(Styled(f"  {line}", "yellow"))

    async def _ask_one(self, session: SessionId, number: int, asked: InputRequested) -> bool:
        while True:
            answer = await self._word("  yes, no or edit? ")
            if answer is None:
                return False
            options = await self._options(answer.lower(), asked)
            if options is None:
                continue
            if await self._answer(session, number, options):
                return True

    async def _answer(
        self, session: SessionId, number: int, options: tuple[bool, str | None, str]
    ) -> bool:
        """Answer a question. False: the arguments do not fit, and it is asked again."""
        approved, arguments, reason = options
        try:
            await self.runtime.sessions.answer(
                session, number, self.user, approved=approved, arguments=arguments, reason=reason
            )
        except InputError as error:
            self.view.note(f"  {error}")
            return False
        except StaleError as error:
            self.view.note(f"  {error}")
        return True

    async def _options(
        self, answer: str, asked: InputRequested
    ) -> tuple[bool, str | None, str] | None:
        """Return whether the call is approved, with which arguments, and why not."""
        if answer in {"y", "yes"}:
            return True, None, ""
        if answer in {"n", "no"}:
            return False, None, await self._word("  why (for the agent; Enter for none)? ") or ""
        if answer in {"e", "edit"}:
            edited = await self._word("  arguments: ", asked.arguments)
            return (True, edited, "") if edited else None
        return None

    async def _word(self, prompt: str, text: str = "") -> str | None:
        parts = await self.source.read(prompt, text)
        if parts is None:
            return None
        return "".join(part if isinstance(part, str) else part.text for part in parts).strip()


def _is_empty(parts: Parts) -> bool:
    return not any((part if isinstance(part, str) else part.text).strip() for part in parts)
