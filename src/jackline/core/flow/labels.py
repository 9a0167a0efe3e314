"""Where data came from, at worst, and who may read it: the labels that events carry."""

from typing import Literal, get_args

from jackline.core.errors import DefinitionError
from jackline.core.value import Value

Integrity = Literal["untrusted", "system", "directory", "user", "developer"]

LEVELS: tuple[Integrity, ...] = get_args(Integrity)
_RANK = {level: rank for rank, level in enumerate(LEVELS)}


class Label(Value, frozen=True):
    """Where a value came from, at worst, and who may read it.

    `readers` None is everybody; `sources` are the positions of the events that it came from.
    """

    integrity: Integrity = "untrusted"
    readers: frozenset[str] | None = None
    tenant: str = ""
    sources: frozenset[int] = frozenset()


class From(Value, frozen=True):
    """A floor: what a critical argument has to come from, this or better.

    `extracted`: a number, a date, a bool or one of several words will also do if a quarantined
    extraction made it of untrusted text. It is then of the right kind, and nothing more.
    """

    level: Integrity
    extracted: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no level. Raises `DefinitionError`."""
        if self.level not in LEVELS:
            raise DefinitionError(
                f"From({self.level!r}) is no origin; say one of {', '.join(LEVELS)}."
            )


def endorse(reason: str) -> From:
    """Return the floor of an argument that anybody may decide, and why that does no harm."""
    if not reason.strip():
        raise DefinitionError('endorse wants its reason, as in endorse("only its user sees it").')
    return From("untrusted", reason=reason)


def suffices(integrity: Integrity, floor: Integrity) -> bool:
    """Whether what came from `integrity` may stand where `floor` is asked for."""
    return _RANK[integrity] >= _RANK[floor]


def worse(one: Integrity, other: Integrity) -> Integrity:
    """Return the worse origin of the two."""
    return one if _RANK[one] <= _RANK[other] else other


def join(one: Label, other: Label) -> Label:
    """Return the label of what was made from both: the worse origin, the fewer readers."""
    assert one.tenant == other.tenant, "values of two tenants never meet"
    readers = one.readers
    if readers is None or other.readers is None:
        readers = other.readers if readers is None else readers
    else:
        readers &= other.readers
    integrity = worse(one.integrity, other.integrity)
    return Label(integrity, readers, one.tenant, one.sources | other.sources)
