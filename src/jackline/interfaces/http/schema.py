"""The OpenAPI document: what FastAPI says of requests, and what the wire's own types say."""

from typing import Any

import msgspec
from fastapi import FastAPI

from jackline.core.events import Event
from jackline.interfaces.http import messages
from jackline.interfaces.http.shapes import SHAPES
from jackline.interfaces.openai.shapes import SHAPES as OPENAI
from jackline.interfaces.problems import MEDIA_TYPE, STATUSES

_REF = "#/components/schemas/{name}"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problems() -> dict[int | str, dict[str, Any]]:
    """Return what every endpoint may answer where it cannot do what was asked."""
    return {
        status: {"description": title, "content": _PROBLEM} for status, title in STATUSES.items()
    }


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, with the schema of every event."""
    made = FastAPI.openapi(app)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    (event, *_), events = msgspec.json.schema_components([Event], ref_template=_REF)
    _, shapes = msgspec.json.schema_components((*SHAPES, *OPENAI), ref_template=_REF)
    schemas |= events | shapes | messages.schemas(_REF)
    schemas["Event"] = event
    schemas["Streamed"] = {
        "description": "Server-sent events: each has an id to return with, and data that is JSON.",
        "type": "string",
    }
    return made
