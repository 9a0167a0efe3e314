"""One tool as its team declares it."""

from dataclasses import dataclass, field

from jackline.core.flow import Declared


@dataclass(frozen=True)
class Tool:
    """A tool's effect, and what else is said of it."""

    effect: str
    declared: Declared = field(default_factory=Declared)


READ = Tool("read")
