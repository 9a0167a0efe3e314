"""What the audience sees of the demo: few words, at most 100 columns, with or without colours."""

import asyncio
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from jackline.demo.narration import printable
from jackline.demo.proofs import Step

_COLUMNS_MAX = 100
_PROMISES = {
    "G1": "accepted means done",
    "G2": "no side effect twice",
    "G3": "budgets are hard",
    "G4": "streams are gapless",
    "G5": "what was approved is what runs",
    "G6": "attackers choose no critical argument",
    "G9": "histories stay valid",
    "limit": "a loop guard is on",
}


class Person(Protocol):
    """Whoever sits there."""

    async def ask(self, question: str, default: str, within_s: float) -> str:
        """Return what they type, or the default where they do not, in time."""
        ...

    def on_enter(self, act: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `act` each time when they press Enter, until this is left."""
        ...


class Nobody:
    """There is no terminal: the default is what happens."""

    async def ask(self, question: str, default: str, within_s: float) -> str:  # noqa: ARG002 - see Person
        """See `Person.ask`."""
        return default

    def on_enter(self, act: Callable[[], None]) -> AbstractContextManager[None]:  # noqa: ARG002 - as above
        """See `Person.on_enter`."""
        return nullcontext()


class Somebody:
    """Sits at the terminal that the process was started from."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def ask(self, question: str, default: str, within_s: float) -> str:
        """See `Person.ask`."""
        self._console.print(f"{escape(question)} [dim]({within_s:.0f} s)[/dim] ", end="")
        loop, typed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin, typed.set)
        try:
            async with asyncio.timeout(within_s):
                await typed.wait()
        except TimeoutError:
            self._console.print()
            return default
        finally:
            loop.remove_reader(sys.stdin)
        return sys.stdin.readline().strip() or default

    @contextmanager
    def on_enter(self, act: Callable[[], None]) -> Generator[None]:
        """See `Person.on_enter`."""
        loop = asyncio.get_running_loop()

        def pressed() -> None:
            if sys.stdin.readline():
                act()
            else:
                loop.remove_reader(sys.stdin)  # Ctrl-D: nothing more will come.

        loop.add_reader(sys.stdin, pressed)
        try:
            yield
        finally:
            loop.remove_reader(sys.stdin)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo takes place. `command` is how the program is called, `elsewhere` from afar."""

    console: Console
    person: Person
    is_live: bool = False
    command: str = "jackline"
    elsewhere: str = "jackline"

    def act(self, number: int, title: str, *text: str) -> None:
        """Begin an act."""
        self.console.print()
        self.console.rule(f"[bold]Act {number} · {title}", align="left")
        for each in text:
            self.say(each)

    def say(self, text: str) -> None:
        """Say something to the audience."""
        self.console.print(text)

    def note(self, text: str) -> None:
        """Say what happens, a little aside."""
        self.show(Text.from_markup(text))

    def user(self, text: str) -> None:
        """Show what a user says to the assistant."""
        self.console.print()
        self.console.print(Text(f"> {text}", "bold"))

    def stream(self, text: str) -> None:
        """Show a piece of what the assistant says."""
        self.console.print(Text(printable(text), "cyan"), end="", soft_wrap=True)

    def show(self, *renderables: RenderableType) -> None:
        """Show something, indented."""
        self.console.print(Padding(Group(*renderables), (0, 0, 0, 4)))

    def code(self, source: str) -> None:
        """Show Python."""
        syntax = Syntax(source, "python", theme="ansi_dark", background_color="default")
        self.console.print(Padding(syntax, (1, 0, 0, 2)))

    def verdict(self, step: Step) -> None:
        """Say whether a step held."""
        mark = "[green]✓" if step.held else "[bold red]✗"
        held = "" if step.held else " DID NOT HOLD"
        said = _PROMISES[step.guarantee]
        self.note(f"{mark} {step.guarantee}{held}[/] · {said}: {step.jackline}")


def table(steps: Sequence[Step]) -> Table:
    """Return the steps side by side: what the loop did, and what jackline did."""
    found = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    found.add_column("", no_wrap=True)
    found.add_column("what happens")
    found.add_column("naive loop", style="red")
    found.add_column("jackline")
    found.add_column("", no_wrap=True)
    for step in steps:
        mark = "[green]✓" if step.held else "[bold red]✗"
        found.add_row(step.guarantee, step.name, step.naive, step.jackline, mark)
    return found


def make_console(*, is_json: bool) -> Console:
    """Return the audience's console; nobody's, where JSON is wanted."""
    console = Console(highlight=False, quiet=is_json, emoji=False)
    console.width = min(console.width, _COLUMNS_MAX)
    return console
