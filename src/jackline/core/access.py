"""What a role may do: a table that a person can read.

Whoever opened a session may do everything in it, through Python. Who comes by a network needs a
right for it, too, and with one may see or act in the sessions of others of their tenant.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

Right = Literal["say", "see", "answer", "operate", "administer"]

# say: open sessions, say something in them, end their turns, fork and erase them: one's own.
# see: read everybody's sessions, their questions, and what they cost.
# answer: approve or decline what was asked in anybody's session but one's own.
# operate: end, resume and erase anybody's, raise limits.
# administer: make and revoke keys.
ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({"see"}),
    "user": frozenset({"say"}),
    "approver": frozenset({"see", "answer"}),
    "operator": frozenset({"see", "operate"}),
    "admin": frozenset({"say", "see", "answer", "operate", "administer"}),
}


def rights(roles: Iterable[str]) -> frozenset[Right]:
    """Return what these roles may do together. Roles of tools give no right."""
    return frozenset(right for role in roles for right in ROLES.get(role, ()))
