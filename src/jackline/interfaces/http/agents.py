"""The agents that are served."""

from fastapi import APIRouter, Response

from jackline.interfaces.http.asking import Anybody, Known, Served
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import Agents, AgentShown, answers

router = APIRouter(tags=["agents"], route_class=Known)


@router.get("/agents", responses=answers(200, Agents))
async def list_agents(service: Served, caller: Anybody) -> Response:  # noqa: ARG001 - it has to be somebody
    """List the agents, and the tools that each has."""
    return json(
        Agents(
            tuple(
                AgentShown(agent.name, agent.version, tuple(each.name for each in agent.tools))
                for agent in service.agents.values()
            )
        )
    )
