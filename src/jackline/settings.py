"""Settings: what `jackline.toml` and the environment say, and which of them said it."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jackline.core.access import check_table
from jackline.core.errors import DefinitionError
from jackline.core.rates import parse
from jackline.core.turn import LEASE_S
from jackline.core.user import User

FILE = "jackline.toml"
PREFIX = "JACKLINE_"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Settings(BaseModel):
    """Where sessions are kept, which agents run, and on whose behalf.

    `engine` is what wakes workers where that is not up to the store, a URL that begins with
    `temporal://`, `app` is like `module:attribute`, and `policy` is a file of rules that only
    tighten. What is idle for `retention_days` is
    deleted whenever a process begins to drive; None keeps all. With `metrics_open` whoever reaches
    a server may read its metrics, and `metrics_tenants` has them tell tenants apart. `traces` go
    to a collector of OpenTelemetry; `traces_content` has them tell what was said.

    What a server lets whom do: `access` says which of jackline's roles a role of yours includes,
    and with `approve_own` who asked for something may say yes to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = "sqlite:///jackline.db"
    engine: str = ""
    app: str = ""
    policy: str = ""
    tenant: str = "default"
    user: str = "local"
    roles: tuple[str, ...] = ()
    lease_s: Annotated[float, Field(ge=1, le=3600)] = LEASE_S
    retention_days: Annotated[float | None, Field(gt=0)] = None
    access: Mapping[str, tuple[str, ...]] = {}
    approve_own: bool = False
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    oidc_tenant_claim: str = "tenant"
    oidc_user_claim: str = "sub"
    oidc_role_claim: str = "roles"
    metrics_open: bool = False
    metrics_tenants: bool = False
    traces: bool = False
    traces_content: bool = False
    key_rate: str = "100/s"
    tenant_rate: str = "500/s"
    key_streams: Annotated[int, Field(ge=0)] = 100
    tenant_streams: Annotated[int, Field(ge=0)] = 500
    origins: tuple[str, ...] = ()
    tenant_turns: Annotated[int | None, Field(ge=1)] = None
    tenant_queue: Annotated[int | None, Field(ge=1)] = None

    @field_validator("roles", "origins", mode="before")
    @classmethod
    def _split(cls, names: Any) -> Any:
        """Take names with commas between them, as the environment has no lists."""
        if not isinstance(names, str):
            return names
        return [name.strip() for name in names.split(",") if name.strip()]

    @field_validator("key_rate", "tenant_rate")
    @classmethod
    def _rated(cls, rate: str) -> str:
        """Refuse what is no rate. Nothing is none."""
        if rate:
            parse(rate)
        return rate

    @field_validator("origins")
    @classmethod
    def _named(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no browser says that it is: it would never be let in."""
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise DefinitionError(
                    f"{origin!r} is no origin of a page: write https://app.example.com, and "
                    "each of them by its name."
                )
        return origins

    @field_validator("access")
    @classmethod
    def _known(cls, access: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        check_table(access)
        return access

    @property
    def identity(self) -> User:
        """On whose behalf. Raises `InputError` where that can be nobody's name."""
        return User(self.user, self.tenant, self.roles)


@dataclass(frozen=True, slots=True)
class Read:
    """Settings, for each of them who said it, and variables that nobody asked for."""

    settings: Settings
    origins: Mapping[str, str]
    strange: tuple[str, ...] = ()


def read_settings(options: Mapping[str, Any] | None = None) -> Read:
    """Return the settings as options, environment and file say. None: not said.

    Raises `DefinitionError` where one of them is unknown, or no value for it.
    """
    said = {name: value for name, value in (options or {}).items() if value is not None}
    try:
        in_file = _in_file()
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{FILE} is no TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{FILE} cannot be read: {error}.") from None
    variables = {name.upper(): value for name, value in os.environ.items() if value}
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    set_here = {name: variables[each] for each, name in known.items() if each in variables}
    origins = {
        **dict.fromkeys(Settings.model_fields, "default"),
        **dict.fromkeys(in_file, FILE),
        **{name: f"{PREFIX}{name.upper()}" for name in set_here},
        **dict.fromkeys(said, "an option"),
    }
    try:
        settings = Settings.model_validate({**in_file, **set_here, **said})
    except ValidationError as error:
        raise DefinitionError(_sentence(error, origins)) from None
    strange = sorted(each for each in variables.keys() - known if each.startswith(PREFIX))
    return Read(settings, origins, tuple(strange))


def _in_file() -> Mapping[str, Any]:
    path = Path(FILE)
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _sentence(error: ValidationError, origins: Mapping[str, str]) -> str:
    """Return what is wrong with the first setting that is, and what would be right."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, Settings.model_fields, 1)
        right = f"did you mean {near[0]!r}?" if near else f"there are {_listed()}."
        return f"{FILE} sets {name!r}, which is no setting: {right}"
    value = str(first["input"])[:80]
    return f"{name} = {value!r} (from {origins[name]}): {first['msg']}."


def _listed() -> str:
    *others, last = Settings.model_fields
    return f"{', '.join(others)} and {last}"
