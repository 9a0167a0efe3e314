"""What a tool's parameters are, and whether what a model wrote fits them."""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NotRequired, cast, get_type_hints

import msgspec

from jackline.core.errors import DefinitionError, ToolError

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails, SchemaSerializer, SchemaValidator, ValidationError

ARGUMENTS_BYTES = 1 << 20
_DEPTH = 64
_ERRORS_TOLD = 5
_TEXT_CHARS = 1_000
_VALUE_CHARS = 80
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SECTION = re.compile(r"(Args|Arguments|Parameters):\s*")
_OTHER_SECTION = re.compile(r"[A-Z][A-Za-z ]*:\s*")
_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")
# What pydantic passes on of an exception, and where its schemas call nobody who checks a value.
_RAISED = frozenset(["value_error", "assertion_error"])
_UNCALLED = frozenset(["serialization", "metadata", "default", "cls", "generic_origin"])
_WORDLESS = frozenset(["pydantic", "pydantic_core", "builtins"])
_ALIASES = ("alias", "validation_alias", "serialization_alias")
_KINDS = {
    inspect.Parameter.VAR_POSITIONAL: "takes any number of arguments",
    inspect.Parameter.VAR_KEYWORD: "takes arguments of any name",
    inspect.Parameter.POSITIONAL_ONLY: "is positional-only",
}

# What makers of schemas raise of types that they do not know.
_UNTOLD = (TypeError, ValueError, NameError, AttributeError, RuntimeError, msgspec.MsgspecError)


class ArgumentsError(ToolError):
    """A model's arguments do not fit. `text` tells it which, and what would be right.

    `is_own` False: what the tool's author wrote may have put words into it, from wherever.
    """

    code = "arguments"

    def __init__(self, text: str, *, is_own: bool = True) -> None:
        super().__init__(text if len(text) <= _TEXT_CHARS else f"{text[: _TEXT_CHARS - 1]}…")
        self.is_own = is_own


@dataclass(frozen=True, slots=True)
class Schema:
    """The parameters of one function: how a model sees them, and how its text becomes values."""

    names: tuple[str, ...]
    json: Mapping[str, Any]
    validator: "SchemaValidator" = field(repr=False, compare=False)
    serializer: "SchemaSerializer" = field(repr=False, compare=False)
    defaults: Mapping[str, object] = field(repr=False, compare=False)
    has_sets: bool = field(repr=False, compare=False)
    judged: frozenset[str] = field(repr=False, compare=False)  # By code of the tool's author.

    def check(self, text: str) -> str:
        """Return the arguments in the one form that equal ones share: values as the tool gets them.

        Defaults are filled in, keys are sorted. Raises `ArgumentsError`. Values that JSON cannot
        give back as they are, like a `SecretStr`, leave all as the model wrote it.
        """
        canonical = _canonical(text)
        return (self._written(self._validate(canonical)) or canonical).decode()

    def bind(self, text: str) -> dict[str, object]:
        """Return the values that the function is to be called with, or raise `ArgumentsError`."""
        return self._validate(text.encode("utf-8", "replace") if text.strip() else b"{}")

    def _written(self, values: dict[str, object]) -> bytes | None:
        """Return the JSON of these values and the defaults, if it leads back to them."""
        filled = {**self.defaults, **values}
        # In JSON a set would have an order, another in each process: sorting takes it for a set.
        mode = "python" if self.has_sets else "json"
        try:
            plain = self.serializer.to_python(filled, mode=mode, by_alias=True, warnings=False)
            written = _ENCODER.encode(plain)
            return written if self.validator.validate_json(written) == filled else None
        except (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError):
            return None

    def _validate(self, canonical: bytes) -> dict[str, object]:
        try:
            return self.validator.validate_json(canonical)
        except ValueError as error:
            # It is what pydantic raises of a value, and only that.
            found = cast("ValidationError", error).errors(include_url=False, include_context=False)
            told = [self._sentence(one) for one in found[:_ERRORS_TOLD]]
            more = len(found) - len(told)
            told += [f"{more} more."] if more else []
            is_own = all(self._is_own(one) for one in found)
            raise ArgumentsError(" ".join(told), is_own=is_own) from None
        except Exception as error:
            said = f"The arguments could not be checked: a validator raised {type(error).__name__}."
            raise ArgumentsError(said, is_own=False) from error

    def _is_own(self, error: "ErrorDetails") -> bool:
        """Whether no code of the tool's author has worded an error, or the value that it shows."""
        if len(error["loc"]) == 1 and error["type"] in {"missing", "extra_forbidden"}:
            return True
        return error["type"] not in _RAISED and self.judged.isdisjoint(error["loc"][:1])

    def _sentence(self, error: "ErrorDetails") -> str:
        where = ".".join(str(step) for step in error["loc"])
        if error["type"] == "missing":
            return f"{where} is missing."
        if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
            return f"There is no argument {_shown(where)}: it takes {self._takes()}."
        message = error["msg"][:1].lower() + error["msg"][1:]
        return f"{where}: {message}, not {_shown(error['input'])}."

    def _takes(self) -> str:
        return ", ".join(self.names) or "none"


