"""The crash test of a user's agent: `jackline crashtest`."""

from jackline.testing.crashtest.certify import (
    Extent,
    Found,
    Progress,
    Report,
    ScenarioError,
    certify,
)

__all__ = ["Extent", "Found", "Progress", "Report", "ScenarioError", "certify"]
