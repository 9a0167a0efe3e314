"""Models of providers, through pydantic-ai: beside what it imports, the one place that knows it."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydantic_ai import models
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from jackline.adapters.models.failures import CAUGHT, GARBLED, explain
from jackline.adapters.models.translation import OUTPUT_TOOL, to_ours, to_theirs
from jackline.adapters.prices import Pricing, is_loopback, terms_of
from jackline.core.budget import Terms
from jackline.core.errors import (
    AccessError,
    ConnectionFailedError,
    ContentRefusedError,
    DefinitionError,
    ModelError,
)
from jackline.ports import Reply, Request

# Histories are ours to keep and to erase: the provider is asked to store none.
_UNSTORED = {
    name: {"openai_store": False} for name in ("openai", "openai-responses", "azure-responses")
}
# Where caching has to be asked for: an agent sends the same beginning again and again.
_CACHED = {"anthropic": {"cache": True}, "bedrock": {"cache": True}}
_KEY_NAME = re.compile(r"\b[A-Z0-9_]*API_KEY\b")
_DONE_BY_US = frozenset(
    {"max_tokens", "max_retries", "timeout", "request_timeout", "first_event_timeout"}
)


@dataclass(frozen=True, slots=True)
class Access:
    """Where a provider is, and how to be let in. None: as its SDK reads the environment."""

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


class HostedModel:
    """A provider's model, by its name: `provider:model`.

    It asks once: the SDK's own retries are off, for they would pass by journal and budget.
    """

    def __init__(
        self,
        name: str,
        access: Access | None = None,
        pricing: Pricing | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._access = access or Access()
        self._pricing = pricing or Pricing()
        self._provider, _, self._model = name.partition(":")
        self._settings = {
            **_UNSTORED.get(self._provider, {}),
            **_CACHED.get(self._provider, {}),
            **_checked(name, settings or {}),
        }
        # A connection belongs to the event loop that opened it.
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, models.Model[Any]] = (
            WeakKeyDictionary()
        )
        self._class = _provider_class(name)

    def __repr__(self) -> str:
        return f"HostedModel({self.name!r})"

    @property
    def terms(self) -> Terms:
        """See `Model.terms`."""
        return self._terms

    @cached_property
    def _terms(self) -> Terms:
        return terms_of(self.name, self._pricing, free=is_loopback(self._base_url()))

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """See `Model.stream`."""
        try:
            async with aclosing(self._stream(request)) as items:
                async for item in items:
                    yield item
        except ModelError:
            raise
        except (*CAUGHT, *GARBLED, NotImplementedError) as error:
            raise explain(error, self.name) from error

    async def close(self) -> None:
        """Close what this event loop has opened. The next request opens it again."""
        model = self._opened.pop(asyncio.get_running_loop(), None)
        if model is not None:
            await model.__aexit__(None, None, None)

    async def _stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        model = await self._open()
        messages = await to_theirs(request, model.system)
        asked = model_request_stream(
            model,
            messages,
            model_settings=self._limits(model, request),
            model_request_parameters=_parameters(model, request),
        )
        async with asked as response:
            events = cast("AsyncGenerator[ModelResponseStreamEvent]", aiter(response))
            async with aclosing(events):
                async for event in events:
                    if delta := _delta(event):
                        yield delta
            answer = response.get()
        _check_whole(answer, self.name)
        reply = to_ours(answer, model.system)
        for part in answer.tool_calls:
            if part.tool_name == OUTPUT_TOOL:
                yield part.args_as_json_str()
        yield reply

    async def _open(self) -> models.Model[Any]:
        loop = asyncio.get_running_loop()
        model = self._opened.get(loop)
        if model is None:
            model = self._build()
            self._opened[loop] = model
            await model.__aenter__()
        return model

    def _build(self) -> models.Model[Any]:
        try:
            return models.infer_model(self.name, self._connect)
        except UserError as error:
            text = f"{self.name} cannot be asked: {_lacking(str(error))}"
            raise AccessError(text, sent=False) from error

    def _connect(self, _: str) -> Provider[Any]:
        given = {"base_url": self._access.base_url, "api_key": self._access.api_key}
        return self._class(**{name: value for name, value in given.items() if value is not None})

    def _base_url(self) -> str:
        if self._access.base_url is not None:
            return self._access.base_url
        try:
            return self._build().base_url or ""
        except AccessError:
            return ""

    def _limits(self, model: models.Model[Any], request: Request) -> ModelSettings:
        limits = {
            **self._settings,
            "max_tokens": request.max_tokens,
            "max_retries": 0,
            "timeout": request.timeout_s,
            "request_timeout": request.timeout_s,
            "first_event_timeout": request.first_event_s,
        }
        known = {k: v for k, v in limits.items() if k not in model.unsupported_settings}
        return cast("ModelSettings", known)


def _parameters(model: models.Model[Any], request: Request) -> models.ModelRequestParameters:
    tools = [
        ToolDefinition(
            name=tool.name,
            parameters_json_schema=dict(tool.parameters),
            description=tool.description or None,
        )
        for tool in request.tools
    ]
    if request.output is None:
        return models.ModelRequestParameters(function_tools=tools)
    schema = dict(request.output)
    if model.profile.get("supports_json_schema_output", False):
        return models.ModelRequestParameters(
            function_tools=tools,
            output_mode="native",
            output_object=OutputObjectDefinition(schema, name=OUTPUT_TOOL),
        )
    output = ToolDefinition(
        name=OUTPUT_TOOL,
        parameters_json_schema=schema,
        description="Give the final answer.",
        kind="output",
    )
    return models.ModelRequestParameters(
        function_tools=tools, output_mode="tool", output_tools=[output], allow_text_output=False
    )


def _delta(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""


def _check_whole(answer: ModelResponse, name: str) -> None:
    """Raise where the answer was refused, or ended before its end."""
    if answer.finish_reason == "content_filter":
        said = (answer.provider_details or {}).get("refusal") or "its content policy"
        raise ContentRefusedError(f"{name} refused: {said}")
    if answer.finish_reason == "error":
        raise ConnectionFailedError(f"{name} broke off its reply.")
    # Where a stream just ends, pydantic-ai takes it for whole: some servers never give a reason.
    reason = (answer.provider_details or {}).get("finish_reason")
    ended = answer.finish_reason and (reason or answer.usage.has_values())
    if answer.state == "incomplete" or not ended:
        raise ConnectionFailedError(f"The reply of {name} was cut off.")


def _provider_class(name: str) -> type[Provider[Any]]:
    provider, colon, model = name.partition(":")
    if not colon or not model:
        raise DefinitionError(f"{name!r} names no model: say 'provider:model', or 'local'.")
    try:
        return infer_provider_class(provider)
    except ValueError as error:
        raise DefinitionError(
            f"There is no provider {provider!r}, as {name!r} would have it: "
            "say 'openai:…', 'anthropic:…' or another that pydantic-ai knows."
        ) from error
    except ImportError as error:
        raise DefinitionError(
            f"{name!r} needs the SDK of {provider}: pip install '{_package(provider)}'."
        ) from error


def _lacking(text: str) -> str:
    """Return what a provider lacks here, in our words where it is a key."""
    if found := _KEY_NAME.search(text):
        return f"it has no key. Set {found[0]}."
    return " ".join(text.split())


def _package(provider: str) -> str:
    """Return what to install: jackline's own extra, or else pydantic-ai's."""
    sdk = provider.partition("-")[0]
    if sdk in {"openai", "anthropic"}:
        return f"jackline[{sdk}]"
    return f"pydantic-ai-slim[{sdk}]"


def _checked(name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings. Raises where nothing would read one of them."""
    prefix = f"{name.partition(':')[0].partition('-')[0]}_"
    for key in settings:
        if key in _DONE_BY_US:
            raise DefinitionError(f"The setting {key!r} of {name} is jackline's: see the limits.")
        if key not in ModelSettings.__annotations__ and not key.startswith(prefix):
            raise DefinitionError(f"{name} has no setting {key!r}.")
    return settings
