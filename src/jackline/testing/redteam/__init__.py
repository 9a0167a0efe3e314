"""The attack on a user's agent: `jackline redteam`."""

from jackline.testing.redteam.campaign import Progress, attack, now
from jackline.testing.redteam.report import Entry, Extent, Report
from jackline.testing.scenario import ScenarioError

__all__ = ["Entry", "Extent", "Progress", "Report", "ScenarioError", "attack", "now"]