def schema_of(
    tool: str, function: Callable[..., object], parameters: Mapping[str, inspect.Parameter]
) -> Schema:
    """Return the schema of these parameters. Raises `DefinitionError`, naming the first bad one."""
    hints = hints_of(tool, function)
    described = _described(inspect.getdoc(function) or "")
    defaults: dict[str, object] = {}
    judged = set[str]()
    for name, parameter in parameters.items():
        _check_parameter(tool, name, parameter, hints)
        adapter, _ = _adapter(tool, name, hints[name])
        judged |= {name} if _runs_code(adapter.core_schema) else set()
        if parameter.default is not parameter.empty:
            defaults.update(_read_back(name, parameter.default, adapter))
    adapter, schema = _arguments(tool, parameters, hints)
    for name, parameter in parameters.items():
        shown: dict[str, Any] = schema["properties"][name]
        if name in described:
            shown.setdefault("description", described[name])
        if parameter.default is not parameter.empty:
            shown.update(_default(parameter.default))
    has_sets = b'"uniqueItems"' in msgspec.json.encode(schema)
    validator = cast("SchemaValidator", adapter.validator)
    return Schema(
        tuple(parameters),
        schema,
        validator,
        adapter.serializer,
        defaults,
        has_sets,
        frozenset(judged),
    )


def hints_of(tool: str, function: Callable[..., object]) -> dict[str, Any]:
    """Return the types of the function's parameters. Raises `DefinitionError`."""
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise DefinitionError(
            f"The types of {tool} cannot be read: {error}. Import them where {tool} is defined."
        ) from None


def result_of(hint: Any) -> Mapping[str, Any]:
    """Return the JSON schema of what a function returns, by the names that are written.

    It is empty where the type does not say what is in it.
    """
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - heavy

    class Open(GenerateJsonSchema):
        """What has no schema may be anything, and what no JSON is a default for is still there."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's

        def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
            """Return the schema of anything."""
            del schema, error_info
            return {}

    def plain(kind: Any) -> dict[str, Any]:
        return TypeAdapter[Any](kind).json_schema(mode="serialization", schema_generator=Open)

    # As results are written: models as pydantic does it, all else as msgspec does, if it knows it.
    for made in (partial(msgspec.json.schema, schema_hook=plain), plain):
        try:
            return made(hint)
        except _UNTOLD:
            continue
    return {}


def summary(function: Callable[..., object]) -> str:
    """Return the function's docstring up to its first section, which is what a model is told."""
    lines: list[str] = []
    for line in (inspect.getdoc(function) or "").splitlines():
        if _OTHER_SECTION.fullmatch(line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _check_parameter(
    tool: str, name: str, parameter: inspect.Parameter, hints: Mapping[str, Any]
) -> None:
    if parameter.kind in _KINDS:
        raise DefinitionError(
            f"{tool}: {name} {_KINDS[parameter.kind]}, which no model can be told; "
            "give each parameter a name of its own."
        )
    if name not in hints:
        raise DefinitionError(f"{tool}: {name} has no type; write for example {name}: str.")
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"{tool}: {name!r} is no name for a parameter; use at most 64 ASCII letters, "
            "digits and underscores."
        )
    if any(_has_alias(each) for each in getattr(hints[name], "__metadata__", ())):
        raise DefinitionError(
            f"{tool}: {name} has an alias, and a model writes arguments by their own names; "
            f"take the alias away and call {name} what the model is to write."
        )


def _has_alias(said: object) -> bool:
    """Whether an annotation gives a parameter another name, for one way or for both."""
    return any(getattr(said, each, None) is not None for each in _ALIASES)


