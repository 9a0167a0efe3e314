"""Cedar decides about calls, where operators want it to: it can only refuse.

See the Cedar policy language (cedarpolicy.com; Cutler et al., "Cedar: A New Language for
Expressive, Fast, Safe, and Analyzable Authorization", 2024). What it cannot evaluate is refused,
though Cedar itself would leave such a policy out.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from typing import Any, cast

from jackline.core.errors import DefinitionError, InputError
from jackline.core.permit.rules import Request

_DIGITS = 8
_DECIMALS = 4
_LONG_MAX = (1 << 63) - 1
_DECIMAL_MAX = 922_337_203_685_477.0  # What Cedar's decimals hold.


class Cedar:
    """The policies of one text: `User` in its `Role`s and `Tenant`, `Action`, `Agent`, arguments.

    Raises `DefinitionError` where they are no policies, or Cedar is not installed.
    """

    def __init__(self, text: str) -> None:
        try:
            cedarpy: Any = import_module("cedarpy")
        except ImportError as error:
            raise DefinitionError(
                f"Cedar needs an extra: pip install 'jackline[cedar]' ({error})."
            ) from error
        try:
            self._policies = cedarpy.PolicySet.from_str(text)
        except ValueError as error:
            raise DefinitionError(f"These are no Cedar policies: {error}.") from None
        if not len(self._policies):
            raise DefinitionError(
                "There is no Cedar policy, so every call would be refused: begin with "
                "permit(principal, action, resource); and forbid what may not be."
            )
        self._ask = cedarpy.is_authorized
        self.digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]

    def refuses(self, request: Request) -> str:
        """See `Authority.refuses`."""
        user = {"type": "User", "id": f"{request.tenant}/{request.user}"}
        asked = {
            "principal": user,
            "action": {"type": "Action", "id": request.tool},
            "resource": {"type": "Agent", "id": request.agent},
            "context": _record(request.arguments),
        }
        said = self._ask(asked, self._policies, json.dumps(_entities(request, user)))
        if said.diagnostics.errors:
            raise InputError(f"Cedar could not judge the call: {said.diagnostics.errors[0]}")
        if said.allowed:
            return ""
        names = said.diagnostics.id_annotations_by_reason
        rules = sorted(names.get(each) or each for each in said.diagnostics.reasons)
        return ", ".join(rules) or "nothing permits it"


def _entities(request: Request, user: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return whom and what the policies may speak of."""
    roles = [{"type": "Role", "id": role} for role in sorted(request.roles)]
    tenant = {"type": "Tenant", "id": request.tenant}
    attributes = {"id": request.user, "tenant": request.tenant, "roles": sorted(request.roles)}
    groups: list[dict[str, Any]] = [
        {"uid": each, "attrs": {}, "parents": []} for each in [*roles, tenant]
    ]
    agent: dict[str, Any] = {
        "uid": {"type": "Agent", "id": request.agent},
        "attrs": {},
        "parents": [],
    }
    return [{"uid": user, "attrs": attributes, "parents": [*roles, tenant]}, agent, *groups]


def _record(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as Cedar reads them. What is null is absent: it has no such value."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if name.startswith("__"):
            # Cedar takes such keys for its own: a model could name an entity by them.
            raise InputError(f"Cedar takes the argument {name[:40]!r} for one of its own.")
        if value is not None:
            found[name] = _value(value)
    return found


def _value(value: object) -> object:
    """Return a value as Cedar has it. A number that it has not is text, which compares to none."""
    match value:
        case dict():
            return _record(cast("dict[str, Any]", value))
        case list():
            items = cast("list[object]", value)
            return [_value(each) for each in items if each is not None]
        case bool():
            return value
        case int():
            return value if -_LONG_MAX <= value <= _LONG_MAX else str(value)
        case float() if abs(value) < _DECIMAL_MAX and value == round(value, _DECIMALS):
            return {"__extn": {"fn": "decimal", "arg": f"{value:.{_DECIMALS}f}"}}
        case float():
            return repr(value)
        case _:
            return value
