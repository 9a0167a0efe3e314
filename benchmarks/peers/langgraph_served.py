"""The graphs that `langgraph dev` serves: what `benchmarks.server.host` serves, as LangGraph's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from benchmarks.server.clients import THINKS_S, TOKENS

_AT_ONCE = 16


class Words(BaseChatModel):
    """Says as many pieces of five characters as it is told to, once it has thought."""

    pieces: int
    thinks_s: float

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, *_: Any, **__: Any) -> "Words":
        """Return itself: it calls none."""
        return self

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise TypeError("the work is async")

    async def _astream(
        self, _messages: Any, _stop: Any = None, run_manager: Any = None, **_: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.thinks_s:
            await asyncio.sleep(self.thinks_s)
        for at in range(self.pieces):
            if at % _AT_ONCE == 0:
                await asyncio.sleep(0)
            chunk = ChatGenerationChunk(message=AIMessageChunk(content="held "))
            if run_manager:
                await run_manager.on_llm_new_token("held ", chunk=chunk)
            yield chunk


words = create_agent(Words(pieces=TOKENS, thinks_s=THINKS_S), [])
thinks = create_agent(Words(pieces=1, thinks_s=THINKS_S), [])
trivial = create_agent(Words(pieces=1, thinks_s=0), [])
