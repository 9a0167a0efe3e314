"""Agents as models."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from jackline.interfaces.http.asking import Anybody, Served
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import answers
from jackline.interfaces.openai.refusals import Compatible, UnknownModelError
from jackline.interfaces.openai.shapes import Model, Models

router = APIRouter(tags=["openai"], route_class=Compatible)
Name = Annotated[str, Path(max_length=200)]


@router.get("/models", responses=answers(200, Models))
async def list_models(service: Served, caller: Anybody) -> Response:  # noqa: ARG001 - it has to be somebody
    """List the agents, as OpenAI lists models."""
    return json(Models(tuple(map(Model, service.agents))))


@router.get("/models/{model}", responses=answers(200, Model))
async def show_model(model: Name, service: Served, caller: Anybody) -> Response:  # noqa: ARG001 - as above
    """Show an agent, as OpenAI shows a model."""
    if model not in service.agents:
        raise UnknownModelError(f"There is no agent {model[:60]!r}.")
    return json(Model(model))
