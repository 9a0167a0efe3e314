"""What continues a conversation."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from jackline.core.budget import Terms
from jackline.core.events import Purpose, Usage
from jackline.core.messages import Message, ReplyPart
from jackline.core.value import Value


class ToolSpec(Value, frozen=True):
    """What a model is told of a tool. `parameters` is JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Request(Value, frozen=True, gc=True):
    """What the model gets to see, and how long it may take.

    `output` is the JSON schema that the answer has to match. Artifacts of images and files
    are fetched with `artifact`.
    """

    key: str
    instructions: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    max_tokens: int
    output: Mapping[str, Any] | None = None
    purpose: Purpose = "reply"
    first_event_s: float = 60.0
    timeout_s: float = 300.0
    artifact: Callable[[str], Awaitable[tuple[bytes, str]]] | None = None


class Reply(Value, frozen=True):
    """What the model made of it. `usage` None: the provider did not say.

    `cut`: its end is missing, because `max_tokens` were used up.
    """

    parts: tuple[ReplyPart, ...]
    usage: Usage | None
    model: str
    cut: bool = False


@runtime_checkable
class Closing(Protocol):
    """A model that holds connections or processes."""

    async def close(self) -> None:
        """Let them go. It is asked nothing any more."""
        ...


class Model(Protocol):
    """Something that continues a conversation."""

    @property
    def terms(self) -> Terms:
        """Its name, price, window and bounds. Raises `DefinitionError` where it has no price."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """Yield the text as it comes, then one `Reply`, or raise a `ModelError`.

        Closing the generator closes the connection.
        """
        ...
