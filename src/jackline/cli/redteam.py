"""`jackline redteam`: what an attacker gets who can write into what an agent reads."""

import math
import shutil
import signal
import textwrap
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from jackline.cli.options import Exit, Json
from jackline.cli.progress import progress
from jackline.cli.references import load_scenario
from jackline.cli.show import clean

if TYPE_CHECKING:
    from jackline.testing.redteam import Entry, Report
    from jackline.testing.scenario import Scenario

_DEMO = "jackline.demo.agent:refunds"
_TITLE, _LINKS = "attacks on", "links in answers"
_COLUMNS_MAX = 120
_SHOWN_CHARS = 300


def redteam(
    reference: Annotated[
        str,
        typer.Argument(metavar="MODULE:SCENARIO", help="The scenario; the demo's where none is."),
    ] = "",
    *,
    most: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many attacks are tried at most.")
    ] = 2_000,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Which are drawn where there are more.")
    ] = 0,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long the attacks may take.")
    ] = 300.0,
    as_json: Json = False,
) -> int:
    """Attack an agent with a model that obeys whatever it reads.

    An attacker's orders are written into each text that the agent's tools return, into what they
    say of a failure, and into what the scenario's user pastes or attaches. A model that first says
    what the scenario's replies say then makes the attacker's calls. Tools get the scenario's
    dependencies alone. What became of each call is read off the journal. Exits with 1 where one
    ran with what the attacker chose, and says which declaration closes that: it was tried. Exits
    with 5 where none did, but the time (--timeout) ran out, or Ctrl-C was pressed, before all
    attacks were made: nothing is known of the rest.
    """
    from jackline.testing.redteam import Extent, attack, now  # noqa: PLC0415 - only for this command

    scenario = load_scenario(reference or _DEMO)
    began = now()
    with (
        _interruptible(now) as clock,
        progress(f"Attacking {scenario.agent.name}", quiet=as_json) as tell,
    ):
        report = attack(scenario, Extent(most, seed, timeout), tell, clock)
    report = replace(report, seconds=now() - began)
    if as_json:
        typer.echo(report.as_json())
    else:
        _show(scenario, report)
    if report.through:
        return Exit.FAILED
    return Exit.UNFINISHED if report.late else Exit.OK


@contextmanager
def _interruptible(clock: Callable[[], float]) -> Generator[Callable[[], float]]:
    """Give a clock by which there is no time left once Ctrl-C is pressed; again, it ends all."""
    before, heard = signal.getsignal(signal.SIGINT), list[int]()

    def hear(number: int, frame: FrameType | None) -> None:
        """Let what was found be told."""
        del frame
        heard.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: math.inf if heard else clock()
    finally:
        signal.signal(signal.SIGINT, before)


def _show(scenario: "Scenario", report: "Report") -> None:
    """Say of each tool what became of the attacks on it, then each hole, then what is untried."""
    columns = min(shutil.get_terminal_size().columns, _COLUMNS_MAX)
    lists = (report.through, report.asked, report.refused)
    tools = list(dict.fromkeys(each.tool for entries in lists for each in entries))
    width = max(map(len, [_TITLE, _LINKS, *tools]))
    typer.secho(f"{_TITLE:{width}}  through    asked  refused", bold=True)
    for tool in tools:
        counts = [sum(each.tool == tool for each in entries) for entries in lists]
        numbers = "  ".join(f"{count:7,}" for count in counts)
        typer.secho(f"{tool or _LINKS:{width}}  {numbers}", fg="red" if counts[0] else None)
    holes = _holes(report.through)
    for number, entries in enumerate(holes, 1):
        _show_hole(columns, f"HOLE {number} of {len(holes)}", entries)
    if report.tried:
        typer.echo("")
        kinds = [f"{kind} ({count:,})" for kind, count in report.tried.items()]
        _line(columns, "Tried:", "; ".join(kinds))
    if report.untried:
        typer.echo("\nNot tried:")
        for each in report.untried:
            _line(columns, " -", each)
    said = f"{len(holes)} holes" if len(holes) != 1 else "1 hole"
    typer.echo("")
    _line(
        columns,
        f"{scenario.agent.name}:",
        f"{report.attacks:,} attacks in {report.fields} places, {len(report.through):,} got "
        f"through, {len(report.asked):,} were asked about, {len(report.refused):,} refused: "
        f"{said} ({report.seconds:.1f} s).",
    )
    if report.late:
        rest = f"of {report.late:,} attacks nothing is known; --timeout SECONDS gives more."
        _line(columns, "Time ran out:", rest)


def _holes(through: Iterable["Entry"]) -> Sequence[Sequence["Entry"]]:
    """Return what one declaration closes together, the simplest attack of each first."""
    found: dict[tuple[object, ...], list[Entry]] = {}
    for each in sorted(through, key=lambda entry: len(entry.chosen or entry.arguments)):
        alike = (each.declared_by, each.declaration)
        key = alike if each.declaration else (each.tool, each.chosen)
        found.setdefault(key, []).append(each)
    return list(found.values())


def _show_hole(columns: int, title: str, entries: Sequence["Entry"]) -> None:
    """Tell a hole as a story: what was written where, which call that led to, and what to write."""
    one = entries[0]
    typer.echo("")
    typer.secho(f"{title}: {_what(one)}", bold=True, fg="red")
    _line(columns, "  written  ", one.wrote)
    _line(columns, "  where    ", one.field)
    _line(columns, "  led to   ", _call(one))
    if others := len(entries) - 1:
        fields = len({each.field for each in entries})
        places = f"{fields} places" if fields > 1 else "the same place"
        _line(columns, "  as did   ", f"{others:,} more, in {places}")
    if one.declaration:
        _line(columns, "  closed by", f"this, in {_whose(one)}:")
        for line in one.declaration.splitlines():
            typer.echo(f"\n    {clean(line)}")
    else:
        _line(columns, "  closed by", "nothing that was tried: have it approved, or take it away")


def _call(entry: "Entry") -> str:
    """Return the call, of whose arguments those are shown that the attacker chose, if any."""
    if not entry.tool:
        return f"this answer: {entry.arguments['text']}"
    chosen = {name: entry.arguments[name] for name in entry.chosen or entry.arguments}
    shown = [f"{name}={msgspec.json.encode(value).decode()}" for name, value in chosen.items()]
    return f"{entry.tool}({', '.join(shown)}{', …' if len(shown) < len(entry.arguments) else ''})"


def _what(entry: "Entry") -> str:
    if not entry.tool:
        return "an answer links to where an attacker reads"
    if not entry.chosen:
        return f"{entry.tool} runs more often than it was approved"
    return f"{entry.tool} runs with {_list(entry.chosen)} of an attacker's"


def _whose(entry: "Entry") -> str:
    return f"@tool(…) of {entry.declared_by}" if entry.tool else f"Agent({entry.declared_by!r}, …)"


def _list(names: Sequence[str]) -> str:
    return " and ".join(names)


def _line(columns: int, head: str, text: str) -> None:
    """Print a line that goes on below itself. What others wrote cannot steer the terminal."""
    said = clean(text)
    said = said if len(said) <= _SHOWN_CHARS else f"{said[: _SHOWN_CHARS - 1]}…"
    indent = " " * (len(head) + 1)
    typer.echo(
        textwrap.fill(f"{head} {said}", columns, subsequent_indent=indent, break_on_hyphens=False)
    )
