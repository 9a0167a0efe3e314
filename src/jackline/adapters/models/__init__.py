"""Models by name: hosted ones through pydantic-ai, and the small one that runs here."""

from collections.abc import Mapping
from typing import Any

from jackline.adapters.prices import Pricing
from jackline.core.budget import Price
from jackline.core.errors import DefinitionError
from jackline.ports import Model


def resolve(
    model: str | Model,
    *,
    price: Price | None = None,
    price_as: str = "",
    base_url: str | None = None,
    api_key: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Model:
    """Return the model of this name: `provider:model`, or `local`. A model is returned as it is.

    `price` or `price_as` (a model that costs the same) say what it costs where jackline does
    not know. Raises `DefinitionError` where there is no such provider, or its SDK is missing.
    """
    pricing = Pricing(price, price_as)
    if not isinstance(model, str):
        if price or price_as or base_url or api_key or settings:
            raise DefinitionError(f"{model!r} is a model already: give it its options itself.")
        return model
    if model == "local":
        from jackline.adapters.local import LocalModel  # noqa: PLC0415 - only for those who run it

        return LocalModel()
    # pydantic-ai takes half a second to import: only those who ask a provider pay for it.
    from jackline.adapters.models.hosted import Access, HostedModel  # noqa: PLC0415

    return HostedModel(model, Access(base_url, api_key), pricing, settings)
