"""`jackline approve`: answer what an agent asks of a person."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from jackline.cli.opened import looking
from jackline.cli.options import AppName, Exit, Json, Session, Where
from jackline.cli.references import load_app
from jackline.cli.show import console, exact, print_json, remark, span
from jackline.core.agent import Agent
from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import InputRequested, SessionId

_DIGEST = 12


def approve(  # noqa: PLR0913 - the options of a command
    where: Where,
    *,
    session: Session,
    question: Annotated[
        int,
        typer.Argument(metavar="QUESTION", show_default=False, help="Without: list what is asked."),
    ] = 0,
    every: Annotated[bool, typer.Option("--all", help="Answer all that is asked now.")] = False,
    no: Annotated[bool, typer.Option("--no", help="Decline.")] = False,
    edit: Annotated[str, typer.Option(metavar="JSON", help="Approve with other arguments.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What the agent is told.")] = "",
    app: AppName = "",
    as_json: Json = False,
) -> int:
    """Approve a call that an agent wants to make, or decline it; with --all each that waits.

    The answer holds for this call with these arguments, as the digest says, once. Those who
    opened the session may answer, and users with a role for it ("approver"). --edit needs the
    agent.
    """
    if no and edit:
        raise InputError("--no declines and --edit approves: give one of them.")
    if every and (question or edit):
        raise InputError("--all answers every question alike: name none, and edit none.")
    if (no or edit or reason) and not (question or every):
        raise InputError(f"Say which question: `jackline approve {session}` lists them.")
    settings = where.settings()
    agents = load_app(app or settings.app).agents if edit else ()
    if question or every:
        answer = _Answer(question, not no, edit or None, reason)
        return asyncio.run(_approve(where, session, answer, agents, as_json=as_json))
    return asyncio.run(_list(where, session, as_json=as_json))


class _Answer(msgspec.Struct, frozen=True):
    question: int  # 0: all of them.
    approved: bool
    arguments: str | None
    reason: str


async def _approve(
    where: Where, name: str, answer: _Answer, agents: Sequence[Agent], *, as_json: bool
) -> Exit:
    async with looking(where.settings(), agents) as look:
        session = look.id(name)
        waiting = (await look.sessions.state(session, look.user)).questions
        receipts = [
            await look.sessions.answer(
                session,
                question,
                look.user,
                approved=answer.approved,
                arguments=answer.arguments,
                reason=answer.reason,
            )
            for question in ([answer.question] if answer.question else waiting)
        ]
        left = (await look.sessions.state(session, look.user)).questions
    if not receipts:
        raise NotFoundError(f"Session {name} asks nothing.")
    if as_json:
        for receipt in receipts:
            told = {"seq": receipt.seq, "turn": receipt.turn, "repeated": receipt.repeated}
            print_json({**told, "open": left})
        return Exit.OK
    verb = "Approved" if answer.approved else "Declined"
    typer.echo(f"{verb}. {_next(name, left)}")
    return Exit.OK


def _next(name: str, left: Sequence[int]) -> str:
    if left:
        return f"It still asks: {', '.join(map(str, left))}."
    return f"Whoever drives the agent goes on; if nobody does: jackline resume {name}"


async def _list(where: Where, name: str, *, as_json: bool) -> Exit:
    async with looking(where.settings()) as look:
        session = look.id(name)
        questions = await look.sessions.questions(session, look.user)
    if as_json:
        for number, asked in questions.items():
            print_json({"question": number, **msgspec.to_builtins(asked)})
        return Exit.OK
    if not questions:
        typer.echo(f"Session {name} asks nothing.", err=True)
    _print(session, questions)
    return Exit.OK


def _print(session: SessionId, questions: Mapping[int, InputRequested]) -> None:
    out, now = console(), time.clock_gettime(time.CLOCK_REALTIME)
    for number, asked in questions.items():
        for text in described(asked, now):
            out.print(text)
        out.print(f"  jackline approve {session.name} {number}  (or --no, --edit JSON)\n")
    if len(questions) > 1:
        out.print(f"All at once: jackline approve {session.name} --all  (or --no)")


def described(asked: InputRequested, now: float) -> list[str]:
    """Return a question as lines: the call, where its arguments came from, what binds it."""
    lines = [exact(asked.text)]
    arguments = (
        msgspec.json.decode(asked.arguments, type=dict[str, msgspec.Raw]) if asked.arguments else {}
    )
    for name, value in arguments.items():
        said = bytes(value).decode()
        origin = f"  ← {exact(asked.origins[name])}" if name in asked.origins else ""
        note = remark(said) or remark(asked.origins.get(name, ""))
        odd = f"  ({note})" if note else ""
        lines.append(f"  {exact(name)} = {exact(said)}{odd}{origin}")
    digest = f"digest {asked.digest[:_DIGEST]} · " if asked.digest else ""
    return [*lines, f"  {digest}expires in {span(asked.expires_at - now)}"]
