"""Where data came from, and who may read it: the labels that events carry."""

from typing import Literal

from jackline.core.value import Value

Integrity = Literal["untrusted", "system", "directory", "user", "developer"]

_ORDER: tuple[Integrity, ...] = ("untrusted", "system", "directory", "user", "developer")


class Label(Value, frozen=True):
    """Where a value came from, at worst, and who may read it.

    `readers` None is everybody; `sources` are the positions of the events that it came from.
    """

    integrity: Integrity = "untrusted"
    readers: frozenset[str] | None = None
    tenant: str = ""
    sources: frozenset[int] = frozenset()


def join(one: Label, other: Label) -> Label:
    """Return the label of what was made from both: the worse origin, the fewer readers."""
    assert one.tenant == other.tenant, "values of two tenants never meet"
    readers = one.readers
    if readers is None or other.readers is None:
        readers = other.readers if readers is None else readers
    else:
        readers &= other.readers
    integrity = _ORDER[min(_ORDER.index(one.integrity), _ORDER.index(other.integrity))]
    return Label(integrity, readers, one.tenant, one.sources | other.sources)
