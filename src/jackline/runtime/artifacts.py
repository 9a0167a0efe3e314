"""The tool by which a model reads on in a result that was too large to be shown at once."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from jackline.core.errors import NotFoundError, ToolError
from jackline.core.events import SessionId
from jackline.core.results import boundary
from jackline.core.tools import Context, Tool, tool

PAGE_BYTES = 32_768
Get = Callable[[SessionId, str], Awaitable[tuple[bytes, str]]]


def read_result(get: Get) -> Tool:
    """Return the tool, for sessions that have artifacts. It reads those of its own session only."""
    from pydantic import Field  # noqa: PLC0415 - heavy, and loaded with the first tool

    async def read_result(
        ctx: Context[Any], handle: str, offset: Annotated[int, Field(ge=0)] = 0
    ) -> str:
        """Read on in a tool result of which only the first part was shown.

        Args:
            ctx: Whose session it is.
            handle: The handle that came with the first part.
            offset: How many bytes to leave out, as the part before said.
        """
        try:
            data, media_type = await get(ctx.session, handle)
        except NotFoundError:
            raise ToolError(f"There is no result {handle[:100]!r} in this session.") from None
        if not media_type.startswith("text/"):
            raise ToolError(f"{handle} is {media_type}, which cannot be read as text.")
        if offset and offset >= len(data):
            raise ToolError(f"The result ends at {len(data):,}; offset has to be below that.")
        start = boundary(data, offset)
        end = boundary(data, start + PAGE_BYTES)
        text = data[start:end].decode("utf-8", "replace")
        if end == len(data):
            return f"{text}\n[The end of {len(data):,} bytes.]"
        return f"{text}\n[Up to {end:,} of {len(data):,} bytes; offset={end} shows more.]"

    return tool(effect="read", breaker=None)(read_result)
