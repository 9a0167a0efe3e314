"""Which session a request is about, and what is said or answered there."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Header

from jackline.core.access import Right
from jackline.core.errors import BusyError, InputError, NotFoundError
from jackline.core.events import SessionId
from jackline.core.inputs import Given
from jackline.core.messages import Message
from jackline.interfaces.answering import Answer, check_answer, give_answer
from jackline.interfaces.identity import Caller
from jackline.interfaces.openai.ids import Span
from jackline.interfaces.openai.refusals import UnknownModelError
from jackline.interfaces.service import Service
from jackline.ports import SessionRow
from jackline.runtime.inputs import checked_name, short
from jackline.runtime.submission import Submission

SESSION = "X-Jackline-Session"
SessionName = Annotated[
    str,
    Header(alias=SESSION, max_length=2_000, description="A session, percent-encoded."),
]


class Talk:
    """One request of a caller to an agent, in a session: `request_id` makes it one."""

    def __init__(self, service: Service, caller: Caller, agent: str, request_id: str) -> None:
        self.service = service
        self.caller = caller
        self._agent = agent
        self.request_id = short(request_id)
        if agent not in service.agents:
            served = ", ".join(sorted(service.agents))
            raise UnknownModelError(f"There is no agent {agent[:60]!r}. There are: {served}.")

    async def row(self, name: str, right: Right | None = None) -> SessionRow:
        """Return how a session stands that is the caller's, or that they have a right in.

        Raises `InputError` for another agent's.
        """
        session = SessionId(self.caller.user.tenant, checked_name(name))
        row = await self.service.sessions.row(session, self.caller.user, right)
        if row.agent != self._agent:
            raise InputError(f"Session {name!r} is one with {row.agent!r}: give that as the model.")
        return row

    async def known(self, name: str) -> SessionRow | None:
        """Return the same, or None where there is no such session yet."""
        try:
            return await self.row(name)
        except NotFoundError:
            return None

    async def say(
        self, said: Sequence[Given], name: str = "", history: Sequence[Message] = ()
    ) -> Span:
        """Say something, in the session of this name or in a new one, and return what it began.

        A new one begins with `history`. Raises `BusyError` where a turn is open there.
        """
        sessions, user = self.service.sessions, self.caller.user
        submission = Submission(said, self.request_id, "reject")
        name = name or self._new_name()
        if history:
            name = (await sessions.open(self._agent, user, name, history)).name
        session, receipt = await sessions.begin(self._agent, user, submission, name)
        turn = receipt.turn or receipt.seq
        return Span(session.name, turn, turn, turn)

    async def answer(self, name: str, answers: Sequence[Answer]) -> Span:
        """Give answers and return what they began: none, where one cannot be given as it stands.

        Raises what `give_answer` raises, and `InputError` for two answers to one question.
        """
        session = SessionId(self.caller.user.tenant, name)
        given = list(dict.fromkeys(answers))
        if len({each.question for each in given}) < len(given):
            raise InputError("A question has one answer here: give it the one that is to hold.")
        asked = [await check_answer(self.service, self.caller, session, each) for each in given]
        open_now = (await self.row(name, "answer")).questions
        # What waits no longer changes nothing, be it repeated or refused: it comes first.
        given.sort(key=lambda each: (each.question in open_now, each.question))
        places = [
            (await give_answer(self.service, self.caller, session, each)).seq for each in given
        ]
        return Span(name, int(asked[0].key.split("/")[1]), min(places), max(places))

    def _new_name(self) -> str:
        """Return the name of a new session: a request that is repeated has to find it again."""
        if not self.request_id:
            return ""
        told = f"{self.caller.user.id}/{self._agent}/{self.request_id}"
        return f"openai-{sha256(told.encode('utf-8', 'replace')).hexdigest()[:32]}"


def checked_free(row: SessionRow) -> None:
    """Raise `BusyError` where the session waits for a person, and so for no new message."""
    if row.questions:
        raise BusyError(
            f"Session {row.id.name!r} waits for an answer to what it has asked: give it first, "
            "or end the turn with POST /v1/sessions/{session}/cancel."
        )


def name_of(header: str) -> str:
    """Return the session that a header names."""
    return unquote(header, errors="replace")


def header_of(name: str) -> dict[str, str]:
    """Return the header that names a session."""
    return {SESSION: quote(name, safe="")}
