"""`jackline keys`: make the keys that programs show to a server, list and revoke them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

import typer

from jackline.cli.opened import check_shared, existing_store
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import moment, print_json, print_table
from jackline.core.access import RIGHTS, ROLES, Right, expanded, rights
from jackline.core.errors import DefinitionError, InputError
from jackline.core.user import User
from jackline.interfaces.keys import FRESH_S, new_key
from jackline.opening import Surroundings, open_store
from jackline.ports import ApiKey, KeepsKeys, Keys, Store
from jackline.settings import Settings

T = TypeVar("T")

_NAME_MAX = 200
_NEVER = "never"
_SPAN = re.compile(r"([0-9]{1,6})\s*([smhd])")
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PREFIX_LENGTH = 15
_HEADS = ("!key", "name", "user", "roles", "scopes", "made", "holds until")


def keys(
    where: Where,
    *,
    what: Annotated[Literal["make", "list", "revoke"], typer.Argument(metavar="make|list|revoke")],
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="RIGHT", help=f"Only this: {', '.join(RIGHTS)}; repeatable."),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="SPAN", help="Like 12h, 90d or never.")] = "90d",
    as_json: Json = False,
) -> int:
    """Make a key that a program shows to a server, list those of a tenant, or revoke one.

    `make NAME` prints the key, once: what is kept cannot be turned back into it. Who shows it is
    --user of --tenant and has each --role; --scope narrows what these may do. `revoke` takes the
    beginning that `list` shows.
    """
    settings = where.settings()
    check_shared(settings)
    if what == "list":
        return _list(settings, as_json=as_json)
    if not name or len(name) > _NAME_MAX or not name.isprintable():
        needed = "what it is for" if what == "make" else "which one, as `list` shows it"
        raise InputError(f"Say {needed}: jackline keys {what} NAME.")
    if what == "revoke":
        return _revoke(settings, name, as_json=as_json)
    user = settings.identity
    scopes = _scopes(scope)
    _check_rights(user, scopes, settings)
    key = ApiKey("", name, user.tenant, user.id, tuple(sorted(user.roles)), scopes)
    return _make(settings, key, _lives_s(expires), as_json=as_json)


def _check_rights(user: User, scopes: tuple[Right, ...] | None, settings: Settings) -> None:
    held = rights(expanded(user.roles, settings.access))
    if held and (scopes is None or held.intersection(scopes)):
        return
    if held:
        raise InputError(
            f"A scope narrows what roles may do, and these may {' and '.join(sorted(held))} alone: "
            "the key could do nothing."
        )
    said = f"{', '.join(sorted(user.roles))} may do nothing" if user.roles else "It has no role"
    raise InputError(f"{said} there: say --role and one of {', '.join(ROLES)}.")


def _scopes(said: list[str] | None) -> tuple[Right, ...] | None:
    if not said:
        return None
    if unknown := sorted(set(said).difference(RIGHTS)):
        raise InputError(f"{unknown[0]!r} is no right: there are {', '.join(RIGHTS)}.")
    named: dict[str, Right] = {str(right): right for right in RIGHTS}
    return tuple(right for name, right in named.items() if name in said)


def _lives_s(said: str) -> float | None:
    if said == _NEVER:
        return None
    match = _SPAN.fullmatch(said.strip())
    if not match or int(match[1]) == 0:
        raise InputError(f"{said!r} is no span of time: write for example 12h, 90d or never.")
    return int(match[1]) * _UNITS_S[match[2]]


def _make(settings: Settings, key: ApiKey, lives_s: float | None, *, as_json: bool) -> Exit:
    async def made(store: Store, kept: Keys) -> tuple[ApiKey, str]:
        new = new_key(await store.key())
        asked = ApiKey(new.prefix, key.name, key.tenant, key.user, key.roles, key.scopes)
        return await kept.add(asked, new.digest, lives_s), new.shown

    row, shown = _run(settings, made)
    if as_json:
        print_json({"key": shown, **_plain(row)})
        return Exit.OK
    typer.echo(shown)
    whose = f"{row.user} of {row.tenant}, {', '.join(row.roles)}"
    typer.echo(
        f"{row.prefix} is {whose}, and holds {_until(row)}. It is not shown again.", err=True
    )
    return Exit.OK


def _list(settings: Settings, *, as_json: bool) -> Exit:
    existing_store(settings)
    rows = _run(settings, lambda _, kept: kept.listed(settings.identity.tenant))
    if as_json:
        print_json({"keys": [_plain(row) for row in rows]})
        return Exit.OK
    cells = [
        (row.prefix, row.name, row.user, ", ".join(row.roles), _narrowed(row), moment(row.made_at))
        for row in rows
    ]
    ends = map(_until, rows)
    print_table(_HEADS, [(*each, end) for each, end in zip(cells, ends, strict=True)])
    return Exit.OK


def _revoke(settings: Settings, name: str, *, as_json: bool) -> Exit:
    existing_store(settings)
    tenant, prefix = settings.identity.tenant, name[:_PREFIX_LENGTH]
    row = _run(settings, lambda _, kept: kept.revoke(tenant, prefix))
    if as_json:
        print_json(_plain(row))
    else:
        typer.echo(
            f"{row.prefix} ({row.name}) is revoked: servers take it for at most {FRESH_S:g} s."
        )
    return Exit.OK


def _run(settings: Settings, work: Callable[[Store, Keys], Awaitable[T]]) -> T:
    async def run() -> T:
        store = open_store(settings.store, Surroundings().wall_clock)
        try:
            if not isinstance(store, KeepsKeys):
                raise DefinitionError(f"{settings.store} keeps no keys: give another --store.")
            return await work(store, store.keys)
        finally:
            store.close()

    return asyncio.run(run())


def _plain(row: ApiKey) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _narrowed(row: ApiKey) -> str:
    return "all" if row.scopes is None else ", ".join(row.scopes)


def _until(row: ApiKey) -> str:
    if row.revoked_at is not None:
        return f"revoked {moment(row.revoked_at)}"
    return _NEVER if row.expires_at is None else f"until {moment(row.expires_at)}"
