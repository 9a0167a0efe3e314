"""For how long a driver drives."""

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """How long the driver may believe that it drives, on a clock that no stop holds up."""

    until: float
