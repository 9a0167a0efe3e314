"""Ids that say where in a journal something stands, so that no table of them is kept.

An id is no secret and gives no right. Whoever shows one is told of it only where the session is
their own, in their tenant, and what the id says of it is true.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from jackline.core.errors import NotFoundError
from jackline.core.events import InputProvided, InputRequested, SessionId, Submitted
from jackline.core.value import Value
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Service
from jackline.ports import SessionRow

RESPONSE, COMPLETION, QUESTION = "resp_", "chatcmpl-", "mcpr_"
_SPAN = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{1,18})\.(.{1,200})", re.ASCII | re.DOTALL)
_ASKED = re.compile(r"(\d{1,18})\.([0-9a-f]{1,128})\.(.{1,200})", re.ASCII | re.DOTALL)
_ID_MAX = 2_000


class Span(Value, frozen=True):
    """The part of a session's journal that one response is about.

    It begins at `first`, with what was said or answered, and ends with the turn, or where the
    turn next waits for a person after `last`: several answers may belong to one request.
    """

    session: str
    turn: int
    first: int
    last: int

    def named(self, prefix: str) -> str:
        """Return its id."""
        return _id(prefix, f"{self.turn}.{self.first}.{self.last}.{self.session}")

    def item(self, prefix: str, key: int | str) -> str:
        """Return the id of what has this position, or this key, in its session."""
        return _id(prefix, f"{key}.{self.session}")

    def question(self, number: int, asked: InputRequested) -> str:
        """Return the id of a question, which binds what is asked."""
        return _id(QUESTION, f"{number}.{asked.digest}.{self.session}")


class Question(Value, frozen=True):
    """What the id of a question says: an answer to it holds for the call of this digest."""

    session: str
    number: int
    digest: str


def question(said: str) -> Question:
    """Return what the id of a question says. Raises `NotFoundError` where it is none."""
    found = _ASKED.fullmatch(_said(QUESTION, said))
    if found is None:
        raise NotFoundError(f"There is no approval request {said[:60]!r}.")
    return Question(found[3], int(found[1]), found[2])


async def span(service: Service, caller: Caller, said: str) -> tuple[SessionRow, Span]:
    """Return what the id of a response names, and how its session stands.

    Raises `NotFoundError` unless the session is the caller's own and the id is true of it.
    """
    missing = NotFoundError(f"There is no response {said[:60]!r}.")
    found = _SPAN.fullmatch(_said(RESPONSE, said))
    if found is None:
        raise missing
    turn, first, last = (int(each) for each in found.groups()[:3])
    try:
        row = await service.sessions.row(SessionId(caller.user.tenant, found[4]), caller.user)
    except NotFoundError:
        raise missing from None
    for seq, kind in ((turn, Submitted), (first, _Begins), (last, _Begins)):
        records = await service.store.read(row.id, seq - 1, 1) if turn <= seq else []
        if not records or not isinstance(records[0].event, kind):
            raise missing
    return row, Span(found[4], turn, first, last)


_Begins = Submitted | InputProvided


def _id(prefix: str, said: str) -> str:
    return prefix + urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _said(prefix: str, name: str) -> str:
    """Return what an id says, or nothing that could be one."""
    body = name.removeprefix(prefix)
    if len(name) > _ID_MAX or body == name or not body.isascii():
        return ""
    try:
        return urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    except ValueError:
        return ""
