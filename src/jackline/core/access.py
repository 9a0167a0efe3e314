"""What a role may do: a table that a person can read.

Whoever opened a session may do everything in it, through Python. Who comes by a network needs a
right for it, too, and with one may see or act in the sessions of others of their tenant.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, get_args

from jackline.core.errors import DefinitionError

Right = Literal["say", "see", "answer", "operate", "administer"]
RIGHTS: tuple[Right, ...] = get_args(Right)
Table = Mapping[str, Sequence[str]]

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


def expanded(roles: Iterable[str], table: Table) -> frozenset[str]:
    """Return these roles, and those that a table of one's own says they include."""
    held = frozenset(roles)
    return held.union(*(table.get(role, ()) for role in held))


def check_table(table: Table) -> None:
    """Raise `DefinitionError` unless all that a role includes are roles that there are."""
    for role, included in table.items():
        if role in ROLES:
            raise DefinitionError(
                f"{role!r} is a role that jackline has: what it may do does not change; "
                "give yours another name."
            )
        for name in included:
            if name not in ROLES:
                near = get_close_matches(name, ROLES, 1)
                right = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ROLES)}."
                raise DefinitionError(f"{role!r} includes {name!r}, which is no role: {right}")
