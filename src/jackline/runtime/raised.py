"""What a session's limits may be raised to."""

from decimal import Decimal

from jackline.core.budget import micro_dollars
from jackline.core.errors import DefinitionError, InputError

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
