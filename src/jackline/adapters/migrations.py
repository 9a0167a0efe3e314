"""Numbered scripts that make a schema: each is applied once, and none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from types import ModuleType

from jackline.core.errors import StoreError


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from the version before to this one."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Tells this script from a changed one."""
        return sha256(self.sql.encode()).hexdigest()


def migrations(schema: ModuleType) -> list[Migration]:
    """Return the steps that lie in a package, in order."""
    scripts = sorted(
        (script.name, script.read_text(encoding="utf-8"))
        for script in files(schema).iterdir()
        if script.name.endswith(".sql")
    )
    return [Migration(int(name[:4]), name.removesuffix(".sql"), sql) for name, sql in scripts]


def lacking(
    applied: Sequence[tuple[int, str]], known: Sequence[Migration], place: str
) -> list[Migration]:
    """Return the known steps that were not applied yet, where `applied` are version and checksum.

    Raises `StoreError` where a script was changed after it was applied.
    """
    for (version, checksum), migration in zip(applied, known, strict=False):
        if (version, checksum) != (migration.version, migration.checksum):
            raise StoreError(
                f"{place} was made by another {migration.name} than this jackline's: use the "
                "jackline that made it, or name another one."
            )
    return list(known[len(applied) :])