def _adapter(tool: str, name: str, hint: Any) -> "tuple[TypeAdapter[Any], dict[str, Any]]":
    from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter  # noqa: PLC0415 - heavy
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - heavy

    class Untitled(GenerateJsonSchema):
        """A title repeats the name of its field, and costs tokens."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            del schema
            return False

    cause: Exception | None = None
    try:
        adapter = TypeAdapter[Any](hint)
        schema = adapter.json_schema(schema_generator=Untitled)
        if schema or hint in (Any, object):
            return adapter, schema
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError) as error:
        cause = error
    shown = getattr(hint, "__name__", None) or str(hint)
    raise DefinitionError(
        f"{tool}: {name} is of type {shown}, which no model can write as JSON; take text, "
        f"numbers, lists, dicts, dataclasses or pydantic models."
    ) from cause


def _arguments(
    tool: str, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]
) -> "tuple[TypeAdapter[Any], dict[str, Any]]":
    from typing_extensions import TypedDict  # noqa: PLC0415 - pydantic wants it of Python 3.11

    fields = {
        name: hints[name] if parameter.default is parameter.empty else NotRequired[hints[name]]
        for name, parameter in parameters.items()
    }
    make = cast("Callable[[str, dict[str, Any]], Any]", TypedDict)  # Its fields are not literal.
    kind = make(tool, fields)
    kind.__pydantic_config__ = {"extra": "forbid"}
    adapter, schema = _adapter(tool, "what it takes", kind)
    schema.pop("title", None)
    schema.setdefault("properties", {})
    return adapter, schema


def _runs_code(schema: object) -> bool:
    """Whether a schema of pydantic's calls more than its own functions and types on a value."""
    if isinstance(schema, Mapping):
        known = cast("Mapping[str, object]", schema)
        if known.get("custom_init") or known.get("post_init"):
            return True
        return any(_runs_code(each) for name, each in known.items() if name not in _UNCALLED)
    if isinstance(schema, list | tuple):
        return any(map(_runs_code, cast("Sequence[object]", schema)))
    module = str(getattr(schema, "__module__", ""))
    return callable(schema) and module.partition(".")[0] not in _WORDLESS


def _default(value: object) -> dict[str, Any]:
    """Return the default as models are told it, or nothing where it is no JSON."""
    from pydantic_core import PydanticSerializationError, to_jsonable_python  # noqa: PLC0415 - heavy

    try:
        return {"default": to_jsonable_python(value)}
    except (PydanticSerializationError, ValueError):
        return {}


def _read_back(name: str, default: object, adapter: "TypeAdapter[Any]") -> dict[str, object]:
    """Return the default as a model's own writing of it is read, or nothing where none is."""
    try:
        written = adapter.dump_json(default, by_alias=True, warnings=False)
        value = adapter.validate_json(written)
    except (ValueError, TypeError, RecursionError):
        return {}
    return {name: value} if value == default else {}


def _described(doc: str) -> dict[str, str]:
    """Return what a Google-style docstring says of each argument."""
    found: dict[str, str] = {}
    name, inside, indent = "", False, 0
    for line in doc.splitlines():
        depth = len(line) - len(line.lstrip())
        if _SECTION.fullmatch(line):
            inside, indent = True, 0
        elif inside and line.strip() and not depth:
            inside = False
        elif inside and line.strip():
            indent = indent or depth
            match = _ARGUMENT.fullmatch(line.strip()) if depth == indent else None
            if match:
                name, found[match[1]] = match[1], match[2]
            elif name:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _canonical(text: str) -> bytes:
    if len(text) > ARGUMENTS_BYTES:
        raise ArgumentsError(
            f"The arguments are {len(text):,} characters long; {ARGUMENTS_BYTES:,} are allowed."
        )
    try:
        value: object = msgspec.json.decode(text if text.strip() else "{}")
        canonical = _ENCODER.encode(value)
    except RecursionError:
        raise ArgumentsError(_TOO_DEEP) from None
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise ArgumentsError(f"The arguments are no JSON: {_reason(error)}.") from None
    if not isinstance(value, dict):
        raise ArgumentsError(f"The arguments must be one JSON object, not {_shown(value)}.")
    if text.count("{") + text.count("[") > _DEPTH and _depth(cast("object", value)) > _DEPTH:
        raise ArgumentsError(_TOO_DEEP)
    # Without escapes each string has two quotes, so equal counts mean that no key was dropped.
    if "\\" in text or text.count('"') != canonical.count(b'"'):
        _refuse_duplicates(text)
    return canonical


_ENCODER = msgspec.json.Encoder(order="sorted")
_NESTED: tuple[type[object], ...] = (dict, list)
_TOO_DEEP = f"The arguments are nested more than {_DEPTH} levels deep."


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair stands alone"
    return str(error).removeprefix("JSON is malformed: ")


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= _DEPTH:
        level = [inner for outer in level for inner in _inside(outer)]
        depth += 1
    return depth


def _inside(value: object) -> list[object]:
    """Return the lists and objects in a list or an object."""
    inner = cast("dict[str, object]", value).values() if isinstance(value, dict) else value
    return [each for each in cast("list[object]", inner) if isinstance(each, _NESTED)]


def _refuse_duplicates(text: str) -> None:
    def unique(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ArgumentsError(f"{_shown(twice)} is given twice.")

    json.loads(text, object_pairs_hook=unique)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _VALUE_CHARS else f"{shown[: _VALUE_CHARS - 1]}…"
