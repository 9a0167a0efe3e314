"""An agent of which each request to the model and each call of a tool is a moment."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from types import FrameType
from typing import Any, Literal

from jackline.core.agent import Agent
from jackline.core.budget import Terms
from jackline.core.events import Usage
from jackline.core.guards import Guard
from jackline.core.judging import Judge
from jackline.core.messages import Message, Text
from jackline.core.tools import Tool
from jackline.ports import Model, Reply, Request
from jackline.testing.crashtest.moments import Moments
from jackline.testing.model import validate

PROBE = "Are you still there?"
_CALL: ContextVar[str] = ContextVar("call")


def watched(agent: Agent, models: Sequence[Model], moments: Moments) -> Agent:
    """Return the agent with these models and its own tools, all of them watched."""
    watched_models = [WatchedModel(model, moments) for model in models]
    tools = [_tool(tool, moments) for tool in agent.tools]
    guards = [_judge(guard, watched_models) for guard in agent.guards]
    return replace(agent, model=watched_models, tools=tools, guards=guards)


def _judge(guard: Guard, models: Sequence[Model]) -> Guard:
    """Return a judge that asks what answers in the test, and any other guard as it is."""
    if not isinstance(guard, Judge):
        return guard
    return Judge(models[0], typed=guard.typed, timeout_s=guard.timeout_s)


def witness(moments: Moments) -> Callable[[str, Literal["before", "after"]], None]:
    """Return a witness that also lets the function that comes next know its call."""

    def notice(key: str, moment: Literal["before", "after"]) -> None:
        _CALL.set(key)
        moments.witness(key, moment)

    return notice


class WatchedModel:
    """See `Model`. The user's last question, whether anybody is there, it answers by itself."""

    def __init__(self, model: Model, moments: Moments) -> None:
        self._model = model
        self._moments = moments

    @property
    def terms(self) -> Terms:
        """See `Model.terms`."""
        return self._model.terms

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """See `Model.stream`."""
        messages = request.messages
        self._moments.note("asked", request.key, "during", validate(messages))
        last = max((n for n, said in enumerate(messages) if said.role == "user"), default=-1)
        if last >= 0 and messages[last].text == PROBE:
            yield Reply((Text(_last_answer(messages[:last])),), Usage(1, 1), self.terms.model)
            return
        async with aclosing(self._model.stream(request)) as parts:
            async for part in parts:
                yield part


def _last_answer(messages: Sequence[Message]) -> str:
    """Return what the agent said last: of whatever type its answers are, this is one."""
    for said in reversed(messages):
        if said.role == "assistant" and said.text:
            return said.text
    return "Yes."


def _tool(tool: Tool, moments: Moments) -> Tool:
    function = _coroutine(tool, moments) if tool.is_async else _blocking(tool, moments)
    return replace(tool, function=function)


def _coroutine(tool: Tool, moments: Moments) -> Callable[..., Any]:
    """Its moment is when it first waits for something, or before it returns."""

    @wraps(tool.function)
    async def function(*args: object, **kwargs: object) -> object:
        key, noticed = _CALL.get(), list[bool]()

        def notice() -> None:
            if not noticed:
                noticed.append(True)
                moments.note("call", key, "during")

        waits = asyncio.get_running_loop().call_soon(notice)
        try:
            return await tool.function(*args, **kwargs)
        finally:
            waits.cancel()
            notice()

    return function


def _blocking(tool: Tool, moments: Moments) -> Callable[..., Any]:
    """Its moment is after its first line, or before it returns."""
    code = getattr(tool.function, "__code__", None)

    @wraps(tool.function)
    def function(*args: object, **kwargs: object) -> object:
        key, lines = _CALL.get(), list[int]()

        def trace(frame: FrameType, event: str, _: object) -> Any:  # as sys.settrace has it
            if frame.f_code is not code:
                return None
            lines.append(frame.f_lineno)
            # The first event is the call, the second the first line before it has run.
            if len(lines) == _SECOND_LINE or (event == "return" and len(lines) < _SECOND_LINE):
                moments.note("call", key, "during")
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return tool.function(*args, **kwargs)
        finally:
            sys.settrace(before)

    return function


_SECOND_LINE = 3
