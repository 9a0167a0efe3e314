"""What the judge of the crash test finds, where a journal and a log are given to it."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from jackline import Agent, Budget, Runtime, Submission, ToolCall, tool
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core import codec
from jackline.core import events as e
from jackline.testing import Say, Scenario, ScriptedModel, scenario
from jackline.testing.crashtest.judge import Verdict, judge
from jackline.testing.crashtest.log import Entry
from jackline.testing.crashtest.visitor import SESSION
from jackline.testing.scenario import SCRIPTED


@tool(effect="once")
def pay(cents: int) -> str:
    """Pay."""
    return f"paid {cents}"


@tool(effect="read")
def look() -> str:
    """Look."""
    return "There is one."


CALLS = [ToolCall("look", "{}"), ToolCall("pay", '{"cents": 5}')]
MODEL = ScriptedModel([CALLS, "Paid."], terms=SCRIPTED)
LOOK, PAY = "turn/2/model/0/tool/0", "turn/2/model/0/tool/1"
SOUND = [
    Entry(1, "acknowledged", "input 0"),
    Entry(1, "asked", "turn/2/model/0"),
    Entry(1, "call", LOOK, "before"),
    Entry(1, "call", PAY, "before"),
    Entry(1, "commit", "drive", "after", keys=(LOOK, PAY)),
    Entry(1, "asked", "turn/2/model/1"),
]


def sold(budget: str = "0.50") -> Scenario:
    agent = Agent("clerk", MODEL, tools=[look, pay], budget=Budget(usd=budget))
    return scenario(agent=agent, input=Say("Sell."))(lambda: None)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a sale in which nothing went wrong."""
    path, made = tmp_path_factory.mktemp("judge") / "journal.db", sold()

    async def run() -> None:
        async with Runtime([made.agent], store=f"sqlite:///{path}") as runtime:
            session = await runtime.sessions.open("clerk", made.user, SESSION)
            said = Submission("Sell.", "input 0")
            receipt = await runtime.sessions.submit(session, made.user, said)
            await runtime.result(session, receipt.seq, made.user)

    asyncio.run(run())
    return path


def judged(journal: Path, told: Sequence[Entry], budget: str = "0.50", ended: str = "") -> Verdict:
    return judge(sold(budget), lambda: open_sqlite(journal), told, ended)


def found(verdict: Verdict) -> list[str]:
    return [f"{breach.guarantee} {breach.text}" for breach in verdict.breaches]


def test_a_sound_run_has_no_breaches_and_costs_nothing(journal: Path) -> None:
    assert judged(journal, SOUND) == Verdict()


def test_what_ran_again_is_said_and_is_no_breach_where_it_may(journal: Path) -> None:
    again = [*SOUND[:3], Entry(2, "call", LOOK, "before"), *SOUND[3:]]
    assert judged(journal, again) == Verdict(rerun=("look",))


@pytest.mark.parametrize(
    ("told", "breach"),
    [
        (Entry(1, "acknowledged", "input 1"), "G1 input 1 was acknowledged, and is not in the"),
        (Entry(2, "call", PAY, "before"), "G2 pay must run once, and was invoked 2 times"),
        (Entry(2, "call", LOOK, "before"), "G2 look was invoked again after its return"),
        (Entry(1, "call", "turn/2/model/9/tool/0", "before"), "G2 turn/2/model/9/tool/0 was"),
        (Entry(1, "error", "check", text="sold twice"), "G2 sold twice"),
        (Entry(2, "asked", "turn/2/model/1"), "G3 a model was asked 2 times for one"),
        (Entry(1, "asked", "turn/2/model/9"), "G3 a model was asked without a reservation"),
        (Entry(1, "asked", "turn/2/model/1", text="no result"), "G9 no provider would take"),
        (Entry(1, "commit", "drive", "after", epoch=-1, at=1e12), "G9 process 1 was not fenced"),
    ],
)
def test_a_breach_is_found_in_the_log(journal: Path, told: Entry, breach: str) -> None:
    assert any(each.startswith(breach) for each in found(judged(journal, [*SOUND, told])))


def test_an_end_that_never_came_is_a_breach(journal: Path) -> None:
    verdict = judged(journal, SOUND, ended="not at rest after 20 s")
    assert found(verdict) == ["G1 not at rest after 20 s"]


def test_where_there_is_no_session_what_the_process_said_is_kept(tmp_path: Path) -> None:
    told = [Entry(1, "error", text="InputError: no replies")]
    breaches = found(judged(tmp_path / "journal.db", told, ended="ended with 1"))
    assert breaches == ["G1 there is no session: ended with 1 (InputError: no replies)"]
    assert found(judged(tmp_path / "journal.db", [])) == ["G1 there is no session: it was lost"]


def test_money_above_a_limit_is_found_at_every_prefix(journal: Path) -> None:
    breaches = found(judged(journal, SOUND, budget="0.000001"))
    assert breaches[0].startswith("G3 after event 4 the turn has $")
    assert len(breaches) > 3


def without_its_end(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")


def with_money_that_was_never_spent(database: sqlite3.Connection) -> None:
    database.execute("UPDATE session SET spent = spent + 1")


def taken_before_its_payment_returned(database: sqlite3.Connection) -> None:
    """Put another driver between the start of the payment and its return."""
    returned = "SELECT min(seq) FROM event WHERE CAST(body AS TEXT) LIKE '%tool.returned%'"
    [(seq,)] = database.execute(returned)
    database.execute("UPDATE event SET seq = -seq - 1 WHERE seq >= ?", (seq,))
    database.execute("UPDATE event SET seq = -seq WHERE seq < 0")
    insert = (
        "INSERT INTO event (session, seq, at, body) SELECT session, ?, at, ? FROM event LIMIT 1"
    )
    database.execute(insert, (seq, codec.encode(e.SessionTaken(9, "another"))))


@pytest.mark.parametrize(
    ("tamper", "breaches"),
    [
        (without_its_end, ["G1 turn 2 ended 0 times", "G9 no turn ended"]),
        (with_money_that_was_never_spent, ["G3 the session's row has"]),
        (taken_before_its_payment_returned, ["G2 the end of pay was lost, and guessed"]),
    ],
)
def test_a_breach_is_found_in_the_journal(
    journal: Path,
    tamper: Callable[[sqlite3.Connection], None],
    breaches: Sequence[str],
    tmp_path: Path,
) -> None:
    copy = tmp_path / "journal.db"
    with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        tamper(target)
        target.commit()
    seen = found(judged(copy, SOUND))
    for breach in breaches:
        assert any(each.startswith(breach) for each in seen), seen


def test_a_journal_that_was_lost_is_a_breach(tmp_path: Path) -> None:
    [breach] = found(judged(tmp_path / "journal.db", SOUND))
    assert breach == "G1 there is no session: it was lost"
