"""The attack on a user's agent: `jackline redteam`."""

from jackline.testing.redteam.campaign import (
    Entry,
    Extent,
    Progress,
    Report,
    ScenarioError,
    attack,
    now,
)

__all__ = ["Entry", "Extent", "Progress", "Report", "ScenarioError", "attack", "now"]
