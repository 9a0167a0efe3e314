"""What a session's limits may be raised to."""

from collections.abc import Mapping
from decimal import Decimal

from jackline.core.agent import Agent
from jackline.core.budget import dollars, micro_dollars
from jackline.core.errors import CallerError, DefinitionError, InputError

RAISABLE = ("usd", "session_usd", "driven_s", "model_calls", "tool_calls")
Amount = int | str | float | Decimal | None


def raised_to(name: str, value: Amount) -> int:
    """Return a limit as it is journaled: 0 for none."""
    if value is None and name in RAISABLE:
        return 0
    if name not in RAISABLE:
        raise InputError(f"{name!r} cannot be raised: it is one of {', '.join(RAISABLE)}.")
    try:
        found = micro_dollars(Decimal(str(value))) if "usd" in name else int(Decimal(str(value)))
    except (ValueError, OverflowError, ArithmeticError, DefinitionError):
        raise InputError(f"{name}={value!r} is no number to raise a limit to.") from None
    if found <= 0:
        raise InputError(f"{name}={value!r} lets nothing run: give more, or None for no limit.")
    return found


def raised(limits: Mapping[str, Amount], agent: Agent | None) -> dict[str, int]:
    """Return limits as they are journaled. Raises `CallerError` above what operators allow."""
    if not limits:
        raise InputError(f"Say which limit: {', '.join(RAISABLE)}.")
    found = {name: raised_to(name, value) for name, value in limits.items()}
    bounds = agent.bounds if agent else None
    for name, most in found.items():
        cap = bounds.caps.get(name) if bounds else None
        if cap is not None and (not most or most > cap):
            shown = dollars(int(cap)) if "usd" in name else f"{cap:g}"
            raise CallerError(
                f"The operator's policy holds {name} at {shown} here: raise it to that at most."
            )
    return found
