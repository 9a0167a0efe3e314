"""Fetches texts that the acting model has not read: for its tools, or for an extraction."""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from jackline.core import extracting
from jackline.core.agent import Agent
from jackline.core.errors import NotFoundError, StoreError
from jackline.core.events import (
    Event,
    InputRequested,
    Principal,
    SessionId,
    ToolReturned,
    ToolStarted,
)
from jackline.core.flow import Handle
from jackline.core.permit.verdict import Rights
from jackline.core.permit.verdict import judge as permit
from jackline.core.quarantine import HandleError, at, handles_of, unread, with_texts
from jackline.core.session import Call, Session, Turn
from jackline.core.tools import ArgumentsError
from jackline.core.value import replace
from jackline.ports import Store
from jackline.runtime.models import Asked, Models

_SHOWN_CHARS = 500
_SHOWN_MAX = 32
_PAGE = 64
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)


class Quarantine:
    """The texts of a drive's session that its agent's model has not read."""

    def __init__(self, store: Store, agent: Agent, permitted: Callable[[Turn], Agent]) -> None:
        self._store = store
        self._permitted = permitted
        self._is_used = any(tool.quarantined for tool in agent.tools)

    async def extract(self, asked: Asked, models: Models) -> Sequence[Event]:
        """Ask about a text, and return the value as the result of the call that asked for it."""
        reserved, turn = asked.reserved, asked.session.turn
        assert turn is not None, "a text is asked about in a turn"
        assert turn.round is not None, "a text is asked about in a round"
        posed = extracting.posed(turn.round.calls[extracting.call_of(reserved.key)].arguments)
        assert not isinstance(posed, str), "what asks nothing is not reserved for"
        handle, extraction = posed
        try:
            text = await self._text(asked.session.id, handle)
        except HandleError as error:
            return extracting.failed(reserved, str(error), "handle")
        put = extracting.question(extraction, text)
        events = await models.ask(replace(asked, posed=put, schema=extraction.schema))
        return extracting.heard(reserved, events, (extraction, put))

    async def opened(self, session: Session, call: Call) -> Call:
        """Return the call with texts in place of its handles.

        Raises `HandleError`, also where it may not be made with these texts: what checks and
        allows a call by its arguments has seen handles. No word of a text is in what that says.
        """
        if not self._is_used:
            return call
        try:
            said: object = msgspec.json.decode(call.arguments)
            handles = handles_of(said)
            if not handles:
                return call
            texts = {each: await self._text(session.id, each) for each in set(handles)}
            whole = replace(call, arguments=with_texts(said, texts))
        except RecursionError:
            raise HandleError("The arguments are nested too deeply.") from None
        assert session.turn is not None, "a call is one of a turn"
        _check(call, whole, self._permitted(session.turn), session.turn.submitted.principal)
        return whole

    async def shown(self, session: SessionId, events: Sequence[Event]) -> list[Event]:
        """Return events in which each question says what stands behind handles, and whose it is.

        Only people read that: of a question no model is told.
        """
        if not self._is_used:
            return list(events)
        return [
            await self._shown(session, each) if isinstance(each, InputRequested) else each
            for each in events
        ]

    async def _shown(self, session: SessionId, asked: InputRequested) -> InputRequested:
        arguments: dict[str, object] = msgspec.json.decode(asked.arguments or b"{}")
        texts: dict[Handle, str] = {}
        origins = dict(asked.origins)
        for name, value in arguments.items():
            told = [origins[name]] if name in origins else []
            for each in dict.fromkeys(handles_of(value)):
                if each not in texts and len(texts) == _SHOWN_MAX:
                    told.append("and more texts, which are not shown")
                    break
                texts[each] = texts.get(each) or await self._told(session, each)
                told.append(texts[each])
            if told:
                origins[name] = "; ".join(told)
        return replace(asked, origins=origins) if texts else asked

    async def _told(self, session: SessionId, handle: Handle) -> str:
        """Return in words what a handle names: nothing that somebody wrote ends its quotes."""
        try:
            text = await self._text(session, handle)
            tool = await self._tool(session, handle.source)
        except (HandleError, StoreError):
            return f"{_quoted(str(handle))} cannot be read now"
        size = len(text)
        cut = f", the first {_SHOWN_CHARS} of {size:,} characters" if size > _SHOWN_CHARS else ""
        path = handle.path if _PLAIN.fullmatch(handle.path) else _quoted(handle.path)
        field = f", {path}" if handle.path else ""
        said = _quoted(text[:_SHOWN_CHARS])
        return f"{_quoted(str(handle))} says {said}{cut} ({tool}{field})"

    async def _tool(self, session: SessionId, source: int) -> str:
        """Return the tool whose result stands at a position."""
        key, until = "", source
        while until:
            after = max(0, until - _PAGE)
            for record in reversed(await self._store.read(session, after, until - after)):
                match record.event:
                    case ToolReturned() if record.seq == source:
                        key = record.event.key
                    case ToolStarted() if record.event.key == key:
                        return record.event.name
                    case _:
                        pass
            until = after
        raise HandleError(f"Nobody knows whose result stands at {source}.")

    async def _text(self, session: SessionId, handle: Handle) -> str:
        try:
            records = await self._store.read(session, max(0, handle.source - 1), 1)
            here = [each.event for each in records if each.seq == handle.source]
            found = unread(handle, here[0] if here else None)
            if not found.artifact:
                return at(handle, found.text)
            data, _ = await self._store.get(session, found.artifact)
        except NotFoundError:
            raise HandleError(f"The text {handle} is not kept any more.") from None
        except StoreError as error:
            raise HandleError(f"The text {handle} cannot be had at this moment.") from error
        return at(handle, data.decode("utf-8", "replace"))


def _check(asked: Call, call: Call, agent: Agent, principal: Principal) -> None:
    """Check a call with texts in place of the handles that it was asked for with."""
    name = call.asked.name
    tool, is_approved = agent.by_name[name], bool(call.answer and call.answer.approved)
    try:
        tool.bind(call.arguments)
    except ArgumentsError:
        raise HandleError(
            f"what stands in the text does not fit what {name} takes. Call it otherwise, or ask "
            "the user."
        ) from None
    ruling = permit(Rights(agent.by_name, principal, agent.bounds), name, call.arguments)
    # A text is the argument of a read that says where to look, as much as a word would be.
    before: Mapping[str, object] = msgspec.json.decode(asked.arguments)
    after: Mapping[str, object] = msgspec.json.decode(call.arguments)
    filled = {each: value for each, value in after.items() if value != before.get(each)}
    is_led = not is_approved and bool(tool.flow.aims(filled))
    if is_led or ruling.decision == "refuse":
        raise HandleError(
            f"{name} is not allowed with what stands in the text. Call it otherwise, or ask the "
            "user."
        )
    if ruling.decision == "ask" and not is_approved:
        raise HandleError(f"{ruling.text}, for what stands in the text.")


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
