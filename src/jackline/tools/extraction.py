"""A tool that gets one narrow value out of a text which its agent's model does not read.

Texts come from tools with `quarantined=True`. The runtime asks the agent's model anew, without
tools and without the conversation, as a step of the turn: reserved, paid, journaled, with a
deadline and one try. What the value may decide: docs/security.md.
"""

from jackline.core.extracting import extract

__all__ = ["extract"]
