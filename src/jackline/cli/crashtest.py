"""`jackline crashtest`: whether an agent survives being killed, anywhere."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jackline.cli.options import Exit, Json
from jackline.cli.progress import progress
from jackline.cli.references import load_scenario
from jackline.core.errors import InputError

if TYPE_CHECKING:
    from jackline.testing.crashtest import Report
    from jackline.testing.crashtest.judge import Verdict
    from jackline.testing.crashtest.run import Ground
    from jackline.testing.scenario import Scenario

_DEMO = "jackline.demo.agent:refunds"


def crashtest(  # noqa: PLR0913 - one for each option
    reference: Annotated[
        str,
        typer.Argument(metavar="MODULE:SCENARIO", help="The scenario; the demo's where none is."),
    ] = "",
    *,
    store: Annotated[
        str, typer.Option(metavar="URL", help="A Postgres server, for runs with two workers.")
    ] = "",
    jobs: Annotated[
        int, typer.Option(min=0, metavar="N", help="Runs at a time. 0: as many as fit the cores.")
    ] = 0,
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="Runs with a second death, or by the clock.")
    ] = 32,
    at: Annotated[
        str, typer.Option(metavar="TEXT", help="Only boundaries with this in their names.")
    ] = "",
    seed: Annotated[int, typer.Option(metavar="N", help="Which of these are drawn.")] = 0,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long a process may take.")
    ] = 20.0,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="List what each death cost, breach or not.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Kill an agent at every commit and inside every tool call, resume it, and judge.

    Each run is on a fresh database in processes of its own, killed with SIGKILL; on Postgres also
    stopped, and let go on when another worker has taken over. The databases are made beside the
    one that is named, and dropped. Model replies are replayed, and tools get the scenario's
    dependencies. Exits with 1 where a guarantee did not hold: G1 accepted means done, G2 no side
    effect twice, G3 budgets are hard, G9 histories stay valid.
    """
    from jackline.testing.crashtest import Extent, certify  # noqa: PLC0415 - only for this command

    scenario = load_scenario(reference or _DEMO)
    ground = _ground(store)
    jobs = jobs or ground.jobs_a_core * (os.cpu_count() or 1)
    extent = Extent(jobs, sample - sample // 4, sample // 4, seed, timeout, at)
    with progress(f"Killing {scenario.agent.name}", quiet=as_json) as tell:
        report = certify(scenario, extent, tell, ground)
    if as_json:
        typer.echo(report.as_json())
    else:
        _show(scenario, report, verbose=verbose)
    return Exit.FAILED if report.breaches else Exit.OK


def _ground(store: str) -> "Ground":
    """Return where the runs are made."""
    from jackline.adapters.urls import is_postgres, without_secrets  # noqa: PLC0415 - only for this command

    if not store:
        from jackline.testing.crashtest.alone import Alone  # noqa: PLC0415 - as above

        return Alone()
    if not is_postgres(store):
        raise InputError(
            f"{without_secrets(store)!r} is no Postgres server: write postgresql://user@host/db, "
            "or nothing to have the runs on SQLite, in files of their own."
        )
    from jackline.opening import on_postgres  # noqa: PLC0415 - as above

    with on_postgres():
        from jackline.testing.crashtest.pair import Pair  # noqa: PLC0415 - as above
    return Pair(store)


def _show(scenario: "Scenario", report: "Report", *, verbose: bool) -> None:
    """Say what was broken, and where anything was, or where it is wanted, what each death cost."""
    if verbose or report.breaches:
        _show_costs(report)
    elif cost := sum(bool(_costs(outcome.verdict)) for outcome in report.outcomes):
        typer.echo(f"{cost} deaths cost something, as they may: --verbose lists them.")
    for found in report.breaches:
        typer.echo(f"BREACH of {found.guarantee}: {found.boundary}\n    {found.text}")
    for label in report.missed:
        typer.echo(f"{label}\n    was not reached: things went another way")
    count = len(report.breaches)
    said = f"{count} breaches" if count != 1 else "1 breach"
    typer.echo(
        f"{scenario.agent.name}: {len(report.boundaries)} boundaries, {len(report.outcomes)} runs, "
        f"{said}; {report.rerun} calls ran again, {report.unknown} are flagged unknown"
        f"{f', {report.fenced} writes were fenced' if report.fenced else ''} "
        f"({report.seconds:.1f} s)."
    )
    if report.kept:
        typer.echo(f"The journals and logs of the runs with breaches are in {report.kept}.")


def _show_costs(report: "Report") -> None:
    for outcome in report.outcomes:
        if costs := _costs(outcome.verdict):
            typer.echo(f"{outcome.plan.label}\n    {'; '.join(costs)}")


def _costs(verdict: "Verdict") -> list[str]:
    """Return what a death cost."""
    return [
        f"{what} {_counted(names)}"
        for what, names in (
            ("ran again:", verdict.rerun),
            ("unknown:", verdict.unknown),
            ("lost:", verdict.lost),
        )
        if names
    ]


def _counted(names: Sequence[str]) -> str:
    """Return names with how often they occur: `reserve, find_order x 2`."""
    counted = Counter(names).items()
    return ", ".join(name if times == 1 else f"{name} x {times}" for name, times in counted)
